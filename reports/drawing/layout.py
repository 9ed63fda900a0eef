"""Pages and panels of figures that show each run by itself, the marker of each outcome, and scores."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.measure.intervals import over_replicas
from mlpstudy.measure.score import final_scores, score_of
from reports.drawing import marks, style, theme
from reports.drawing.style import evenly

# marker for each outcome
SHAPES = {"learned": "o", "stalled": "s", "diverged": "x", "not trained": "D", "unfinished": "*"}


def labels(runs: Sequence[style.Measured]) -> list[str]:
    """The labels of the runs, without activation and depth, in the order of the sweep."""
    return list(dict.fromkeys(style.label(run) for run in runs))


def by_blocks(
    activations: int, depths: int, inits: int, kind: Callable[[Any], str] = style.panel
) -> Callable[[style.Runs], list[style.Runs]]:
    """Pages of at most so many activations (or other groups, by `kind`), depths and labels."""

    def pages(runs: style.Runs) -> list[style.Runs]:
        blocks = [
            [run for run in runs if kind(run) in a and style.depth(run) in d and style.label(run) in i]
            for a in evenly(list(dict.fromkeys(map(kind, runs))), activations)
            for d in evenly(style.depths(runs), depths)
            for i in evenly(labels(runs), inits)
        ]
        return [block for block in blocks if block]

    return pages


def by_score(pages: Callable[[style.Runs], list[style.Runs]]) -> Callable[[style.Runs], list[style.Runs]]:
    """The same pages, with classifiers and regressions apart, since accuracy and loss need different axes."""

    def split(runs: style.Runs) -> list[style.Runs]:
        kinds = ([run for run in runs if score_name(run) == name] for name in ("accuracy", "loss"))
        return [page for those in kinds if those for page in pages(those)]

    return split


def by_panels(columns: int) -> Callable[[style.Runs], list[style.Runs]]:
    """Pages with the facets of style.by_facets and at most so many labels."""

    def pages(runs: style.Runs) -> list[style.Runs]:
        whole = style.by_facets(lines=len(runs))(runs)
        return [[run for run in p if style.label(run) in part] for p in whole for part in evenly(labels(p), columns)]

    return pages


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth, a column for each label."""
    return len(style.facets(runs)), len(labels(runs))


def each(axes: NDArray[Any], runs: style.Runs) -> Iterator[tuple[Axes, Any]]:
    """The panel of each run, arranged as `panels` says. Rows get names, and panels without a run are removed."""
    columns = labels(runs)
    for row, facet in zip(axes, style.facets(runs), strict=True):
        mine = {style.label(run): run for run in style.facet(runs, *facet)}
        marks.row_title(row[0], *facet)
        for ax, name in zip(row, columns, strict=True):
            if name in mine:
                yield ax, mine[name]
            elif ax is row[0]:  # keep it, since it has the name of the row
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
                ax.grid(visible=False)
            else:
                ax.set_axis_off()


def remark(axes: NDArray[Any], *lines: str) -> None:
    """Write remarks below the figure."""
    axes.flat[0].figure.supxlabel("\n".join(filter(None, lines)))


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


def finite(run: style.Measured) -> int:
    """How many replicas have a finite score."""
    return int(np.isfinite(final_scores(run.arrays)).sum())


def text_on(colour: str) -> str:
    """Black or white, whichever has more contrast to this colour."""
    candidates = "#000000", "#ffffff"
    return max(candidates, key=lambda candidate: theme.contrast(candidate, colour))
