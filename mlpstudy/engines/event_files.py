"""The events of a job, in files that are read while they are written.

A cluster may start a job again under the same number: a node has failed, or a more important job needed it. Each start
writes a file of its own, so an event that the start before it wrote in part is not in the way.
"""

import contextlib
import itertools
import os
import pickle
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

HEAD = struct.Struct("<QI")  # before each event: its length in bytes and its checksum


def _file(path: Path, start: int) -> Path:
    """The file of one start of a job, counted from 0."""
    return path.with_name(f"{path.name}.{start}.events")


def new(path: Path) -> BinaryIO:
    """A new file, for one more start of the job whose files have names that begin with `path`."""
    for start in itertools.count():
        with contextlib.suppress(FileExistsError):
            return _file(path, start).open("xb")
    raise AssertionError("there is a free number")


def put(file: BinaryIO, event: Any) -> None:
    """Write one event."""
    data = pickle.dumps(event, pickle.HIGHEST_PROTOCOL)
    file.write(HEAD.pack(len(data), zlib.crc32(data)) + data)
    file.flush()


@dataclass
class Reader:
    """Reads the files of a job, from its first start to its last."""

    path: Path
    start: int = 0  # whose file is read now
    read: int = 0  # bytes of that file that have been read

    def new(self) -> Iterator[Any]:
        """The events that have been written completely since the last look. A new start repeats those before it."""
        while True:
            again = _file(self.path, self.start + 1).exists()  # asked first: this start then writes no more
            yield from self._complete()
            if not again:
                return
            self.start, self.read = self.start + 1, 0

    def _complete(self) -> Iterator[Any]:
        """The complete events of one file.

        A network file system may show the length of a file before its content, and a node that fails may leave zeros
        at its end: both have another checksum.
        """
        with contextlib.suppress(FileNotFoundError), _file(self.path, self.start).open("rb") as file:
            file.seek(self.read)
            while len(head := file.read(HEAD.size)) == HEAD.size:
                length, checksum = HEAD.unpack(head)
                there = os.fstat(file.fileno()).st_size - file.tell()
                if not 0 < length <= there or zlib.crc32(data := file.read(length)) != checksum:
                    return
                self.read += HEAD.size + length
                yield pickle.loads(data)

    def remove(self) -> None:
        """Remove the files."""
        for start in range(self.start + 1):
            _file(self.path, start).unlink(missing_ok=True)
