"""What earlier sweeps left behind: cells that are done, and runs whose process has gone."""

import socket
from collections.abc import Iterable, Sequence

from mlpstudy.cells.cell import Cell
from mlpstudy.tracking import environment
from mlpstudy.tracking.reading import MEASURED, Run, search, to_run
from mlpstudy.tracking.store import Store

GONE = "the process that trained it has gone"


def close_lost_runs(store: Store) -> list[str]:
    """Give the status KILLED to the runs of this host that no process writes any more; returns their names."""
    running = "attributes.status = 'RUNNING' AND tags.host = '{}'".format(socket.gethostname().replace("'", ""))
    lost = [
        run
        for run in search(store.client, [store.experiment_id], running)
        if run.data.tags.get("pid_started") != environment.started(int(run.data.tags.get("pid", -1)))
    ]
    for run in lost:
        store.client.set_tag(run.info.run_id, "error", GONE)
        store.client.set_terminated(run.info.run_id, "KILLED")
    return [run.info.run_name for run in lost]


def done(store: Store, cells: Sequence[Cell]) -> dict[int, Run]:
    """The finished runs of these cells in the experiment, by the index of the cell; of several, the latest.

    A cell with a part of the user's own is never done: what its name means may have changed.
    """
    wanted = {cell.hash: index for index, cell in enumerate(cells) if not cell.config.own_parts}
    finished = f"{MEASURED} AND attributes.status = 'FINISHED'"
    found = sorted(search(store.client, [store.experiment_id], finished), key=lambda run: run.info.start_time)
    return {
        wanted[run.data.tags["cell"]]: to_run(store.uri, run) for run in found if run.data.tags.get("cell") in wanted
    }


def add_to(sweep: str, runs: Iterable[Run], store: Store) -> None:
    """Let a sweep hold runs of other sweeps too."""
    for run in runs:
        others = run.tags.get("also_in", "|")
        if run.tags["sweep"] != sweep and f"|{sweep}|" not in others:
            store.client.set_tag(run.id, "also_in", f"{others}{sweep}|")
