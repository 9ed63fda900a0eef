"""How large are the steps? rms of the step over rms of the weights, healthy near 1e-3."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.measure.intervals import mean_and_interval
from reports.drawing import hues, marks, style, theme, words

HEADS = ("by layer, first step", "by layer, second half of its steps", "over training, mean over layers")
HEALTHY = 1e-3  # a rule of thumb: much smaller steps hardly change a layer, much larger ones overwrite it
LEAST = (1e-5, 1e-1)  # the least range of the axis


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth."""
    return len(style.facets(runs)), len(HEADS)


def choose(runs: style.Runs) -> style.Runs:
    """The runs with hidden layers; raises CannotDraw if none took a step."""
    found = style.layered(runs)
    if not any(np.isfinite(run.arrays.get("update_ratio", np.nan)).any() for run in found):
        raise style.CannotDraw("none of these runs took a step: training.epochs=0, or all weights are 0")
    return found


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """One line per initializer."""
    for row, (activation, layers) in zip(axes, style.facets(runs), strict=True):
        mine = style.facet(runs, activation, layers)
        by_layer(row[0], mine, first)
        by_layer(row[1], mine, late)
        over_training(row[2], mine)
        row[0].set_ylabel("rms of step ÷ rms of W")
        marks.row_title(row[0], activation, layers)
    marks.same_limits(axes)
    for ax, head in zip(axes[0], HEADS, strict=True):
        ax.set_title(head)
    marks.footnote(axes, runs, "means over layers and steps are geometric means", log=True)
    marks.legend(axes, [marks.style_key(linestyle=":", label="rule of thumb:\nhealthy near 0.001")])


def first(run: style.Measured) -> NDArray[np.float64]:
    """The ratio of the first step, (R, depth)."""
    return np.asarray(run.arrays["update_ratio"][0])


def late(run: style.Measured) -> NDArray[np.float64]:
    """Geometric mean over the snapshots in the second half of the steps, (R, depth)."""
    steps = run.arrays["step"]
    return geometric_mean(run.arrays["update_ratio"][2 * steps >= steps[-1]], axis=0)


def geometric_mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The geometric mean of the values that are finite and not 0; NaN if there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, _ = mean_and_interval(np.moveaxis(np.log10(values), axis, 0))
    return np.asarray(10**mean)


def by_layer(axes: Axes, runs: style.Runs, ratio: Callable[[style.Measured], NDArray[np.float64]]) -> None:
    """The ratio against layer."""
    nothing = []
    for run, look in hues.looks(runs):
        values = _shown(ratio(run))
        if np.isfinite(values).any():
            marks.band(axes, np.arange(1, values.shape[1] + 1), values, log=True, **look)
        else:
            nothing.append(style.label(run))
    _finish(axes)
    marks.layer_axis(axes, style.depth(runs[0]))
    marks.below(axes, *[f"no step, or none that is finite: {style.listed(nothing, 2)}"] * bool(nothing))


def over_training(axes: Axes, runs: style.Runs) -> None:
    """The mean over layers at every snapshot."""
    for run, look in hues.looks(runs):
        values = _shown(geometric_mean(run.arrays["update_ratio"], axis=2))  # (S, R)
        if np.isfinite(values).any():
            marks.band(axes, run.arrays["step"] + 1, values.T, log=True, **look)
    marks.step_axis(axes)
    _finish(axes)


def _shown(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values that have a logarithm; the others become NaN."""
    return np.where((values > 0) & np.isfinite(values), values, np.nan)


def _finish(axes: Axes) -> None:
    axes.axhline(HEALTHY, color=theme.ink(0.7), linestyle=":", linewidth=1.2, zorder=1)
    marks.log_axis(axes, *LEAST)


def finding(runs: style.Runs) -> str:
    """How many cells take steps near a thousandth of the weights."""
    near = known = 0
    for run in runs:
        with np.errstate(all="ignore"):
            logs = np.log10(run.arrays["update_ratio"][0])
        logs = logs[np.isfinite(logs)]
        known += bool(logs.size)
        near += bool(logs.size) and abs(float(np.median(logs)) + 3) < 1
    return f"In {near} of {words.number(known, 'cell')}, first steps are within a decade of 0.001 of the weights"


FIGURE = style.Figure(
    "Update ratio: how large a step is beside the weights",
    panels, draw, (3.3, 2.2), choose=choose, needs=("update_ratio",), arranges=True, finding=finding,
)  # fmt: skip
