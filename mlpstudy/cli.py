"""The entry point of `python -m mlpstudy`: signals, errors in one line, and the exit status."""

import gc
import os
import signal
import sys
from typing import NoReturn

from mlpstudy.compose import SETTINGS_ERRORS, cells, one_line, progress, read, wrapped
from mlpstudy.conduct import ENDING, INTERRUPTED, run

__all__ = ["cells", "main", "read", "run"]


class _Terminated(KeyboardInterrupt):
    """The process is asked to end, by SIGTERM."""


def main() -> None:
    """Entry point of `python -m mlpstudy` and of the console script."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)  # runs are closed and workers are stopped
    try:
        asked = read(sys.argv[1:])
        if asked.cells:
            well = run(asked.cells, asked.left_out, asked.launcher)
            gc.freeze()  # at its end Python would search for garbage once more
            sys.exit(0 if well else 1)
    except SETTINGS_ERRORS as error:
        progress("")
        sys.exit(wrapped(f"mlpstudy: {one_line(error)}"))
    except KeyboardInterrupt as reason:
        print("mlpstudy: interrupted", file=sys.stderr)
        _end(143 if isinstance(reason, _Terminated) else 130)


def _interrupt(number: int = signal.SIGINT, *_: object) -> None:
    """Stop the sweep. While it ends, which takes at most three seconds, more signals change nothing."""
    INTERRUPTED.set()
    if not ENDING.is_set():
        raise _Terminated if number == signal.SIGTERM else KeyboardInterrupt


def _end(status: int) -> NoReturn:
    """End at once: a thread may wait for a store that does not answer."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
