"""The events of a sweep, and who listens to them. Whatever trains the cells, the events are the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from mlpstudy.cells.cell_result import CellResult
from mlpstudy.cells.recording import Record


@dataclass(frozen=True)
class Failure:
    """A cell that ended with an error of the program or the machine. Divergence is not an error."""

    reason: str
    details: str = ""


@dataclass(frozen=True)
class Picture:
    """The picture of a cell that has been trained; it comes just before the last record."""

    png: bytes
    complaint: str = ""  # why there is no picture


Draw = Callable[[int, CellResult], bytes]  # of the cell with this index
Event = Record | Picture | Failure
CellEvent = tuple[int, Event]  # of the cell with this index


def ends(event: Event) -> bool:
    """Whether this is the last event of its cell: its last record, or a Failure."""
    return isinstance(event, Failure) or (isinstance(event, Record) and event.last)


class Summary(Protocol):
    """What terminal and tables need to know of a run, by the names that MLflow has."""

    @property
    def params(self) -> Mapping[str, str]: ...
    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


@dataclass(frozen=True)
class Ending:
    """How a cell has ended, with all that it measured."""

    status: str  # as in MLflow: FINISHED, FAILED or KILLED
    result: CellResult | None = None  # of all replicas; None if nothing was measured
    summary: Summary | None = None  # of this result
    picture: Picture | None = None
    reason: str = ""  # in one line, unless it has finished
    details: str = ""  # of an error


class Listener(Protocol):
    """Someone who wants to know what happens in a sweep, such as its display. Cells are told by their index."""

    def record(self, index: int, record: Record) -> None:
        """A cell has measured something."""

    def ended(self, index: int, ending: Ending) -> None:
        """A cell has ended. No signal interrupts this."""

    def close(self, seconds: float) -> None:
        """The sweep has ended; take at most so many seconds. It may be called again."""
