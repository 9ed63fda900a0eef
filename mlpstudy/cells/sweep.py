"""Trains one cell and yields its events, wherever this is: in this process, in a worker, on another machine."""

import os
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from threadpoolctl import threadpool_limits

from mlpstudy.cells.cell_result import CellResult, collect
from mlpstudy.cells.config import Config, parse
from mlpstudy.cells.events import Draw, Failure, Happened, Page
from mlpstudy.cells.problem import initial_theta, prepare_same
from mlpstudy.cells.recording import train_and_record


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
    yield from train(index, config, first, draw, content)


def train(index: int, config: Config, first: int, draw: Draw | None, content: Mapping[str, str]) -> Iterator[Happened]:
    """As `train_raw`, with settings that are parsed.

    `draw` makes the Page of a cell where the cell is trained, so that many workers do not wait for one that draws.
    There is none for a cell of which some replicas are not trained.
    """
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
