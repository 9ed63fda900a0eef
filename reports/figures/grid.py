"""Which combinations train? Test accuracy, verdict and outcome of every cell, and accuracy against depth."""

from functools import partial
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from mlpstudy.measure.intervals import share_interval
from mlpstudy.measure.outcomes import OUTCOMES
from mlpstudy.measure.score import final_scores
from mlpstudy.palette import VERDICT_GLYPHS
from reports.drawing import findings, hues, layout, marks, scales, style, theme, words

WIDTH, UNIT = 3.3, 0.5  # inches: width of a table, and the unit of height of tables and curves
CURVES = 6  # height of the curves in units
TILE = 0.44  # inches: three lines of text
SPREAD = 1.25  # factor between the first and the last line at one depth, so that equal values do not overlap
CROSS: dict[str, Any] = {"marker": layout.SHAPES["diverged"], "markersize": 7, "markeredgewidth": 2}
NAMED = 4  # names in the title
LETTER = 0.07  # inches for each letter of the names of rows
SHORT_LINE = 0.9  # and of this for `2 of 3 learned`
ONE_LINE = 1.1  # a tile of this width has room for a score and its interval side by side


def panels(runs: style.Runs) -> tuple[int, int]:
    """At the top a table for each depth. Below, if there are several depths, curves for each activation."""
    depths, activations = len(style.depths(runs)), len(style.panel_names(runs))
    return table_units(runs) + CURVES * (depths > 1), max(depths, activations) if depths > 1 else 1


def table_units(runs: style.Runs) -> int:
    """The height of a table in units."""
    return ceil((0.5 + TILE * len(style.labels(runs))) / UNIT)


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """Replace the axes by tables and curves, which are several units high."""
    canvas, places, upper = axes.flat[0].figure, axes.flat[0].get_gridspec(), table_units(runs)
    longest = min(max(map(len, style.labels(runs))), style.LETTERS)
    canvas.set_figwidth(canvas.get_figwidth() + LETTER * longest)  # for the names of rows, so that tiles stay as wide
    for ax in axes.flat:
        ax.remove()
    depths, activations = style.depths(runs), style.panel_names(runs)
    tables = [canvas.add_subplot(places[:upper, i]) for i in range(len(depths))]
    curves = [canvas.add_subplot(places[upper:, i]) for i in range(len(activations))] if len(depths) > 1 else []
    for ax, depth in zip(tables, depths, strict=True):
        layout.tiles(ax, runs, depth, partial(tile, ax))
        ax.tick_params(labelleft=ax is tables[0])
    for ax, activation in zip(curves, activations, strict=False):
        against_depth(ax, runs, activation)
    score = layout.score_label(runs[0])
    if curves:
        scales.same_limits(np.array([curves]))
        curves[0].set_ylabel(score)
    drawn = np.array([tables + curves])
    mixed = any(same < replicas for same, replicas in map(words.count, runs))
    marks.remark(
        drawn,
        f"number: {score + ' after training' * style.trained(runs)}, mean and 95 % interval over those of "
        f"{marks.replicas(runs)} that did not diverge; "
        f"fill: {words.FILL[layout.score_name(runs[0])].format(score=score)}; "
        f"{'ticks: each of them, where outcomes differ; ' * mixed}sign: verdict at the start › at the end",
        marks.no_interval(runs),
    )
    marks.legend(drawn, keys(runs))


def keys(runs: style.Runs) -> list[Line2D]:
    """The legend entries of crosses, fills and signs."""

    def word(label: str, **look: Any) -> Line2D:
        return marks.style_key(linestyle="", label=label, **look)

    verdicts = {run.tags[name] for run in runs for name in ("verdict", "verdict_final") if name in run.tags}
    least = words.chance(runs)
    shares = [(0.0, "0"), (least, f"{least:.2g} (chance)"), (0.5, "0.5"), (1.0, "1")]
    fills = [word(text, color=filled(at), marker="s", markersize=11) for at, text in shares if np.isfinite(at)]
    lost = len(style.depths(runs)) > 1 and any(map(diverged, runs))
    known = any(np.isfinite(words.filled(run, *layout.score(run)[:2])) for run in runs)
    signs = [word(f"{sign} {name}") for name, sign in VERDICT_GLYPHS.items() if name in verdicts]
    return [*[word("diverged", **CROSS)] * lost, *[word("fill:"), *fills] * known, word("verdict:"), *signs]


