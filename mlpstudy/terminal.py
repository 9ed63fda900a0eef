"""Standard output and standard error that cannot end a program: what they cannot show or take is replaced or left out.

A terminal may know no `±` (PYTHONIOENCODING=ascii, Windows, cron), and a reader may be gone (`| head`, `>&-`).
"""

import codecs
import contextlib
import io
import os
import select
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any, TextIO

ERRORS = "mlpstudy.terminal"  # the name of `stand_in` for Python's codecs
SIGNS = {"±": "+-", "÷": "/", "×": "x", "›": ">", "–": "-", "−": "-", "…": "...", "≠": "!="}
LAST = 2  # number of standard error, after standard input and output
LINES = {"HORIZONTAL": "-", "VERTICAL": "|"}  # the last word of the name of a sign; + for corners


def stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    """What is shown for a letter that an encoding does not have: +- for ±, a table of - | +, u for ü, or ?."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter, after = error.object[error.start], error.start + 1
    if "\udc80" <= letter <= "\udcff":  # Python's form of a byte in the name of a file that is no letter
        return bytes([ord(letter) - 0xDC00]), after
    name = unicodedata.name(letter, "")
    if name.startswith("BOX DRAWINGS"):
        return "+" if " AND " in name else LINES.get(name.split()[-1], "+"), after
    bare = "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part))
    return SIGNS.get(letter) or (bare if bare.isascii() else "?"), after


codecs.register_error(ERRORS, stand_in)


class _Lasting(io.RawIOBase):
    """A stream of bytes that leaves out what the stream below does not take: closed, broken, or on a full disk."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream  # it would close the stream below when Python removes it
        self._below: Any = _raw(stream)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with contextlib.suppress(OSError, ValueError):
            if (written := self._below.write(data)) is not None:
                return int(written)
            select.select([], [self._below], [])  # it is full, and another process made it one that does not wait
            return int(self._below.write(data) or 0)
        return len(data)

    def fileno(self) -> int:
        return int(self._below.fileno())

    def isatty(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return bool(self._below.isatty())
        return False


def lasting(stream: TextIO | None) -> TextIO:
    """A stream that shows the same and raises no error; one of a notebook or another program is left as it is."""
    if stream is None:  # it was closed when Python started
        return open(os.devnull, "w", encoding="utf-8")
    if type(stream) is not io.TextIOWrapper or isinstance(_raw(stream), _Lasting):
        return stream
    with contextlib.suppress(OSError, ValueError):
        stream.flush()
    buffered: Any = io.BufferedWriter(_Lasting(stream))
    by_line = stream.line_buffering or stream.write_through
    return io.TextIOWrapper(buffered, stream.encoding, ERRORS, line_buffering=by_line)


def _raw(stream: io.TextIOWrapper) -> Any:
    return getattr(stream.buffer, "raw", stream.buffer)


def endure() -> None:
    """From now on, no trouble of a stream ends this program. Every command begins with it."""
    while (spare := os.open(os.devnull, os.O_RDWR)) <= LAST:  # a file that is opened later would get the number of a
        os.set_inheritable(spare, True)  # stream that is closed, and what is printed would go into it
    os.close(spare)
    sys.stdin = sys.stdin or io.StringIO()
    sys.stdout, sys.stderr = lasting(sys.stdout), lasting(sys.stderr)


@contextlib.contextmanager
def enduring() -> Iterator[None]:
    """The same for a part of a program: a sweep that is run from Python."""
    before = sys.stdin, sys.stdout, sys.stderr
    endure()
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdin, sys.stdout, sys.stderr = before
