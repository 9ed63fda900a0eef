"""Large data sets are read and standardized once; then their arrays are kept as files that all processes share."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from mlpstudy import cache
from mlpstudy.data.splits import Data

VERSION = "3"  # of how the arrays are made; a new one makes them again
ARRAYS = ("x_train", "y_train", "x_test", "y_test", "shift", "scale")


def prepared(content: str, make: Callable[[], Data]) -> Data:
    """make(), or the arrays that it made from the same content before, as read-only memory maps.

    content: what the arrays are made from, such as a hash of the files and the settings.
    """
    folder = cache.folder() / f"data-{sha256(f'{VERSION} {content}'.encode()).hexdigest()[:24]}"
    with contextlib.suppress(OSError, ValueError, EOFError):
        return _load(folder)
    data = make()
    with contextlib.suppress(OSError, ValueError):  # such as a full disk: then they are made again next time
        _save(data, folder)
        cache.trim()
        return _load(folder)  # which takes no memory of this process
    return data


def _load(folder: Path) -> Data:
    arrays: dict[str, Any] = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in ARRAYS}
    name, classes, digest = (folder / "about.txt").read_text(encoding="utf-8").split()
    for file in (*(f"{name}.npy" for name in ARRAYS), "about.txt"):
        os.utime(folder / file)  # the time of the last use
    return Data(name=name, classes=int(classes), digest=digest, **arrays)


def _save(data: Data, folder: Path) -> None:
    """Write to another name, then rename: no process ever reads half of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".data-", dir=folder.parent))
    try:
        for name in ARRAYS:
            np.save(draft / f"{name}.npy", getattr(data, name))
        (draft / "about.txt").write_text(f"{data.name} {data.classes} {data.digest}", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # a file of it may be missing or damaged
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
