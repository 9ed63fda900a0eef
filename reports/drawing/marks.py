"""The parts of a panel: bands over replicas, theory, axes, remarks and legends."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from mlpstudy.measure.intervals import mean_and_interval, share_interval
from reports.drawing import hues, style, theme
from reports.drawing.words import decimal, no_interval

SMALL = 8  # points: the smallest text
HAIR = 1e-3  # lines with a smaller relative difference look like one line
LETTERS = 14  # letters of that size in one inch
FEW = 3  # so many replicas are drawn one by one
SPAN = 8  # decades that a shared log axis reaches from what is typical, at most
MANY = 5  # decades of an axis that is labelled by powers
EACH = "thin lines: each of them"
OFF = "off the axis"  # marks of lines that leave it


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
    missing: dict[str, list[str]] = {}
    drawn: list[tuple[style.Measured, NDArray[np.float64]]] = []
    for run, look in hues.looks(runs):
        raw = run.arrays[name][snapshot]  # (R, depth)
        with np.errstate(all="ignore"):
            values = scaled(raw)
        values = np.where((values > 0) & np.isfinite(values), values, np.nan)
        if np.isnan(values).all():
            missing.setdefault(why_not(raw), []).append(look["label"])
            continue
        same = [other for other, line in drawn if coincide(values, line)]
        drawn.append((run, values))
        if same and style.hue(same[0]) != style.hue(run):
            missing.setdefault(f"same as {style.label(same[0])}", []).append(look["label"])
        band(axes, np.arange(1, values.shape[1] + 1), values, log=True, **look)
        if snapshot == 0:
            predicted(axes, run, name, look["color"])
    log_axis(axes, *limits)
    layer_axis(axes, style.depth(runs[0]))
    below(axes, *(f"{why}: {style.listed(names, 3)}" for why, names in missing.items()))


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
    axes.set_xlabel(text, fontsize=SMALL, color=theme.ink(0.75))


def predicted(axes: Axes, run: style.Measured, name: str, colour: str) -> None:
    """The prediction for every hidden layer, `theory_<name>`, as a thin dashed line, if there is one."""
    values = run.arrays.get(f"theory_{name}")
    if values is not None:
        shade = theme.mixed(colour, theme.ink(), 0.55)
        axes.plot(np.arange(1, len(values) + 1), values, "--", color=shade, linewidth=1.1, zorder=3)


def theory_key(runs: Sequence[style.Measured], name: str) -> list[Line2D]:
    """The legend entry for the dashed lines, if there are any."""
    there = any(f"theory_{name}" in run.arrays for run in runs)
    return [style_key(linestyle="--", linewidth=1.1, label="theory")] if there else []


def layer_axis(axes: Axes, layers: int) -> None:
    """Label the ends of the horizontal axis, which counts hidden layers."""
    if layers > 1:
        axes.set_xticks([1, layers], ["layer 1\ninput", f"layer {layers}\noutput"])
        first, last = axes.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
    else:
        axes.set_xticks([1], ["layer 1\nthe only one"])
    axes.set_xlim(1 - 0.03 * layers, max(layers, 1.5) + 0.03 * layers)


def log_axis(axes: Axes, *limits: float, highest: float = np.inf) -> None:
    """A logarithmic vertical axis that holds every line and these limits, up to the highest.

    It need not hold every band, which is wide where replicas are few.
    """
    axes.set_yscale("log")
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=np.float64) for line in axes.lines] + [limits])
    drawn = drawn[(drawn > 0) & np.isfinite(drawn)]
    if drawn.size:
        axes.set_ylim(drawn.min() / 1.3, min(drawn.max() * 1.3, highest))
    else:  # no value is finite
        axes.set_ylim(0.1, 10)
    _log_ticks(axes)


def same_limits(panels: NDArray[Any]) -> None:
    """Give panels, (rows, columns), the same vertical axis, with numbers at the first of each row.

    A log axis reaches SPAN decades from the typical peak of a line at most, since one line of 1e-40 would flatten all
    others. Lines that leave it are marked.
    """
    drawn = [ax for ax in panels.flat if ax.get_yscale() == "log"] or [*panels.flat]  # an empty panel is linear
    limits = np.array([ax.get_ylim() for ax in drawn])
    low, high = float(limits.min()), float(limits.max())
    if drawn[0].get_yscale() == "log":
        peaks = [np.nanmax(values) for ax in drawn for _, values in labelled(ax) if np.isfinite(values).any()]
        typical = float(np.median(peaks)) if peaks else 1.0
        low, high = max(low, typical / 10**SPAN), min(high, typical * 10**SPAN)
    for row in panels:
        for ax in row:
            ax.set_ylim(low, high)
            ax.tick_params(labelleft=ax is row[0])
            if ax.get_yscale() == "log":
                _log_ticks(ax)
                off_scale(ax)


def labelled(axes: Axes) -> list[tuple[Line2D, NDArray[np.float64]]]:
    """The lines of runs in a panel, and their values; NaN where a log axis cannot show one."""
    mine = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    values = (np.asarray(line.get_ydata(), dtype=np.float64) for line in mine)
    return [(line, np.where((y > 0) & np.isfinite(y), y, np.nan)) for line, y in zip(mine, values, strict=True)]


def off_scale(axes: Axes) -> None:
    """An arrow at the border where a line leaves the axis, with the value that it reaches."""
    (low, high), sides = axes.get_ylim(), ((np.nanargmin, "v"), (np.nanargmax, "^"))
    there = [(line, values) for line, values in labelled(axes) if np.isfinite(values).any()]
    for end, (extreme, shape) in zip((low, high), sides, strict=True):
        reached = [(line, values, int(extreme(values))) for line, values in there]
        beyond = [(line, i, values[i]) for line, values, i in reached if not low <= values[i] <= high]
        beyond = [(line, i, value) for line, i, value in beyond if (value < low) == (shape == "v")]
        for place, (line, i, value) in enumerate(beyond):
            x, colour = float(np.asarray(line.get_xdata())[i]), line.get_color()
            axes.plot(x, end, shape, color=colour, markersize=6, clip_on=False, gid=OFF, zorder=4)
            if len(beyond) <= FEW:
                up = 1 if shape == "v" else -1
                axes.annotate(
                    decimal(float(f"{value:.0e}")), (x, end), (8, up * (4 + 10 * place)), color=colour,
                    textcoords="offset points", fontsize=SMALL, va="bottom" if up == 1 else "top",
                    path_effects=[withStroke(linewidth=2, foreground=theme.ink(0))],
                )  # fmt: skip


def _log_ticks(axes: Axes) -> None:
    """Ticks at decades, and at 2 and 5 between them if there are few decades; powers of ten if there are many."""
    low, high = axes.get_ylim()
    decades = np.log10(high) - np.log10(low)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,), numticks=8))
    axes.yaxis.set_major_formatter(power if decades > MANY else decimal)
    axes.yaxis.set_minor_locator(NullLocator())


def step_axis(axes: Axes, last: float = 1.0) -> None:
    """A logarithmic axis of steps, at least to the last. What is drawn is at step + 1, so that step 0 is on it."""
    last = max([last, *(float(np.max(line.get_xdata())) for line in axes.lines)])
    axes.set_xscale("log")
    axes.set_xlim(0.8, 1.25 * last)  # also if no value is finite
    axes.set_xlabel("training step")
    decades = int(np.log10(max(last - 1, 1)))
    steps = [0, *(10**power for power in range(0 if decades < 3 else 1, decades + 1, 1 + decades // 5))]
    axes.set_xticks([step + 1 for step in steps], [decimal(step) for step in steps])
    axes.xaxis.set_minor_locator(NullLocator())


def power(x: float, _position: float = 0) -> str:
    """`1e-2`, `1`, `1e6`: powers of ten on an axis of many decades, all written in the same way."""
    exponent = round(np.log10(x))
    return f"1e{exponent}" if exponent else "1"


def row_title(axes: Axes, activation: str, layers: int) -> None:
    """Write the name of a row of panels at its left end."""
    text = f"{activation}\n{layers} hidden layer{'s' * (layers != 1)}"
    axes.annotate(
        text, (0, 0.5), (-6, 0), (axes.yaxis.label, "axes fraction"), "offset points",
        rotation=90, ha="right", va="center", ma="center", weight="bold",
    )  # fmt: skip


def shade(axes: Axes, low: float, high: float, verdict: str, end: str) -> None:
    """Shade the range in which a verdict applies, with its name at the end where the range begins."""
    grey = theme.ink(0.1)
    axes.axhspan(low, high, color=grey, linewidth=0, zorder=0)
    text = axes.text(0.98, low if end == "bottom" else high, f" {verdict} ", transform=axes.get_yaxis_transform())
    text.set(ha="right", va=end, fontsize=SMALL, color=theme.ink(0.7), path_effects=[withStroke(foreground=grey)])


def note(axes: Axes, text: str, x: float = 0.03, y: float = 0.04, **placed: Any) -> None:
    """A remark inside a panel, on a background that hides the lines behind it."""
    box = {"facecolor": theme.ink(0), "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    axes.text(x, y, text, transform=axes.transAxes, fontsize=SMALL, color=theme.ink(0.75), bbox=box, **placed)


def footnote(axes: NDArray[Any], runs: Sequence[style.Measured], *remarks: str, log: bool = False) -> None:
    """Write below the figure what lines and bands are, and the remarks."""
    lines = f"line: mean over {replicas(runs)}{' (of log10 on log axes)' * log}"
    most = max(int(run.params["replicas"]) for run in runs)
    told = [f"{lines}, without those that diverged{' or are 0' * log}; {'band: 95 % interval' if most > FEW else EACH}"]
    if any(line.get_gid() == OFF for ax in axes.flat for line in ax.lines):
        told.append("arrow: a line that leaves the axis there, and the value that it reaches")
    text = "\n".join(filter(None, [*told, no_interval(runs), *remarks]))
    axes.flat[0].figure.supxlabel(text, fontsize=SMALL, color=theme.ink(0.7), x=0.01, ha="left")


def replicas(runs: Sequence[style.Measured]) -> str:
    """`5 random initializations`: the number of replicas of the runs."""
    counts = sorted({int(run.params["replicas"]) for run in runs})
    count = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{count} random initialization{'s' * (counts[-1] > 1)}"


def legend(axes: NDArray[Any], extra: Sequence[Line2D] = ()) -> None:
    """One legend for the whole page, each label once, right of the panels."""
    found: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    found |= {str(line.get_label()): line for line in extra}
    if found:
        axes.flat[0].figure.legend(list(found.values()), list(found), loc="outside right upper", handlelength=2)


def style_key(**style: Any) -> Line2D:
    """A grey line for the legend, to explain a line style."""
    return Line2D([], [], **{"color": theme.ink(0.7)} | style)
