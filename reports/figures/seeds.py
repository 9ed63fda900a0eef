"""Is a difference larger than chance? Scores of all replicas for each seed, which also varies the data and their order.

Replicas of a cell differ in their initial weights alone, so an interval over them says nothing of another split of the
data or another order of the examples. This figure puts both spreads side by side.
"""

from collections import defaultdict
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
    """The runs with another one that differs in its seed alone."""
    seeds = defaultdict(set)
    for run in runs:
        seeds[kind(run)].add(run.params["seed"])
    found = [run for run in style.layered(runs) if len(seeds[kind(run)]) > 1 and style.trained([run])]
    if not found:
        raise style.CannotDraw("needs trained runs that differ in their seed alone, such as those of seed=0,1,2")
    return found


def kind(run: style.Measured) -> tuple[str, ...]:
    """Activation, depth, and the rest of the name without the seed."""
    return run.params["activation"], run.params["depth"], without_seed(run)


def pages(runs: style.Runs) -> list[style.Runs]:
    """Pages of some facets and places, with classifiers and regressions apart."""
    found: list[style.Runs] = []
    for page in layout.by_score(style.by_facets(lines=len(runs)))(runs):
        places = list(dict.fromkeys(map(without_seed, page)))
        found += [[run for run in page if without_seed(run) in some] for some in style.evenly(places, PLACES)]
    return found


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth."""
    return len(style.facets(runs)), 1


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """A place for each combination of the other settings, and in it a column of dots for each seed."""
    places = list(dict.fromkeys(map(without_seed, runs)))
    for (ax,), facet in zip(axes, style.facets(runs), strict=True):
        mine = style.facet(runs, *facet)
        for x, place in enumerate(places):
            spread(ax, x, [run for run in mine if without_seed(run) == place])
        ax.set_xticks(range(len(places)), places)
        ax.margins(y=0.2)  # for the numbers
        ax.set_xlim(-0.6, len(places) - 0.4)
        ax.grid(visible=False, axis="x")
        ax.set_ylabel(layout.score_label(mine[0]))
        marks.row_title(ax, *facet)
    layout.remark(
        axes,
        f"dots: {marks.replicas(runs)} of each seed; line: their mean. A seed decides the split of the data, the order "
        "of examples and all weights",
        "numbers: standard deviation over the initializations of one seed, and what the choice of the seed adds to it",
    )
    seeds = sorted({run.params["seed"] for run in runs}, key=int)
    keys = [
        marks.style_key(linestyle="", marker="o", color=tone(i, len(seeds)), label=f"seed {s}")
        for i, s in enumerate(seeds)
    ]
    marks.legend(axes, keys)


def tone(place: int, count: int) -> str:
    """The grey of a seed."""
    return theme.ink(0.35 + 0.6 * place / max(count - 1, 1))


def spread(axes: Axes, x: float, runs: style.Runs) -> None:
    """The scores of the runs of one place, a column for each seed, and both deviations below them."""
    runs = sorted(runs, key=lambda run: int(run.params["seed"]))
    scores = [final_scores(run.arrays) for run in runs]
    for i, values in enumerate(scores):
        place = x + WIDTH * ((i + 0.5) / len(runs) - 0.5)
        wide = 0.3 * WIDTH / len(runs)
        axes.plot(np.linspace(place - wide, place + wide, len(values)), values, ".", color=tone(i, len(runs)))
        axes.plot([place - wide, place + wide], [np.nanmean(values)] * 2, color=tone(i, len(runs)), linewidth=2)
    within, beyond = deviations(scores)
    text = f"initializations {within:.3f}\nseeds {beyond:.3f}" if np.isfinite(within + beyond) else ""
    axes.text(
        x, 0.02, text, transform=axes.get_xaxis_transform(), ha="center", fontsize=marks.SMALL, color=theme.ink(0.7)
    )


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
    told = f"Seeds spread the score more than initializations in {more} of {words.number(known, 'combination')}"
    return told if known else ""


FIGURE = style.Figure(
    "Is a difference larger than chance? Scores for each seed",
    panels, draw, (7.5, 2.2), pages, choose, finding=finding,
)  # fmt: skip
