"""Opens an MLflow store, makes its database if it is missing, and reports in one line why a store cannot be used."""

import contextlib
import json
import os
import re
import sqlite3
import textwrap
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.store.db import utils as database
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking import MlflowClient

from mlpstudy.errors import ConfigError
from mlpstudy.tracking import at_once, dashboard, uris

ANSWER_SECONDS = 4  # the longest wait for the first answer of a server, which is asked twice
LONGEST_TAG = 4500  # characters in a tag of an experiment
LOCK_SECONDS = 10  # the longest wait for the transaction of another process
LATEST = "latest_sweep"  # tag of an experiment: time in ms, and the sweep that was asked for last
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


@dataclass(frozen=True)
class Store:
    """An MLflow experiment in a store that can be written to."""

    uri: str  # absolute
    experiment_id: str
    client: MlflowClient


def open_store(uri: str | None, experiment: str) -> Store:
    """Connect, make the experiment if it is missing, and check that a run can be written.

    Raises ConfigError, which names `tracking.uri` or `tracking.experiment`.
    """
    uri = uris.resolve(uri)
    client = connect(uri, create=True)
    found = client.get_experiment_by_name(experiment)
    if found is not None and found.lifecycle_stage == "deleted":
        raise ConfigError("tracking.experiment", "an experiment that is not deleted in MLflow", experiment)
    try:
        path = uris.database_path(uri)
        if path is not None:
            prove_writable(path)
            if found is not None:
                _follow(uri, path, found.experiment_id)
        # beside the database, wherever the command is typed
        slug = re.sub(r"[^\w -]", "_", experiment)
        folder = None if path is None else (path.parent / "mlruns" / slug).as_uri()
        experiment_id = found.experiment_id if found else _create_experiment(client, experiment, folder)
        client.set_experiment_tag(experiment_id, dashboard.tag(dashboard.KEY), dashboard.view_state())
    except Exception as error:
        raise _refused(uri, "a store that can be written", error) from error
    return Store(uri, experiment_id, client)


@contextlib.contextmanager
def answering(store: Store) -> Iterator[None]:
    """An error of the store in here becomes one line. Raises ConfigError, which names `tracking.uri`."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:  # each kind of store raises its own errors
        raise _refused(store.uri, "a store that answers", error) from error


def _follow(uri: str, path: Path, experiment_id: str) -> None:
    """If the folder of the database was moved, let MLflow read and write the artifacts where they are now."""
    with contextlib.closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection, connection:
        for table, column, key in (
            ("experiments", "artifact_location", "experiment_id"),
            ("runs", "artifact_uri", "run_uuid"),
        ):
            stored = connection.execute(
                f"SELECT {key}, {column} FROM {table} WHERE experiment_id = ?", (experiment_id,)
            ).fetchall()
            moved = [(now, own) for own, was in stored if (now := uris.beside_database(uri, was)) != was]
            connection.executemany(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", moved)


def _create_experiment(client: MlflowClient, name: str, folder: str | None) -> str:
    try:
        return str(client.create_experiment(name, folder))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)  # another process has made it


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


def left_out_tag(sweep: str) -> str:
    """Tag of an experiment: the cells of this sweep that cannot be."""
    return f"left_out.{sweep}"


def connect(uri: str, create: bool) -> MlflowClient:
    """A client whose store has answered once. Every error of any kind of store becomes one line."""
    path = uris.database_path(uri)
    try:
        if path is not None and not path.exists():
            if not create:
                raise no_sweep(uri)
            _create_database(path)
        with at_once.alone(uri):
            if uri.startswith(DATABASES):
                _check_schema(uri)
            client = at_once.Client(tracking_uri=uri)
            with _soon():
                client.search_experiments(max_results=1)
        return client
    except ConfigError:
        raise
    except Exception as error:
        raise _refused(uri, "a store that can be reached", error) from error


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
    rule = "a store that holds such a sweep (make one: python -m mlpstudy -m init=zeros,xavier,he)"
    return ConfigError("tracking.uri", rule, uris.redact(uri))


def _refused(uri: str, rule: str, error: Exception) -> ConfigError:
    reason = uris.redact(" ".join(str(error).split()))[:200]
    return ConfigError("tracking.uri", f"{rule} ({type(error).__name__}: {reason})", uris.redact(uri))


def _create_database(path: Path) -> None:
    """Make the whole database under a temporary name, then put it in place in one step.

    Two processes that initialize one SQLite file at once leave it unusable, and so does a kill half-way.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prove_writable(draft)  # MLflow itself would retry for minutes
        store = SqlAlchemyStore(uris.SQLITE + str(draft), str(path.parent / "mlruns"))
        store.engine.dispose()
        with sqlite3.connect(draft) as connection:  # readers (the UI) and the writer do not block each other
            connection.execute("PRAGMA journal_mode=wal")
        connection.close()
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process has made it, which is just as good
        except OSError:  # a file system without hard links
            if not path.exists():
                draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _check_schema(uri: str) -> None:
    """Refuse a database of another MLflow version, which MLflow might upgrade without asking."""
    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            tables = sqlalchemy.inspect(connection).get_table_names()
            if "alembic_version" not in tables:
                return  # the database is empty, and MLflow fills it
            version = connection.scalar(sqlalchemy.text("SELECT version_num FROM alembic_version"))
    finally:
        engine.dispose()
    if version != database._get_latest_schema_revision():
        shown = uris.redact(uri)
        rule = f"a database of this MLflow's schema (back it up, then: python -m mlflow db upgrade {shown})"
        raise ConfigError("tracking.uri", rule, shown)


def prove_writable(path: Path) -> None:
    """Raise an error if the SQLite file cannot be written to."""
    connection = sqlite3.connect(path, timeout=LOCK_SECONDS)
    try:
        connection.execute("BEGIN IMMEDIATE")  # takes the write lock and writes nothing
        connection.rollback()
    finally:
        connection.close()
