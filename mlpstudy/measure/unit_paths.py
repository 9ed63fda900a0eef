"""How the weight vectors of single units move during training, seen in the plane in which the inputs vary most."""

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.network.activations import Array

UNITS = 8  # number of units whose weights are followed


def principal_axes(x: Array) -> NDArray[np.float64]:
    """The two directions along which the examples x (n, n_0) vary most, (n_0, 2); the second is 0 if n_0 = 1."""
    centred = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    two = np.zeros((x.shape[1], 2))
    two[:, : len(axes[:2])] = axes[:2].T
    return two


def unit_paths(snapshot: Snapshot, axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates of weight vectors of layer 1 along two axes, (units, 2): the first UNITS units of replica 0."""
    W, _ = snapshot.layers[0]
    return np.asarray(W[0, :UNITS].astype(np.float64) @ axes)
