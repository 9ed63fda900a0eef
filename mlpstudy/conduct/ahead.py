"""Many cells foreseen, in worker processes: what would come of each, without training it."""

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlpstudy import interrupts
from mlpstudy.cells.before import Foreseen
from mlpstudy.cells.cell import Cell, names
from mlpstudy.cells.events import Failure
from mlpstudy.cells.one_cell import available_cores
from mlpstudy.compose import LeftOut, progress
from mlpstudy.engines import processes
from mlpstudy.foresight.forecast import AHEAD

EACH = 8  # cells for each worker at least, since it takes as long to start
BORDER = "near a border"  # between two outcomes: the pilot and theory's rule foresee different ones
CANNOT, FAILED = "cannot be", "failed"  # in the place of an outcome
PHRASES = dict(
    zip(AHEAD.values(), ("would learn", "would be slow", "would stall", "would diverge"), strict=True),
) | {"-": "of which nothing is foreseen", CANNOT: "cannot be", FAILED: "could not be foreseen"}
EXPECTED = {"is slow": "to be slow", "stalls": "to stall", "diverges": "to diverge"}
Row = Mapping[str, str | float]
UNKNOWN: Row = {"verdict": "-", "outcome": "-", "by_theory": "-", "gained": float("nan"), "epochs": float("nan"),
           "largest_lr": float("nan"), "reason": "", "reason_by_theory": "-"}  # fmt: skip


def foresee(cells: Sequence[Cell], whole: bool = False) -> list[Foreseen | Failure]:
    """What is foreseen of each cell, or the error that came instead. whole: with learning curves."""
    asked = cells[0].raw["workers"] if cells else 1
    workers = min(asked or available_cores(), len(cells) if asked else len(cells) // EACH)
    begun, told = time.monotonic(), dict[int, Foreseen | Failure]()
    try:
        with contextlib.closing(processes.foresee(cells, max(1, workers), whole)) as events:
            for index, event in events:
                told[index] = event
                interrupts.go_on()
                left = (time.monotonic() - begun) / len(told) * (len(cells) - len(told))
                progress(f"cells foreseen: {len(told)} of {len(cells)}, about {left:.0f} s left")
    finally:
        progress("")
    return [told[index] for index in range(len(cells))]


def rows(cells: Sequence[Cell], told: Sequence[Foreseen | Failure], left_out: Sequence[LeftOut]) -> dict[str, Row]:
    """A row for each cell by its name, see `Before.row`; those that cannot be come last."""
    table: dict[str, Row] = {
        name: {**UNKNOWN, "outcome": FAILED, "reason": one.reason} if isinstance(one, Failure) else one.row
        for name, one in zip(names(cells), told, strict=True)
    }
    return table | {out.name: {**UNKNOWN, "outcome": CANNOT, "reason": out.reason} for out in left_out}


@dataclass(frozen=True)
class Unpromising:
    """A cell that is expected not to learn."""

    outcome: str
    reason: str  # for people: expected to stall, by the pilot: ...


def unpromising(cells: Sequence[Cell]) -> dict[int, Unpromising]:
    """Those of the cells that are expected not to learn: by the pilot, or by theory's rule if there is none.

    A cell of which nothing is foreseen is not among them.
    """
    found = {}
    for index, one in enumerate(foresee(cells)):
        if isinstance(one, Failure):  # its training will tell
            continue
        by, outcome, reason = "the pilot", str(one.row["outcome"]), one.row["reason"]
        if outcome == "-":
            by, outcome, reason = "theory's rule", str(one.row["by_theory"]), one.row["reason_by_theory"]
        if outcome in EXPECTED:
            found[index] = Unpromising(outcome, f"expected {EXPECTED[outcome]}, by {by}: {reason}")
    return found


def near_a_border(row: Row) -> bool:
    """Whether theory's rule foresees another outcome than the pilot."""
    return {row["outcome"], row["by_theory"]} <= set(AHEAD.values()) and row["outcome"] != row["by_theory"]


def counts(table: Mapping[str, Row]) -> str:
    """A sentence: how many cells have which outcome."""
    count = Counter(str(row["outcome"]) for row in table.values())
    parts = [f"{count[name]} {phrase}" for name, phrase in PHRASES.items() if count[name]]
    if border := sum(map(near_a_border, table.values())):
        parts.append(f"{border} of these {BORDER}, where theory's rule says otherwise")
    return f"{len(table)} cell{'s' * (len(table) != 1)}: {'; '.join(parts)}."
