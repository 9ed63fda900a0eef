"""Pages and panels of figures, the marker of each outcome, and scores."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from mlpstudy.measure.intervals import over_replicas
from mlpstudy.measure.score import final_scores, score_of
from reports.drawing import marks, scales, style, theme, words

# marker for each outcome
TEXT: dict[str, Any] = {"fontsize": theme.SMALL, "ha": "center", "va": "center", "in_layout": False}  # in a tile
SHAPES = {"learned": "o", "slow": "P", "stalled": "s", "diverged": "x", "not trained": "D", "unfinished": "*"}


@dataclass(frozen=True)
class Column:
    """A column of panels, one for each activation and depth."""

    title: str
    scale: str  # name of the vertical axis; neighbours of the same name share it
    plot: Callable[[Axes, style.Runs], None]


def table(
    columns: Callable[[style.Runs], Sequence[Column]],
    keys: Callable[[style.Runs], Sequence[Line2D]],
    *remarks: str | Callable[[style.Runs], str],
) -> tuple[Callable[[style.Runs], tuple[int, int]], Callable[[NDArray[Any], style.Runs], None]]:
    """`panels` and `draw` of a figure with a row for each activation and depth; keys: extra entries of its legend."""

    def panels(runs: style.Runs) -> tuple[int, int]:
        return len(style.facets(runs)), len(columns(runs))

    def draw(axes: NDArray[Any], runs: style.Runs) -> None:
        mine = columns(runs)
        for row, some in rows(axes, runs):
            for ax, column in zip(row, mine, strict=True):
                column.plot(ax, some)
        for ax, column in zip(axes[0], mine, strict=True):
            ax.set_title(column.title)
        for scale, places in groupby(range(len(mine)), lambda place: mine[place].scale):
            alike = axes[:, list(places)]
            scales.same_limits(alike)
            for ax in alike[:, 0]:
                ax.set_ylabel(scale)
        marks.footnote(axes, runs, *(remark if isinstance(remark, str) else remark(runs) for remark in remarks))
        marks.legend(axes, keys(runs))

    return panels, draw


def rows(axes: NDArray[Any], runs: style.Runs) -> Iterator[tuple[NDArray[Any], style.Part[Any]]]:
    """The panels and the runs of each activation and depth; their names are written beside the row."""
    for row, facet in zip(axes, style.facets(runs), strict=True):
        marks.row_title(row[0], *facet)
        yield row, style.facet(runs, *facet)


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth, a column for each label."""
    return len(style.facets(runs)), len(style.labels(runs))


def each(axes: NDArray[Any], runs: style.Runs) -> Iterator[tuple[Axes, Any]]:
    """The panel of each run, arranged as `panels` says. Panels without a run are empty."""
    for row, mine in rows(axes, runs):
        named = {style.label(run): run for run in mine}
        for ax, name in zip(row, style.labels(runs), strict=True):
            if name in named:
                yield ax, named[name]
            elif ax is row[0]:  # keep it, since it has the name of the row
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
                ax.grid(visible=False)
            else:
                ax.set_axis_off()


def by_depth(
    axes: NDArray[Any], runs: style.Runs, kind: Callable[[Any], str] = style.panel
) -> Iterator[tuple[Axes, style.Part[Any]]]:
    """The panels and their runs, if any: a row for each activation (or other `kind`), a column for each depth."""
    for row, name in zip(axes, style.different(runs, kind), strict=True):
        for ax, depth in zip(row, style.depths(runs), strict=True):
            ax.set_title(f"{name}, {words.number(depth, 'hidden layer')}")
            yield ax, style.Part((run for run in runs if (kind(run), style.depth(run)) == (name, depth)), runs)


def by_blocks(
    runs: style.Runs, activations: int = 4, depths: int = 4, inits: int = 12, kind: Callable[[Any], str] = style.panel
) -> list[style.Runs]:
    """Pages of at most so many activations (or other `kind`), depths and labels."""
    blocks = [
        [run for run in runs if kind(run) in a and style.depth(run) in d and style.label(run) in i]
        for a in style.evenly(style.different(runs, kind), activations)
        for d in style.evenly(style.depths(runs), depths)
        for i in style.evenly(style.labels(runs), inits)
    ]
    return [block for block in blocks if block]


def by_score(pages: Callable[[style.Runs], list[style.Runs]]) -> Callable[[style.Runs], list[style.Runs]]:
    """The same pages, with classifiers and regressions apart, since accuracy and loss need different axes."""

    def split(runs: style.Runs) -> list[style.Runs]:
        kinds = ([run for run in runs if score_name(run) == name] for name in ("accuracy", "loss"))
        return [page for those in kinds if those for page in pages(those)]

    return split


def score_name(run: style.Measured) -> str:
    """The kind of the score: accuracy, or loss for a regression."""
    return "accuracy" if score_of(run.arrays, "curve_")[1] else "loss"


def score_label(run: style.Measured) -> str:
    """The score in full, such as test accuracy."""
    return score_of(run.arrays, "curve_")[2]


def score(run: style.Measured) -> tuple[str, float, float]:
    """The score: its kind, its mean and half its 95 % interval."""
    mean, half = over_replicas(run.arrays, final_scores(run.arrays))
    return score_name(run), float(mean), float(half)


def score_text(run: style.Measured, join: str = " ", interval: bool = True) -> str:
    """The score in words, such as `0.942 ± 0.008`; empty if no replica has one."""
    name, mean, half = score(run)
    finite = int(np.isfinite(final_scores(run.arrays)).sum())
    return words.score_text(name, mean, half if interval else np.nan, finite, join)


def text_on(colour: str) -> str:
    """Black or white, whichever has more contrast to this colour."""
    return max(("#000000", "#ffffff"), key=lambda candidate: theme.contrast(candidate, colour))


def tiles(axes: Axes, runs: style.Runs, depth: int, tile: Callable[[style.Measured, int, int, int], None]) -> None:
    """The cells of one depth: initializers downwards, activations to the right; tile: (run, x, y, columns)."""
    rows, columns = style.labels(runs), style.panel_names(runs)
    cells = {(style.panel(run), style.label(run)): run for run in runs if style.depth(run) == depth}
    for (x, column), (y, row) in product(enumerate(columns), enumerate(rows)):
        if (column, row) in cells:
            tile(cells[column, row], x, y, len(columns))
        else:  # it was not asked for, or cannot be
            edge: dict[str, Any] = {"fill": False, "edgecolor": theme.ink(0.3), "linestyle": ":"}
            axes.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, **edge))
            axes.text(x, y, "no cell", color=theme.ink(0.6), **TEXT)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), [textwrap.fill(row, style.LETTERS) for row in rows])
    axes.tick_params(length=0, labelbottom=False, labeltop=True)
    axes.set_title(words.number(depth, "hidden layer"), weight="bold")
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
