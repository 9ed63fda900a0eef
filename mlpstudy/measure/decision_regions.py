"""Which class a network gives every point of the plane, for data with two inputs."""

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network import mlp
from mlpstudy.network.activations import Activation, Array

GRID = 80  # points along each side
POINTS = 400  # number of examples that are kept, to be drawn over the regions


def decision_regions(layers: mlp.Layers, activation: Activation, x: Array, y: Array) -> dict[str, NDArray[np.generic]]:
    """The class that each replica gives to every point of a grid around examples x (n, 2) with targets y (n, n_L).

    decision_regions (R, GRID, GRID), from bottom to top, -1 where h is not finite; decision_axes (2, GRID); and the
    first examples: decision_points (n, 2) with decision_classes (n,).
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
    """The index of the largest output; with a single output, 1 if it is above the boundary."""
    return (h[..., 0] > boundary).astype(np.intp) if h.shape[-1] == 1 else h.argmax(axis=-1)
