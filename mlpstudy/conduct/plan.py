"""The plan of a sweep: which cells are done, which grow by more replicas, which are to train, and their names."""

import secrets
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlpstudy.cells.cell import Cell, names
from mlpstudy.cells.one_cell import available_cores
from mlpstudy.compose import LeftOut
from mlpstudy.conduct import ahead
from mlpstudy.errors import ConfigError
from mlpstudy.measure.intervals import NAMED
from mlpstudy.tracking import moving, resume
from mlpstudy.tracking.run import Run
from mlpstudy.tracking.store import NotTrained, Store, answering, save_left_out, save_not_trained, save_view


@dataclass(frozen=True)
class Plan:
    """A sweep before its training. Cells are told by their index."""

    sweep: str
    cells: Sequence[Cell]
    names: Sequence[str]
    done: Mapping[int, Run]
    growing: Mapping[int, Run]  # the earlier run, with fewer replicas than are wanted now
    places: Sequence[int]  # of the cells in the grid

    def without(self, indices: Container[int]) -> "Plan":
        """The plan without these cells. The others keep their names and their places."""
        kept = [index for index in range(len(self.cells)) if index not in indices]
        new = {index: i for i, index in enumerate(kept)}
        return Plan(
            self.sweep,
            [self.cells[index] for index in kept],
            [self.names[index] for index in kept],
            {new[index]: run for index, run in self.done.items() if index in new},
            {new[index]: run for index, run in self.growing.items() if index in new},
            [self.places[index] for index in kept],
        )

    @property
    def to_train(self) -> dict[int, int]:
        """The cells to train, each with its first replica to train."""
        return {
            index: self.growing[index].replicas if index in self.growing else 0
            for index in range(len(self.cells))
            if index not in self.done
        }

    @property
    def workers(self) -> int:
        """Cells that are trained at a time on this machine."""
        return max(1, min(len(self.to_train), self.cells[0].raw["workers"] or available_cores()))

    @property
    def fail_fast(self) -> bool:
        """Whether the first failure ends the sweep."""
        return bool(self.cells[0].raw["fail_fast"])


def make(store: Store, cells: Sequence[Cell], say: Callable[[str], None]) -> Plan:
    """Plan a sweep of these cells, after the store has taken in or closed what other sweeps left behind."""
    tracked = cells[0].raw["tracking"]
    with answering(store.uri):
        kept, measured = moving.bring_back(store, tracked["experiment"], say)
        if kept:
            say(f"Brought into the store, which was away: {', '.join(kept)}")
        if lost := [*measured, *resume.close_lost_runs(store)]:
            say(f"Runs of a process that has gone, now KILLED: {', '.join(lost)}")
        earlier = resume.finished(store) if tracked["resume"] else []
        done = resume.done(earlier, cells)
        growing = resume.with_fewer_replicas(earlier, cells, done)
    earlier_sweeps = {run.tags["sweep"] for run in (*growing.values(), *done.values())}
    sweep = tracked["sweep"] or (earlier_sweeps.pop() if len(earlier_sweeps) == 1 else _new_sweep())
    return Plan(sweep, cells, names(cells), done, growing, range(len(cells)))


def promising(plan: Plan) -> tuple[Plan, list[NotTrained]]:
    """The plan with `training.only`: without the cells that nobody has measured and that are expected not to learn.

    Raises ConfigError if no cell is left.
    """
    only = plan.cells[0].raw["training"]["only"]
    new = [index for index in plan.to_train if index not in plan.growing] if only else []
    found = {new[i]: one for i, one in ahead.unpromising([plan.cells[index] for index in new]).items()}
    left = [NotTrained(plan.cells[i].hash, plan.names[i], one.outcome, one.reason) for i, one in found.items()]
    if len(left) == len(plan.cells):
        rule = f"null, since no cell is expected to learn ({listed(left)})"
        raise ConfigError("training.only", rule, only)
    return plan.without(found), left


def listed(cells: Sequence[NotTrained]) -> str:
    """Names with outcomes, of the first cells."""
    more = [f"{len(cells) - NAMED} more"] if len(cells) > NAMED else []
    return ", ".join([f"{cell.name} ({cell.outcome})" for cell in cells[:NAMED]] + more)


def enter(plan: Plan, store: Store, left_out: Sequence[LeftOut], not_trained: Sequence[NotTrained]) -> None:
    """Let the store know of the sweep."""
    with answering(store.uri):
        resume.add_to(plan.sweep, plan.done.values(), store)
        save_view(store, plan.sweep)
        save_not_trained(store, plan.sweep, not_trained)
        save_left_out(store, plan.sweep, {cell.name: cell.reason for cell in left_out})


def _new_sweep() -> str:
    """Date and time, and four letters for sweeps that start in the same second."""
    return f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{secrets.token_hex(2)}"
