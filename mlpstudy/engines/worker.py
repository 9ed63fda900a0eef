"""What runs at the other end: the cells of a batch, one after the other."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from mlpstudy.cells import one_cell
from mlpstudy.cells.events import Draw, Event
from mlpstudy.cells.one_cell import Job


@dataclass(frozen=True)
class Numbered:
    """An event of a cell, and how many events of this cell came before it: a batch that begins again repeats them."""

    index: int  # of the cell
    place: int
    event: Event


class OtherCode(RuntimeError):
    """A node has another version of this package."""


@cache
def code() -> str:
    """Version and digest of this package, so that all cells of a sweep are trained by the same code."""
    here = Path(__file__).parents[1]
    digest = sha256()
    for path in sorted(here.rglob("*.py")):
        digest.update(path.relative_to(here).as_posix().encode() + path.read_bytes())
    return f"{version('mlpstudy')} ({digest.hexdigest()[:12]})"


def here() -> tuple[str, str]:
    """The name of this machine, and its code."""
    return socket.gethostname(), code()


def work(expected: str, jobs: Sequence[Job], draw: Draw | None) -> Iterator[Numbered]:
    """Train the cells of a batch and yield their events. Raises OtherCode if the code of this machine is another."""
    host, ours = here()
    if ours != expected:
        raise OtherCode(f"node {host} has mlpstudy {ours}, and the sweep {expected}; install the same on all nodes")
    for job in jobs:
        for place, event in enumerate(one_cell.events_of(job, draw)):
            yield Numbered(job.index, place, event)
