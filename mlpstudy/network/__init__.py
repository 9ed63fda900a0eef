"""What trains: a multilayer perceptron, its gradients and its training loop, in NumPy and SciPy alone.

Read the files in this order:

1.  activations     the function g of every unit and its derivative g'
2.  losses          how wrong the output is, and the gradient that starts backpropagation
3.  initializers    how the weights are drawn before training
4.  mlp             the parameters theta, the forward pass and backpropagation
5.  ties            units with equal weights, which training cannot tell apart
6.  optimizers      how a gradient becomes a step, and how the learning rate changes over time
7.  in_place        g and g' once more, in one call and faster; tests compare it with activations
8.  stack           the training step: backpropagation once more, faster, and the update; tests compare it with mlp
9.  training        the loop over the steps
10. gradient_check  backpropagation compared with finite differences
"""
