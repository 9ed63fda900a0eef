"""What trains: a multilayer perceptron, its gradients and its training loop, in NumPy and SciPy alone.

Read the files in this order:

1. training        the loop: a minibatch, its gradient, a step (Algorithm 1 of the notes)
2. mlp             the parameters theta, the forward pass and backpropagation
3. activations     the function g of every unit and its derivative g'
4. losses          how wrong the output is, and the gradient that starts backpropagation
5. optimizers      how a gradient becomes a step, and how the learning rate changes over time
6. initializers    how the weights are drawn before training
7. ties            units with equal weights, which training cannot tell apart
8. gradient_check  backpropagation compared with finite differences

fast               the same training in less time, which is what a sweep runs; not needed to understand the rest
"""
