"""How do weight initialization, activation function and depth decide whether a network trains?"""

__version__ = "0.1.0"
