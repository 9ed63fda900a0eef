"""Units with equal weights stay equal: this module finds them and keeps rounding from parting them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Gradients, unflatten


def find_ties(theta: Array, sizes: Sequence[int]) -> NDArray[np.intp] | None:
    """For each parameter the one it can never part from, as indices (R, P) into theta; None where all are free.

    Two units of a hidden layer with the same incoming row [W[l] b[l]] and the same outgoing column of
    W[l+1] can be swapped without changing theta, so J is symmetric in them, their gradients are equal and
    so is every step. That is exact in real numbers but not in a matrix product: BLAS sums the columns at
    the edge of a block in another order, by CPU, and training amplifies the difference until equal units
    part by rounding alone. `tie` puts the equality back.
    """
    index = np.tile(np.arange(theta.shape[1]), (len(theta), 1))
    tied = False
    for r in range(len(theta)):
        layers = unflatten(theta[r : r + 1], sizes)
        indices = unflatten(index[r : r + 1], sizes)
        first_inputs = np.arange(sizes[0])
        for i, ((W, b), (W_index, b_index)) in enumerate(zip(layers, indices, strict=True)):
            first_units = np.arange(sizes[i + 1])
            if i + 1 < len(layers):
                signature = np.concatenate([W[0], b[0].T, layers[i + 1][0][0].T], axis=1) + 0.0  # -0.0 is 0.0
                seen: dict[bytes, int] = {}
                first_units = np.array([seen.setdefault(s.tobytes(), j) for j, s in enumerate(signature)])
                tied = tied or len(seen) < len(signature)
            W_index[0] = W_index[0][np.ix_(first_units, first_inputs)]
            b_index[0] = b_index[0][:, first_units]
            first_inputs = first_units
    return index if tied else None


def tie(gradients: Gradients, index: NDArray[np.intp]) -> None:
    """Give every parameter the gradient of the one it is tied to, in place; see `find_ties`."""
    gradients.theta[...] = np.take_along_axis(gradients.theta, index, axis=1)
