"""How much does a small change of the input change the output? Singular values of dh/dx at initialization."""

import textwrap
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reports.drawing import findings, hues, layout, marks, scales, style, theme

ROUNDING = 1e-12  # squared singular values below this share of the largest are rounding in float32
LARGEST = 1e200  # larger values overflow in the computation of the axis
MEASURED: dict[str, Any] = {"linestyle": "-", "linewidth": 1.2, "marker": "o", "markersize": 3}
THEORY: dict[str, Any] = {"linestyle": ":", "linewidth": 1.2, "marker": "o", "markersize": 5, "markerfacecolor": "none"}


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """A row for each activation, a column for each depth, a place for each initializer."""
    places = style.labels(runs)
    for ax, mine in layout.by_depth(axes, runs):
        panel(ax, mine, places)
    for ax in axes[:, 0]:
        ax.set_ylabel("squared singular\nvalue of dh/dx")
    names = [textwrap.fill(place, style.LETTERS) for place in places]
    rotation = 90 if max(map(len, places)) * len(places) > 32 else 0
    for ax in axes.flat:
        ax.set_xticks(range(len(places)), names if ax in axes[-1] else [""] * len(places), rotation=rotation)
    inputs = runs[0].arrays["jacobian_singular_values"].shape[1]
    marks.remark(
        axes,
        f"dots: squared singular values at {inputs} inputs for {marks.replicas(runs)}, sorted from left to right. "
        "Values that are 0 up to rounding have no dot, but count in the mean. If all are 1, the network keeps every "
        "small change (dynamical isometry)",
        "theory: to first order in depth / width",
    )
    keys = [marks.style_key(label="measured: mean,\nand up to mean + std", **MEASURED)]
    if any("theory_jacobian" in run.arrays for run in runs):
        keys.append(marks.style_key(label="the same by theory", **THEORY))
    marks.legend(axes, keys)


def squares(run: style.Measured) -> NDArray[np.float64]:
    """Squared singular values of all inputs and replicas, sorted; without those that are not finite or too large."""
    with np.errstate(over="ignore"):
        values = np.square(run.arrays["jacobian_singular_values"], dtype=np.float64).ravel()
    return np.sort(values[values < LARGEST])


def panel(axes: Axes, runs: style.Runs, places: list[str]) -> None:
    """The initializers of one activation and depth side by side."""
    for run, look in hues.looks(runs):
        x, values, colour = places.index(style.label(run)), squares(run), look["color"]
        shown = values > ROUNDING * values.max(initial=0)
        if shown.any():
            spread = x + np.linspace(-0.42, -0.02, len(values))
            axes.plot(spread[shown], values[shown], ".", markersize=2, color=colour)
            moments(axes, x + 0.13, values.mean(), values.std(), color=colour, **MEASURED)
        else:
            axes.text(
                x, 0.03, "all 0" if values.size else "overflows", transform=axes.get_xaxis_transform(), rotation=90,
                ha="center", va="bottom", fontsize=theme.SMALL, color=colour,
            )  # fmt: skip
        mean, variance = run.arrays.get("theory_jacobian", (np.inf, np.inf))
        if variance < LARGEST**1.5:
            moments(
                axes, x + 0.33, mean, np.sqrt(max(variance, 0)), color=theme.mixed(colour, theme.ink(), 0.55), **THEORY
            )
    axes.axhline(1, color=theme.ink(0.6), linewidth=0.9, zorder=1)
    scales.log_axis(axes, 1.0)
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.grid(visible=False, axis="x")


def moments(axes: Axes, x: float, mean: float, deviation: float, **look: Any) -> None:
    """A circle at the mean and a line up to mean + standard deviation; mean - deviation is often negative."""
    axes.plot([x, x], [mean, mean + deviation], markevery=[0], **look)


def finding(runs: style.Runs) -> str:
    """In which networks the rms factor of a small change is nearest to 1, and farthest from it."""
    factors = {}
    for run in findings.deepest(runs):
        with np.errstate(all="ignore"):
            mean = np.log10(np.square(run.arrays["jacobian_singular_values"], dtype=np.float64).mean())
        if np.isfinite(mean):
            factors[run.name] = float(mean)
    if not factors:
        return "No network lets a small change through"
    best, worst = min(factors, key=lambda name: abs(factors[name])), max(factors, key=lambda name: abs(factors[name]))
    text = f"A small change is multiplied by {10 ** (factors[best] / 2):.2g} in {best} (rms over all directions)"
    return text + (f", by {10 ** (factors[worst] / 2):.0e} in {worst}" if worst != best else "")


FIGURE = style.Figure(
    "Jacobian at initialization: what small changes become",
    lambda runs: (len(style.panel_names(runs)), len(style.depths(runs))), draw, (2.9, 2.4),
    partial(layout.by_blocks, inits=8), style.layered,
    ("jacobian_singular_values",), finding=finding,
)  # fmt: skip
