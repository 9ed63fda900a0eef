"""Do gradients vanish or explode on their way back? delta_rms by layer, relative to the last hidden layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.tracking import Run
from reports import style

BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5}


def panels(runs: Sequence[Run]) -> tuple[int, int]:
    """Rows: activations; columns: depths."""
    grid = style.facets(style.layered(runs))
    return len(grid), len(grid[0])


def draw(axes: NDArray[Any], runs: Sequence[Run]) -> None:
    """One line per initializer: solid at initialization, dotted after training."""
    for row, facets in zip(axes, style.facets(style.layered(runs)), strict=True):
        for ax, (activation, layers) in zip(row, facets, strict=True):
            panel(ax, style.facet(runs, activation, layers), activation, layers)
        row[0].set_ylabel("rms of dJ/dz, relative to\nthe last hidden layer")
    style.footnote(axes, runs, log=True)
    start, end = style.style_key(label="at initialization"), style.style_key(linestyle=":", label="after training")
    style.legend(axes, [start, end])


def panel(axes: Axes, runs: Sequence[Run], activation: str, layers: int) -> None:
    """Gradient profiles of the runs of one activation and depth."""
    nothing, colours = [], style.colours(runs)
    lowest, highest = 1e-4, 1e4
    for run in runs:
        delta = run.arrays["delta_rms"]
        for snapshot, line in ((0, "-"), (-1, ":")):
            with np.errstate(divide="ignore", invalid="ignore"):
                relative = delta[snapshot] / delta[snapshot][:, -1:]
            relative[~(relative > 0) | ~np.isfinite(relative)] = np.nan
            if np.isnan(relative).all():
                nothing += [style.label(run)] if snapshot == 0 else []
                continue
            style.band(
                axes,
                np.arange(1, layers + 1),
                relative,
                log=True,
                color=colours[run.id],
                linestyle=line,
                linewidth=1.8,
                label=style.label(run) if snapshot == 0 else None,
            )
            if snapshot == 0:  # what training did is drawn as far as it fits
                lowest, highest = min(lowest, np.nanmin(relative)), max(highest, np.nanmax(relative))
    axes.set_yscale("log")
    axes.set_ylim(lowest / 2, highest * 2)
    thresholds(axes, runs)
    axes.set_title(style.panel_title(activation, layers))
    style.layer_axis(axes, layers)
    if nothing:
        text = f"no gradient reaches any\nhidden layer: {', '.join(nothing)}"
        axes.text(0.03, 0.04, text, transform=axes.transAxes, fontsize=8, color="0.3", va="bottom", bbox=BOX)


def thresholds(axes: Axes, runs: Sequence[Run]) -> None:
    """Shade where the verdicts vanishing and exploding begin, as these runs were judged."""
    if not runs:
        return
    low, high = axes.get_ylim()
    vanishing, exploding = (float(runs[0].params[f"verdict.{name}"]) for name in ("vanishing", "exploding"))
    for start, end, name, place in (
        (low, vanishing, "vanishing", "bottom"),
        (exploding, high, "exploding", "top"),
    ):
        axes.axhspan(start, end, color="0.5", alpha=0.12, linewidth=0)
        edge = vanishing if place == "bottom" else exploding
        axes.text(
            0.98, edge, f" {name} ", transform=axes.get_yaxis_transform(), ha="right", fontsize=8, color="0.4",
            va="top" if place == "bottom" else "bottom",
        )  # fmt: skip


FIGURE = style.Figure("Gradient scale from the output side to the input side", panels, draw, (3.6, 2.8))
