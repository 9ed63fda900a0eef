"""Did it learn? Loss and accuracy on training and test data against steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.results import mean_and_interval
from reports import marks, style

CURVES = {
    "loss_train": "training loss",
    "loss_test": "test loss",
    "accuracy_train": "training accuracy",
    "accuracy_test": "test accuracy",
}
LOSS_CEILING = 100.0  # on the way to divergence a loss reaches 1e30, which would flatten all others


def curves(runs: style.Runs) -> list[str]:
    """The curves that these runs have; a regression has no accuracy."""
    return [name for name in CURVES if any(f"curve_{name}" in run.arrays for run in runs)]


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth, a column for each curve."""
    return len(style.facets(runs)), len(curves(runs))


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """One line per initializer; a cross marks where the first replica diverged."""
    for row, (activation, layers) in zip(axes, style.facets(runs), strict=True):
        for ax, curve in zip(row, curves(runs), strict=True):
            panel(ax, style.facet(runs, activation, layers), curve)
        row[0].set_ylabel("loss")
        marks.same_limits(row[:2])
        if len(row) > 2:
            row[2].set_ylabel("accuracy")
            marks.same_limits(row[2:])
        marks.row_title(row[0], activation, layers)
    for ax, curve in zip(axes[0], curves(runs), strict=True):
        ax.set_title(CURVES[curve])
    marks.footnote(axes, runs, log=True)
    diverged = any(not np.isfinite(run.arrays["curve_loss_train"]).all() for run in runs)
    cross = marks.style_key(linestyle="", marker="x", markersize=8, markeredgewidth=2, label="a replica diverged")
    marks.legend(axes, [cross] if diverged else [])


def panel(axes: Axes, runs: Sequence[style.Measured], curve: str) -> None:
    """One curve of the runs of one activation and depth."""
    log = curve.startswith("loss")
    for run, look in style.looks(runs):
        if f"curve_{curve}" not in run.arrays:
            continue
        steps, values = run.arrays["curve_step"], run.arrays[f"curve_{curve}"]  # (E,), (E, R)
        marks.band(axes, steps, values.T, log=log, **look)
        broken = ~np.isfinite(values).all(axis=1)
        if broken.any():
            first = max(int(np.argmax(broken)) - 1, 0)
            height = float(mean_and_interval(values[first])[0])
            if log:  # non-finite from the start, or on its way: at the upper edge
                height = min(height, LOSS_CEILING) if np.isfinite(height) else LOSS_CEILING
            colour = look["color"]
            axes.plot(steps[first], height, "x", color=colour, markersize=8, markeredgewidth=2, clip_on=False)
    if log:
        marks.log_axis(axes, highest=LOSS_CEILING)
    else:
        axes.set_ylim(0, 1.02)
    axes.set_xlabel("training step")


FIGURE = style.Figure("Learning curves: what came of the training", panels, draw)
