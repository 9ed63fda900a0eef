"""Removes a sweep from a store: its rows in the database and its files."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mlflow.entities import Run as MlflowRun
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

from mlpstudy.errors import ConfigError, one_of
from mlpstudy.settings.table import SETTINGS
from mlpstudy.tracking import dashboard, inside, uris
from mlpstudy.tracking.reading import search
from mlpstudy.tracking.store import DATABASES, connect, left_out_tag, no_sweep, not_trained_tag

Track = Callable[[Sequence[MlflowRun]], Iterable[MlflowRun]]  # shows progress


@dataclass(frozen=True)
class Removal:
    """What is to be removed: the runs that a sweep has alone. Those that other sweeps have, too, stay."""

    client: MlflowClient
    uri: str
    experiments: Sequence[str]  # ids
    sweep: str
    alone: Sequence[MlflowRun]
    shared: Sequence[MlflowRun]

    @property
    def text(self) -> str:
        """The same in words."""
        size = sum(_size(run) for run in self.alone) / 1e6
        kept = f" ({len(self.shared)} more stay, since other sweeps have them too)" if self.shared else ""
        return f"{counted(len(self.alone))} of sweep {self.sweep}, {size:.1f} MB of files{kept}"


def of_sweep(uri: str | None, sweep: str) -> Removal:
    """All runs of a sweep, also those that failed, and its report. Raises ConfigError if there is no such sweep.

    In a database, runs that are marked as deleted are among them: a removal may have been interrupted.
    """
    uri = uris.resolve(uri)
    client = connect(uri, create=False)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    which = ViewType.ALL if uri.startswith(DATABASES) else ViewType.ACTIVE_ONLY
    every = search(client, experiments, "tags.sweep LIKE '%'", which)
    mine = [run for run in every if sweep in _sweeps(run)]
    is_name = SETTINGS["tracking.sweep"].kind.holds(sweep)  # others would break the filter
    reports = search(client, experiments, f"tags.report = '{sweep}'", which) if is_name else []
    if not mine and not reports:
        names = {name for run in every for name in _sweeps(run) if run.info.lifecycle_stage == "active"}
        raise ConfigError("SWEEP", one_of(names), sweep) if names else no_sweep(uri)
    alone = [run for run in [*mine, *reports] if _sweeps(run) <= {sweep}]
    for run in alone:
        if (folder := uris.outside(uri, run.info.artifact_uri)) is not None:
            rule = f"a sweep whose files are beside the database; those of {run.info.run_name} are in {folder}"
            raise ConfigError("SWEEP", rule, sweep)
    return Removal(client, uri, experiments, sweep, alone, [run for run in mine if _sweeps(run) > {sweep}])


def remove(removal: Removal, track: Track) -> str:
    """Remove the runs that the sweep has alone, and take the others out of it. Returns what was done."""
    client, sweep = removal.client, removal.sweep
    for run in removal.shared:
        first, *others = sorted(_sweeps(run) - {sweep})
        marked = run.info.lifecycle_stage != "active"
        if marked:  # as deleted; MLflow changes no tag of such a run
            client.restore_run(run.info.run_id)
        client.set_tag(run.info.run_id, "sweep", first)
        client.set_tag(run.info.run_id, "also_in", "|" + "".join(f"{name}|" for name in others))
        if marked:
            client.delete_run(run.info.run_id)
    for experiment in removal.experiments:
        kept = client.get_experiment(experiment).tags
        foreseen = [tag for tag in kept if tag.startswith(not_trained_tag(sweep))]
        for tag in (dashboard.tag(sweep), left_out_tag(sweep), *foreseen):
            with contextlib.suppress(MlflowException):  # it is not there
                client.delete_experiment_tag(experiment, tag)
    for run in removal.alone:
        if run.info.lifecycle_stage == "active":
            client.delete_run(run.info.run_id)
    if not removal.uri.startswith(DATABASES):
        return f"Marked as deleted: {counted(len(removal.alone))}. On the server, `mlflow gc` removes them for good."
    for run in track(removal.alone):  # as `mlflow gc` does, which reads the % in the name of a folder in another way
        _remove_files(run.info.artifact_uri)
        inside.remove_row(removal.uri, run.info.run_id)
    if (path := uris.database_path(removal.uri)) is not None:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM")  # gives the room back; not while another process writes
    return f"Removed: {counted(len(removal.alone))}."


def _remove_files(artifact_uri: str) -> None:
    if not uris.is_local(artifact_uri):
        get_artifact_repository(artifact_uri).delete_artifacts()
        return
    folder = uris.local_path(artifact_uri)
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()  # the folder of the run


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
