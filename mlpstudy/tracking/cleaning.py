"""Removes a sweep from a store: its rows in the database and its files."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from mlpstudy.errors import ConfigError, one_of
from mlpstudy.tracking import dashboard, uris
from mlpstudy.tracking.reading import search
from mlpstudy.tracking.store import DATABASES, Store, connect, left_out_tag, no_sweep, open_store


@dataclass(frozen=True)
class Found:
    """The runs that a sweep has alone, and those that other sweeps have, too."""

    store: Store
    sweep: str
    alone: Sequence[MlflowRun]
    shared: Sequence[MlflowRun]

    @property
    def told(self) -> str:
        """What will be removed."""
        size = sum(_size(run) for run in self.alone) / 1e6
        kept = f" ({len(self.shared)} more stay, since other sweeps have them too)" if self.shared else ""
        return f"{counted(len(self.alone))} of sweep {self.sweep}, {size:.1f} MB of files{kept}"


def of_sweep(uri: str | None, sweep: str) -> Found:
    """All runs of a sweep, also those that failed, and its report. Raises ConfigError if there is no such sweep."""
    client = connect(uris.resolve(uri), create=False)
    experiments = {e.experiment_id: e.name for e in client.search_experiments()}
    every = search(client, list(experiments), "tags.sweep LIKE '%'")
    mine = [run for run in every if sweep in _sweeps(run)]
    if not mine:
        names = {name for run in every for name in _sweeps(run)}
        raise ConfigError("SWEEP", one_of(names), sweep) if names else no_sweep(uris.resolve(uri))
    reports = [run for id_ in experiments for run in search(client, [id_], f"tags.report = '{sweep}'")]
    store = open_store(uri, experiments[mine[0].info.experiment_id])  # finds files again if the folder was moved
    alone = [client.get_run(run.info.run_id) for run in [*mine, *reports] if _sweeps(run) <= {sweep}]
    return Found(store, sweep, alone, [run for run in mine if _sweeps(run) > {sweep}])


def remove(found: Found) -> str:
    """Remove the runs that the sweep has alone, and take the others out of it. Returns what was done."""
    client, sweep = found.store.client, found.sweep
    for run in found.shared:
        first, *others = sorted(_sweeps(run) - {sweep})
        client.set_tag(run.info.run_id, "sweep", first)
        client.set_tag(run.info.run_id, "also_in", "|" + "".join(f"{name}|" for name in others))
    for tag in (dashboard.tag(sweep), left_out_tag(sweep)):
        with contextlib.suppress(MlflowException):  # it is not there
            client.delete_experiment_tag(found.store.experiment_id, tag)
    for run in found.alone:
        client.delete_run(run.info.run_id)
    if not found.store.uri.startswith(DATABASES):
        return f"Marked as deleted: {counted(len(found.alone))}. On the server, `mlflow gc` removes them for good."
    if found.alone:
        ids = ",".join(run.info.run_id for run in found.alone)
        here = dict.fromkeys(("MLFLOW_TRACKING_URI", "MLFLOW_BACKEND_STORE_URI"), found.store.uri)
        command = [sys.executable, "-m", "mlflow", "gc", "--run-ids", ids]
        done = subprocess.run(command, env=os.environ | here, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = uris.redact(done.stderr.strip().rpartition("\n")[2])
            raise ConfigError("SWEEP", f"one that `mlflow gc` can remove ({reason})", sweep)
        for run in found.alone:
            with contextlib.suppress(OSError):  # the files are elsewhere
                uris.local_path(run.info.artifact_uri).parent.rmdir()
    if (path := uris.database_path(found.store.uri)) is not None:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM")  # gives the room back; not while another process writes
    return f"Removed: {counted(len(found.alone))}."


def counted(runs: int) -> str:
    """`1 run`, `2 runs`."""
    return f"{runs} run{'s' * (runs != 1)}"


def _sweeps(run: MlflowRun) -> set[str]:
    """The sweeps that have this run."""
    own = {run.data.tags["sweep"]} if "sweep" in run.data.tags else set()
    return own | {name for name in run.data.tags.get("also_in", "").split("|") if name}


def _size(run: MlflowRun) -> int:
    folder = uris.local_path(run.info.artifact_uri)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
