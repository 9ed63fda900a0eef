"""Draws all figures of some runs, in two processes, and writes them to a folder."""

import contextlib
import importlib
import io
import multiprocessing
import pickle
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mlpstudy.cells.one_cell import available_cores
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing.style import CannotDraw, Figure, Page
from reports.figures import FIGURES

WORKERS = 2
SLOWEST = ("phase_diagram", "symmetry", "saturation")  # begun first, so that no process waits for them at the end


@dataclass(frozen=True)
class Outcome:
    """The pages of a figure, or the reason why there are none."""

    name: str
    title: str
    pages: tuple[Page, ...] = ()
    missing: str = ""


def measured(runs: Iterable[Run]) -> tuple[list[Run], list[str]]:
    """The runs whose arrays can be read, and complaints about the others."""
    readable, complaints = [], []
    for run in runs:
        try:
            run.arrays  # noqa: B018 (reads them into memory)
            readable.append(run)
        except NotMeasured as reason:
            complaints.append(str(reason))
    return readable, complaints


@contextlib.contextmanager
def workers(figures: int) -> Iterator[Executor | None]:
    """Processes that draw, which import matplotlib while the caller imports MLflow; None on a single core.

    They are spawned, since a fork would copy the locks of MLflow's threads. Ctrl-C reaches every process, and they
    would print where they were: they inherit that it waits, until `_begin`.
    """
    if available_cores() == 1:
        yield None
        return
    count = min(WORKERS, figures)
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), initializer=_begin)
    with _no_interrupt():
        for _ in range(count):
            pool.submit(int)  # starts a process
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Ctrl-C waits until the end, where signals can wait."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def draw_all(
    pool: Executor | None,
    names: Sequence[str],
    runs: Sequence[Run],
    formats: Sequence[str],
    looks: str,
    style: Path | None = None,
) -> Iterator[Outcome]:
    """Draw the figures and yield each when it is done."""
    if pool is None:
        yield from (draw(name, runs, formats, looks, style) for name in names)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs"  # a worker reads them once, and not for every figure
        path.write_bytes(pickle.dumps(runs, pickle.HIGHEST_PROTOCOL))
        first = sorted(names, key=SLOWEST.__contains__, reverse=True)
        for job in as_completed([pool.submit(_draw_kept, path, name, formats, looks, style) for name in first]):
            yield job.result()


def figure(name: str) -> Figure:
    """The figure of a module in reports/figures."""
    module_figure: Figure = importlib.import_module(f"reports.figures.{name}").FIGURE
    return module_figure


def draw(name: str, runs: Sequence[Run], formats: Sequence[str], looks: str, style: Path | None = None) -> Outcome:
    """Draw one figure, or say why it cannot be drawn. No error in one figure stops the others."""
    from reports.drawing.rendering import render

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
        if re.fullmatch(r"(-\d+)?", old.stem.removeprefix(outcome.name)):
            old.unlink()
    written: dict[str, list[Path]] = {name: [] for name in formats}
    for place, page in enumerate(outcome.pages):
        for name, picture in page.pictures.items():
            path = folder / f"{outcome.name}{f'-{place + 1}' if place else ''}.{name}"
            path.write_bytes(picture)
            written[name].append(path)
    return written


def _begin() -> None:
    """Do what a first figure would wait for: import, and load the fonts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a worker ends without a message
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for name in FIGURES:
        figure(name)
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas()
    canvas.subplots().set_title("title", weight="bold")
    canvas.savefig(io.BytesIO())


@cache
def _kept(path: Path) -> Sequence[Run]:
    runs: Sequence[Run] = pickle.loads(path.read_bytes())
    return runs


def _draw_kept(path: Path, name: str, formats: Sequence[str], looks: str, style: Path | None) -> Outcome:
    return draw(name, _kept(path), formats, looks, style)
