"""What would help a cell that does not learn: the smallest changes of its settings with which its pilots learn.

A change is advised if the pilots of two replicas gain more than is needed with it, by a margin. The smallest changes
come first, each of another kind; two changes together where none alone is enough.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlpstudy.cells.before import pilot_of
from mlpstudy.cells.changes import Change, changed, pairs, singles
from mlpstudy.cells.config import parse
from mlpstudy.cells.problem import Problem, prepare
from mlpstudy.errors import ConfigError

MARGIN = 1.5  # times what is needed: a training may gain less than its pilot
MOST = 3  # pieces of advice
PAIRED = 5  # so many changes, those that gain most, are tried in pairs
PILOTS = 2  # replicas


@dataclass(frozen=True)
class Advice:
    """A change that is expected to help."""

    change: Change
    gained: float  # what the worse of the pilots gains with it

    @property
    def text(self) -> str:
        """One line for people: what to type, and why it helps."""
        return f"{' '.join(self.change.words)}: {self.change.reason}"


def advise(raw: Mapping[str, Any], failed: bool = False) -> list[Advice]:
    """At most MOST changes of these settings with which the cell is expected to learn, the smallest first.

    There is none if nothing helps, and none if the cell is expected to learn as it is. failed: it is known not to.
    """
    if not failed and may_learn(raw):
        return []
    problem = prepare(parse(raw))
    gains: dict[Change, float] = {}
    by_size = sorted(singles(problem.config), key=lambda change: change.size)
    if advice := _first_that_help(raw, by_size, gains):
        return advice
    best = sorted(gains, key=lambda change: -gains[change])[:PAIRED]
    return _first_that_help(raw, sorted(pairs(best), key=lambda change: change.size), gains)


def may_learn(raw: Mapping[str, Any]) -> bool:
    """Whether a pilot of one of the replicas learns with these settings."""
    problem = prepare(parse(raw))
    return any(pilot_of(problem, replica).outcome == "learns" for replica in range(PILOTS))


def _first_that_help(raw: Mapping[str, Any], changes: Iterable[Change], gains: dict[Change, float]) -> list[Advice]:
    """The first of these changes that are expected to help. What each gains is put into `gains`."""
    advice: list[Advice] = []
    for change in changes:
        if len(advice) == MOST:
            break
        if change.kind in {one.change.kind for one in advice}:
            continue
        try:
            problem = prepare(parse(changed(raw, change)))
            gains[change] = gained = _worst_gain(problem)
        except ConfigError:  # there is no critical point, or the user's weights do not fit, say
            continue
        if gained > enough(problem):
            advice.append(Advice(change, gained))
    return advice


def enough(problem: Problem) -> float:
    """What the pilots have to gain for a change to be advised."""
    needed = problem.yardstick.needed(problem.config.thresholds)
    return min(MARGIN * needed, (1 + needed) / 2)


def _worst_gain(problem: Problem) -> float:
    """What the worse of the pilots gains; of one alone if that is not enough. -inf if it diverges."""
    worst = np.inf
    for replica in range(PILOTS):
        forecast = pilot_of(problem, replica)
        worst = min(worst, forecast.gained if forecast.outcome != "diverges" else -np.inf)
        if not worst > enough(problem):
            break
    return worst
