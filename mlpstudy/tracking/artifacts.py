"""A run's files: read in place where its store is on this machine, else from a cache of what was downloaded."""

import contextlib
import os
import shutil
import tempfile
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.tracking import MlflowClient
from mlflow.utils.file_utils import local_file_uri_to_path
from numpy.typing import NDArray

CACHE_BYTES = 2_000_000_000  # about a thousand runs

Arrays = dict[str, NDArray[Any]]


def cache() -> Path:
    """Folder of downloaded files, one folder per run; may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mlpstudy"


def read_npz(uri: str, run_id: str, artifact_uri: str, name: str, keep: bool) -> Arrays:
    """The arrays of one file of a run. `keep` what is downloaded only where it will not change any more."""
    here = Path(local_file_uri_to_path(artifact_uri))
    if here.is_dir():
        return _load(here / name)
    kept = cache() / run_id / name
    with contextlib.suppress(OSError, ValueError, zipfile.BadZipFile):  # not there, or damaged: as if not there
        arrays = _load(kept)
        os.utime(kept)  # used last
        return arrays
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(MlflowClient(uri).download_artifacts(run_id, name, scratch))
        arrays = _load(path)
        if keep:
            with contextlib.suppress(OSError):  # a full disk costs the next drawing some time, nothing else
                _store(path, kept)
    return arrays


def trim(most: int = CACHE_BYTES) -> None:
    """Delete what was not used for longest until the cache holds no more than so many bytes."""
    with contextlib.suppress(OSError):
        files = sorted(((path.stat(), path) for path in cache().glob("*/*")), key=lambda file: -file[0].st_mtime)
        total = 0
        for stat, path in files:
            total += stat.st_size
            if total > most:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()


def _load(path: Path) -> Arrays:
    with path.open("rb") as opened, np.load(opened) as file:
        return dict(file)


def _store(path: Path, kept: Path) -> None:
    """Under a name of its own first, so that no other process ever sees half a file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f".{kept.name}.{uuid.uuid4().hex}")
    try:
        shutil.copyfile(path, draft)
        draft.replace(kept)
    finally:
        draft.unlink(missing_ok=True)
