"""When and where does the gradient vanish or explode? rms of dJ/dz by layer and training step, as colour."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from numpy.typing import NDArray

from mlpstudy.measure.intervals import mean_and_interval
from mlpstudy.palette import VERDICT_COLOURS
from reports.drawing import layout, marks, scales, style, theme, words

DECADES = 3  # decades of colour in each direction
NONE = -99.0  # stands for log10 of 0, below all colours
COLUMNS = 8


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """One panel for each run, all with the same colours and the same steps."""
    last = max(edges(run.arrays["step"])[-1] for run in runs)
    for ax, run in layout.each(axes, runs):
        heat(ax, run)
        ax.set_title(style.wrapped(run))
        ends = edges(run.arrays["step"])
        ax.set_xlim(ends[0], last)
        if not np.isfinite(run.arrays["delta_rms"][-1]).all(axis=1).any():  # all replicas diverged, so training ended
            ax.axvspan(ends[-1], last, color=theme.ink(0.3), linewidth=0)
    for ax, (_, depth) in zip(axes[:, 0], style.facets(runs), strict=True):
        ax.set_yticks([1, depth], ["layer 1\ninput", f"layer {depth}\noutput"])
    for ax in axes[:-1].flat:  # the last row has the label
        ax.set_xlabel("")
    colour_bar(axes, runs)
    marks.remark(
        axes,
        f"colour: geometric mean over those of {marks.replicas(runs)} that have a finite gradient other than 0. If all "
        "are 0, the colour is that of vanishing. Grey: all networks diverged, or no layer ever had a gradient",
    )


def heat(axes: Axes, run: style.Measured) -> None:
    """Layers upwards from the input, steps to the right."""
    values = relative(run)  # (depth, S)
    none = np.isneginf(values)
    values[none] = np.nan if none.all() else NONE
    depth = len(values)
    axes.pcolormesh(
        edges(run.arrays["step"]), np.arange(depth + 1) + 0.5, np.ma.masked_invalid(values),
        cmap=colours().with_extremes(bad=theme.ink(0.3)), vmin=-DECADES, vmax=DECADES, rasterized=True,
    )  # fmt: skip
    scales.step_axis(axes, last=float(run.arrays["step"][-1]) + 1)
    axes.set_yticks([])
    axes.grid(visible=False)
    if none.all():
        marks.note(axes, "no gradient\nin any layer", 0.5, 0.5, ha="center", va="center")
    elif np.isnan(values).all(axis=0).any():
        marks.note(axes, "diverged", 0.97, 0.5, ha="right", va="center")


def relative(run: style.Measured) -> NDArray[np.float64]:
    """log10 of delta_rms over that of the last hidden layer at the same step, (depth, S); the mean over replicas.

    -inf where no replica has a gradient and some are finite, NaN where none is.
    """
    delta = run.arrays["delta_rms"]  # (S, R, depth)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean, _ = mean_and_interval(np.log10(delta / delta[:, :, -1:]).swapaxes(0, 1))
    mean[(delta == 0).any(axis=1) & ~(delta > 0).any(axis=1)] = -np.inf
    return mean.T


def choose(runs: style.Runs) -> style.Runs:
    """The runs with at least two hidden layers, since the last one is the reference for the others."""
    reason = "none of these runs has two hidden layers to compare"
    return style.those(style.layered(runs), lambda run: style.depth(run) > 1, reason)


def edges(steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """The edges between the columns of snapshots, halfway in log(step + 1)."""
    logs = np.log(steps + 1.0)
    gaps = np.diff(logs) if len(logs) > 1 else np.ones(1)
    middles = logs[:-1] + gaps[: len(logs) - 1] / 2
    return np.asarray(np.exp(np.concatenate([[logs[0] - gaps[0] / 2], middles, [logs[-1] + gaps[-1] / 2]])))


def colours() -> Colormap:
    """From the colour of vanishing through the background to that of exploding."""
    low, high = (theme.legible(VERDICT_COLOURS[name]) for name in ("vanishing", "exploding"))
    ends = [theme.mixed(end, theme.ink(1), 0.35) for end in (low, high)]
    return LinearSegmentedColormap.from_list("flow", [ends[0], low, theme.ink(0.04), high, ends[1]])


def colour_bar(axes: NDArray[Any], runs: style.Runs) -> None:
    """One colour bar for all panels, with the names of the verdicts at their thresholds."""
    begins = {np.log10(float(runs[0].params[f"verdict.{name}"])): name for name in ("vanishing", "exploding")}
    ticks = {float(power): words.decimal(10.0**power) for power in range(-DECADES, DECADES + 1)}
    ticks |= {at: f"{words.decimal(10.0**at)} {name}" for at, name in begins.items() if abs(at) <= DECADES}
    scale = ScalarMappable(Normalize(-DECADES, DECADES), colours())
    marks.colour_bar(axes, scale, ticks, "rms of dJ/dz\n÷ last hidden layer")


def finding(runs: style.Runs) -> str:
    """In how many cells gradients vanish, at the start and at the end."""
    start, end = (sum(run.tags.get(tag) == "vanishing" for run in runs) for tag in ("verdict", "verdict_final"))
    none = sum(not np.nan_to_num(run.arrays["delta_rms"][0][:, 0]).any() for run in runs)
    text = f"Gradients vanish in {start} of {words.number(len(runs), 'cell')} at the start, and in {end} at the end"
    return text + (f"; the first layer of {none} gets none at all" if none else "")


FIGURE = style.Figure(
    "Gradients over training: where and when they vanish",
    layout.panels, draw, (1.5, 1.6), partial(style.by_facets, lines=COLUMNS), choose, ("delta_rms",),
    arranges=True, finding=finding,
)  # fmt: skip
