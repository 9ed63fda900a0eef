"""Did it learn? Training loss and test accuracy against steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter
from numpy.typing import NDArray

from mlpstudy.results import mean_and_interval
from mlpstudy.tracking import Run
from reports import style

CURVES = {"loss_train": "training loss", "accuracy_test": "test accuracy"}
LOSS_CEILING = 100.0  # on the way to divergence a loss reaches 1e30, which would flatten all others


def curves(runs: Sequence[Run]) -> dict[str, str]:
    """The curves that these runs have; a regression has no accuracy."""
    return {name: title for name, title in CURVES.items() if any(f"curve_{name}" in run.arrays for run in runs)}


def panels(runs: Sequence[Run]) -> tuple[int, int]:
    """Rows: activations x curves; columns: depths."""
    grid = style.facets(runs)
    return len(grid) * len(curves(runs)), len(grid[0])


def draw(axes: NDArray[Any], runs: Sequence[Run]) -> None:
    """One line per initializer; a cross marks where the first replica diverged."""
    rows = [(facets, curve) for facets in style.facets(runs) for curve in curves(runs)]
    for row, (facets, curve) in zip(axes, rows, strict=True):
        for ax, (activation, layers) in zip(row, facets, strict=True):
            panel(ax, style.facet(runs, activation, layers), curve)
            ax.set_title(style.panel_title(activation, layers))
        row[0].set_ylabel(CURVES[curve])
    for ax in axes[-1]:
        ax.set_xlabel("step")
    style.footnote(axes, runs, log=True)
    diverged = any(not np.isfinite(run.arrays["curve_loss_train"]).all() for run in runs)
    cross = style.style_key(linestyle="", marker="x", label="a replica diverged")
    style.legend(axes, [cross] if diverged else [])


def panel(axes: Axes, runs: Sequence[Run], curve: str) -> None:
    """One curve of the runs of one activation and depth."""
    colours = style.colours(runs)
    for run in runs:
        if f"curve_{curve}" not in run.arrays:
            continue
        steps, values = run.arrays["curve_step"], run.arrays[f"curve_{curve}"]  # (E,), (E, R)
        log = curve.startswith("loss")
        colour = colours[run.id]
        style.band(axes, steps, values.T, log=log, color=colour, linewidth=1.6, label=style.label(run))
        broken = ~np.isfinite(values).all(axis=1)
        if broken.any():
            first = max(int(np.argmax(broken)) - 1, 0)
            height = float(mean_and_interval(values[first])[0])
            if log:  # non-finite from the start, or on its way: at the upper edge
                height = min(height, LOSS_CEILING) if np.isfinite(height) else LOSS_CEILING
            axes.plot(steps[first], height, "x", color=colour, markersize=9, markeredgewidth=2, clip_on=False)
    if curve.startswith("loss"):
        axes.set_yscale("log")
        drawn = np.concatenate([np.asarray(line.get_ydata()) for line in axes.lines] or [np.ones(1)])
        lowest = np.min(drawn[drawn > 0], initial=LOSS_CEILING)  # of the lines: a band of few replicas is wide
        axes.set_ylim(lowest / 2, min(axes.get_ylim()[1], LOSS_CEILING))
        axes.yaxis.set_major_formatter(LogFormatter())
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.4)))
    else:
        axes.set_ylim(0, 1.02)


FIGURE = style.Figure("Learning curves: training loss and test accuracy", panels, draw)
