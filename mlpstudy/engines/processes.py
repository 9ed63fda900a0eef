"""Cells in worker processes of this machine, or in this process if one worker is enough.

Workers train and draw, or foresee. Each has a pipe of its own, so one that is killed (out of memory, say) costs its
cell and nothing else, and workers end when the process that called is gone.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar

from mlpstudy import terminal
from mlpstudy.cells import one_cell
from mlpstudy.cells.before import Foreseen
from mlpstudy.cells.cell import Cell
from mlpstudy.cells.events import CellEvent, Draw, Failure, ends
from mlpstudy.cells.one_cell import Job

Told = TypeVar("Told")  # by a worker
Work = Callable[[Job], Iterator[Told]]


def run(
    cells: Sequence[Cell], workers: int, draw: Draw | None = None, first: Mapping[int, int] | None = None
) -> Generator[CellEvent]:
    """Train cells and yield their events as they come; the last one of a cell is its last record or a Failure.

    first: the indices of the cells to train, each with its first replica to train; None: all of all cells.
    """
    first = dict.fromkeys(range(len(cells)), 0) if first is None else first
    yield from _spread(one_cell.jobs(cells, first), partial(one_cell.events_of, draw=draw), workers, ends)


def foresee(cells: Sequence[Cell], workers: int, whole: bool) -> Generator[tuple[int, Foreseen | Failure]]:
    """What is foreseen of each cell, as it comes. whole: with the learning curves."""
    jobs = one_cell.jobs(cells, dict.fromkeys(range(len(cells)), 0))
    yield from _spread(jobs, partial(one_cell.foreseen_of, whole=whole), workers, lambda told: True)


def _spread(
    jobs: Sequence[Job], work: Work[Told], workers: int, last: Callable[[Told | Failure], bool]
) -> Generator[tuple[int, Told | Failure]]:
    """What workers tell of these cells. last: whether it is the last of its cell."""
    waiting = deque(jobs)
    if workers == 1:
        for job in waiting:
            yield from ((job.index, event) for event in work(job))
        return
    busy: dict[Connection, tuple[int, BaseProcess]] = {}

    def give_work(pipe: Connection, process: BaseProcess) -> None:
        job = waiting.popleft()
        busy[pipe] = job.index, process
        with contextlib.suppress(OSError):  # the worker has just died; _receive will find out
            pipe.send(job)

    try:
        for _ in range(min(workers, len(waiting))):
            give_work(*_start_worker(work))
        while busy:
            ready = wait(list(busy))
            for pipe in [pipe for pipe in busy if pipe in ready]:
                index, process = busy[pipe]
                event, alive = _receive(pipe, process)
                if last(event):
                    del busy[pipe]
                    if waiting:
                        give_work(*((pipe, process) if alive else _start_worker(work)))
                yield index, event
    finally:
        for _, process in busy.values():
            process.terminate()


def _receive(pipe: Connection, process: BaseProcess) -> tuple[Any, bool]:
    """The next event, and whether the worker can take another cell."""
    try:
        event = pipe.recv()
    except (EOFError, OSError):
        process.join()
        return Failure(f"the worker process was lost (exit status {process.exitcode})"), False
    return event, True


def _start_worker(work: Work[Any]) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("spawn")  # fork would copy the locks of MLflow's threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, work), daemon=True)
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


def _work(pipe: Connection, work: Work[Any]) -> None:
    """Do the work on the cells that come through the pipe until it is closed at the other end."""
    terminal.endure()  # functions of the user may print
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the main process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        while True:
            for event in work(pipe.recv()):
                pipe.send(event)
    except (EOFError, OSError):
        return


def _end_with_parent(parent: int) -> None:
    """End this process soon after the one that started it has ended, also in the middle of a long cell."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os._exit(1)
