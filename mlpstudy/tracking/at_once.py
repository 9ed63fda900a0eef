"""Several sweeps may write to one store at the same moment: what one of them has just made, the others find."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

Answer = TypeVar("Answer")

# how the databases, and servers that pass this on, say that a row is there already
THERE = ("UniqueViolation", "UNIQUE constraint failed", "Duplicate entry", "duplicate key")
WAIT = 120  # seconds for another process that makes the tables
LOCKS = {  # held until the connection is closed
    "postgresql": f"SET lock_timeout = '{WAIT}s'; SELECT pg_advisory_lock(7305)",
    "mysql": f"SELECT GET_LOCK('mlpstudy', {WAIT})",
}


class Client(MlflowClient):
    """A client whose tags and data sets may be written by other processes at the same moment.

    MLflow looks for a row and then adds it. If another process has added it in between, this fails; the second time,
    the row is found.
    """

    def set_tag(self, *arguments: Any, **named: Any) -> None:
        """As that of MLflow."""
        _twice(lambda: super(Client, self).set_tag(*arguments, **named))

    def set_experiment_tag(self, *arguments: Any, **named: Any) -> None:
        """As that of MLflow."""
        _twice(lambda: super(Client, self).set_experiment_tag(*arguments, **named))

    def log_inputs(self, *arguments: Any, **named: Any) -> None:
        """As that of MLflow."""
        _twice(lambda: super(Client, self).log_inputs(*arguments, **named))


def _twice(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except MlflowException as error:
        if not any(words in str(error) for words in THERE):
            raise
        return call()


@contextlib.contextmanager
def alone(uri: str) -> Iterator[None]:
    """One process at a time is in here. MLflow makes the tables of an empty database step by step, without a lock.

    A file of SQLite is made in another way.
    """
    statements = next((lock for kind, lock in LOCKS.items() if uri.startswith(kind)), None)
    if statements is None:
        yield
        return
    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            for statement in statements.split("; "):
                connection.execute(sqlalchemy.text(statement))
            yield
    finally:
        engine.dispose()
