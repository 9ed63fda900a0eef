"""Is a difference larger than chance? Scores of all replicas for each seed, which also varies the data and their order.

Replicas of a cell differ in their initial weights alone, so an interval over them says nothing of another split of the
data or another order of the examples. This figure puts both spreads side by side.
"""

from collections import defaultdict
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.measure.score import final_scores
from reports.drawing import layout, marks, style, theme, words

PLACES = 8  # of a panel
WIDTH = 0.8  # of the seeds of a place


def without_seed(run: style.Measured) -> str:
    """What runs have in common that differ in their seed alone."""
    return style.label(run).replace(f"-seed={run.params['seed']}", "", 1)


def choose(runs: style.Runs) -> style.Runs:
    """The trained runs with another one that differs in its seed alone."""
    seeds = defaultdict(set)
    for run in runs:
        seeds[kind(run)].add(run.params["seed"])
    reason = "needs trained runs that differ in their seed alone, such as those of seed=0,1,2"
    return style.those(style.layered(runs), lambda run: len(seeds[kind(run)]) > 1 and style.trained([run]), reason)


def kind(run: style.Measured) -> tuple[str, ...]:
    """Activation, depth, and the rest of the name without the seed."""
    return run.params["activation"], run.params["depth"], without_seed(run)


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """A place for each combination of the other settings, and in it a column of dots for each seed."""
    places = style.different(runs, without_seed)
    for (ax,), mine in layout.rows(axes, runs):
        for x, place in enumerate(places):
            spread(ax, x, [run for run in mine if without_seed(run) == place])
        ax.set_xticks(range(len(places)), places)
        ax.margins(y=0.2)  # for the numbers
        ax.set_xlim(-0.6, len(places) - 0.4)
        ax.grid(visible=False, axis="x")
        ax.set_ylabel(layout.score_label(mine[0]))
    marks.remark(
        axes,
        f"dots: {marks.replicas(runs)} of each seed; line: their mean. A seed decides the split of the data, the order "
        "of examples and all weights",
        "numbers: standard deviation over the initializations of one seed, and what the choice of the seed adds to it",
    )
    seeds = sorted({run.params["seed"] for run in runs}, key=int)
    greys = tones(len(seeds))
    keys = [
        marks.style_key(linestyle="", marker="o", color=grey, label=f"seed {seed}")
        for seed, grey in zip(seeds, greys, strict=True)
    ]
    marks.legend(axes, keys)


def tones(count: int) -> list[str]:
    """The greys of so many seeds."""
    return [theme.ink(0.35 + 0.6 * place / max(count - 1, 1)) for place in range(count)]


def spread(axes: Axes, x: float, runs: style.Runs) -> None:
    """The scores of the runs of one place, a column for each seed, and both deviations below them."""
    runs = sorted(runs, key=lambda run: int(run.params["seed"]))
    scores = [final_scores(run.arrays) for run in runs]
    wide = 0.3 * WIDTH / len(runs)
    for i, (values, grey) in enumerate(zip(scores, tones(len(runs)), strict=True)):
        place = x + WIDTH * ((i + 0.5) / len(runs) - 0.5)
        axes.plot(np.linspace(place - wide, place + wide, len(values)), values, ".", color=grey)
        axes.plot([place - wide, place + wide], [np.nanmean(values)] * 2, color=grey, linewidth=2)
    within, beyond = deviations(scores)
    text = f"initializations {within:.3f}\nseeds {beyond:.3f}" if np.isfinite(within + beyond) else ""
    small: dict[str, Any] = {"fontsize": theme.SMALL, "color": theme.ink(0.7)}
    axes.text(x, 0.02, text, transform=axes.get_xaxis_transform(), ha="center", **small)


def deviations(scores: list[NDArray[np.float64]]) -> tuple[float, float]:
    """Standard deviation over the replicas of one seed, and that of the seeds beyond it (one-way analysis of variance).

    The variance of the means of seeds is that of seeds plus that of replicas over their number.
    """
    finite = [values[np.isfinite(values)] for values in scores]
    finite = [values for values in finite if len(values) > 1]
    if len(finite) < 2:
        return np.nan, np.nan
    within = float(np.mean([values.var(ddof=1) for values in finite]))
    of_means = float(np.var([values.mean() for values in finite], ddof=1))
    chance = float(np.mean([values.var(ddof=1) / len(values) for values in finite]))
    return within**0.5, max(of_means - chance, 0.0) ** 0.5


def finding(runs: style.Runs) -> str:
    """In how many combinations seeds add more spread than initializations."""
    more = known = 0
    for place in dict.fromkeys(map(kind, runs)):
        within, beyond = deviations([final_scores(run.arrays) for run in runs if kind(run) == place])
        known += np.isfinite(within + beyond)
        more += beyond > within
    text = f"Seeds spread the score more than initializations in {more} of {words.number(known, 'combination')}"
    return text if known else ""


FIGURE = style.Figure(
    "Is a difference larger than chance? Scores for each seed",
    lambda runs: (len(style.facets(runs)), 1), draw, (7.5, 2.2),
    layout.by_score(partial(style.by_facets, lines=PLACES, kind=without_seed)), choose, finding=finding,
)  # fmt: skip
