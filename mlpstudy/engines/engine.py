"""What all engines have in common, and the choice of one."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from mlpstudy import shell
from mlpstudy.cells.cell import Cell
from mlpstudy.cells.events import CellEvent, Draw
from mlpstudy.cells.one_cell import jobs
from mlpstudy.engines import batches, processes
from mlpstudy.engines.launcher import LOCAL, Launcher
from mlpstudy.errors import ConfigError


@dataclass(frozen=True)
class Engine:
    """Something that trains cells.

    `events(cells, first)` trains cells and yields their events as they come; the last one of a cell is its last record
    or a Failure. first: the indices of the cells to train, each with its first replica to train.
    """

    about: str  # where cells are trained, in words such as `4 at a time` or `on Ray, 64 cores`
    events: Callable[[Sequence[Cell], Mapping[int, int]], Generator[CellEvent]]
    close: Callable[[], None] = lambda: None  # workers of this machine stop when their events are closed


def opened(launcher: Launcher, draw: Draw | None, workers: int, say: Callable[[str], None]) -> Engine:
    """The engine of a launcher. Raises ConfigError if a cluster does not answer.

    workers: processes of this machine, if these are the engine. say: tells the user something.
    """
    if launcher.engine == LOCAL:
        return Engine(f"{workers} at a time", lambda cells, first: processes.run(cells, workers, draw, first))
    cluster: batches.Cluster
    try:
        if launcher.engine == "ray":
            from mlpstudy.engines.on_ray import OnRay

            cluster = OnRay(launcher.settings, draw)
        else:
            from mlpstudy.engines.on_submitit import OnSubmitit

            cluster = OnSubmitit(launcher, draw)
    except ImportError as error:
        extra = "ray" if launcher.engine == "ray" else "slurm"
        install = shell.command("pip", "install", f"mlpstudy[{extra}]")
        raise ConfigError("hydra/launcher", f"installed first: {install}", launcher.engine) from error

    def events(cells: Sequence[Cell], first: Mapping[int, int]) -> Generator[CellEvent]:
        return batches.run(cluster, jobs(cells, first), launcher.settings["batch_seconds"], say)

    return Engine(f"on {cluster.about}", events, cluster.close)
