"""What earlier sweeps left behind: cells that are done, and runs whose process has gone."""

import socket
from collections.abc import Container, Iterable, Sequence

from mlpstudy.cells.cell import Cell
from mlpstudy.tracking import environment
from mlpstudy.tracking.parcel import GONE
from mlpstudy.tracking.reading import MEASURED, search
from mlpstudy.tracking.run import NotMeasured, Run, to_run
from mlpstudy.tracking.store import Store


def close_lost_runs(store: Store) -> list[str]:
    """Give the status KILLED to the runs of this host that no process writes any more; returns their names."""
    running = "attributes.status = 'RUNNING' AND tags.host = '{}'".format(socket.gethostname().replace("'", ""))
    lost = [run for run in search(store.client, [store.experiment_id], running) if environment.has_gone(run.data.tags)]
    for run in lost:
        store.client.set_tag(run.info.run_id, "error", GONE)
        store.client.set_terminated(run.info.run_id, "KILLED")
    return [run.info.run_name for run in lost]


def finished(store: Store) -> list[Run]:
    """The finished runs of the experiment, the oldest first."""
    runs = search(store.client, [store.experiment_id], f"{MEASURED} AND attributes.status = 'FINISHED'")
    return [to_run(store.uri, run) for run in sorted(runs, key=lambda run: run.info.start_time)]


def done(runs: Sequence[Run], cells: Sequence[Cell]) -> dict[int, Run]:
    """The finished runs of these cells, by the index of the cell; of several, the latest that kept all that is wanted.

    A cell with a function of the user's own is never done: what it does may have changed.
    """
    indices = {cell.hash: index for index, cell in enumerate(cells) if not cell.config.own_functions}
    latest: dict[int, Run] = {}
    for run in runs:
        index = indices.get(run.tags.get("cell", ""))
        if index is not None:
            wanted = [key for key in ("full", "log_model") if cells[index].raw["tracking"][key]]
            if all(run.params.get(f"tracking.{key}") == "True" for key in wanted):
                latest[index] = run
    return latest


def with_fewer_replicas(runs: Sequence[Run], cells: Sequence[Cell], done: Container[int]) -> dict[int, Run]:
    """For cells that are not done: the finished run of the same cell with the most replicas below those wanted.

    Not for `tracking.full`, since such a run would lack the weights of the earlier replicas.
    """
    indices = {
        cell.hash_any_replicas: index
        for index, cell in enumerate(cells)
        if index not in done and not cell.config.own_functions and not cell.raw["tracking"]["full"]
    }
    largest: dict[int, Run] = {}
    for run in sorted(runs, key=lambda run: int(run.params["replicas"])):
        index = indices.get(run.tags.get("cell_any_replicas", ""))
        if index is not None and int(run.params["replicas"]) < cells[index].config.replicas:
            largest[index] = run
    return {index: run for index, run in largest.items() if _is_whole(run)}


def _is_whole(run: Run) -> bool:
    try:
        return run.replicas == int(run.params["replicas"]) and len(run.weights("final")) > 0
    except NotMeasured:
        return False


def add_to(sweep: str, runs: Iterable[Run], store: Store) -> None:
    """Let a sweep hold runs of other sweeps too."""
    for run in runs:
        others = run.tags.get("also_in", "|")
        if run.tags["sweep"] != sweep and f"|{sweep}|" not in others:
            store.client.set_tag(run.id, "also_in", f"{others}{sweep}|")
