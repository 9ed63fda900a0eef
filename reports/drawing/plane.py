"""Theory's plane of (sigma_w, sigma_b) for one activation: how deep networks can be, and the edge of chaos."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from mlpstudy import theory
from mlpstudy.network.activations import Activation
from reports.drawing import marks, theme

Window = tuple[float, float, float]  # least and largest sigma_w, and largest sigma_b
PER_OCTAVE, ROWS = 16, 31  # resolution of the picture: columns for each octave of sigma_w, and rows
DEPTH = (3.0, 1000.0)  # the depths at the ends of the colour scale
TICKS = (3, 10, 30, 100, 300, 1000)
RIDGE = np.geomspace(1e-3, 0.1, 12)  # distances from the ridge of a scale-invariant activation, where it has columns
POINT: dict[str, Any] = {"marker": "d", "markersize": 15, "markerfacecolor": "none", "markeredgewidth": 1.5}


def draw(axes: Axes, activation: Activation, window: Window, depth: int) -> None:
    """The trainable depth as colour, a line where it is this depth, and the edge of chaos, chi = 1.

    The edge is dotted if it is not usable, and a diamond if it is a single point.
    """
    plane, edge = depths(activation, *window), theory.edge_of_chaos(activation)
    look: dict[str, Any] = {"cmap": colours(), "norm": LogNorm(*DEPTH), "shading": "gouraud", "rasterized": True}
    axes.pcolormesh(plane.sigma_w, plane.sigma_b, np.clip(plane.depth, *DEPTH), **look)
    shallow = np.clip(plane.depth, 0.1, 1e4)
    axes.contour(plane.sigma_w, plane.sigma_b, shallow, levels=[depth], colors=[theme.ink(0.8)], linewidths=0.9)
    line: dict[str, Any] = {"color": theme.ink(), "linewidth": 2, "path_effects": halo(3.5)}
    if not in_sight(edge, window):
        marks.note(axes, "no edge of chaos here", 0.97, 0.96, ha="right", va="top")
    elif is_point(edge):
        axes.plot(edge.sigma_w[:1], edge.sigma_b[:1], clip_on=False, **line | POINT)
    else:
        for part, linestyle in ((edge.stable, "-"), (~edge.stable, ":")):
            if part.any():
                axes.plot(*(np.where(part, side, np.nan) for side in (edge.sigma_w, edge.sigma_b)), linestyle, **line)


def keys(activations: Sequence[Activation], window: Window) -> list[Line2D]:
    """The legend entries of the lines that `draw` draws of these activations."""
    edges = [edge for edge in map(theory.edge_of_chaos, activations) if in_sight(edge, window)]
    lines: list[dict[str, Any]] = []
    if any(not is_point(edge) for edge in edges):
        lines.append({"label": "edge of chaos", "linewidth": 2})
    if any(not edge.stable[edge.sigma_b <= window[2]].all() for edge in edges):
        lines.append({"label": "edge, unstable\nor saturated", "linewidth": 2, "linestyle": ":"})
    if any(is_point(edge) for edge in edges):
        lines.append({"label": "edge of chaos,\na single point", "linestyle": ""} | POINT | {"markersize": 10})
    if activations:
        lines.append({"label": "as deep as these\nnetworks are", "linewidth": 0.9})
    return [marks.style_key(color=theme.ink(), **line) for line in lines]


def colour_bar(axes: NDArray[Any]) -> None:
    """One colour bar for all panels."""
    scale, ticks = ScalarMappable(LogNorm(*DEPTH), colours()), {float(tick): str(tick) for tick in TICKS}
    marks.colour_bar(axes, scale, ticks, "layers that can be\ntrained, by theory")


def in_sight(edge: theory.Edge, window: Window) -> bool:
    """Does the edge of chaos cross this window?"""
    low, high, top = window
    return bool(((edge.sigma_w >= low) & (edge.sigma_w <= high) & (edge.sigma_b <= top)).any())


def is_point(edge: theory.Edge) -> bool:
    """Is the edge a single point, as for a scale-invariant activation?"""
    return edge.q.size > 0 and bool(np.ptp(edge.sigma_w) < 1e-9 and np.ptp(edge.sigma_b) < 1e-9)


@lru_cache(maxsize=64)
def depths(activation: Activation, low: float, high: float, top: float) -> theory.Plane:
    """The trainable depths of an activation on a grid over a window."""
    columns = np.geomspace(low, high, PER_OCTAVE * round(np.log2(high / low)) + 1)
    edge = theory.edge_of_chaos(activation)
    if is_point(edge):  # the single point of a scale-invariant g, and a ridge above it that is narrow
        ridge = edge.sigma_w[0] * np.concatenate([1 - RIDGE, [1.0], 1 + RIDGE])
        columns = np.union1d(columns, ridge[(ridge > low) & (ridge < high)])
    return theory.plane(activation, columns, np.linspace(0, top, ROWS))


def colours() -> str:
    """Colours from similar to the background to different from it."""
    return "YlGnBu" if theme.is_light() else "YlGnBu_r"


def halo(width: float) -> list[Any]:
    """An outline that separates a line or a marker from the colours behind it."""
    return [withStroke(linewidth=width, foreground=theme.ink(0))]
