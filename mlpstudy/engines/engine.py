"""What all engines have in common, and the choice of one."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Protocol

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.events import Draw, Event
from mlpstudy.engines.batches import InBatches
from mlpstudy.engines.launcher import LOCAL, Launcher
from mlpstudy.engines.processes import Processes


class Engine(Protocol):
    """Something that trains cells."""

    @property
    def about(self) -> str:
        """Where cells are trained, in words such as `4 at a time` or `on Ray, 64 cores`."""

    def events(self, cells: Sequence[Cell], first: Mapping[int, int]) -> Generator[Event]:
        """Train cells and yield their events as they come; the last one of a cell is its last record or a Failure.

        first: the indices of the cells to train, each with its first replica to train.
        """

    def close(self) -> None:
        """Stop. It may be called again."""


def opened(launcher: Launcher, draw: Draw | None, workers: int, say: Callable[[str], None]) -> Engine:
    """The engine of a launcher. Raises ConfigError if a cluster does not answer.

    workers: processes of this machine, if these are the engine. say: tells the user something.
    """
    if launcher.engine == LOCAL:
        return Processes(workers, draw)
    if launcher.engine == "ray":
        from mlpstudy.engines.on_ray import OnRay

        return InBatches(OnRay(launcher, draw), launcher.batch_seconds, say)
    from mlpstudy.engines.on_submitit import OnSubmitit

    return InBatches(OnSubmitit(launcher, draw), launcher.batch_seconds, say)
