"""The axes of panels: layers, steps and logarithms, limits that panels share, and marks of lines that leave them."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from reports.drawing import theme
from reports.drawing.words import decimal

FEW = 3  # of so many lines that leave an axis, each is labelled
SPAN = 8  # decades that a shared log axis reaches from what is typical, at most
MANY = 5  # decades of an axis that is labelled by powers
OFF = "off the axis"  # marks of lines that leave it


def positive(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values that have a logarithm; NaN in place of the others."""
    return np.where((values > 0) & np.isfinite(values), values, np.nan)


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


def log_axis(axes: Axes, *limits: float, highest: float = np.inf) -> None:
    """A logarithmic vertical axis that holds every line and these limits, up to the highest.

    It need not hold every band, which is wide where replicas are few.
    """
    axes.set_yscale("log")
    heights = [np.asarray(line.get_ydata(), dtype=np.float64) for line in axes.lines]
    shown = positive(np.concatenate([*heights, limits]))
    if np.isfinite(shown).any():
        axes.set_ylim(np.nanmin(shown) / 1.3, min(np.nanmax(shown) * 1.3, highest))
    else:
        axes.set_ylim(0.1, 10)
    _log_ticks(axes)


def _log_ticks(axes: Axes) -> None:
    """Ticks at decades, and at 2 and 5 between them if there are few decades; powers of ten if there are many."""
    low, high = axes.get_ylim()
    decades = np.log10(high) - np.log10(low)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,), numticks=8))
    axes.yaxis.set_major_formatter(power if decades > MANY else decimal)
    axes.yaxis.set_minor_locator(NullLocator())


def power(x: float, _position: float = 0) -> str:
    """`1e-2`, `1`, `1e6`: powers of ten on an axis of many decades, all written in the same way."""
    exponent = round(np.log10(x))
    return f"1e{exponent}" if exponent else "1"


def same_limits(panels: NDArray[Any]) -> None:
    """Give panels, (rows, columns), the same vertical axis, with numbers at the first of each row.

    A log axis reaches SPAN decades from the typical peak of a line at most, since one line of 1e-40 would flatten all
    others. Lines that leave it are marked.
    """
    logs = [ax for ax in panels.flat if ax.get_yscale() == "log"]  # an empty panel is linear
    limits = np.array([ax.get_ylim() for ax in logs or panels.flat])
    low, high = float(limits.min()), float(limits.max())
    if logs:
        peaks = [np.nanmax(values) for ax in logs for _, values in labelled(ax)]
        typical = float(np.median(peaks)) if peaks else 1.0
        low, high = max(low, typical / 10**SPAN), min(high, typical * 10**SPAN)
    for row in panels:
        for ax in row:
            ax.set_ylim(low, high)
            ax.tick_params(labelleft=ax is row[0])
            if ax in logs:
                _log_ticks(ax)
                off_scale(ax)


def labelled(axes: Axes) -> list[tuple[Line2D, NDArray[np.float64]]]:
    """The lines of runs in a panel that a log axis can show, and their values."""
    mine = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    values = [(line, positive(np.asarray(line.get_ydata(), dtype=np.float64))) for line in mine]
    return [(line, y) for line, y in values if np.isfinite(y).any()]


def off_scale(axes: Axes) -> None:
    """An arrow at the border where a line leaves the axis, with the value that it reaches."""
    low, high = axes.get_ylim()
    below = [(line, int(np.nanargmin(y)), np.nanmin(y)) for line, y in labelled(axes) if np.nanmin(y) < low]
    above = [(line, int(np.nanargmax(y)), np.nanmax(y)) for line, y in labelled(axes) if np.nanmax(y) > high]
    for end, beyond, shape, up in ((low, below, "v", 1), (high, above, "^", -1)):
        for place, (line, i, value) in enumerate(beyond):
            x, colour = float(np.asarray(line.get_xdata())[i]), line.get_color()
            axes.plot(x, end, shape, color=colour, markersize=6, clip_on=False, gid=OFF, zorder=4)
            if len(beyond) <= FEW:
                axes.annotate(
                    decimal(float(f"{value:.0e}")), (x, end), (8, up * (4 + 10 * place)), color=colour,
                    textcoords="offset points", fontsize=theme.SMALL, va="bottom" if up == 1 else "top",
                    path_effects=[withStroke(linewidth=2, foreground=theme.ink(0))],
                )  # fmt: skip
