"""Trains or foresees one cell and yields its events: in this process, in a worker, on another machine."""

import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from mlpstudy.cells.advice import advise
from mlpstudy.cells.before import Foreseen, look_ahead
from mlpstudy.cells.cell import Cell
from mlpstudy.cells.cell_result import CellResult, collect
from mlpstudy.cells.config import parse
from mlpstudy.cells.events import Draw, Event, Failure, Picture
from mlpstudy.cells.problem import Problem, initial_theta, prepare_same
from mlpstudy.cells.recording import Record, train_and_record
from mlpstudy.measure import outcomes

RATE = 5e9  # floating-point operations a second that are assumed
PASSES = 6  # floating-point operations for each weight and example: forward, backward, gradient
LEAST = 0.3  # seconds of a cell that hardly trains


@dataclass(frozen=True)
class Job:
    """One cell to train. Functions cannot be sent between processes, so settings are parsed where it is trained."""

    index: int
    raw: Mapping[str, Any]
    first: int  # replica to train
    seconds: float  # estimated
    content: Mapping[str, str]  # of its files, see `Cell`; with another one it fails


def jobs(cells: Sequence[Cell], first: Mapping[int, int]) -> list[Job]:
    """The cells to train. first: their indices, each with its first replica to train."""
    chosen = ((index, cells[index], replica) for index, replica in first.items())
    return [Job(index, dict(cell.raw), replica, seconds(cell), cell.content) for index, cell, replica in chosen]


def seconds(cell: Cell) -> float:
    """About how long a cell takes, from the number of its weights, examples and epochs."""
    sizes, recipe = np.array(cell.sizes, dtype=np.float64), cell.config.recipe
    weights = float((sizes[:-1] * sizes[1:]).sum())
    examples = float(cell.data.sizes["train"] or 0) * recipe.epochs
    return LEAST + PASSES * weights * examples * cell.config.replicas / RATE


def events_of(job: Job, draw: Draw | None) -> Iterator[Event]:
    """Train a cell; the last event is its last record or a Failure.

    `draw` draws the picture of a cell where the cell is trained, so that many workers do not wait for one that draws.
    There is none for a cell of which some replicas are not trained.
    """
    records = []
    try:
        # one BLAS thread: two threads slow down such small matrices, and cells run in parallel anyway
        with threadpool_limits(1):
            config = parse(job.raw)
            problem = prepare_same(config, job.content)
            theta = initial_theta(problem, range(config.replicas))
            for record in train_and_record(problem, theta, job.first):
                if record.last and outcome(problem, record) not in (None, "learned"):
                    record = replace(record, advice=advice(job.raw))
                records.append(record)
                if record.last and draw is not None and job.first == 0:
                    # the picture needs a result; `conduct.follow` makes its own from the records, also of a killed cell
                    yield drawn(draw, job.index, collect(problem, records))
                yield record
    except Exception as error:
        yield Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def advice(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """What would help a cell that did not learn, in words."""
    try:
        return tuple(one.text for one in advise(raw, failed=True))
    except Exception:  # of the user's own functions, for other settings; the training is kept without advice
        return ()


def outcome(problem: Problem, record: Record) -> str | None:
    """The outcome of most replicas, by their last record; None for a cell that is not to be trained."""
    if not problem.config.recipe.epochs:
        return None
    loss = record.curves["loss_train"]
    gained = problem.yardstick.gained(loss, record.curves.get("accuracy_train"))
    return outcomes.majority(problem.yardstick.outcomes(loss, gained, problem.config.thresholds))


def foreseen_of(job: Job, whole: bool = True) -> Iterator[Foreseen | Failure]:
    """Foresee a cell without training it. whole: with the learning curve, which takes as long as the rest."""
    try:
        with threadpool_limits(1):
            config = parse(job.raw)
            problem = prepare_same(config, job.content)
            before = look_ahead(problem, initial_theta(problem, range(config.replicas)), whole)
        yield Foreseen(before.row, before.pilot.curve if whole and before.pilot is not None else None)
    except Exception as error:
        yield Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def drawn(draw: Draw, index: int, result: CellResult) -> Picture:
    """The picture of a cell, or why it could not be drawn."""
    try:
        return Picture(draw(index, result))
    except Exception as error:  # the numbers are kept without a picture
        return Picture(b"", f"{type(error).__name__}: {error}")


def available_cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
