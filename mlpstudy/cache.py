"""The folder of files that can be made again: downloaded artifacts and prepared data sets.

A user may delete it at any time.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

TEMPORARY = "mlpstudy-home-"  # how the name of a home begins that is removed when the program ends
MOST_BYTES = 2_000_000_000  # about a thousand runs


def folder() -> Path:
    """Where the files are: one folder for each run or data set."""
    ensure_home()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "mlpstudy"


def ensure_home() -> None:
    """Give a user without a home, as in a container, an empty one until the program ends: MLflow cannot do without."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = tempfile.mkdtemp(prefix=TEMPORARY)
        atexit.register(shutil.rmtree, os.environ["HOME"], ignore_errors=True)


def home() -> Path | None:
    """The home of the user, if it stays when the program has ended."""
    ensure_home()
    return None if Path.home().name.startswith(TEMPORARY) else Path.home()


def trim(most: int = MOST_BYTES) -> None:
    """Delete the files that were not used for the longest time until at most this many bytes are left."""
    with contextlib.suppress(OSError):
        files = sorted(((path.stat(), path) for path in folder().glob("*/*")), key=lambda file: -file[0].st_mtime)
        total = 0
        for stat, path in files:
            total += stat.st_size
            if total > most:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
