"""Commands that are printed to be typed: all are made here, so that each is quoted and works as it stands."""

import shlex
import shutil
import sys
from pathlib import Path


def command(module: str, *words: str) -> str:
    """The shell command that calls a module with this Python, from the current directory."""
    return shlex.join([python(), "-m", module, *words])


def anywhere(module: str, *words: str) -> str:
    """The same for a page that may be read on another machine."""
    return shlex.join(["python", "-m", module, *words])


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
