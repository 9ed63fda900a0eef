"""Cells in, events out: trains the cells of a sweep side by side in worker processes.

Workers only train. The process that called hears of every record, and is the only one to write and display.
"""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any

from threadpoolctl import threadpool_limits

from mlpstudy.cell import Cell
from mlpstudy.config import Config, parse
from mlpstudy.training import Record, initial_theta, prepare, train


@dataclass(frozen=True)
class Failure:
    """A cell that ended by an error of the program or the machine (divergence is none)."""

    reason: str
    details: str = ""


Event = tuple[int, Record | Failure]  # of the cell with this index


def run(cells: Sequence[Cell], workers: int) -> Iterator[Event]:
    """Train every cell and yield its records as they come; a cell's last event is last or a Failure."""
    if workers == 1:
        for index, cell in enumerate(cells):
            yield from ((index, event) for event in _train(cell.config))
        return
    context = multiprocessing.get_context("spawn")  # fork would copy the locks of MLflow's threads
    queue: Queue[Event] = context.Queue()
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(queue,))
    try:
        yield from _listen(queue, [pool.submit(_train_elsewhere, i, cell.raw) for i, cell in enumerate(cells)])
    finally:  # after Ctrl-C do not wait for cells that nobody listens to
        for process in list(pool._processes.values()):
            process.terminate()
        pool.shutdown(cancel_futures=True)


def _listen(queue: "Queue[Event]", futures: Sequence[Future[None]]) -> Iterator[Event]:
    unfinished = set(range(len(futures)))
    while unfinished:
        try:
            index, event = queue.get(timeout=0.5)
        except Empty:
            # a worker that was killed (out of memory, say) puts nothing in the queue, but its future knows
            for index in [i for i in sorted(unfinished) if futures[i].done() and futures[i].exception()]:
                unfinished.discard(index)
                yield index, Failure(f"the worker process was lost: {futures[index].exception()}")
            continue
        if isinstance(event, Failure) or event.last:
            unfinished.discard(index)
        yield index, event


def _train(config: Config) -> Iterator[Record | Failure]:
    try:
        # one BLAS thread: two fight over matrices this small, and cells run side by side anyway
        with threadpool_limits(1):
            yield from train(prepare(config), initial_theta(prepare(config), range(config.replicas)))
    except Exception as error:
        yield Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


_queue: "Queue[Event]"  # of a worker process


def _start_worker(queue: "Queue[Event]") -> None:
    global _queue
    _queue = queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the one that called decides


def _train_elsewhere(index: int, raw: Mapping[str, Any]) -> None:
    for event in _train(parse(raw)):  # parsed there: functions do not travel between processes
        _queue.put((index, event))


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
