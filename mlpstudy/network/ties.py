"""Units with equal weights stay equal: this module finds them and keeps rounding from parting them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import unflatten


def find_ties(theta: Array, sizes: Sequence[int]) -> NDArray[np.intp] | None:
    """For each parameter, the index of the parameter that it always equals: (R, P); None if there are no equal units.

    Suppose two units of a hidden layer have the same incoming weights and bias (row of [W[l] b[l]]) and the same
    outgoing weights (column of W[l+1]). Swapping them does not change theta. So J is symmetric in the two units, their
    gradients are equal, and they stay equal after every step. This is exact in real numbers, but not in a matrix
    product: BLAS sums some columns in another order, which depends on the CPU. Training amplifies this rounding error
    until equal units become different. `tie` makes their gradients equal again.
    """
    index = np.tile(np.arange(theta.shape[1]), (len(theta), 1))
    tied = False
    for r in range(len(theta)):
        layers = unflatten(theta[r : r + 1], sizes)
        indices = unflatten(index[r : r + 1], sizes)
        first_inputs = np.arange(sizes[0])  # of each unit of the layer before, the first one that is equal to it
        for i, ((W, b), (W_index, b_index)) in enumerate(zip(layers, indices, strict=True)):
            first_units = np.arange(sizes[i + 1])  # the same of this layer; output units are never tied
            if i + 1 < len(layers):
                signature = np.concatenate([W[0], b[0].T, layers[i + 1][0][0].T], axis=1) + 0.0  # -0.0 is 0.0
                seen: dict[bytes, int] = {}
                first_units = np.array([seen.setdefault(s.tobytes(), j) for j, s in enumerate(signature)])
                tied = tied or len(seen) < len(signature)
            W_index[0] = W_index[0][np.ix_(first_units, first_inputs)]
            b_index[0] = b_index[0][:, first_units]
            first_inputs = first_units
    return index if tied else None


def tie(gradient: Array, index: NDArray[np.intp]) -> None:
    """Give every parameter the gradient (R, P) of the one it is tied to, in place; see `find_ties`."""
    gradient[...] = np.take_along_axis(gradient, index, axis=1)
