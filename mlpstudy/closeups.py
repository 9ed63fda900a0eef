"""What is measured besides the statistics per layer: Jacobian singular values, paths of units, decision regions."""

import numpy as np
from numpy.typing import NDArray

from mlpstudy import mlp
from mlpstudy.activations import Activation, Array
from mlpstudy.snapshot import Snapshot

INPUTS = 8  # at which the Jacobian is taken
UNITS = 8  # whose weights are followed
GRID = 80  # points a side of the decision regions
POINTS = 400  # examples kept to draw over them


def jacobian_singular_values(snapshot: Snapshot) -> NDArray[np.float64]:
    """Singular values of dh/dx at the first INPUTS probe samples, largest first: (R, inputs, min(n_0, n_L)).

    NaN where the Jacobian or h is not finite.
    """
    h = snapshot.trace.h[:, :INPUTS]
    with np.errstate(all="ignore"):
        found = mlp.jacobian(snapshot.layers, [slope[:, :INPUTS] for slope in snapshot.slopes], h.shape[1])
    finite = np.asarray(np.isfinite(found).all(axis=(2, 3)) & np.isfinite(h).all(axis=2))
    values = np.linalg.svd(np.where(finite[:, :, None, None], found, 0.0), compute_uv=False)
    return np.where(finite[:, :, None], values, np.nan)


def principal_axes(x: Array) -> NDArray[np.float64]:
    """The two directions along which the examples x (n, n_0) vary most, (n_0, 2); one input has but one."""
    centred = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    two = np.zeros((x.shape[1], 2))
    two[:, : len(axes[:2])] = axes[:2].T
    return two


def unit_paths(snapshot: Snapshot, axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the weight vectors of layer 1 are, seen along two axes: (units, 2) of the first replica's first UNITS."""
    W, _ = snapshot.layers[0]
    return np.asarray(W[0, :UNITS].astype(np.float64) @ axes)


def decision_regions(layers: mlp.Layers, activation: Activation, x: Array, y: Array) -> dict[str, NDArray[np.generic]]:
    """Which class each replica gives the points of a grid around examples x (n, 2), whose targets are y (n, n_L).

    decision_regions (R, GRID, GRID), rows upwards, -1 where h is not finite; decision_axes (2, GRID); and of the
    first examples decision_points (n, 2) with their decision_classes (n,).
    """
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.1 * (high - low)
    sides = np.linspace(low - margin, high + margin, GRID, axis=1)
    across, up = np.meshgrid(*sides)
    points = np.stack([across.ravel(), up.ravel()], axis=1).astype(x.dtype)
    with np.errstate(all="ignore"):
        h = mlp.predict(layers, activation, points[None])
    decided = np.where(np.isfinite(h).all(axis=2), _classes(h, 0.0), -1)
    return {
        "decision_regions": decided.astype(np.int16).reshape(-1, GRID, GRID),
        "decision_axes": sides.astype(np.float64),
        "decision_points": x[:POINTS],
        "decision_classes": _classes(y[:POINTS], 0.5).astype(np.int16),
    }


def _classes(h: Array, boundary: float) -> NDArray[np.intp]:
    """The largest output; of a single one, whether it is beyond the boundary."""
    return (h[..., 0] > boundary).astype(np.intp) if h.shape[-1] == 1 else h.argmax(axis=-1)
