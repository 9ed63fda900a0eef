"""Tags that say where a run was made: by which process, and with which versions."""

import os
import platform
import socket
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import psutil
from threadpoolctl import threadpool_info

PACKAGES = ("mlpstudy", "numpy", "scipy", "mlflow")


def tags() -> dict[str, str]:
    """host, pid, pid_started, python, blas, blas_threads, git_commit (empty outside a checkout), package versions."""
    process = {"host": socket.gethostname(), "pid": str(os.getpid()), "pid_started": started(os.getpid())}
    return process | _machine()


def has_gone(tags: Mapping[str, str]) -> bool:
    """Whether the process with these tags, of this host, has gone.

    Its number is free then, or was given to another process, which started later.
    """
    return tags.get("pid_started") != started(int(tags.get("pid", -1)))


def started(pid: int) -> str:
    """When a process started, as text; empty if there is none."""
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except (psutil.Error, ValueError):
        return ""


@cache
def _machine() -> dict[str, str]:
    blas = sorted({f"{i['internal_api']} {i['version']}" for i in threadpool_info() if i["user_api"] == "blas"})
    return {f"version_{name}": version(name) for name in PACKAGES} | {
        "python": platform.python_version(),
        "blas": ", ".join(blas),
        "git_commit": _git_commit(),
        "blas_threads": "1",  # in each process that trains, see cells.one_cell
    }


def _git_commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
