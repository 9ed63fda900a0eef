"""What has been learned? For data in the plane: the class that the trained networks give to every point."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from mlpstudy.palette import CLASS_COLOURS
from reports.drawing import layout, marks, style, theme, words

POINTS = 150  # training examples in a panel
COLUMNS = 6
PALE = 0.6  # strength of the colour where all replicas agree


def choose(runs: style.Runs) -> style.Runs:
    """The runs with decision regions."""
    data = style.listed(sorted({run.params["data"] for run in runs}))
    reason = f"needs finished runs on classes of two features; the data are {data}"
    return style.those(runs, lambda run: "decision_regions" in run.arrays, reason)


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """One panel for each run."""
    for ax, run in layout.each(axes, runs):
        regions(ax, run, run.arrays["decision_regions"])
        ax.set_title(f"{style.wrapped(run)}\n{layout.score_text(run) or words.outcome(run)}")
    marks.remark(
        axes,
        f"colour: the class that most networks of {marks.replicas(runs)} give, the fainter the more of them "
        f"disagree; dots: up to {POINTS} training examples and their class; "
        f"number: {layout.score_label(runs[0])}, 95 % interval",
        marks.no_interval(runs),
    )
    known = sorted({int(k) for run in runs for k in np.unique(run.arrays["decision_classes"])})
    keys = [marks.style_key(linestyle="", marker="o", markersize=7, color=hue(k), label=f"class {k}") for k in known]
    broken = any((run.arrays["decision_regions"] < 0).any() for run in runs)
    grey = marks.style_key(linestyle="", marker="s", markersize=9, color=hue(-1), label="not finite")
    marks.legend(axes, keys + [grey] * broken)


def regions(axes: Axes, run: style.Measured, classes_of: NDArray[np.int16]) -> None:
    """Shares of replicas as colour, from the classes that they give, (R, rows, columns), and the examples."""
    across, up = run.arrays["decision_axes"]
    axes.imshow(
        shading(classes_of), origin="lower", aspect="auto", interpolation="nearest",
        extent=(across[0], across[-1], up[0], up[-1]),
    )  # fmt: skip
    (x, y), classes = run.arrays["decision_points"][:POINTS].T, run.arrays["decision_classes"][:POINTS]
    axes.scatter(x, y, s=7, c=[hue(int(k)) for k in classes], edgecolors=theme.ink(0), linewidths=0.4)
    axes.set(xticks=[], yticks=[], xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)


def agreement(regions: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """The class that most replicas choose at each point, and its lead over the next class as a share (1: all agree)."""
    names = np.unique(regions)
    shares = np.stack([(regions == name).mean(axis=0) for name in names])  # (classes, rows, columns)
    ordered = np.sort(shares, axis=0)
    return names[shares.argmax(axis=0)], ordered[-1] - (ordered[-2] if len(names) > 1 else 0.0)


def shading(regions: NDArray[np.int16]) -> NDArray[np.float64]:
    """The colour of each point, from the background (a tie) to that of the class (all agree); (rows, columns, RGB)."""
    leader, lead = agreement(regions)
    ground = np.array(to_rgb(theme.ink(0)))
    full = np.zeros((*leader.shape, 3))
    for name in np.unique(leader):
        full[leader == name] = to_rgb(hue(int(name)))
    return np.asarray(ground + PALE * lead[..., None] * (full - ground))


def hue(name: int) -> str:
    """The colour of a class; grey if the output is not finite."""
    return theme.ink(0.5) if name < 0 else theme.legible(CLASS_COLOURS[name % len(CLASS_COLOURS)])


def finding(runs: style.Runs) -> str:
    """Which network separates the classes best."""
    best = max(runs, key=lambda run: np.nan_to_num(layout.score(run)[1], nan=-1))
    as_good = sum(layout.score(run)[1] == layout.score(best)[1] for run in runs)
    who = best.name if as_good == 1 else f"{as_good} of {len(runs)} networks"
    text = layout.score_text(best)
    return f"{who} separate{'s' * (as_good == 1)} the classes best: {layout.score_label(best)} {text}" if text else ""


FIGURE = style.Figure(
    "Decision boundaries of the trained networks",
    layout.panels, draw, (1.9, 2.0), partial(style.by_facets, lines=COLUMNS), choose,
    arranges=True, finding=finding,
)  # fmt: skip
