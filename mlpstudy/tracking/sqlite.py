"""The SQLite file of a store: it alone holds every run, and it points at no file outside its folder.

A user may rename, copy or send the file with `mlruns/` beside it. Between two commands there is one file alone. While
runs are written, SQLite keeps a write-ahead log (WAL) beside it, so that the MLflow UI can read at the same time. All
processes that use a WAL share memory, so there is none on a network file system (https://sqlite.org/wal.html).
"""

import atexit
import contextlib
import os
import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import psutil

from mlpstudy.tracking import inside, uris

LOCK_SECONDS = 10  # the longest wait for the transaction of another process
# file systems of one machine; any other may be shared over a network
LOCAL = {
    "apfs", "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fat32", "hfs", "jfs", "ntfs", "overlay",
    "ramfs", "refs", "reiserfs", "tmpfs", "ufs", "vfat", "xfs", "zfs",
}  # fmt: skip


def create(path: Path) -> None:
    """Make the whole database under a temporary name, then put it in place in one step.

    Two processes that initialize one SQLite file at once leave it unusable, and so does a kill half-way.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        prove_writable(draft)  # MLflow itself would retry for minutes
        inside.new_database(uris.sqlite_uri(draft), (path.parent / "mlruns").as_uri())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process has made it, which is just as good
        except OSError:  # a file system without hard links
            if not path.exists():
                draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def prove_writable(path: Path) -> None:
    """Raise an error if the file cannot be written to."""
    with contextlib.closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
        connection.execute("BEGIN IMMEDIATE")  # takes the write lock and writes nothing
        connection.rollback()


def allow_readers(path: Path) -> None:
    """From now on readers and a writer do not block each other, where the file system allows a WAL."""
    if is_local(path):
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=wal")


def is_local(path: Path) -> bool:
    """Whether the file is on a file system that no other machine uses."""
    real = Path(os.path.realpath(path))
    mounted = [part for part in psutil.disk_partitions(all=True) if real.is_relative_to(part.mountpoint)]
    # of two that are mounted at one place, the later one is seen
    nearest = max(reversed(mounted), key=lambda part: len(part.mountpoint), default=None)
    return nearest is not None and nearest.fstype.lower() in LOCAL and "remote" not in nearest.opts.split(",")


def make_whole(path: Path) -> None:
    """Move everything into the one file, also what a process that was killed has left in a WAL.

    While another process uses the file, a WAL stays, but the file has all that it has. The last process removes it.
    """
    inside.close_connections(uris.sqlite_uri(path))
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
            if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
                connection.execute("PRAGMA wal_checkpoint(truncate)")
                connection.execute("PRAGMA journal_mode=delete")
    except sqlite3.Error:  # another process uses it, or it cannot be written to
        _again_at_exit(path)


@cache
def _again_at_exit(path: Path) -> None:
    """The other process may have ended by then."""
    atexit.register(make_whole, path)


def follow(path: Path) -> None:
    """If the folder was moved or copied, let MLflow read and write the files of all runs where they are now."""
    inside.forget_folders()  # a copy has the same runs
    uri, here = uris.sqlite_uri(path), (path.parent / "mlruns").as_uri() + "/"
    with contextlib.closing(sqlite3.connect(path, timeout=LOCK_SECONDS)) as connection:
        for table, column, key in inside.ADDRESSES:
            elsewhere = f"SELECT {key}, {column} FROM {table} WHERE substr({column}, 1, {len(here)}) <> ?"
            stored = connection.execute(elsewhere, (here,)).fetchall()
            moved = [(now, own) for own, was in stored if (now := uris.beside_database(uri, was)) != was]
            if moved:
                with contextlib.suppress(sqlite3.OperationalError):  # it can only be read, which `to_run` allows for
                    rewrite(connection, f"UPDATE {table} SET {column} = ? WHERE {key} = ?", moved)


def rewrite(connection: sqlite3.Connection, command: str, rows: Sequence[tuple[str, str]]) -> None:
    """Change all these rows, or none."""
    with connection:
        connection.executemany(command, rows)
