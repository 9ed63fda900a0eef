"""The files of a run: read in place if they are on this machine, else downloaded once into a cache."""

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

from mlpstudy import cache

Arrays = dict[str, NDArray[Any]]


def read_npz(uri: str, run_id: str, artifact_uri: str, name: str, keep: bool) -> Arrays:
    """The arrays of one file of a run. `keep`: put a downloaded file into the cache, since it will not change."""
    here = Path(local_file_uri_to_path(artifact_uri))
    if here.is_dir():
        return _load(here / name)
    kept = cache.folder() / run_id / name
    with contextlib.suppress(OSError, ValueError, zipfile.BadZipFile):  # the file is missing or damaged: download it
        arrays = _load(kept)
        os.utime(kept)  # the time of the last use
        return arrays
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(MlflowClient(uri).download_artifacts(run_id, name, scratch))
        arrays = _load(path)
        if keep:
            with contextlib.suppress(OSError):  # on a full disk, the file is downloaded again next time
                _store(path, kept)
    return arrays


def _load(path: Path) -> Arrays:
    with path.open("rb") as opened, np.load(opened) as file:
        return dict(file)


def _store(path: Path, kept: Path) -> None:
    """Copy to a temporary name, then rename, so that no other process ever reads half a file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f".{kept.name}.{uuid.uuid4().hex}")
    try:
        shutil.copyfile(path, draft)
        draft.replace(kept)
    finally:
        draft.unlink(missing_ok=True)
