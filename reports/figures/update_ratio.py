"""How large are the steps? rms of the step over rms of the weights, healthy near 1e-3."""

from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.measure.intervals import mean_and_interval
from reports.drawing import hues, layout, marks, scales, style, theme, words

MEANING = "means over layers and steps are geometric means"
RULE = "rule of thumb:\nhealthy near 0.001"
HEALTHY = 1e-3  # a rule of thumb: much smaller steps hardly change a layer, much larger ones overwrite it
LEAST = (1e-5, 1e-1)  # the least range of the axis


def choose(runs: style.Runs) -> style.Runs:
    """The runs with hidden layers, if any of them took a step."""
    layered = style.layered(runs)
    if not any(np.isfinite(run.arrays.get("update_ratio", np.nan)).any() for run in layered):
        raise style.CannotDraw("none of these runs took a step: training.epochs=0, or all weights are 0")
    return layered


def columns(_: style.Runs) -> list[layout.Column]:
    """One line per initializer."""
    scale, first = "rms of step ÷ rms of W", partial(by_layer, ratio=lambda run: run.arrays["update_ratio"][0])
    return [
        layout.Column("by layer, first step", scale, first),
        layout.Column("by layer, second half of its steps", scale, partial(by_layer, ratio=late)),
        layout.Column("over training, mean over layers", scale, over_training),
    ]


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
        values = scales.positive(ratio(run))
        if np.isfinite(values).any():
            marks.band(axes, marks.layers(values), values, log=True, **look)
        else:
            nothing.append(style.label(run))
    rule(axes)
    scales.layer_axis(axes, style.depth(runs[0]))
    marks.below(axes, *[f"no step, or none that is finite: {style.listed(nothing, 2)}"] * bool(nothing))


def over_training(axes: Axes, runs: style.Runs) -> None:
    """The mean over layers at every snapshot."""
    for run, look in hues.looks(runs):
        values = scales.positive(geometric_mean(run.arrays["update_ratio"], axis=2))  # (S, R)
        if np.isfinite(values).any():
            marks.band(axes, run.arrays["step"] + 1, values.T, log=True, **look)
    scales.step_axis(axes)
    rule(axes)


def rule(axes: Axes) -> None:
    """A log axis with a line at the healthy ratio."""
    axes.axhline(HEALTHY, color=theme.ink(0.7), linestyle=":", linewidth=1.2, zorder=1)
    scales.log_axis(axes, *LEAST)


def finding(runs: style.Runs) -> str:
    """How many cells take steps near a thousandth of the weights."""
    medians = []
    for run in runs:
        with np.errstate(all="ignore"):
            logs = np.log10(run.arrays["update_ratio"][0])
        if np.isfinite(logs).any():
            medians.append(float(np.median(logs[np.isfinite(logs)])))
    near, known = sum(abs(median + 3) < 1 for median in medians), words.number(len(medians), "cell")
    return f"In {near} of {known}, first steps are within a decade of 0.001 of the weights"


FIGURE = style.Figure(
    "Update ratio: how large a step is beside the weights",
    *layout.table(columns, lambda _: [marks.style_key(linestyle=":", label=RULE)], MEANING),
    (3.3, 2.2), choose=choose, needs=("update_ratio",), arranges=True, finding=finding,
)  # fmt: skip
