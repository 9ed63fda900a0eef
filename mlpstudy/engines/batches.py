"""Cells in batches: on a cluster, starting a task takes longer than training a small cell.

A lost worker costs no cell: the cells of its batch that had not ended are handed out again. Training is the same bit
for bit, so events that had come already are skipped when a cell begins again. A cluster may also begin one by itself.
"""

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mlpstudy.cells.events import CellEvent, Failure, ends
from mlpstudy.cells.one_cell import Job
from mlpstudy.engines.worker import Numbered

TRIES = 3  # workers that a cell may lose before it has failed
WORTH = 5  # times its start that a batch takes at least


@dataclass(frozen=True)
class BatchEnd:
    """A batch has ended; `lost` says how if it did not end well."""

    lost: str = ""


class Cluster(Protocol):
    """Something that trains batches elsewhere."""

    @property
    def about(self) -> str:
        """What it is, in words such as `Ray, 64 cores`."""

    @property
    def slots(self) -> int:
        """How many batches it can take at a time."""

    @property
    def start(self) -> float:
        """Seconds that a batch takes to begin."""

    def submit(self, batches: Sequence[Sequence[Job]]) -> list[int]:
        """Hand over batches; a number for each."""

    def events(self) -> list[tuple[int, Numbered | BatchEnd]]:
        """What has happened since the last call, by number of the batch; waits a moment if nothing has."""

    def close(self) -> None:
        """Stop all batches."""


def split(todo: Sequence[Job], longest: float, slots: int, start: float = 0.0) -> list[list[Job]]:
    """Batches of about so many seconds, in the order of the cells.

    They are shorter where every slot would not get two, but not so short that most of the time goes into their start.
    """
    total = sum(job.seconds for job in todo)
    target = min(longest, max(total / (2 * slots), WORTH * start))
    groups: list[list[Job]] = []
    filled = target
    for job in todo:
        if filled + job.seconds / 2 > target or not groups:
            groups.append([])
            filled = 0.0
        groups[-1].append(job)
        filled += job.seconds
    return groups


def run(cluster: Cluster, todo: Sequence[Job], longest: float, say: Callable[[str], None]) -> Generator[CellEvent]:
    """Train cells on an engine and yield their events; the last one of a cell is its last record or a Failure."""
    waiting = deque(split(todo, longest, cluster.slots, cluster.start))
    running: dict[int, list[Job]] = {}
    finished: set[int] = set()
    delivered: Counter[int] = Counter()  # events of each cell that have been passed on
    tries: Counter[int] = Counter()
    try:
        while waiting or running:
            free = cluster.slots - len(running)  # below 0 if nodes have gone
            if some := [waiting.popleft() for _ in range(min(free, len(waiting)))]:
                running |= dict(zip(cluster.submit(some), some, strict=True))
            for number, event in cluster.events():
                if isinstance(event, BatchEnd):
                    left = [job for job in running.pop(number) if job.index not in finished]
                    if not left:
                        continue
                    tries[left[0].index] += 1
                    if tries[left[0].index] == TRIES:
                        lost = left.pop(0)
                        finished.add(lost.index)
                        yield lost.index, Failure(f"{TRIES} workers were lost in it; the last: {event.lost}")
                    if left:
                        waiting.appendleft(left)
                        say(f"A worker was lost ({event.lost}); its {len(left)} unfinished cells begin again.")
                    continue
                index, what = event.index, event.event
                if index in finished or event.place < delivered[index]:
                    continue
                delivered[index] += 1
                if ends(what):
                    finished.add(index)
                yield index, what
    finally:
        cluster.close()
