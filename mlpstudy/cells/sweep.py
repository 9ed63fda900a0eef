"""Trains the cells of a sweep in worker processes and passes on their records.

Workers train and draw. The process that called hears of every record, and is the only one to log and display. Each
worker has a pipe of its own, so one that is killed (out of memory, say) costs its cell and nothing else, and workers
end when the process that called is gone.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from threadpoolctl import threadpool_limits

from mlpstudy import terminal
from mlpstudy.cells.cell import Cell
from mlpstudy.cells.cell_result import CellResult, collect
from mlpstudy.cells.config import Config, parse
from mlpstudy.cells.problem import initial_theta, prepare_same
from mlpstudy.cells.recording import Record, train_and_record


@dataclass(frozen=True)
class Failure:
    """A cell that ended with an error of the program or the machine. Divergence is not an error."""

    reason: str
    details: str = ""


@dataclass(frozen=True)
class Page:
    """The picture of a cell that has been trained; it comes just before the last record."""

    picture: bytes
    complaint: str = ""  # why there is no picture


Draw = Callable[[int, CellResult], bytes]  # of the cell with this index
Happened = Record | Page | Failure
Event = tuple[int, Happened]  # of the cell with this index


def run(
    cells: Sequence[Cell], workers: int, draw: Draw | None = None, todo: Mapping[int, int] | None = None
) -> Generator[Event]:
    """Train cells and yield their records as they come; the last event of a cell is its last record or a Failure.

    todo: the indices of the cells to train, each with its first replica to train; None: all of all cells.

    `draw` makes the Page of a cell where the cell is trained, so that many workers do not wait for one that draws.
    There is none for a cell of which some replicas are not trained.
    """
    todo = dict.fromkeys(range(len(cells)), 0) if todo is None else todo
    chosen = [(index, cells[index], first) for index, first in todo.items()]
    if workers == 1:
        for index, cell, first in chosen:
            yield from ((index, event) for event in _train(index, cell.config, first, draw, cell.content))
        return
    waiting = chosen[::-1]
    busy: dict[Connection, tuple[int, BaseProcess]] = {}
    try:
        for _ in range(min(workers, len(chosen))):
            _give_work(waiting, busy, *_start_worker(draw))
        while busy:
            ready = wait(list(busy))
            for pipe in [pipe for pipe in busy if pipe in ready]:
                index, process = busy[pipe]
                event, alive = _receive(pipe, process)
                if isinstance(event, Failure) or (isinstance(event, Record) and event.last):
                    del busy[pipe]
                    if waiting:
                        _give_work(waiting, busy, *((pipe, process) if alive else _start_worker(draw)))
                yield index, event
    finally:
        for _, process in busy.values():
            process.terminate()


def _give_work(
    waiting: list[tuple[int, Cell, int]],
    busy: dict[Connection, tuple[int, BaseProcess]],
    pipe: Connection,
    process: BaseProcess,
) -> None:
    index, cell, first = waiting.pop()
    busy[pipe] = index, process
    with contextlib.suppress(OSError):  # the worker has just died; _receive will find out
        pipe.send((index, dict(cell.raw), first, cell.content))


def _receive(pipe: Connection, process: BaseProcess) -> tuple[Happened, bool]:
    """The next event, and whether the worker can take another cell."""
    try:
        event: Happened = pipe.recv()
    except (EOFError, OSError):
        process.join()
        return Failure(f"the worker process was lost (exit status {process.exitcode})"), False
    return event, True


def _start_worker(draw: Draw | None) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("spawn")  # fork would copy the locks of MLflow's threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, draw), daemon=True)
    with _another_main():
        process.start()
    theirs.close()  # the pipe then closes when the worker ends
    return ours, process


@contextlib.contextmanager
def _another_main() -> Iterator[None]:
    """A new process would run the user's script again, if it is one that calls us."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _work(pipe: Connection, draw: Draw | None) -> None:
    """Train the cells that come through the pipe until it is closed at the other end."""
    terminal.endure()  # functions of the user may print
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the main process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    raw: Mapping[str, Any]
    try:
        while True:
            # parsed here, since functions cannot be sent between processes
            index, raw, first, content = pipe.recv()
            for event in train_raw(index, raw, first, draw, content):
                pipe.send(event)
    except (EOFError, OSError):
        return


def _end_with_parent(parent: int) -> None:
    """End this process soon after the one that started it has ended, also in the middle of a long cell."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os._exit(1)


def train_raw(
    index: int, raw: Mapping[str, Any], first: int, draw: Draw | None, content: Mapping[str, str]
) -> Iterator[Happened]:
    """Train the cell with these settings, from replica `first` on; the last event is its last record or a Failure.

    content: of its files, see `Cell`; with another one it fails.
    """
    try:
        config = parse(raw)
    except Exception as error:
        yield _failure(error)
        return
    yield from _train(index, config, first, draw, content)


def _train(index: int, config: Config, first: int, draw: Draw | None, content: Mapping[str, str]) -> Iterator[Happened]:
    records = []
    try:
        # one BLAS thread: two threads slow down such small matrices, and cells run in parallel anyway
        with threadpool_limits(1):
            problem = prepare_same(config, content)
            theta = initial_theta(problem, range(config.replicas))
            for record in train_and_record(problem, theta, first):
                records.append(record)
                if record.last and draw is not None and first == 0:
                    yield drawn(draw, index, collect(problem, records))
                yield record
    except Exception as error:
        yield _failure(error)


def drawn(draw: Draw, index: int, result: CellResult) -> Page:
    """The page of a cell, or why it could not be drawn."""
    try:
        return Page(draw(index, result))
    except Exception as error:  # the numbers are kept without a picture
        return Page(b"", f"{type(error).__name__}: {error}")


def _failure(error: Exception) -> Failure:
    return Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
