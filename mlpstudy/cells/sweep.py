"""Trains the cells of a sweep in worker processes and passes on their records.

Workers only train. The process that called hears of every record, and is the only one to write and display. Each
worker has a pipe of its own, so one that is killed (out of memory, say) costs its cell and nothing else, and workers
end when the process that called is gone.
"""

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from threadpoolctl import threadpool_limits

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.config import Config, parse
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import Record, train_and_record


@dataclass(frozen=True)
class Failure:
    """A cell that ended with an error of the program or the machine. Divergence is not an error."""

    reason: str
    details: str = ""


Event = tuple[int, Record | Failure]  # of the cell with this index


def run(cells: Sequence[Cell], workers: int) -> Iterator[Event]:
    """Train every cell and yield its records as they come; the last event of a cell is its last record or a Failure."""
    if workers == 1:
        for index, cell in enumerate(cells):
            yield from ((index, event) for event in _train(cell.config))
        return
    waiting = list(enumerate(cells))[::-1]
    busy: dict[Connection, tuple[int, BaseProcess]] = {}
    try:
        for _ in range(min(workers, len(cells))):
            _give_work(waiting, busy, *_start_worker())
        while busy:
            ready = wait(list(busy))
            for pipe in [pipe for pipe in busy if pipe in ready]:
                index, process = busy[pipe]
                event, alive = _receive(pipe, process)
                if isinstance(event, Failure) or event.last:
                    del busy[pipe]
                    if waiting:
                        _give_work(waiting, busy, *((pipe, process) if alive else _start_worker()))
                yield index, event
    finally:
        for _, process in busy.values():
            process.terminate()


def _give_work(
    waiting: list[tuple[int, Cell]],
    busy: dict[Connection, tuple[int, BaseProcess]],
    pipe: Connection,
    process: BaseProcess,
) -> None:
    index, cell = waiting.pop()
    busy[pipe] = index, process
    with contextlib.suppress(OSError):  # the worker has just died; _receive will find out
        pipe.send(dict(cell.raw))


def _receive(pipe: Connection, process: BaseProcess) -> tuple[Record | Failure, bool]:
    """The next event, and whether the worker can take another cell."""
    try:
        event: Record | Failure = pipe.recv()
    except (EOFError, OSError):
        process.join()
        return Failure(f"the worker process was lost (exit status {process.exitcode})"), False
    return event, True


def _start_worker() -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("spawn")  # fork would copy the locks of MLflow's threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # the pipe then closes when the worker ends
    return ours, process


def _work(pipe: Connection) -> None:
    """Train the cells that come through the pipe until it is closed at the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the main process decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        while True:
            raw: Mapping[str, Any] = pipe.recv()  # parsed here, since functions cannot be sent between processes
            for event in _train_raw(raw):
                pipe.send(event)
    except (EOFError, OSError):
        return


def _train_raw(raw: Mapping[str, Any]) -> Iterator[Record | Failure]:
    try:
        config = parse(raw)
    except Exception as error:
        yield Failure(f"{type(error).__name__}: {error}", traceback.format_exc())
        return
    yield from _train(config)


def _train(config: Config) -> Iterator[Record | Failure]:
    try:
        # one BLAS thread: two threads slow down such small matrices, and cells run in parallel anyway
        with threadpool_limits(1):
            problem = prepare(config)
            yield from train_and_record(problem, initial_theta(problem, range(config.replicas)))
    except Exception as error:
        yield Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
