"""All figures of some runs: drawn by two processes where that is worth it, and written to a folder."""

import importlib
import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mlpstudy.cells.sweep import available_cores
from mlpstudy.tracking.reading import NotMeasured, Run
from reports.drawing.rendering import Page, render
from reports.drawing.style import CannotDraw, Figure

MANY = 16  # runs from which on a second process, which takes seconds to start, is worth it
WORKERS = 2

_runs: Sequence[Run] = ()  # of a worker, which gets them once, not with every figure


@dataclass(frozen=True)
class Outcome:
    """What came of a figure: its pages, or why there are none."""

    name: str
    title: str
    pages: tuple[Page, ...] = ()
    missing: str = ""


def measured(runs: Iterable[Run]) -> tuple[list[Run], list[str]]:
    """The runs whose arrays are there, read, and what is wrong with the others."""
    found, complaints = [], []
    for run in runs:
        try:
            run.arrays  # noqa: B018 (from here on they are in memory)
            found.append(run)
        except NotMeasured as reason:
            complaints.append(str(reason))
    return found, complaints


def draw_all(names: Sequence[str], runs: Sequence[Run], formats: Sequence[str], looks: str) -> Iterator[Outcome]:
    """Each figure as it gets done."""
    if len(runs) < MANY or available_cores() == 1:
        yield from (draw(name, runs, formats, looks) for name in names)
        return
    context = multiprocessing.get_context("spawn")  # fork would copy the locks of MLflow's threads
    pool = ProcessPoolExecutor(WORKERS, context, initializer=_receive, initargs=(runs,))
    try:
        for job in as_completed([pool.submit(_draw_received, name, formats, looks) for name in names]):
            yield job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def figure(name: str) -> Figure:
    """The figure of a module here."""
    found: Figure = importlib.import_module(f"reports.figures.{name}").FIGURE
    return found


def draw(name: str, runs: Sequence[Run], formats: Sequence[str], looks: str) -> Outcome:
    """Draw one figure, or tell why not: whatever goes wrong in one, the others are drawn."""
    title = figure(name).title
    try:
        if not runs:
            raise CannotDraw("none of these runs kept what it measured")
        return Outcome(name, title, tuple(render(figure(name), runs, formats, looks)))
    except (CannotDraw, NotMeasured) as reason:
        return Outcome(name, title, missing=str(reason))
    except Exception as error:
        return Outcome(name, title, missing=f"it failed ({type(error).__name__}: {' '.join(str(error).split())})")


def write(folder: Path, outcome: Outcome, formats: Sequence[str]) -> dict[str, list[Path]]:
    """name.png, name-2.png, ... in place of those of an earlier drawing; by format."""
    for old in (path for name in formats for path in folder.glob(f"{outcome.name}*.{name}")):
        number = old.stem.removeprefix(outcome.name)
        if not number or (number[0] == "-" and number[1:].isdigit()):
            old.unlink()
    written: dict[str, list[Path]] = {name: [] for name in formats}
    for place, page in enumerate(outcome.pages):
        for name, picture in page.items():
            path = folder / f"{outcome.name}{f'-{place + 1}' if place else ''}.{name}"
            path.write_bytes(picture)
            written[name].append(path)
    return written


def _receive(runs: Sequence[Run]) -> None:
    global _runs
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches every process: this one ends at once, in silence
    _runs = runs


def _draw_received(name: str, formats: Sequence[str], looks: str) -> Outcome:
    return draw(name, _runs, formats, looks)
