"""The picture of a run: its figure, drawn from what a cell measured, in the process that trained it.

This module alone calls `reports`, and for one figure: a run has its picture as soon as it ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from mlpstudy.cells.cell_result import CellResult
from mlpstudy.tracking import metrics


@dataclass(frozen=True)
class EndedRun:
    """A run that has just ended, as MLflow will have it."""

    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    arrays: Mapping[str, NDArray[Any]]


def ended(name: str, sweep: str, result: CellResult, with_arrays: bool = True) -> EndedRun:
    """The run of a cell with this result. The arrays of 10,000 cells would fill the memory."""
    headline = {metric: value for (metric, _), value in metrics.headline(result).items()}
    tags = {"sweep": sweep, **metrics.tags(result)}
    return EndedRun(name, metrics.parameters(result.config), tags, headline, result.arrays if with_arrays else {})


def draw(names: Sequence[str], sweep: str, index: int, result: CellResult) -> bytes:
    """The picture of the cell with this index, as a PNG."""
    from reports.figures import run_page  # matplotlib is slow to import, and a sweep should start at once

    return run_page.draw(ended(names[index], sweep, result)).png()
