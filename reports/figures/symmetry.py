"""Do equal neurons ever become different? Distinct units over training, rows of weights, and paths of units."""

import json
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing import findings, hues, marks, scales, style, theme, words

SYMMETRIC = ("zeros", "constant", "identical")
COLUMNS = 4
HEADS = (
    "distinct units,\nshare of a layer",
    "weights at the start,\na row a unit",
    "change of the weights,\nend - start",
    "paths of single units,\nsecond axis",
)
SHOWN = 32  # at most so many rows and columns of a weight matrix, so that entries stay visible


def choose(runs: style.Runs) -> style.Runs:
    """For each activation at its smallest depth: symmetric initializers, then random ones, as many as fit a page."""
    reason = "none of these runs came to its end, so none kept its last weights"
    ended = style.those(style.layered(runs), lambda run: run.status == "FINISHED", reason)
    if all(np.nanmin(run.arrays["distinct_units"], initial=1.0) == 1 for run in ended):
        raise style.CannotDraw("all units of these networks are different from each other, from the start to the end")
    chosen: list[Run] = []
    for activation in style.panel_names(ended):
        mine = [run for run in ended if run.params["activation"] == activation]
        least = style.facet(mine, activation, style.depths(mine)[0])
        chosen += in_turn(least)[:COLUMNS]
    return chosen


def in_turn(runs: style.Runs) -> style.Runs:
    """Symmetric initializers first, and each initializer once before one is repeated."""
    inits = [run.params["init"] for run in runs]
    turns = [(inits[:i].count(init), (*SYMMETRIC, init).index(init)) for i, init in enumerate(inits)]
    return [runs[i] for i in sorted(range(len(runs)), key=turns.__getitem__)]


def panels(runs: style.Runs) -> tuple[int, int]:
    """Columns: initializers; rows: distinct units, weight rows at the start, at the end, paths of units."""
    return 3 + any("unit_paths" in run.arrays for run in runs), len(runs)


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """Zeros, constant and identical beside a random initializer, for one activation."""
    for column, run in zip(axes.T, runs, strict=True):
        distinct_units(column[0], run)
        column[0].set_title(style.wrapped(run), weight="bold")
        weight_rows(column[1], run, change=False)
        weight_rows(column[2], run, change=True)
        if len(column) > 3:
            unit_paths(column[3], run)
    for ax, head in zip(axes[:, 0], HEADS, strict=False):
        ax.set_ylabel(head)
    marks.footnote(
        axes, runs,
        f"of each activation, up to {COLUMNS} of the networks of least depth",
        f"distinct units: every hidden layer. Images: layer 1 of the first replica (up to {SHOWN} x {SHOWN} weights), "
        "each with its own colours; grey: all 0",
        "paths: weights of single units of layer 1 along the two principal axes of the inputs, each panel on its own "
        "scale; ring: start, dot: end",
    )  # fmt: skip


def distinct_units(axes: Axes, run: style.Measured) -> None:
    """One line per hidden layer: from 1/n (all neurons the same) to 1 (all different)."""
    steps, share = run.arrays["step"], run.arrays["distinct_units"]  # (S,), (S, R, depth)
    for layer in range(share.shape[2]):
        marks.band(axes, steps + 1, share[:, :, layer].T, share=True, color=hues.run_colour(run), linewidth=1.2)
    scales.step_axis(axes)
    axes.set_ylim(-0.05, 1.05)
    marks.note(axes, f"at the end: {at_the_end(run)}", 0.5, 0.5, ha="center", va="center")


def at_the_end(run: style.Measured) -> str:
    """The number of distinct units in the layer with the fewest, in words."""
    shares = run.arrays["distinct_units"][-1]  # (R, depth)
    finite = ~np.isnan(shares).any(axis=1)
    if not finite.any():
        return "not finite"
    share, widths = np.median(shares[finite], axis=0), np.atleast_1d(json.loads(run.params["width"]))
    same = np.allclose(share * widths, 1) and widths.max() > 1
    text = "one distinct unit" if same else f"{share.min():.0%} distinct"
    return text if finite.all() else f"{text}\nof those that are finite"


def weight_rows(axes: Axes, run: Run, change: bool) -> None:
    """W[1] of replica 0 at the start, or its change in training, as an image: blue negative, red positive."""
    axes.set_facecolor(theme.ink(0.15))
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    try:
        weights = run.weights("initial")["W1"][0][:SHOWN, :SHOWN]
        if change:
            weights = run.weights("final")["W1"][0][:SHOWN, :SHOWN] - weights
    except NotMeasured as reason:
        marks.below(axes, f"not drawn: {reason}")
        return
    limit = float(np.abs(weights).max())
    if not np.isfinite(limit):
        axes.set_xlabel("not finite: this replica diverged")
    elif limit == 0:
        axes.set_xlabel("input (all 0)")
    else:
        axes.set_xlabel("input")
        image = axes.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
        bar = axes.figure.colorbar(
            image, ax=[axes], ticks=[-limit, 0, limit], format=lambda x, _: f"{x:.2g}", fraction=0.06, pad=0.03
        )
        bar.outline.set_visible(False)


def unit_paths(axes: Axes, run: style.Measured) -> None:
    """The paths of units of layer 1. Each line is thinner than the one before, so that equal paths are visible."""
    if "unit_paths" not in run.arrays:
        marks.note(axes, "not measured")
        return
    paths = run.arrays["unit_paths"]  # (S, units, 2)
    units = paths.shape[1]
    for unit, (width, strength) in enumerate(zip(np.linspace(7, 1, units), np.linspace(0.25, 1, units), strict=True)):
        colour = theme.mixed(theme.ink(0), hues.run_colour(run), strength)
        x, y = paths[:, unit].T
        axes.plot(x, y, color=colour, linewidth=width, solid_capstyle="round")
        axes.plot(x[-1], y[-1], "o", color=colour, markersize=width + 3)
        axes.plot(x[0], y[0], "o", color=theme.ink(0.6), markerfacecolor="none", markersize=width + 3)
    axes.margins(0.15)
    for axis, ticks in ((axes.xaxis, 2), (axes.yaxis, 4)):
        axis.set_major_locator(MaxNLocator(ticks))
        axis.set_major_formatter(words.decimal)
    axes.set_xlabel(f"first axis ({count_of(paths)})")


def count_of(paths: NDArray[np.float64]) -> str:
    """The number of different paths, in words."""
    if not np.isfinite(paths).all():
        return "not finite"
    if not np.ptp(paths, axis=0).any():
        return "no unit moves"
    rounded = np.round(paths / np.abs(paths).max(), 6)
    distinct = np.unique(rounded, axis=1).shape[1]
    return f"{words.number(paths.shape[1], 'unit')}, {words.number(distinct, 'path')}"


def finding(runs: style.Runs) -> str:
    """Which networks have units that never part."""
    texts = {}
    for run in runs:
        before, after = (float(np.nanmin(run.arrays["distinct_units"][i], initial=1.0)) for i in (0, -1))
        if after < 1:
            text = ("keeps equal units to the end", "keep equal units to the end")
        elif before < 1:
            text = ("has equal units that training separates", "have equal units that training separates")
        else:
            text = ("has no equal units", "have no equal units")
        texts[style.label(run).strip()] = text
    return findings.sentence(texts)


FIGURE = style.Figure(
    "The symmetry problem: do neurons that start out equal ever part?",
    panels, draw, (2.6, 2.1), partial(style.by_facets, rows=1, lines=COLUMNS), choose, finding=finding,
)  # fmt: skip
