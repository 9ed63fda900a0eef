"""Tracking URIs: which store is meant, and how to show it without its password."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from mlpstudy.errors import ConfigError

SQLITE = "sqlite:///"
DEFAULT_DATABASE = "mlflow.db"


def resolve(uri: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The absolute URI: as given, else MLFLOW_TRACKING_URI, else mlflow.db in the current directory.

    MLflow would resolve a relative database against whatever directory a process runs in.
    """
    uri = uri or environment.get("MLFLOW_TRACKING_URI") or SQLITE + DEFAULT_DATABASE
    if uri.startswith(SQLITE) and not uri.startswith(SQLITE + "file:"):
        return SQLITE + str(Path(uri.removeprefix(SQLITE)).absolute())
    if not re.match(r"[a-z][a-z0-9+.-]*:", uri, flags=re.IGNORECASE):
        rule = "a URI such as sqlite:///mlflow.db, http://127.0.0.1:5000 or postgresql://user@host/name"
        raise ConfigError("tracking.uri", rule, redact(uri))
    return uri


def database_path(uri: str) -> Path | None:
    """The file of a plain sqlite URI; None for any other store."""
    plain = uri.startswith(SQLITE) and not uri.startswith(SQLITE + "file:") and "?" not in uri
    return Path(uri.removeprefix(SQLITE)) if plain else None


def local_path(uri: str) -> Path:
    """The path of a file: URI, or of a plain path. As MLflow's own, without importing MLflow."""
    return Path(url2pathname(urlsplit(uri).path if uri.startswith("file:") else uri))


def redact(text: str) -> str:
    """The text with every password or token in a URI replaced by ***: user:secret@, token@, ?token=, PWD=."""
    text = re.sub(r"(://[^:@/\s]*):[^@\n]*@", r"\1:***@", text)
    text = re.sub(r"(https?://)[^:@/\s]+@", r"\1***@", text, flags=re.IGNORECASE)
    secret = r"((?:password|passwd|pwd|token|secret|[?&](?:api)?key)=)[^&;\s'\"]+"
    return re.sub(secret, r"\1***", text, flags=re.IGNORECASE)


def without_user(uri: str) -> str:
    """The address of a server without user and password; a browser asks for them."""
    return re.sub(r"^(https?://)(?:[^:@/\s]*:[^\n]*|[^:@/\s]+)@", r"\1", uri)


def beside_database(uri: str, artifacts: str) -> str:
    """The address of a folder of artifacts: beside the database if it is there, else as MLflow has it.

    MLflow keeps absolute paths, but the folder with mlflow.db and mlruns may have been moved, copied or sent.
    """
    database = database_path(uri)
    _, inside, rest = artifacts.rpartition("/mlruns/")
    if database is None or not inside or not artifacts.startswith("file:"):
        return artifacts
    here = database.parent.absolute() / "mlruns" / unquote(rest)
    return here.as_uri() if here.is_dir() else artifacts
