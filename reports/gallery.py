"""Draws all figures of some runs, in two processes if there are many runs, and writes them to a folder."""

import importlib
import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from mlpstudy.cells.sweep import available_cores
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing.rendering import Page, render
from reports.drawing.style import CannotDraw, Figure

MANY = 16  # with so many runs, a second process saves more time than the seconds that it takes to start
WORKERS = 2

_runs: Sequence[Run] = ()  # the runs of a worker process, which gets them once and not for every figure


@dataclass(frozen=True)
class Outcome:
    """The pages of a figure, or the reason why there are none."""

    name: str
    title: str
    pages: tuple[Page, ...] = ()
    missing: str = ""


def measured(runs: Iterable[Run]) -> tuple[list[Run], list[str]]:
    """The runs whose arrays can be read, and complaints about the others."""
    found, complaints = [], []
    for run in runs:
        try:
            run.arrays  # noqa: B018 (reads them into memory)
            found.append(run)
        except NotMeasured as reason:
            complaints.append(str(reason))
    return found, complaints


def draw_all(
    names: Sequence[str], runs: Sequence[Run], formats: Sequence[str], looks: str, style: Path | None = None
) -> Iterator[Outcome]:
    """Draw the figures and yield each when it is done."""
    if len(runs) < MANY or available_cores() == 1:
        yield from (draw(name, runs, formats, looks, style) for name in names)
        return
    context = multiprocessing.get_context("spawn")  # fork would copy the locks of MLflow's threads
    pool = ProcessPoolExecutor(WORKERS, context, initializer=_receive, initargs=(runs,))
    try:
        for job in as_completed([pool.submit(_draw_received, name, formats, looks, style) for name in names]):
            yield job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def figure(name: str) -> Figure:
    """The figure of a module in reports/figures."""
    found: Figure = importlib.import_module(f"reports.figures.{name}").FIGURE
    return found


def draw(name: str, runs: Sequence[Run], formats: Sequence[str], looks: str, style: Path | None = None) -> Outcome:
    """Draw one figure, or say why it cannot be drawn. No error in one figure stops the others."""
    title = figure(name).title
    try:
        if not runs:
            raise CannotDraw("none of these runs kept what it measured")
        return Outcome(name, title, tuple(render(figure(name), runs, formats, looks, style)))
    except (CannotDraw, NotMeasured) as reason:
        return Outcome(name, title, missing=str(reason))
    except Exception as error:
        return Outcome(name, title, missing=f"it failed ({type(error).__name__}: {' '.join(str(error).split())})")


def write(folder: Path, outcome: Outcome, formats: Sequence[str]) -> dict[str, list[Path]]:
    """Write name.png, name-2.png, ... and delete older files of the figure. Returns the paths by format."""
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
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # Ctrl-C reaches every process; a worker ends at once without a message
    _runs = runs


def _draw_received(name: str, formats: Sequence[str], looks: str, style: Path | None) -> Outcome:
    return draw(name, _runs, formats, looks, style)
