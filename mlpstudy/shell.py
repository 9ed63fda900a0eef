"""Commands that are printed to be typed: all are made here, so that each is quoted and works as it stands."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO


def command(module: str, *words: str) -> str:
    """The shell command that calls a module with this Python, from the current directory."""
    return " ".join(quoted(word, sys.stdout, sys.stderr) for word in (python(), "-m", module, *words))


def anywhere(module: str, *words: str) -> str:
    """The same for a page that may be read on another machine."""
    return " ".join(quoted(word) for word in ("python", "-m", module, *words))


def quoted(word: str, *streams: TextIO) -> str:
    r"""A word as it is typed in bash or zsh: $'z\303\274.zip' for zü.zip, if one of the streams cannot show ü.

    So are letters that no stream shows, such as tabs: a terminal would put others in their place.
    """
    if all(_is_shown(letter, streams) for letter in word):
        return shlex.quote(word)
    letters = (letter if _is_shown(letter, streams) and letter not in "\\'" else _octal(letter) for letter in word)
    return f"$'{''.join(letters)}'"


def _is_shown(letter: str, streams: Sequence[TextIO]) -> bool:
    try:
        for stream in streams:
            letter.encode(getattr(stream, "encoding", None) or "utf-8")  # a stream of a notebook may have none
    except UnicodeEncodeError:
        return False
    return letter.isprintable()


def _octal(letter: str) -> str:
    """The bytes that a letter has in the names of files."""
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(letter))


def python() -> str:
    """The shortest name of this Python in the current directory."""
    executable, here = Path(sys.executable), Path.cwd()
    if shutil.which("python") == sys.executable:
        return "python"
    if here in executable.parents[1:]:  # in the folder itself it has no /, and a shell would not look there
        return str(executable.relative_to(here))
    return str(executable)


def path(named: Path) -> str:
    """A path as a word of a command, where -x.zip would be read as an option."""
    return f"./{named}" if str(named).startswith("-") else str(named)