def filled(share: float) -> str:
    """The colour of a tile with this share; grey if there is none. One hue, which no initializer has."""
    if not np.isfinite(share):
        return theme.ink(0.12)
    ends = ("#eef3f9", "#0a4a90") if theme.is_light() else ("#1d2733", "#8cc2ff")
    return theme.mixed(*ends, min(max(share, 0.0), 1.0))


def tile(axes: Axes, run: style.Measured, x: int, y: int, columns: int) -> None:
    """Score as colour and text, verdicts as signs, outcome as text."""
    outcome, (same, replicas) = words.outcome(run), words.count(run)
    width = WIDTH / columns
    wide, mixed = width > ONE_LINE, same < replicas
    colour = filled(words.filled(run, *layout.score(run)[:2]))
    text = layout.text_on(colour)
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor=theme.ink(0), linewidth=2))
    if mixed:
        each = (words.filled(run, layout.score_name(run), one) for one in final_scores(run.arrays))
        for value in filter(np.isfinite, each):
            axes.plot([x - 0.44 + 0.88 * value] * 2, [y + 0.4, y + 0.48], color=text, linewidth=1)
    # a narrow tile has no room for an interval and a count, and an interval over two outcomes says little
    lines = [layout.score_text(run, " " if wide else "\n", interval=wide or not mixed)]
    counted = f"{same} of {replicas}"
    if mixed and width <= SHORT_LINE:
        lines += [f"{counted} {signs(run)}", outcome]
    elif mixed and not wide:
        lines += [f"{counted} {outcome}", signs(run)]
    elif mixed:
        lines.append(f"{signs(run)} {counted} {outcome}")
    else:
        lines.append(signs(run) + f" {outcome}" * (outcome != "learned"))
    axes.text(x, y, "\n".join(filter(None, lines)), color=text, linespacing=1.05, **layout.TEXT)


def signs(run: style.Measured) -> str:
    """The sign of the verdict at the start, and of that at the end if it changed."""
    start = run.tags["verdict"]
    both = dict.fromkeys([start, run.tags.get("verdict_final", start)])
    return " › ".join(VERDICT_GLYPHS.get(name, "?") for name in both)


def diverged(run: style.Measured) -> bool:
    """Did most replicas diverge? The others then do not stand for the run."""
    return words.outcome(run) == "diverged" or not np.isfinite(layout.score(run)[1])


def against_depth(axes: Axes, runs: style.Runs, activation: str) -> None:
    """The score of one activation against depth: one line with intervals for each initializer, side by side."""
    mine = style.Part((run for run in runs if run.params["activation"] == activation), runs)
    is_share = layout.score_name(mine[0]) == "accuracy"
    one_each = style.Part({style.label(run): run for run in mine}.values(), runs)
    for place, (_, look) in enumerate(hues.looks(one_each)):
        line = sorted((run for run in mine if style.label(run) == look["label"]), key=style.depth)
        x = np.array([style.depth(run) for run in line]) * SPREAD ** ((place + 0.5) / len(one_each) - 0.5)
        middle, half = np.array([(np.nan, np.nan) if diverged(run) else layout.score(run)[1:] for run in line]).T
        low, high = share_interval(middle, half) if is_share else (middle - half, middle + half)
        axes.errorbar(x, middle, np.nan_to_num([middle - low, high - middle]), capsize=2, elinewidth=0.9, **look)
        for at in x[~np.isfinite(middle)]:
            axes.plot(at, 0.03, transform=axes.get_xaxis_transform(), color=look["color"], **CROSS)
    depths = style.depths(runs)
    if depths[0] > 0:
        axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(depths))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("hidden layers")
    axes.set_title(activation, weight="bold")
    if is_share:
        axes.set_ylim(0, 1.02)
    else:
        scales.log_axis(axes)


def finding(runs: style.Runs) -> str:
    """How many learned, and which groups did not at all."""
    ended = [run for run in runs if words.outcome(run) in OUTCOMES]
    if not ended:
        return ""
    learned = [run for run in ended if words.outcome(run) == "learned"]
    none = [name for name, them in findings.groups(ended).items() if not any(run in learned for run in them)]
    text = f"{len(learned)} of {words.number(len(ended), 'cell')} learned"
    return text + (f", none with {words.listed(none, 'or', NAMED)}" if none and learned else "")


FIGURE = style.Figure(
    "Which networks train? Verdicts and test results",
    panels, draw, (WIDTH, UNIT), layout.by_score(partial(layout.by_blocks, activations=5)), finding=finding,
)  # fmt: skip
