"""What a figure is, how its runs are split over pages and panels, and how each run looks.

A figure is a module with a `FIGURE = style.Figure(title, panels, draw)`. Its functions neither load, nor save, nor
touch global state. `reports.drawing.rendering` calls them, for each page:

- `choose(runs)` picks those the figure is about, such as `layered`, or raises CannotDraw with the reason.
- `needs` names arrays of statistics.npz; runs without them are left out, and named in the footnote.
- `pages(runs)` splits them over pages, by default `by_facets`.
- `panels(page)` tells how many rows and columns of axes a page needs, and `draw(axes, page)` fills them.
- `finding(page)` tells in one sentence what it shows; it is the title, and the topic the subtitle.

`layout.table` makes `panels` and `draw` of a figure with a row for each activation and depth. Panels are made of
`marks` and `scales`. Colours: `hues.looks` for lines of runs, `theme.ink(strength)` for all that is grey.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

MIDDLE = 15  # the depth whose shade stands for an initializer
ROWS = 4  # rows of panels on a page; with five, they would be too small for a slide
LETTERS = 18  # letters in a line of the title of a small panel
LINES = 12  # lines in a panel, one for each run


class CannotDraw(Exception):
    """A figure cannot be drawn from these runs; the message says why in one line."""


class Measured(Protocol):
    """What a panel needs of a run, which is read from MLflow or has just ended."""

    @property
    def name(self) -> str: ...
    @property
    def params(self) -> Mapping[str, str]: ...
    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]: ...


AnyRun = TypeVar("AnyRun", bound=Measured)
Item = TypeVar("Item")
Runs = Sequence[Any]  # of Measured, or of tracking.reading.Run if a figure needs weights


@dataclass(frozen=True)
class Page:
    """A page of a figure: its title, and its picture in each format."""

    title: str
    pictures: Mapping[str, bytes]


@dataclass(frozen=True)
class Drawn:
    """The pages of a figure as files, or the reason why there are none."""

    name: str
    title: str
    paths: tuple[Path, ...]
    missing: str = ""
    findings: tuple[str, ...] = ()  # the title of each page


def evenly(items: Sequence[Item], most: int) -> list[list[Item]]:
    """Split the items into parts of at most `most`, of sizes that differ by at most one."""
    parts = -(-len(items) // most)
    ends = [len(items) * i // parts for i in range(parts + 1)]
    return [list(items[start:end]) for start, end in pairwise(ends)]


def label(run: Measured) -> str:
    """What the legend calls it: the name of the run without activation and depth, which the title of the panel has."""
    line: str = getattr(run, "line", run.name.replace(f"-{run.params['activation']}-d{run.params['depth']}", "", 1))
    return f" {line}" if line.startswith("_") else line  # matplotlib's legends omit labels that begin with _


def by_facets(runs: Runs, rows: int = ROWS, lines: int = LINES, kind: Callable[[Any], str] = label) -> list[Runs]:
    """Pages of at most so many facets and labels (or other `kind`); depths of a panel stay together if they fit."""
    groups: list[list[tuple[str, int]]] = [[]]
    for name in panel_names(runs):
        mine = [facet for facet in facets(runs) if facet[0] == name]
        for part in (mine[start : start + rows] for start in range(0, len(mine), rows)):
            if len(groups[-1]) + len(part) > rows:
                groups.append([])
            groups[-1] += part
    pages: list[Runs] = []
    for group in groups:
        page = [run for run in runs if (panel(run), depth(run)) in group]
        pages += [[run for run in page if kind(run) in some] for some in evenly(different(page, kind), lines)]
    return pages


@dataclass(frozen=True)
class Figure:
    """A figure as data, see the top of this module."""

    title: str
    panels: Callable[[Runs], tuple[int, int]]
    draw: Callable[[NDArray[Any], Runs], None]
    panel_size: tuple[float, float] = (2.9, 2.2)  # inches
    pages: Callable[[Runs], list[Runs]] = by_facets
    choose: Callable[[Runs], Runs] = list  # all
    needs: tuple[str, ...] = ()
    arranges: bool = False  # its lines and panels may be others than initializers and activations, see arrangement
    finding: Callable[[Runs], str] | None = None  # what it shows of these runs, in one sentence


def trained(runs: Sequence[Measured]) -> bool:
    """Was any of the runs trained?"""
    return any(run.params["training.epochs"] != "0" for run in runs)


def depth(run: Measured) -> int:
    """Number of hidden layers."""
    return int(run.params["depth"])


def hue(run: Measured) -> str:
    """The initializer or activation that gives its line hue and marker (see arrangement)."""
    return str(getattr(run, "hue", run.params["init"]))


def panel(run: Measured) -> str:
    """What its panel is called: its activation, unless the figure maps another setting to panels (see arrangement)."""
    return str(getattr(run, "panel", run.params["activation"]))


def wrapped(run: Measured) -> str:
    """The label of a run, in lines that fit the title of a small panel."""
    return textwrap.fill(label(run), LETTERS)


def different(runs: Sequence[AnyRun], kind: Callable[[AnyRun], str]) -> list[str]:
    """The different values of `kind`, in the order of the sweep."""
    return list(dict.fromkeys(map(kind, runs)))


def labels(runs: Sequence[Measured]) -> list[str]:
    """What lines are called, in the order of the sweep."""
    return different(runs, label)


def panel_names(runs: Sequence[Measured]) -> list[str]:
    """What panels are called, such as activations, in the order of the sweep."""
    return different(runs, panel)


def depths(runs: Sequence[Measured]) -> list[int]:
    """Depths, shallow to deep."""
    return sorted({depth(run) for run in runs})


def facets(runs: Sequence[Measured]) -> list[tuple[str, int]]:
    """All (panel, depth): panels in the order of the sweep, depths from shallow to deep."""
    return [(name, n) for name in panel_names(runs) for n in depths([run for run in runs if panel(run) == name])]


class Part(list[AnyRun]):
    """Some runs of a report, with a link to all of them, so that a label has the same colour in every panel."""

    def __init__(self, runs: Iterable[AnyRun], of: Sequence[AnyRun]) -> None:
        super().__init__(runs)
        self.whole = whole(of)


def whole(runs: Sequence[AnyRun]) -> Sequence[AnyRun]:
    """All runs of the report of which these are a part."""
    return runs.whole if isinstance(runs, Part) else runs


def facet(runs: Sequence[AnyRun], name: str, layers: int) -> Part[AnyRun]:
    """The runs of one facet of a page."""
    return Part((run for run in runs if (panel(run), depth(run)) == (name, layers)), runs)


def those(runs: Sequence[AnyRun], fit: Callable[[AnyRun], bool], otherwise: str) -> list[AnyRun]:
    """The runs that fit; raises CannotDraw, with the reason `otherwise`, if there are none."""
    fitting = [run for run in runs if fit(run)]
    if not fitting:
        raise CannotDraw(otherwise)
    return fitting


def layered(runs: Sequence[AnyRun]) -> list[AnyRun]:
    """The runs with hidden layers; raises CannotDraw if there are none."""
    return those(runs, lambda run: depth(run) > 0, "none of these runs has a hidden layer")


def listed(names: Sequence[str], most: int = 4) -> str:
    """a, b, c and 5 more."""
    more = len(names) - most
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:most])} and {more} more"
