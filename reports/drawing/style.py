"""What a figure is, how its runs are split over pages and panels, and how each run looks.

A figure is a module with a `FIGURE = style.Figure(title, panels, draw)`. Its functions neither load, nor save, nor
touch global state. `reports.drawing.rendering` calls them, for each page:

- `choose(runs)` picks those the figure is about, such as `layered`, or raises CannotDraw with the reason.
- `needs` names arrays of statistics.npz; runs without them are left out, and named in the footnote.
- `pages(runs)` splits them over pages, by default `by_facets()`: at most four rows of (activation, depth) and a dozen
  lines a panel. `by_cells(n)` suits a figure with a panel for each run.
- `panels(page)` tells how many rows and columns of axes a page needs.
- `draw(axes, page)` fills them, an array of that shape.

- `finding(runs)` tells in one sentence what it shows; it is the title, and the topic the subtitle.

Title, subtitle, page number, theme and provenance are added when rendering. Panels are made of `reports.drawing.marks`.
Colours: `hues.looks` for lines of runs, `theme.ink(strength)` for everything grey, never a fixed white or grey.
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


def by_facets(rows: int = ROWS, lines: int = LINES) -> Callable[[Runs], list[Runs]]:
    """Pages of at most so many facets, and runs in a facet; the depths of a panel stay together if they fit."""

    def pages(runs: Runs) -> list[Runs]:
        groups: list[list[tuple[str, int]]] = [[]]
        for name in panel_names(runs):
            mine = [row for row in facets(runs) if row[0] == name]
            if len(groups[-1]) + len(mine) > rows and groups[-1]:
                groups.append([])
            for row in mine:
                if len(groups[-1]) == rows:
                    groups.append([])
                groups[-1].append(row)
        split: list[Runs] = []
        for group in groups:
            those = [run for run in runs if facet_of(run) in group]
            names = list(dict.fromkeys(label(run) for run in those))
            split += [[run for run in those if label(run) in part] for part in evenly(names, lines)]
        return split

    return pages


def by_cells(cells: int) -> Callable[[Runs], list[Runs]]:
    """Pages of at most so many runs."""
    return lambda runs: [runs[i : i + cells] for i in range(0, len(runs), cells)]


def every(runs: Runs) -> Runs:
    """All runs."""
    return runs


@dataclass(frozen=True)
class Figure:
    """A figure as data, see the top of this module."""

    title: str
    panels: Callable[[Runs], tuple[int, int]]
    draw: Callable[[NDArray[Any], Runs], None]
    panel_size: tuple[float, float] = (2.9, 2.2)  # inches
    pages: Callable[[Runs], list[Runs]] = by_facets()  # noqa: RUF009 (a pure function)
    choose: Callable[[Runs], Runs] = every
    needs: tuple[str, ...] = ()
    arranges: bool = False  # its lines and panels may be others than initializers and activations, see arrangement
    finding: Callable[[Runs], str] | None = None  # what it shows of these runs, in one sentence


def trained(runs: Sequence[Measured]) -> bool:
    """Was any of the runs trained?"""
    return any(run.params["training.epochs"] != "0" for run in runs)


def depth(run: Measured) -> int:
    """Number of hidden layers."""
    return int(run.params["depth"])


@dataclass(frozen=True)
class Roles:
    """How a figure draws a run."""

    line: str  # what the legend calls its line
    hue: str  # the initializer or activation that gives the line its hue and marker
    panel: str  # what its panel is called, beside the depth


def roles(run: Measured) -> Roles:
    """Those that it was given (see arrangement); by default, initializers make lines, and activations panels."""
    given: Roles | None = getattr(run, "roles", None)
    if given is not None:
        return given
    activation = run.params["activation"]
    return Roles(run.name.replace(f"-{activation}-d{run.params['depth']}", "", 1), run.params["init"], activation)


def label(run: Measured) -> str:
    """What the legend calls it: the name of the run without activation and depth, which the title of the panel has."""
    line = roles(run).line
    return f" {line}" if line.startswith("_") else line  # matplotlib's legends omit labels that begin with _


def hue(run: Measured) -> str:
    """The initializer or activation that gives its line hue and marker."""
    return roles(run).hue


def panel(run: Measured) -> str:
    """What its panel is called: its activation, unless the figure maps another setting to panels."""
    return roles(run).panel


def wrapped(run: Measured) -> str:
    """The label of a run, in lines that fit the title of a small panel."""
    return textwrap.fill(label(run), LETTERS)


def panel_names(runs: Sequence[Measured]) -> list[str]:
    """What panels are called, such as activations, in the order of the sweep."""
    return list(dict.fromkeys(map(panel, runs)))


def depths(runs: Sequence[Measured]) -> list[int]:
    """Depths, shallow to deep."""
    return sorted({depth(run) for run in runs})


def facet_of(run: Measured) -> tuple[str, int]:
    """(panel, depth)."""
    return panel(run), depth(run)


def facets(runs: Sequence[Measured]) -> list[tuple[str, int]]:
    """All (panel, depth): panels in the order of the sweep, depths from shallow to deep."""
    order = panel_names(runs)
    return sorted({facet_of(run) for run in runs}, key=lambda row: (order.index(row[0]), row[1]))


class Part(list[AnyRun]):
    """Some runs of a report, with a link to all of them, so that a label has the same colour in every panel."""

    def __init__(self, runs: Iterable[AnyRun], of: Sequence[AnyRun]) -> None:
        super().__init__(runs)
        self.whole: Sequence[AnyRun] = of.whole if isinstance(of, Part) else of


def facet(runs: Sequence[AnyRun], name: str, layers: int) -> Part[AnyRun]:
    """The runs of one facet of a page."""
    return Part((run for run in runs if facet_of(run) == (name, layers)), runs)


def layered(runs: Sequence[AnyRun]) -> list[AnyRun]:
    """The runs with hidden layers; raises CannotDraw if there are none."""
    found = [run for run in runs if depth(run) > 0]
    if not found:
        raise CannotDraw("none of these runs has a hidden layer")
    return found


def listed(names: Sequence[str], most: int = 4) -> str:
    """a, b, c and 5 more."""
    more = len(names) - most
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:most])} and {more} more"
