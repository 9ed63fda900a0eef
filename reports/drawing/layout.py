"""What figures with a panel, a tile or a mark for each run share: pages, panels, shapes of outcomes, scores."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.measure.intervals import mean_and_interval
from reports.drawing import marks, style, theme

# for each outcome
SHAPES = {"learned": "o", "stalled": "s", "diverged": "x", "not trained": "D", "unfinished": "*"}

Item = TypeVar("Item")


def labels(runs: Sequence[style.Measured]) -> list[str]:
    """What tells runs of one activation and depth apart, in the order of the sweep."""
    return list(dict.fromkeys(style.label(run) for run in runs))


def activation(run: style.Measured) -> str:
    """Its name."""
    return run.params["activation"]


def evenly(items: Sequence[Item], most: int) -> list[list[Item]]:
    """In parts of at most so many, which differ by no more than one."""
    parts = -(-len(items) // most)
    ends = [len(items) * i // parts for i in range(parts + 1)]
    return [list(items[start:end]) for start, end in pairwise(ends)]


def by_blocks(
    activations: int, depths: int, inits: int, kind: Callable[[Any], str] = activation
) -> Callable[[style.Runs], list[style.Runs]]:
    """Pages of at most so many activations, or whatever kind tells, depths and labels."""

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
    """Those pages, of classifiers first: accuracies and losses of regressions have no axis in common."""

    def split(runs: style.Runs) -> list[style.Runs]:
        kinds = ([run for run in runs if score_name(run) == name] for name in ("accuracy", "loss"))
        return [page for those in kinds if those for page in pages(those)]

    return split


def by_panels(columns: int) -> Callable[[style.Runs], list[style.Runs]]:
    """Pages of as many facets as style.by_facets has, and at most so many labels."""

    def pages(runs: style.Runs) -> list[style.Runs]:
        whole = style.by_facets(lines=len(runs))(runs)
        return [[run for run in p if style.label(run) in part] for p in whole for part in evenly(labels(p), columns)]

    return pages


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth, a column for each label."""
    return len(style.facets(runs)), len(labels(runs))


def each(axes: NDArray[Any], runs: style.Runs) -> Iterator[tuple[Axes, Any]]:
    """The panel of each run, in that arrangement; rows are named, panels without a run are taken away."""
    columns = labels(runs)
    for row, facet in zip(axes, style.facets(runs), strict=True):
        mine = {style.label(run): run for run in style.facet(runs, *facet)}
        marks.row_title(row[0], *facet)
        for ax, name in zip(row, columns, strict=True):
            if name in mine:
                yield ax, mine[name]
            elif ax is row[0]:  # it holds the name of the row
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
                ax.grid(visible=False)
            else:
                ax.set_axis_off()


def remark(axes: NDArray[Any], *lines: str) -> None:
    """Say below the figure what a reader has to know."""
    axes.flat[0].figure.supxlabel("\n".join(filter(None, lines)))


def score_name(run: style.Measured) -> str:
    """What tells how good a run is on the test split: accuracy, or loss of a regression."""
    return "accuracy" if "curve_accuracy_test" in run.arrays else "loss"


def score(run: style.Measured) -> tuple[str, float, float]:
    """What was reached on the test split: its name, mean and half its 95 % interval."""
    name = score_name(run)
    mean, half = mean_and_interval(run.arrays[f"curve_{name}_test"][-1])
    return name, float(mean), float(half)


def text_on(colour: str) -> str:
    """The colour of text, or that of the background, whichever stands out more from this one."""
    candidates = theme.ink(1), theme.ink(0)
    return max(candidates, key=lambda candidate: theme.contrast(candidate, colour))
