"""The figures of a sweep, kept in MLflow as artifacts."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.tracking import MlflowClient

from mlpstudy.tracking import sqlite, uris
from mlpstudy.tracking.run import Run


def log_report(runs: Sequence[Run], files: Sequence[Path]) -> str:
    """Keep the files in the run `report <sweep>`, and replace older files of these figures. Returns a complaint.

    That run has no tag `sweep`: it is no cell, and no search for cells finds it.
    """
    uri, sweep, experiment = runs[0].uri, runs[0].tags["sweep"], runs[0].experiment_id
    try:
        path = uris.database_path(uri)
        if path is not None:
            sqlite.prove_writable(path)  # MLflow itself would retry for minutes
        client = MlflowClient(uri)
        if (folder := uris.outside(uri, client.get_experiment(experiment).artifact_location)) is not None:
            return f"the files of this experiment are not beside the database but in {folder}"
        before = client.search_runs([experiment], f"tags.report = '{sweep}'", max_results=1)
        run = before[0] if before else client.create_run(experiment, tags={"report": sweep}, run_name=f"report {sweep}")
        names = {_figure(file) for file in files}
        for old in client.list_artifacts(run.info.run_id):
            if _figure(Path(old.path)) in names:
                _remove(run.info.artifact_uri, old.path)
        for file in files:
            client.log_artifact(run.info.run_id, str(file))
        client.set_terminated(run.info.run_id)
    except Exception as error:  # each kind of store raises its own errors; the figures exist anyway
        return uris.one_line(error)
    return ""


def _remove(artifact_uri: str, name: str) -> None:
    if uris.is_local(artifact_uri):  # MLflow would read the % in the name of a folder in another way
        (uris.local_path(artifact_uri) / name).unlink(missing_ok=True)
    else:
        with contextlib.suppress(Exception):  # some artifact stores cannot delete; old files then stay
            get_artifact_repository(artifact_uri).delete_artifacts(name)


def _figure(file: Path) -> str:
    """The name of the figure: grid for grid.png and for grid-2.png."""
    return re.sub(r"-\d+$", "", file.stem)
