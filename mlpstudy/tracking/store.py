"""The door to an MLflow store: every command opens it here, and reads in one line why it cannot be used."""

import contextlib
import json
import os
import re
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from mlpstudy import shell
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import at_once, dashboard, inside, sqlite, uris

ANSWER_SECONDS = 4  # the longest wait for the first answer of a server, which is asked twice
LONGEST_TAG = 4500  # characters in a tag of an experiment
LATEST = "latest_sweep"  # tag of an experiment: time in ms, and the sweep that was asked for last
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


@dataclass(frozen=True)
class Store:
    """An MLflow experiment in a store that can be written to."""

    uri: str  # absolute
    experiment_id: str
    client: MlflowClient

    def close(self) -> None:
        """All of it is in one file, if it is an SQLite file."""
        if (path := uris.database_path(self.uri)) is not None:
            sqlite.make_whole(path)


def open_store(uri: str | None, experiment: str) -> Store:
    """Connect, make the experiment if it is missing, and check that a run can be written.

    Raises ConfigError, which names `tracking.uri` or `tracking.experiment`.
    """
    uri = uris.resolve(uri)
    client = connect(uri, create=True)
    existing = client.get_experiment_by_name(experiment)
    if existing is not None and existing.lifecycle_stage == "deleted":
        raise ConfigError("tracking.experiment", "an experiment that is not deleted in MLflow", experiment)
    if existing is not None and (folder := uris.outside(uri, existing.artifact_location)) is not None:
        rule = f"an experiment whose files are beside the database; those of this one are in {folder}"
        raise ConfigError("tracking.experiment", rule, experiment)
    with answering(uri, "a store that can be written"):
        path, location = uris.database_path(uri), None
        if path is not None:
            sqlite.prove_writable(path)
            sqlite.allow_readers(path)
            location = (path.parent / "mlruns" / re.sub(r"[^\w -]", "_", experiment)).as_uri()
        experiment_id = existing.experiment_id if existing else _create_experiment(client, experiment, location)
        client.set_experiment_tag(experiment_id, dashboard.tag(dashboard.KEY), dashboard.view_state())
    return Store(uri, experiment_id, client)


@contextlib.contextmanager
def answering(uri: str, rule: str = "a store that answers") -> Iterator[None]:
    """An error of the store in here becomes one line. Raises ConfigError, which names `tracking.uri`."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # each kind of store raises its own errors
        raise ConfigError("tracking.uri", f"{rule} ({uris.one_line(error)})", uris.redact(uri)) from error


def _create_experiment(client: MlflowClient, name: str, folder: str | None) -> str:
    try:
        return str(client.create_experiment(name, folder))
    except MlflowException:
        if (theirs := client.get_experiment_by_name(name)) is None:
            raise
        return str(theirs.experiment_id)  # another process has made it


def save_view(store: Store, sweep: str) -> None:
    """Let `?viewStateShareKey=<sweep>` open the UI at the charts of this sweep's runs, and reports start with it."""
    view = dashboard.view_state(f"tags.sweep = '{sweep}'")
    with contextlib.suppress(Exception):  # the format is internal to MLflow; a failure must not stop a sweep
        store.client.set_experiment_tag(store.experiment_id, dashboard.tag(sweep), view)
        store.client.set_experiment_tag(store.experiment_id, LATEST, f"{int(1000 * time.time())} {sweep}")


def save_left_out(store: Store, sweep: str, reasons: Mapping[str, str]) -> None:
    """Keep which cells of a sweep cannot be: name -> reason; beside those of other parts of the sweep."""
    if reasons:
        kept = store.client.get_experiment(store.experiment_id).tags.get(left_out_tag(sweep), "{}")
        reasons = json.loads(kept) | dict(reasons)
        longest = LONGEST_TAG // len(reasons) - 100
        short = {name: textwrap.shorten(reason, max(longest, 40)) for name, reason in reasons.items()}
        with contextlib.suppress(MlflowException):  # so many cells that their names alone are too long for MLflow
            store.client.set_experiment_tag(store.experiment_id, left_out_tag(sweep), json.dumps(short))


@dataclass(frozen=True)
class NotTrained:
    """A cell that was left untrained since it is expected not to learn: foreseen, and not measured."""

    cell: str  # its hash
    name: str
    outcome: str  # that is foreseen
    reason: str


def save_not_trained(store: Store, sweep: str, cells: Sequence[NotTrained]) -> None:
    """Keep which cells of a sweep were not trained, each in a tag of its own: there can be many, of several parts."""
    for cell in cells:
        text = json.dumps(asdict(cell) | {"reason": textwrap.shorten(cell.reason, LONGEST_TAG // 3)})
        store.client.set_experiment_tag(store.experiment_id, f"{not_trained_tag(sweep)}{cell.cell}", text)


def not_trained_tag(sweep: str) -> str:
    """How the tags of an experiment begin that have the cells of this sweep that were not trained."""
    return f"not_trained.{sweep}/"


def left_out_tag(sweep: str) -> str:
    """Tag of an experiment: the cells of this sweep that cannot be."""
    return f"left_out.{sweep}"


def connect(uri: str, create: bool) -> MlflowClient:
    """A client whose store has answered once. Every error of any kind of store becomes one line.

    An SQLite file is made whole, and points at the files of all experiments where they are now.
    """
    path = uris.database_path(uri)
    with answering(uri, "a store that can be reached"):
        if path is not None:
            if not path.exists():
                if not create:
                    raise no_sweep(uri)
                sqlite.create(path)
            sqlite.make_whole(path)
        with at_once.alone(uri):
            if uri.startswith(DATABASES):
                inside.check_schema(uri)
            client = at_once.Client(tracking_uri=uri)
            with _soon():
                client.search_experiments(max_results=1)
        if path is not None:
            sqlite.follow(path)
        return client


@contextlib.contextmanager
def _soon() -> Iterator[None]:
    """A server has to answer within ANSWER_SECONDS."""
    name = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    before = os.environ[name]
    os.environ[name] = str(ANSWER_SECONDS)
    try:
        yield
    finally:
        os.environ[name] = before


def no_sweep(uri: str) -> ConfigError:
    """The error for a store without any sweep."""
    make = shell.command("mlpstudy", "-m", "init=zeros,xavier,he")
    rule = f"a store that holds such a sweep (make one: {make})"
    return ConfigError("tracking.uri", rule, uris.redact(uri))
