"""Which class a network gives every point of the plane, for data with two inputs."""

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network import mlp
from mlpstudy.network.activations import Activation, Array

GRID = 80  # points along each side
FRAME = 32  # and of the regions at each snapshot
POINTS = 400  # number of examples that are kept, to be drawn over the regions


def decision_regions(layers: mlp.Layers, activation: Activation, x: Array, y: Array) -> dict[str, NDArray[np.generic]]:
    """The class that each replica gives to every point of a grid around examples x (n, 2) with targets y (n, n_L).

    decision_regions (R, GRID, GRID), from bottom to top, -1 where h is not finite; decision_axes (2, GRID); and the
    first examples: decision_points (n, 2) with decision_classes (n,).
    """
    sides = _sides(x, GRID)
    return {
        "decision_regions": _regions(layers, activation, sides),
        "decision_axes": sides.astype(np.float64),
        "decision_points": x[:POINTS],
        "decision_classes": _classes(y[:POINTS], 0.5).astype(np.int16),
    }


def decision_frame(layers: mlp.Layers, activation: Activation, x: Array) -> NDArray[np.int16]:
    """The class that the first replica gives to every point of a coarser grid, (FRAME, FRAME), to be seen over time."""
    first = [(W[:1], b[:1]) for W, b in layers]
    return np.asarray(_regions(first, activation, _sides(x, FRAME))[0])


def _sides(x: Array, points: int) -> Array:
    """Points along both sides of a rectangle around examples, a tenth larger at each end, (2, points)."""
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.1 * (high - low)
    return np.linspace(low - margin, high + margin, points, axis=1)


def _regions(layers: mlp.Layers, activation: Activation, sides: Array) -> NDArray[np.int16]:
    """The class at every point of a grid, (R, points, points); -1 where h is not finite."""
    across, up = np.meshgrid(*sides)
    points = np.stack([across.ravel(), up.ravel()], axis=1)
    with np.errstate(all="ignore"):
        h = mlp.predict(layers, activation, points[None])
    decided = np.where(np.isfinite(h).all(axis=2), _classes(h, 0.0), -1)
    return decided.astype(np.int16).reshape(-1, *across.shape)


def _classes(h: Array, boundary: float) -> NDArray[np.intp]:
    """The index of the largest output; with a single output, 1 if it is above the boundary."""
    return (h[..., 0] > boundary).astype(np.intp) if h.shape[-1] == 1 else h.argmax(axis=-1)
