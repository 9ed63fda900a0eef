"""Which layers sit on the flat part of g? Saturated share by layer and over training, and histograms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.tracking import Run
from reports import style

RIDGES = 6  # layers drawn per histogram panel
COLUMNS = 4
HISTOGRAM_ROWS = 3  # of panels


def shown(runs: Sequence[Run]) -> list[Run]:
    """Runs whose histograms are drawn: all that fit, else those of the middle depth first."""
    layered = style.layered(runs)
    depths = style.depths(layered)
    middle = depths[len(depths) // 2]
    if len(layered) > COLUMNS * HISTOGRAM_ROWS:
        layered = [run for run in layered if style.depth(run) == middle] or layered
    return layered[: COLUMNS * HISTOGRAM_ROWS]


def panels(runs: Sequence[Run]) -> tuple[int, int]:
    """Two panels per activation (by layer, over training), then a histogram panel per run."""
    runs = style.layered(runs)
    columns = min(COLUMNS, max(2 * len(style.activations(runs)), len(shown(runs))))
    return -(-2 * len(style.activations(runs)) // columns) + -(-len(shown(runs)) // columns), columns


def draw(axes: NDArray[Any], runs: Sequence[Run]) -> None:
    """Lines: one per initializer and depth (deeper is darker); ridges: activations of up to six layers."""
    runs = style.layered(runs)
    names = style.activations(runs)
    for i, activation in enumerate(names):
        mine = [run for run in runs if run.params["activation"] == activation]
        by_layer(axes.flat[2 * i], mine, activation)
        over_training(axes.flat[2 * i + 1], mine, activation)
    start = -(-2 * len(names) // axes.shape[1]) * axes.shape[1]
    for ax, run in zip(axes.flat[start:], shown(runs), strict=False):
        ridges(ax, run)
    for ax in [*axes.flat[2 * len(names) : start], *axes.flat[start + len(shown(runs)) :]]:
        ax.set_axis_off()
    text = "saturated: |g'(z)| below 5.9 % of its supremum (tanh: |a| > 0.97; ReLU: z < 0, the inactive side)"
    axes.flat[0].figure.supxlabel(text, fontsize=8, color="0.4")
    style.legend(axes)


def by_layer(axes: Axes, runs: Sequence[Run], activation: str) -> None:
    """Saturated share at initialization against relative position, so that depths share one axis."""
    lines = style.dashes(runs)
    for run in runs:
        layers = style.depth(run)
        x = np.linspace(0, 1, layers) if layers > 1 else np.array([0.5])
        name = f"{style.label(run)}, {layers} layer{'s' * (layers != 1)}"
        marker = "" if layers > 1 else "o"
        share = run.arrays["saturated_fraction"][0]
        style.band(axes, x, share, color=style.run_colour(run), linestyle=lines[run.id], marker=marker, label=name)
    axes.set_xticks([0, 1], ["first\nlayer", "last\nlayer"])
    axes.set_ylim(-0.03, 1.03)
    axes.set_title(f"{activation}: by layer, at initialization")
    axes.set_ylabel("saturated share")


def over_training(axes: Axes, runs: Sequence[Run], activation: str) -> None:
    """The worst layer's saturated share at every snapshot."""
    lines = style.dashes(runs)
    for run in runs:
        worst = run.arrays["saturated_fraction"].max(axis=2)  # (S, R)
        style.band(axes, run.arrays["step"] + 1, worst.T, color=style.run_colour(run), linestyle=lines[run.id])
    axes.set_xscale("log")
    axes.set_xlabel("step + 1")
    axes.set_ylim(-0.03, 1.03)
    axes.set_title(f"{activation}: worst layer, over training")


def ridges(axes: Axes, run: Run) -> None:
    """Histograms of the activations of up to six layers, first at the bottom: start filled, end as a line."""
    edges = run.arrays["histogram_edges"]
    counts = run.arrays["activation_histogram"].sum(axis=1)  # (H, depth, bins), over replicas
    layers = np.unique(np.linspace(0, counts.shape[1] - 1, min(RIDGES, counts.shape[1])).astype(int))
    middle = (edges[:-1] + edges[1:]) / 2
    for place, layer in enumerate(layers):
        for when, filled in ((0, True), (-1, False)):
            top = counts[when, layer].max()
            height = place + 0.85 * np.sqrt(counts[when, layer] / top) if top else np.full(len(middle), np.nan)
            if filled:
                axes.fill_between(middle, place, height, color=style.run_colour(run), alpha=0.45, linewidth=0)
            else:
                axes.plot(middle, height, color="0.25", linewidth=0.8)
    axes.set_yticks(range(len(layers)), [str(layer + 1) for layer in layers])
    axes.set_title(f"{run.name}")
    axes.set_xlabel("activation (filled: start, line: end; √ of count)", fontsize=8)
    axes.set_ylabel("layer")
    axes.grid(visible=False)


FIGURE = style.Figure("Saturation: how much of each layer sits where g is flat", panels, draw)
