"""The parts of a panel: bands over replicas, theory, remarks and legends."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from mlpstudy.measure.intervals import mean_and_interval, share_interval, without_interval
from reports.drawing import hues, scales, style, theme, words

HAIR = 1e-3  # lines with a smaller relative difference look like one line
LETTERS = 14  # letters of that size in one inch
FEW = 3  # so many replicas are drawn one by one


def band(
    axes: Axes, x: NDArray[Any], values: NDArray[np.float64], log: bool = False, share: bool = False, **line: Any
) -> Line2D:
    """Mean over replicas (first axis of values) and its 95 % interval; of a few replicas, each of them.

    log: in log10, for a logarithmic axis. share: the values are shares, and the interval is inside [0, 1].
    """
    if log:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            centre, half = mean_and_interval(np.log10(values))
            low, middle, high = 10 ** (centre - half), 10**centre, 10 ** (centre + half)
    else:
        middle, half = mean_and_interval(values)
        low, high = share_interval(middle, half) if share else (middle - half, middle + half)
    (drawn,) = axes.plot(x, middle, markevery=max(1, len(x) // 6), **line)
    if len(values) > FEW:
        axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.16, linewidth=0)
    elif len(values) > 1:  # an interval of two or three values is wider than anything that was measured
        each = [np.column_stack([x, replica]) for replica in values]
        axes.add_collection(LineCollection(each, colors=drawn.get_color(), alpha=0.35, linewidths=0.7), autolim=False)
    return drawn


def profile(
    axes: Axes,
    runs: Sequence[style.Measured],
    name: str,
    snapshot: int,
    scaled: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.asarray,
    limits: tuple[float, ...] = (),
) -> None:
    """A statistic by layer on a log axis, with theory at initialization; runs that cannot be shown are named."""
    missing: dict[str, list[str]] = {}  # reason -> labels
    drawn: list[tuple[style.Measured, NDArray[np.float64]]] = []
    for run, look in hues.looks(runs):
        raw = run.arrays[name][snapshot]  # (R, depth)
        with np.errstate(all="ignore"):
            values = scales.positive(scaled(raw))
        if np.isnan(values).all():
            missing.setdefault(why_not(raw), []).append(look["label"])
            continue
        same = [other for other, line in drawn if coincide(values, line)]
        drawn.append((run, values))
        if same and style.hue(same[0]) != style.hue(run):
            missing.setdefault(f"same as {style.label(same[0])}", []).append(look["label"])
        band(axes, layers(values), values, log=True, **look)
        if snapshot == 0:
            predicted(axes, run, name, look["color"])
    scales.log_axis(axes, *limits)
    scales.layer_axis(axes, style.depth(runs[0]))
    below(axes, *(f"{why}: {style.listed(names, 3)}" for why, names in missing.items()))


def layers(values: NDArray[Any]) -> NDArray[np.int64]:
    """The numbers of the hidden layers, which are the last axis of these values."""
    return np.arange(1, values.shape[-1] + 1)


def coincide(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Do these two statistics, (R, depth) each, look the same?"""
    return one.shape == other.shape and np.allclose(one, other, rtol=HAIR, atol=0, equal_nan=True)


def why_not(values: NDArray[np.float64]) -> str:
    """The reason why a logarithmic axis cannot show any of these values, (R, depth)."""
    finite = np.isfinite(values).all(axis=1)
    return "0 in every layer" if finite.all() else "0, or diverged" if finite.any() else "diverged"


def below(axes: Axes, *lines: str) -> None:
    """Remarks under a panel, not wider than the panel."""
    width = int(LETTERS * axes.bbox.width / axes.figure.dpi)
    text = "\n".join(textwrap.fill(line, max(width, 20)) for line in lines)
    axes.set_xlabel(text, fontsize=theme.SMALL, color=theme.ink(0.75))


def predicted(axes: Axes, run: style.Measured, name: str, colour: str) -> None:
    """The prediction for every hidden layer, `theory_<name>`, as a thin dashed line, if there is one."""
    values = run.arrays.get(f"theory_{name}")
    if values is not None:
        shade = theme.mixed(colour, theme.ink(), 0.55)
        axes.plot(layers(values), values, "--", color=shade, linewidth=1.1, zorder=3)


