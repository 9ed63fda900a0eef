"""The page of a run: its figure, drawn from what a cell measured, in the process that trained it."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from mlpstudy.cells.cell_result import Trained, collect
from mlpstudy.cells.recording import Record
from mlpstudy.tracking import metrics


@dataclass(frozen=True)
class Ended:
    """A run that has just ended: everything that its page is drawn from."""

    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    arrays: Mapping[str, NDArray[Any]]


def draw(names: Sequence[str], sweep: str, index: int, cell: Trained, records: Sequence[Record]) -> bytes:
    """The page of the cell with this index, as a PNG."""
    from reports.figures import run_page  # matplotlib is slow to import, and a sweep should start at once

    result = collect(cell, records)
    tags = {"sweep": sweep, **metrics.tags(result)}
    picture = io.BytesIO()
    run_page.draw(Ended(names[index], metrics.parameters(result.config), tags, result.arrays)).savefig(picture)
    return picture.getvalue()
