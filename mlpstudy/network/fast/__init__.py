"""The training step of `network` in less time, for many replicas at once. Nothing here defines anything new.

in_place  g and g' in one call, written over z
stack     backpropagation and the step of the optimizer, in memory that is kept
training  `train`, for replicas in stacks

Tests compare each with its plain form in `activations`, `mlp` and `training`, which are the ones to read.
"""
