"""A run as a folder: `run.json` is what MLflow's database holds of it, `artifacts` are its files.

Every run is such a folder first, and is then sent into a store. So a run is kept if its store is away or its process is
killed, and so a sweep goes to another store.
"""

import contextlib
import json
import math
import re
import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from mlpstudy import cache
from mlpstudy.tracking import environment, uris
from mlpstudy.tracking.store import Store

RUN = "run.json"
ARTIFACTS = "artifacts"
MOST = 10_000  # folders of one name
BATCH = 1000  # MLflow takes at most so many metrics in one call
RESCUE = "mlpstudy-rescued"  # the folder of all folders
GONE = "the process that trained it has gone"
ORIGIN = "origin"  # tag of a run that was brought in from elsewhere: the run that it is a copy of

Row = tuple[str, float, int, int]  # of a metric: name, value, time in ms, step
Call = Callable[[Callable[[], Any]], Any]  # makes a call to the store, perhaps several times


@dataclass(frozen=True)
class Parcel:
    """What MLflow's database holds of a run."""

    run_id: str  # in the store that it is meant for; empty if that store has not taken it yet
    uri: str  # of that store, without its password
    experiment: str
    name: str
    status: str
    started: int  # ms
    ended: int
    params: dict[str, str]
    tags: dict[str, str]
    metrics: list[Row]
    data: dict[str, str]  # name, digest, source and profile of the data set
    held: bool = False  # the process that its tags name is going to send it

    def in_use(self, elsewhere: bool) -> bool:
        """Whether the process that will send it still exists. elsewhere: what is said of one of another host."""
        if not self.held:
            return False
        here = self.tags.get("host") == socket.gethostname()
        return not environment.has_gone(self.tags) if here else elsewhere


def rescue_folders(uri: str) -> list[Path]:
    """Where folders of runs are made: beside an SQLite file, else in the current directory, else at home."""
    database = uris.database_path(uri)
    places = (None if database is None else database.parent, Path(), cache.home())
    different = {(place / RESCUE).resolve(): place / RESCUE for place in places if place is not None}
    return list((different | {Path(RESCUE).resolve(): Path(RESCUE)}).values())  # that of the current directory is short


def new_folder(root: Path, *parts: str) -> Path:
    """A new folder; if there is one with this name, name-2, name-3, ... Raises OSError."""
    wanted = root.joinpath(*(re.sub(r"[^\w .=-]", "_", part) for part in parts))
    for number in range(1, MOST):
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        wanted.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError, FileNotFoundError):  # another sweep makes or empties it right now
            folder.mkdir()
            return folder
    raise FileExistsError(f"{MOST} folders such as {wanted}")


def write(parcel: Parcel, folder: Path) -> None:
    """Put run.json into the folder."""
    draft = folder / f".{RUN}"
    draft.write_text(json.dumps(asdict(parcel)), encoding="utf-8")
    draft.replace(folder / RUN)  # a folder has a whole run.json or none


def read(folder: Path) -> Parcel:
    """What run.json of a folder says. Raises OSError, ValueError or TypeError."""
    kept = json.loads((folder / RUN).read_text(encoding="utf-8"))
    return Parcel(**{**kept, "metrics": [tuple(row) for row in kept["metrics"]]})


def folders(inside: Path) -> list[Path]:
    """All folders of runs inside a folder, in order."""
    return sorted(path.parent for path in inside.rglob(RUN))


def remove(folder: Path) -> None:
    """Remove the folder of a run, and the two folders above it that are empty then."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # other runs are left
        folder.parent.rmdir()
        folder.parent.parent.rmdir()


def now() -> int:
    """The time in ms, as MLflow counts it."""
    return int(1000 * time.time())


def rows(metrics: Mapping[tuple[str, int], float]) -> list[Row]:
    """Rows of metrics, from (name, step) -> value; what is not finite is NaN."""
    at = now()  # the time is part of the row, so a row that is sent twice is stored once
    return [(key, value if math.isfinite(value) else math.nan, at, step) for (key, step), value in metrics.items()]


def describe(client: MlflowClient, run_id: str, parcel: Parcel, call: Call) -> None:
    """Write params and tags into an open run."""
    params = [Param(key, value) for key, value in parcel.params.items()]
    tags = [RunTag(key, value) for key, value in parcel.tags.items()]
    call(lambda: client.log_batch(run_id, params=params, tags=tags))


def log_metrics(client: MlflowClient, run_id: str, rows: Sequence[Row], call: Call) -> None:
    """Write metrics into an open run."""
    for start in range(0, len(rows), BATCH):
        batch = [Metric(*row) for row in rows[start : start + BATCH]]
        call(partial(client.log_batch, run_id, metrics=batch))


def fill(client: MlflowClient, run_id: str, parcel: Parcel, artifacts: Path, call: Call) -> None:
    """Write everything into an open run, and close it. It has its final status only if all of it is in the store."""
    if artifacts.is_dir() and any(artifacts.iterdir()):
        call(lambda: client.log_artifacts(run_id, str(artifacts)))
    log_metrics(client, run_id, parcel.metrics, call)
    if parcel.data:
        call(lambda: client.log_inputs(run_id, [DatasetInput(Dataset(source_type="mlpstudy", **parcel.data))]))
    describe(client, run_id, parcel, call)
    call(lambda: client.set_terminated(run_id, parcel.status, parcel.ended))


def send(store: Store, folder: Path, call: Call) -> tuple[Parcel, bool]:
    """Bring the run of a folder into a store, if it is not there yet; returns whether it was brought in."""
    parcel, client = read(folder), store.client
    run_id, status = parcel.run_id, _status(client, parcel.run_id)
    if status == "FINISHED":
        return parcel, False
    if status is None:
        tags = {ORIGIN: run_id} if run_id else {}
        same = f"tags.{ORIGIN} = '{run_id}' AND attributes.status = '{parcel.status}'"
        if tags and call(lambda: client.search_runs([store.experiment_id], same, max_results=1)):
            return parcel, False
        run = call(lambda: client.create_run(store.experiment_id, parcel.started, parcel.tags | tags, parcel.name))
        run_id = run.info.run_id
    fill(client, run_id, parcel, folder / ARTIFACTS, call)
    return parcel, True


def _status(client: MlflowClient, run_id: str) -> str | None:
    """The status of a run; None if the store has no such run."""
    try:
        return str(client.get_run(run_id).info.status) if run_id else None
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
