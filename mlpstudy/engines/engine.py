"""Opens the engine that was chosen."""

from collections.abc import Callable, Generator, Mapping, Sequence

from mlpstudy.cells import sweep
from mlpstudy.cells.cell import Cell
from mlpstudy.engines import batches
from mlpstudy.engines.launcher import LOCAL, Launcher


def opened(launcher: Launcher, draw: sweep.Draw | None) -> batches.Engine | None:
    """The engine of a launcher; None for the processes of this machine. Raises ConfigError if it does not answer."""
    if launcher.engine == LOCAL:
        return None
    if launcher.engine == "ray":
        from mlpstudy.engines.on_ray import OnRay

        return OnRay(launcher, draw)
    from mlpstudy.engines.on_submitit import OnSubmitit

    return OnSubmitit(launcher, draw)


def run(
    engine: batches.Engine | None,
    launcher: Launcher,
    cells: Sequence[Cell],
    workers: int,
    draw: sweep.Draw | None,
    todo: Mapping[int, int],
    say: Callable[[str], None],
) -> Generator[sweep.Event]:
    """Train cells and yield their events as they come; the last of a cell is its last record or a Failure."""
    if engine is None:
        return sweep.run(cells, workers, draw, todo)
    return batches.run(engine, batches.jobs(cells, todo), launcher.batch_seconds, say)
