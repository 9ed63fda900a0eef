"""The picture of a run: its figure, drawn from what a cell measured, in the process that trained it; and the map.

This module alone calls `reports`, and for two figures: a run has its picture as soon as it ends, and the map of what is
foreseen needs no run at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.cells.before import Foreseen
from mlpstudy.cells.cell import Cell
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


@dataclass(frozen=True)
class ForeseenRun:
    """A run that has not been: what is foreseen of a cell, by names that nothing measured has."""

    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    arrays: Mapping[str, NDArray[Any]]


def foreseen(name: str, cell: Cell, told: Foreseen) -> ForeseenRun:
    """What is foreseen of a cell, for a figure."""
    row, curve = told.row, told.curve
    names = {"verdict_predicted": "verdict", "outcome_by_pilot": "outcome", "outcome_predicted": "by_theory"}
    known = {tag: str(row[name]) for tag, name in names.items() if row[name] != "-"}
    arrays = {"foreseen_gained": np.array(row["gained"]), "chance": np.array(cell.yardstick.chance)}
    if curve is not None:
        arrays |= {"foreseen_step": curve.step, "foreseen_loss_train": curve.loss}
        arrays |= {} if curve.accuracy is None else {"foreseen_accuracy_train": curve.accuracy}
    return ForeseenRun(name, metrics.parameters(cell.config), {"sweep": "none, nothing was trained"} | known, arrays)


def foreseen_map(cells: Sequence[tuple[str, Cell, Foreseen]]) -> list[bytes]:
    """The map of what is foreseen of these cells, each with its name: the pages of a figure, as PNG."""
    from reports.figures import foreseen as figure

    return figure.pages([foreseen(name, cell, told) for name, cell, told in cells])
