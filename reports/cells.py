"""What figures with a panel, a tile or a mark for each run share: pages, panels, outcomes and scores in words."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from mlpstudy.results import mean_and_interval
from reports import marks, style, theme

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


def replicas(runs: Sequence[style.Measured]) -> str:
    """`5 random initializations`, of each run."""
    counts = sorted({int(run.params["replicas"]) for run in runs})
    count = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{count} random initialization{'s' * (counts[-1] > 1)}"


def outcome(run: style.Measured) -> str:
    """What came of the training, a name of SHAPES."""
    if run.params.get("training.epochs") == "0":
        return "not trained"
    ended = getattr(run, "status", "FINISHED") == "FINISHED"  # one that is not MLflow's has ended
    return run.tags.get("outcome", "unfinished") if ended else "unfinished"


def score(run: style.Measured) -> tuple[str, float, float]:
    """What was reached on the test split: accuracy, or loss of a regression; its mean and half its 95 % interval."""
    name = "accuracy" if "curve_accuracy_test" in run.arrays else "loss"
    mean, half = mean_and_interval(run.arrays[f"curve_{name}_test"][-1])
    return name, float(mean), float(half)


def told(name: str, mean: float, half: float, join: str = " ") -> str:
    """`0.942 ± 0.008`; nothing where nothing is known."""
    digits, fewer = (".3f", ".3f") if name == "accuracy" else (".3g", ".2g")
    if not np.isfinite(mean):
        return ""
    return f"{mean:{digits}}" + (f"{join}± {half:{fewer}}" if np.isfinite(half) else "")


def text_on(colour: str) -> str:
    """The colour of text, or that of the background, whichever stands out more from this one."""
    candidates = theme.ink(1), theme.ink(0)
    return max(candidates, key=lambda candidate: abs(np.log(luminance(candidate) / luminance(colour))))


def luminance(colour: str) -> float:
    """Relative luminance plus the glare of a screen; their ratios are the contrasts of WCAG 2."""
    return float(np.array(to_rgb(colour)) ** 2.2 @ (0.2126, 0.7152, 0.0722)) + 0.05
