"""`python -m mlpstudy`: signals, errors in one line, and the exit status of a sweep."""

import os
import sys
from typing import NoReturn

from mlpstudy import importing, interrupts, shell, terminal
from mlpstudy.commands import printed
from mlpstudy.compose import SETTINGS_ERRORS, cells, one_line, progress, read, wrapped
from mlpstudy.conduct.sweep import run
from mlpstudy.tracking.uris import redact

__all__ = ["cells", "main", "read", "run"]


@interrupts.heeded()  # also while settings are read
def main() -> None:
    """Entry point of `python -m mlpstudy` and of the console script."""
    terminal.endure()
    words = sys.argv[1:]
    try:
        if printed.instead(words):
            return
        request = read(words)
        again = shell.command("mlpstudy", *map(redact, request.words))
        well = run(request.cells, request.left_out, request.launcher, again)
        importing.nothing_to_collect()
        sys.exit(0 if well else 1)
    except SETTINGS_ERRORS as error:
        progress("")
        sys.exit(wrapped(f"mlpstudy: {one_line(error)}"))
    except KeyboardInterrupt as reason:
        print("mlpstudy: interrupted", file=sys.stderr)
        _end(143 if isinstance(reason, interrupts.Terminated) else 130)


def _end(status: int) -> NoReturn:
    """End at once: a thread may wait for a store that does not answer."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
