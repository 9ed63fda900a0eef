"""Several sweeps may write to one store at the same moment: what one of them has just made, the others find."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

# how the databases, and servers that pass this on, say that a row is there already
THERE = ("UniqueViolation", "UNIQUE constraint failed", "Duplicate entry", "duplicate key")
WAIT = 120  # seconds for another process that makes the tables
LOCKS = {  # held until the connection is closed
    "postgresql": f"SET lock_timeout = '{WAIT}s'; SELECT pg_advisory_lock(7305)",
    "mysql": f"SELECT GET_LOCK('mlpstudy', {WAIT})",
}


def _twice(name: str) -> Callable[..., None]:
    """The method of MlflowClient with this name; if another process has just added the row, it is called again."""

    def method(client: MlflowClient, *arguments: Any, **named: Any) -> None:
        call = partial(getattr(MlflowClient, name), client, *arguments, **named)
        try:
            call()
        except MlflowException as error:
            if not any(words in str(error) for words in THERE):
                raise
            call()

    return method


class Client(MlflowClient):
    """A client whose tags and data sets may be written by other processes at the same moment.

    MLflow looks for a row and then adds it. If another process has added it in between, this fails; the second time,
    the row is found.
    """

    set_tag = _twice("set_tag")
    set_experiment_tag = _twice("set_experiment_tag")
    log_inputs = _twice("log_inputs")


@contextlib.contextmanager
def alone(uri: str) -> Iterator[None]:
    """One process at a time is in here. MLflow makes the tables of an empty database step by step, without a lock.

    A file of SQLite is made in another way.
    """
    statements = next((lock for kind, lock in LOCKS.items() if uri.startswith(kind)), None)
    if statements is None:
        yield
        return
    with sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool).connect() as connection:
        for statement in statements.split("; "):
            connection.execute(sqlalchemy.text(statement))
        yield
