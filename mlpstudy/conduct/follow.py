"""Follows the events of a sweep: puts those of each cell together, and passes them on to all who listen."""

import math
from collections.abc import Sequence

from mlpstudy import interrupts, run_picture
from mlpstudy.cells import joining, one_cell
from mlpstudy.cells.cell_result import collect, result_of
from mlpstudy.cells.events import Draw, Ending, Event, Failure, Listener, Picture
from mlpstudy.cells.recording import Record
from mlpstudy.conduct.plan import Plan
from mlpstudy.engines.engine import Engine
from mlpstudy.tracking import artifacts

ENDING_SECONDS = 2  # after an interrupt


class Follower:
    """Tells the listeners, the first one first, of each record and of how each cell has ended."""

    def __init__(self, plan: Plan, draw: Draw, listeners: Sequence[Listener]) -> None:
        self._plan, self._draw, self._listeners = plan, draw, listeners
        self._records: dict[int, list[Record]] = {}  # of the cells that are being trained
        self._pictures: dict[int, Picture] = {}

    def hear(self, index: int, event: Event) -> None:
        """The next event of a cell."""
        if isinstance(event, Failure):
            self._end(index, "FAILED", f"failed: {event.reason}", f"{event.reason}\n{event.details}")
        elif isinstance(event, Picture):
            self._pictures[index] = event
        else:
            self._records.setdefault(index, []).append(event)
            for listener in self._listeners:
                listener.record(index, event)
            if event.last:
                self._end(index, "FINISHED")

    def close(self, reason: str, seconds: float = math.inf) -> None:
        """End the cells that are being trained, and close the listeners, the last one first."""
        for index in list(self._records):
            self._end(index, "KILLED", reason)
        for listener in reversed(self._listeners):
            listener.close(seconds)

    def _end(self, index: int, status: str, reason: str = "", details: str = "") -> None:
        with interrupts.uninterrupted():
            records = self._records.pop(index, [])
            ending = Ending(status, reason=reason, details=details)
            if records:
                ending = self._measured(index, ending, records)
            for listener in self._listeners:
                listener.ended(index, ending)

    def _measured(self, index: int, ending: Ending, records: Sequence[Record]) -> Ending:
        """The ending of a cell, with what it measured; the replicas of an earlier run come first."""
        plan = self._plan
        # workers send records and no result, so that those of a lost worker count
        result = collect(plan.cells[index], records)
        if ending.status == "FINISHED" and index in plan.growing:
            earlier = plan.growing[index]
            arrays = joining.joined(earlier.arrays, dict(result.arrays))
            theta = artifacts.flat(earlier.weights("final"))
            result = result_of(plan.cells[index], arrays, theta, result.before, result.advice)
        picture = self._pictures.pop(index, None)
        if picture is None and ending.status != "KILLED":
            picture = one_cell.drawn(self._draw, index, result)
        summary = run_picture.ended(plan.names[index], plan.sweep, result, with_arrays=False)
        return Ending(ending.status, result, summary, picture, ending.reason, ending.details)


def follow(engine: Engine, plan: Plan, draw: Draw, listeners: Sequence[Listener]) -> None:
    """Train the cells of a plan. Whatever ends this, the engine stops, and what was measured is kept.

    draw: makes the picture of a cell that comes without one.
    """
    follower, events = Follower(plan, draw, listeners), engine.events(plan.cells, plan.to_train)
    try:
        for index, event in events:
            follower.hear(index, event)
            if isinstance(event, Failure) and plan.fail_fast:
                break
            interrupts.go_on()
        follower.close("stopped")
    finally:
        with interrupts.uninterrupted():
            events.close()  # workers stop
            engine.close()  # a second Ctrl-C may have come while the events were closed
            follower.close("interrupted", ENDING_SECONDS)
