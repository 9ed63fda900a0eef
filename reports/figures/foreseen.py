"""What is foreseen before any training: the outcome of every cell, and the learning curves of the pilot.

Nothing here was measured, and nothing may look as if it was: tiles are hatched, and lines are dashed.
"""

from collections import Counter
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from mlpstudy.palette import VERDICT_GLYPHS
from reports.drawing import hues, layout, marks, rendering, scales, style, theme, words

WIDTH, UNIT = 3.3, 0.5  # inches: width of a panel, and the unit of height of tables and curves
CURVES = 5  # height of the curves in units
TILE = 0.55  # inches: three lines of text
BORDER = "near a border"
OTHERS = {"is slow": "slow", "stalls": "stall", "diverges": "diverge"}  # than those that learn
DASHED: dict[str, Any] = {"linestyle": (0, (2.5, 1.5)), "markevery": [-1], "fillstyle": "none"}


def outcome(run: style.Measured) -> str:
    """What the pilot foresees; a dash if nothing is foreseen."""
    return run.tags.get("outcome_by_pilot", words.NONE)


def near_a_border(run: style.Measured) -> bool:
    """Whether theory's rule foresees another outcome than the pilot."""
    return run.tags.get("outcome_predicted", outcome(run)) != outcome(run)


def by_kind(runs: style.Runs) -> list[style.Runs]:
    """Pages of blocks, with classifiers and regressions apart."""
    kinds = ([run for run in runs if np.isnan(run.arrays["chance"]) == regression] for regression in (False, True))
    return [page for those in kinds if those for page in layout.by_blocks(those, activations=4)]


def panels(runs: style.Runs) -> tuple[int, int]:
    """A column for each depth: a table, and below it the curves of each activation."""
    return table_units(runs) + CURVES * len(style.panel_names(runs)), len(style.depths(runs))


def table_units(runs: style.Runs) -> int:
    """The height of a table in units."""
    return ceil((0.5 + TILE * len(style.labels(runs))) / UNIT)


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """Replace the axes by tables and curves, which are several units high."""
    canvas, places, upper = axes.flat[0].figure, axes.flat[0].get_gridspec(), table_units(runs)
    for ax in axes.flat:
        ax.remove()
    depths, activations = style.depths(runs), style.panel_names(runs)
    tables = [canvas.add_subplot(places[:upper, i]) for i in range(len(depths))]
    for ax, depth in zip(tables, depths, strict=True):
        layout.tiles(ax, runs, depth, partial(tile, ax))
        ax.tick_params(labelleft=ax is tables[0])
    regression = bool(np.isnan(runs[0].arrays["chance"]))
    rows = []
    for row, activation in enumerate(activations):
        first = upper + CURVES * row
        line = [canvas.add_subplot(places[first : first + CURVES, i]) for i in range(len(depths))]
        for ax, depth in zip(line, depths, strict=True):
            curves(ax, style.facet(runs, activation, depth), "loss" if regression else "accuracy")
            ax.set_title(f"{activation}, {words.number(depth, 'hidden layer')}")
        line[0].set_ylabel(f"foreseen training {'loss' if regression else 'accuracy'}")
        rows.append(line)
    if regression:
        scales.same_limits(np.array(rows))
    drawn = np.array([*tables, *(ax for line in rows for ax in line)])
    what = "explained variance" if regression else "way from chance to a training accuracy of 1"
    marks.remark(
        drawn,
        "nothing here was measured: the pilot takes about 50 steps, which stand for many, of one random initialization",
        f"number: share of the {what} that the pilot gained; sign: verdict at the start, by theory",
        f"{BORDER}: theory's rule foresees another outcome than the pilot" * any(map(near_a_border, runs)),
    )
    marks.legend(drawn[len(tables) :], keys(runs))


def keys(runs: style.Runs) -> list[Line2D | Patch]:
    """The legend entries of dashed lines, fills and signs."""

    def word(label: str, **look: Any) -> Line2D:
        return marks.style_key(linestyle="", label=label, **look)

    verdicts = {run.tags.get("verdict_predicted") for run in runs}
    fills = [Patch(label=f"{share:g}", **hatched(share)) for share in (0.0, 0.5, 1.0)]
    dashed = marks.style_key(label="foreseen, up to the sign", **DASHED)
    signs = [word(f"{sign} {name}") for name, sign in VERDICT_GLYPHS.items() if name in verdicts]
    return [dashed, word("foreseen gain:"), *fills, word("verdict by theory:"), *signs]


def filled(share: float) -> str:
    """The colour of a tile with this share; grey if there is none. Paler than what is measured."""
    if not np.isfinite(share):
        return theme.ink(0.08)
    ends = ("#f6f6f3", "#9dbb8f") if theme.is_light() else ("#20231f", "#5d7a52")
    return theme.mixed(*ends, min(max(share, 0.0), 1.0))


def hatched(share: float) -> dict[str, Any]:
    """How the tile of a cell looks that gains this share."""
    colour = filled(share)
    edge = theme.mixed(colour, theme.ink(), 0.35)
    return {"facecolor": colour, "edgecolor": edge, "hatch": "///", "linestyle": "--", "linewidth": 0.9}


def tile(axes: Axes, run: style.Measured, x: int, y: int, _columns: int) -> None:
    """The share gained as colour and text, the outcome as text, and the sign of theory's verdict."""
    share = float(run.arrays["foreseen_gained"])
    colour = filled(share)
    axes.add_patch(Rectangle((x - 0.47, y - 0.46), 0.94, 0.92, **hatched(share)))
    sign = VERDICT_GLYPHS.get(run.tags.get("verdict_predicted", ""), "")
    number = f"{share:.2f}" if np.isfinite(share) else ""
    lines = [f"{number} {sign}".strip(), outcome(run), BORDER * near_a_border(run)]
    box = {"facecolor": colour, "edgecolor": "none", "pad": 1.2}
    text = "\n".join(filter(None, lines))
    axes.text(x, y, text, color=layout.text_on(colour), linespacing=1.05, bbox=box, **layout.TEXT)


def curves(axes: Axes, runs: style.Runs, name: str) -> None:
    """The learning curve of the pilot for each initializer."""
    for run, look in hues.looks(runs):
        if f"foreseen_{name}_train" in run.arrays:
            axes.plot(run.arrays["foreseen_step"], run.arrays[f"foreseen_{name}_train"], **(look | DASHED))
    if name == "accuracy":
        axes.set_ylim(0, 1.02)
    else:
        scales.log_axis(axes)
    axes.set_xlabel("training step")


def finding(runs: style.Runs) -> str:
    """How many are expected to learn."""
    count = Counter(map(outcome, runs))
    learns = f"Foreseen, not trained: {count['learns']} of {words.number(len(runs), 'cell')} would learn"
    others = [f"{count[name]} {word}" for name, word in OTHERS.items() if count[name]]
    return learns + (f" ({', '.join(others)})" if others else "")


FIGURE = style.Figure(
    "Before any training: outcomes and learning curves as the pilot foresees them",
    panels, draw, (WIDTH, UNIT), by_kind, finding=finding,
)  # fmt: skip


def pages(runs: style.Runs) -> list[bytes]:
    """Its pages as PNG, in the light theme."""
    return [page.pictures["png"] for page in rendering.render(FIGURE, runs, ["png"])]