def theory_key(runs: Sequence[style.Measured], name: str) -> list[Line2D]:
    """The legend entry for the dashed lines, if there are any."""
    there = any(f"theory_{name}" in run.arrays for run in runs)
    return [style_key(linestyle="--", linewidth=1.1, label="theory")] if there else []


def row_title(axes: Axes, activation: str, layers: int) -> None:
    """Write the name of a row of panels at its left end."""
    text = f"{activation}\n{words.number(layers, 'hidden layer')}"
    axes.annotate(
        text, (0, 0.5), (-6, 0), (axes.yaxis.label, "axes fraction"), "offset points",
        rotation=90, ha="right", va="center", ma="center", weight="bold",
    )  # fmt: skip


def shade(axes: Axes, low: float, high: float, verdict: str, end: str) -> None:
    """Shade the range in which a verdict applies, with its name at the end where the range begins."""
    grey = theme.ink(0.1)
    axes.axhspan(low, high, color=grey, linewidth=0, zorder=0)
    text = axes.text(0.98, low if end == "bottom" else high, f" {verdict} ", transform=axes.get_yaxis_transform())
    text.set(ha="right", va=end, fontsize=theme.SMALL, color=theme.ink(0.7), path_effects=[withStroke(foreground=grey)])


def note(axes: Axes, text: str, x: float = 0.03, y: float = 0.04, **placed: Any) -> None:
    """A remark inside a panel, on a background that hides the lines behind it."""
    box = {"facecolor": theme.ink(0), "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    axes.text(x, y, text, transform=axes.transAxes, fontsize=theme.SMALL, color=theme.ink(0.75), bbox=box, **placed)


def remark(axes: NDArray[Any], *lines: str) -> None:
    """Write remarks below the figure."""
    axes.flat[0].figure.supxlabel("\n".join(filter(None, lines)))


def footnote(axes: NDArray[Any], runs: Sequence[style.Measured], *remarks: str) -> None:
    """Write below the figure what lines and bands are, and the remarks."""
    log = any(ax.get_yscale() == "log" for ax in axes.flat)
    most = max(int(run.params["replicas"]) for run in runs)
    mean = f"line: mean over {replicas(runs)}{' (of log10 on log axes)' * log}"
    spread = "band: 95 % interval" if most > FEW else "thin lines: each of them"
    arrows = any(line.get_gid() == scales.OFF for ax in axes.flat for line in ax.lines)
    remark(
        axes,
        f"{mean}, without those that diverged{' or are 0' * log}; {spread}",
        "arrow: a line that leaves the axis there, and the value that it reaches" * arrows,
        no_interval(runs),
        *remarks,
    )


def no_interval(runs: Sequence[style.Measured]) -> str:
    """A line for each reason why runs have no interval; empty if all have one."""
    return without_interval([(run.name, run.tags.get("same_replicas")) for run in runs])


def replicas(runs: Sequence[style.Measured]) -> str:
    """`5 random initializations`: the number of replicas of the runs."""
    counts = [int(run.params["replicas"]) for run in runs]
    least = "" if min(counts) == max(counts) else f"{min(counts)} to "
    return least + words.number(max(counts), "random initialization")


def legend(axes: NDArray[Any], extra: Sequence[Line2D | Patch] = ()) -> None:
    """One legend for the whole page, each label once, right of the panels."""
    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    handles |= {str(line.get_label()): line for line in extra}
    if handles:
        axes.flat[0].figure.legend(list(handles.values()), list(handles), loc="outside right upper", handlelength=2)


def colour_bar(axes: NDArray[Any], scale: ScalarMappable, ticks: Mapping[float, str], label: str) -> None:
    """One colour bar for all panels; colours go on beyond its ends."""
    bar = axes.flat[0].figure.colorbar(scale, ax=list(axes.flat), extend="both", aspect=40)
    bar.set_ticks(list(ticks), labels=list(ticks.values()))
    bar.set_label(label)
    bar.outline.set_visible(False)


def style_key(**line: Any) -> Line2D:
    """A grey line for the legend, to explain a line style."""
    return Line2D([], [], **{"color": theme.ink(0.7)} | line)
