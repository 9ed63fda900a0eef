"""What depends on the inside of MLflow: its tables, and functions that it does not promise to keep.

The rest of the room uses what MLflow documents. (`dashboard` writes the state of a page of its UI, which is MLflow's
own as well; if it changes, the page opens on its default charts.)
"""

import sqlalchemy
from mlflow.store.db import utils as mlflow_db
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

from mlpstudy import shell
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import uris

KNOWN = "3.17"  # the version that all of this was read in
# table, column with the address of a folder, and key
ADDRESSES = (
    ("experiments", "artifact_location", "experiment_id"),
    ("runs", "artifact_uri", "run_uuid"),
    ("logged_models", "artifact_location", "model_id"),
)

_make_folder = mlflow_db._make_parent_dirs_if_sqlite


def _make_folder_of(db_uri: str) -> None:
    """MLflow would make a folder a%2520b beside a%20b, as it does not read %25 as %, and a folder `file:` here."""
    if "%" not in db_uri and not db_uri.startswith(f"{uris.SQLITE}file:"):
        _make_folder(db_uri)


mlflow_db._make_parent_dirs_if_sqlite = _make_folder_of


def new_database(uri: str, artifacts: str) -> None:
    """Make all tables, and the experiment that MLflow has by itself."""
    SqlAlchemyStore(uri, artifacts).engine.dispose()


def close_connections(uri: str) -> None:
    """Close the connections that MLflow keeps open in this process."""
    for known, engine in list(SqlAlchemyStore._engine_map.items()):
        if known == uri:
            engine.dispose()


def forget_folders() -> None:
    """Let MLflow forget the folders that it has used in this process, by run."""
    _artifact_repos_cache.clear()


def remove_row(uri: str, run_id: str) -> None:
    """Remove a run that is marked as deleted from a database of any kind, with its params, tags and metrics."""
    SqlAlchemyStore(uri, "mlruns")._hard_delete_run(run_id)


def check_schema(uri: str) -> None:
    """Refuse a database of another MLflow version, which MLflow might upgrade without asking."""
    with sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool).connect() as connection:
        if "alembic_version" not in sqlalchemy.inspect(connection).get_table_names():
            return  # the database is empty, and MLflow fills it
        version = connection.scalar(sqlalchemy.text("SELECT version_num FROM alembic_version"))
    if version != mlflow_db._get_latest_schema_revision():
        shown = uris.redact(uri)
        upgrade = shell.command("mlflow", "db", "upgrade", shown)
        rule = f"a database of this MLflow's schema (back it up, then: {upgrade})"
        raise ConfigError("tracking.uri", rule, shown)
