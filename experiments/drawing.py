"""Parts of the figures of studies: measured values with their spread, and published ones beside them."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.study import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Finding, Mean

if TYPE_CHECKING:  # matplotlib is slow to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LETTERS = 10  # of a title in one inch
COLOURS = {REPRODUCED: "#007a5a", NOT_REPRODUCED: "#c14a00", INCONCLUSIVE: "#6b6b6b"}
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d", "#8c6bb1")  # Okabe & Ito 2008
MARKERS = "os^Dv<>P"
DASHED: dict[str, Any] = {"color": "0.15", "linestyle": "--", "linewidth": 1.2}


def figure() -> "Figure":
    """An empty figure."""
    from matplotlib.figure import Figure

    return Figure((9.0, 3.6), layout="constrained")


def title(figure: "Figure", text: str) -> None:
    """A title in lines that fit the width of the figure."""
    lines = textwrap.fill(text, int(LETTERS * figure.get_figwidth()))
    figure.suptitle(lines, x=0.01, ha="left", weight="bold", fontsize=11)


def panels(figure: "Figure", columns: int, rows: int = 1, width: float = 4.2, height: float = 3.4) -> "list[Axes]":
    """Panels of this size in inches, row by row."""
    figure.set_size_inches(max(width * columns, 6.5), height * rows)
    axes = figure.subplots(rows, columns, squeeze=False)
    for one in axes.flat:
        one.spines[["top", "right"]].set_visible(False)
    return list(axes.flat)


def series(
    axes: "Axes", values: NDArray[np.float64], place: int, label: str, x: NDArray[Any] | None = None, **line: Any
) -> None:
    """Mean over networks, the first axis of values, with the range in which 95 % of them lie shaded.

    place: which colour and marker. x: by default the numbers of the layers, 1, 2, ...
    """
    x = np.arange(1, values.shape[1] + 1) if x is None else x
    with np.errstate(invalid="ignore"):
        middle, low, high = values.mean(axis=0), *np.quantile(values, (0.025, 0.975), axis=0)
    axes.plot(x, middle, label=label, markevery=max(1, len(middle) // 12), **look(place) | line)
    axes.fill_between(x, low, high, color=look(place)["color"], alpha=0.18, linewidth=0)


def look(place: int) -> dict[str, Any]:
    """Colour and marker of a series."""
    return {"color": SERIES[place % len(SERIES)], "marker": MARKERS[place % len(MARKERS)], "markersize": 4}


def points(axes: "Axes", x: Any, y: Any, place: int, label: str = "_", **line: Any) -> None:
    """Markers without a line."""
    axes.plot(x, y, label=label, **look(place) | {"linestyle": ""} | line)


def dots(axes: "Axes", x: float, values: NDArray[np.float64], place: int, label: str = "_") -> None:
    """A dot for each network, and a line at their mean."""
    points(axes, np.full(len(values), x), values, place, alpha=0.5)
    axes.plot([x - 0.09, x + 0.09], [values.mean()] * 2, color=look(place)["color"], linewidth=2.5, label=label)


def published(axes: "Axes", x: Any, values: Any, label: str = "published", **line: Any) -> None:
    """Published or predicted values: a dashed line in front of the measured ones. A label is in the legend once."""
    once = "_" if label in [other.get_label() for other in axes.lines] else label
    axes.plot(x, values, label=once, **DASHED | {"zorder": 4} | line)


def level(axes: "Axes", y: float, label: str = "chance") -> None:
    """A dashed line at one height."""
    axes.axhline(y, label=label, **DASHED)


def labelled(axes: "Axes", title: str, x: str, y: str, *, log: str = "", legend: bool = True) -> None:
    """Title, names of both axes, and a legend. log: "x", "y" or "xy", the axes that are logarithmic."""
    axes.set_title(title, fontsize=9.5, loc="left")
    axes.set(xlabel=x, ylabel=y, **{f"{axis}scale": "log" for axis in log})
    if legend:
        axes.legend(fontsize=8, frameon=False)


def claims(figure: "Figure", findings: Sequence[Finding]) -> None:
    """A panel for each claim: the published value, what each network measured, and the interval of the mean."""
    columns = min(len(findings), 4)
    axes = panels(figure, columns, -(-len(findings) // columns), width=3.0, height=2.1)
    for panel, finding in zip(axes, findings, strict=False):
        claim, values, colour = finding.claim, finding.measured, COLOURS[finding.verdict]
        panel.plot(np.linspace(-0.3, 0.3, len(values)), values, ".", color="0.7", markersize=4)
        panel.axhspan(claim.expected - claim.tolerance, claim.expected + claim.tolerance, color="0.85", zorder=0)
        panel.axhline(claim.expected, color="0.2", linewidth=1, linestyle="--")
        if isinstance(claim, Mean) and values.size:
            panel.plot([0.45, 0.45], claim.interval(values, finding.claims), color=colour, linewidth=3)
            panel.plot([0.45], [values.mean()], "o", color=colour)
        panel.set(xticks=[], xlim=(-0.5, 0.7))
        panel.set_title(f"{claim.statement}\n{finding.verdict}", fontsize=8, wrap=True, color=colour)
    for panel in axes[len(findings) :]:
        panel.set_axis_off()
    dashed = "dashed: published; grey: its rounding, or what the width explains"
    figure.supxlabel(f"{dashed}; dots: networks; bar: interval of the mean", fontsize=8, x=0.01, ha="left")
