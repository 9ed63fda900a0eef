"""Several processes at one store at the same moment."""

import sqlite3

import pytest
import sqlalchemy
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.dbmodels.models import SqlExperimentTag, SqlTag
from mlflow.tracking import MlflowClient

from mlpstudy.tracking import at_once, store


@pytest.fixture
def another_process(new_uri):
    """(table, values) -> the next row that MLflow adds is added by another process just before; returns how to stop."""

    def _another_process(model, **values):
        def add(*_):
            with sqlite3.connect(new_uri.removeprefix("sqlite:///")) as connection:
                marks = ", ".join("?" * len(values))
                sql = f"INSERT INTO {model.__tablename__} ({', '.join(values)}) VALUES ({marks})"
                connection.execute(sql, list(values.values()))
            connection.close()

        sqlalchemy.event.listen(model, "before_insert", add)
        return lambda: sqlalchemy.event.remove(model, "before_insert", add)

    return _another_process


def set_by_two(client, another_process, of_run):
    """Both set the same tag; what it is then."""
    run = client.create_run("0").info.run_id
    if of_run:
        stop = another_process(SqlTag, key="error", value="theirs", run_uuid=run)
        try:
            client.set_tag(run, "error", "ours")
        finally:
            stop()
        return client.get_run(run).data.tags["error"]
    stop = another_process(SqlExperimentTag, key="latest", value="theirs", experiment_id=0)
    try:
        client.set_experiment_tag("0", "latest", "ours")
    finally:
        stop()
    return client.get_experiment("0").tags["latest"]


@pytest.mark.parametrize("of_run", [True, False])
def test_a_tag_that_another_process_adds_at_the_same_moment(new_uri, another_process, of_run):
    with pytest.raises(MlflowException, match="UNIQUE constraint failed"):
        set_by_two(MlflowClient(new_uri), another_process, of_run)
    client = store.connect(new_uri, create=False)
    assert set_by_two(client, another_process, of_run) == "ours"


@pytest.mark.parametrize(
    ("message", "again"),
    [
        ('(psycopg.errors.UniqueViolation) duplicate key value violates unique constraint "tag_pk"', True),
        ("(pymysql.err.IntegrityError) (1062, \"Duplicate entry 'error' for key 'PRIMARY'\")", True),
        ("Cannot insert duplicate key in object 'dbo.tags'", True),
        ("API request to endpoint failed", False),
    ],
)
def test_what_is_tried_once_more(message, again, new_uri, monkeypatch):
    calls, client = [], at_once.Client(new_uri)

    def call(*_):
        calls.append(message)
        raise MlflowException(message)

    monkeypatch.setattr(MlflowClient, "set_tag", call)
    with pytest.raises(MlflowException):
        client.set_tag("run", "key", "value")
    assert len(calls) == 1 + again


def test_a_file_needs_no_lock(new_uri):
    with at_once.alone(new_uri), at_once.alone(new_uri):
        pass
