"""The end-to-end Jacobian dh/dx of the whole network and its singular values."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Layers

INPUTS = 8  # number of inputs at which the Jacobian is computed


def jacobian(layers: Layers, slopes: Sequence[Array], inputs: int) -> NDArray[np.float64]:
    """dh/dx = W[L] diag(g'(z[L-1])) W[L-1] ... diag(g'(z[1])) W[1] at some inputs, (R, inputs, n_L, n_0), in float64.

    slopes: g'(z[l]) at these inputs, (R, inputs, n_l) for each hidden layer.
    """
    W, _ = layers[-1]
    product = np.repeat(W[:, None].astype(np.float64), inputs, axis=1)
    for (W, _), slope in zip(layers[-2::-1], reversed(slopes), strict=True):
        product = (product * slope[:, :, None, :]) @ W[:, None].astype(np.float64)
    return product


def jacobian_singular_values(snapshot: Snapshot) -> NDArray[np.float64]:
    """Singular values of dh/dx at the first INPUTS probe samples, largest first: (R, inputs, min(n_0, n_L)).

    NaN if the Jacobian or h is not finite.
    """
    h = snapshot.trace.h[:, :INPUTS]
    with np.errstate(all="ignore"):
        product = jacobian(snapshot.layers, [slope[:, :INPUTS] for slope in snapshot.slopes], h.shape[1])
    finite = np.asarray(np.isfinite(product).all(axis=(2, 3)) & np.isfinite(h).all(axis=2))
    values = np.linalg.svd(np.where(finite[:, :, None, None], product, 0.0), compute_uv=False)
    return np.where(finite[:, :, None], values, np.nan)
