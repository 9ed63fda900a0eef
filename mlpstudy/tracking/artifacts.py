"""The files of a run: read in place if they are on this machine, else downloaded once into a cache."""

import contextlib
import os
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlpstudy import cache
from mlpstudy.network import mlp
from mlpstudy.tracking import uris

Arrays = dict[str, NDArray[Any]]
Content = TypeVar("Content")


def read(uri: str, run_id: str, artifact_uri: str, name: str, keep: bool, load: Callable[[Path], Content]) -> Content:
    """The content of one file of a run. `keep`: put a downloaded file into the cache, since it will not change."""
    here = uris.local_path(artifact_uri)
    if here.is_dir():
        return load(here / name)
    kept = cache.folder() / run_id / name
    with contextlib.suppress(OSError, ValueError, zipfile.BadZipFile):  # the file is missing or damaged: download it
        content = load(kept)
        os.utime(kept)  # the time of the last use
        return content
    from mlflow.tracking import MlflowClient  # slow to import, and not needed for files on this machine

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(MlflowClient(uri).download_artifacts(run_id, name, scratch))
        content = load(path)
        if keep:
            with contextlib.suppress(OSError):  # on a full disk, the file is downloaded again next time
                _store(path, kept)
    return content


def load_npz(path: Path) -> Arrays:
    """The arrays of a file."""
    with path.open("rb") as opened, np.load(opened) as file:
        return dict(file)


def named(theta: NDArray[np.floating], sizes: Sequence[int]) -> Arrays:
    """theta (R, P) as it is in files of weights: W1 (R, n_1, n_0), b1 (R, n_1), W2, ..."""
    layers: Arrays = {}
    for layer, (W, b) in enumerate(mlp.unflatten(theta, sizes), start=1):
        layers |= {f"W{layer}": W, f"b{layer}": b[:, 0]}
    return layers


def flat(weights: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """theta (R, P) from W1, b1, W2, ..."""
    names = [f"{kind}{layer}" for layer in range(1, len(weights) // 2 + 1) for kind in "Wb"]
    return np.concatenate([weights[name].reshape(len(weights[name]), -1) for name in names], axis=1)


def _store(path: Path, kept: Path) -> None:
    """Copy to a temporary name, then rename, so that no other process ever reads half a file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f".{kept.name}.{uuid.uuid4().hex}")
    try:
        shutil.copyfile(path, draft)
        draft.replace(kept)
    finally:
        draft.unlink(missing_ok=True)
