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
# the address of the artifacts of an experiment, of a run, or of a model that a user has logged
PLACE = re.compile(r"(.*/)?mlruns/(?P<inside>(?P<experiment>[^/]+)(/[0-9a-f]{32}/artifacts|/models/[^/]+/artifacts)?)")


def resolve(uri: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The absolute URI: as given, else MLFLOW_TRACKING_URI, else mlflow.db in the current directory.

    MLflow would resolve a relative database against whatever directory a process runs in. Raises ConfigError.
    """
    uri = uri or environment.get("MLFLOW_TRACKING_URI")
    if not uri:
        return sqlite_uri(_real(Path(DEFAULT_DATABASE)))
    if uri.startswith(SQLITE) and not uri.startswith(SQLITE + "file:"):
        path, mark, query = uri.removeprefix(SQLITE).partition("?")
        _check_signs(uri, path, query)
        return sqlite_uri(_real(Path(unquote(path)))) + mark + query
    if not re.match(r"[a-z][a-z0-9+.-]*:", uri, flags=re.IGNORECASE):
        rule = "a URI such as sqlite:///mlflow.db, http://127.0.0.1:5000 or postgresql://user@host/name"
        raise ConfigError("tracking.uri", rule, redact(uri))
    return uri


def _real(database: Path) -> Path:
    """Where a database is: beside its runs, if it is a link to a file elsewhere."""
    return database.resolve() if database.is_symlink() else database.absolute()


def sqlite_uri(path: Path) -> str:
    """The URI of an SQLite file. In a URI, % and ? of a path are written as %25 and %3F."""
    return SQLITE + str(path).replace("%", "%25").replace("?", "%3F")


def _check_signs(uri: str, path: str, query: str) -> None:
    """Raise ConfigError if the path was typed as it is, with signs that mean something else in a URI."""
    for sign, written, wrong in (
        ("?", "%3F", "/" in query),
        ("%", "%25", Path(path).parent.is_dir() and not Path(unquote(path)).parent.is_dir()),
    ):
        if wrong:
            raise ConfigError("tracking.uri", f"a URI in which the {sign} of a path is written as {written}", uri)


def database_path(uri: str) -> Path | None:
    """The file of a plain sqlite URI; None for any other store."""
    plain = uri.startswith(SQLITE) and not uri.startswith(SQLITE + "file:") and "?" not in uri
    return Path(unquote(uri.removeprefix(SQLITE))) if plain else None


def local_path(uri: str) -> Path:
    """The path of a file: URI, or of a plain path. As MLflow's own, without importing MLflow."""
    return Path(url2pathname(urlsplit(uri).path if uri.startswith("file:") else uri))


def redact(text: str) -> str:
    """The text with every password or token in a URI replaced by ***: user:secret@, token@, ?token=, PWD=."""
    text = re.sub(r"(://[^:@/\s]*):[^@\n]*@", r"\1:***@", text)
    text = re.sub(r"(https?://)[^:@/\s]+@", r"\1***@", text, flags=re.IGNORECASE)
    secret = r"((?:password|passwd|pwd|token|secret|[?&](?:api)?key)=)[^&;\s'\"]+"
    return re.sub(secret, r"\1***", text, flags=re.IGNORECASE)


def one_line(reason: object) -> str:
    """An error or a text in one short line without passwords."""
    named = f"{type(reason).__name__}: " if isinstance(reason, Exception) else ""
    return redact(" ".join(f"{named}{reason}".split()))[:200]


def without_user(uri: str) -> str:
    """The address of a server without user and password; a browser asks for them."""
    return re.sub(r"^(https?://)(?:[^:@/\s]*:[^\n]*|[^:@/\s]+)@", r"\1", uri)


def beside_database(uri: str, artifacts: str) -> str:
    """The address of a folder of artifacts where it is now: in `mlruns` beside the database, else as MLflow has it.

    MLflow keeps absolute addresses of experiments, runs and models, but mlflow.db and mlruns may have been renamed,
    copied or sent. A folder that MLflow itself has named, by a number, may be elsewhere on purpose: its address stays
    if only that place exists.
    """
    database, place = database_path(uri), PLACE.fullmatch(artifacts)
    if database is None or place is None or not is_local(artifacts):
        return artifacts
    inside = unquote(place["inside"]) if artifacts.startswith("file:") else place["inside"]
    here = database.parent.absolute() / "mlruns" / inside
    own = not place["experiment"].isdigit()
    return here.as_uri() if own or here.is_dir() or not local_path(artifacts).is_dir() else artifacts


def is_local(artifacts: str) -> bool:
    """Whether this is the address of a folder on this machine."""
    return artifacts.startswith("file:") or re.match(r"[a-z][a-z0-9+.-]+:", artifacts, flags=re.IGNORECASE) is None


def outside(uri: str, artifacts: str) -> Path | None:
    """A folder of artifacts on this machine that is not in the folder of the SQLite database; None for all others.

    Links are followed: a copy of a link to `mlruns` would lead to the files of the original.
    """
    database = database_path(uri)
    if database is None or not is_local(artifacts):
        return None
    folder = (database.parent / local_path(artifacts)).resolve()
    return None if folder.is_relative_to(database.parent.resolve()) else folder
