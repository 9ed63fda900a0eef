"""Does advice help? Cells drawn at random that fail are trained with it, with all smaller changes, and by naive rules.

The rule was chosen on other cells: these follow from SEED, which was drawn after it was fixed.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from time import process_time
from typing import Any

from threadpoolctl import threadpool_limits

from mlpstudy.cells.advice import advise
from mlpstudy.cells.changes import Change, changed, singles
from mlpstudy.cells.config import parse
from mlpstudy.cells.one_cell import outcome
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.commands import cli
from mlpstudy.errors import ConfigError
from tests.benchmarks import foresight

SEED, CELLS = 20261130, 100  # failing ones
NAIVE = {  # whether the activation is bounded -> words
    "He or Xavier": {False: ("init=he",), True: ("init=xavier",)},
    "a tenth of the learning rate": {},
    "Adam .001": dict.fromkeys((False, True), ("optimizer=adam", "optimizer.lr=0.001")),
    "He or Xavier, and Adam .001": {
        False: ("init=he", "optimizer=adam", "optimizer.lr=0.001"),
        True: ("init=xavier", "optimizer=adam", "optimizer.lr=0.001"),
    },
}


@dataclass(frozen=True)
class Tried:
    """One cell, and what came of the advice."""

    overrides: str
    outcome: str
    seconds: float  # of the advice
    advice: list[str]
    learned: list[bool]  # with each piece of advice
    smaller: list[str] = field(default_factory=list)  # smaller changes than the first advice that work, too
    naive: dict[str, bool] = field(default_factory=dict)


def learns(raw: dict[str, Any]) -> bool:
    """Whether most replicas of a cell learn."""
    problem = prepare(parse(raw))
    *_, last = train_and_record(problem, initial_theta(problem, range(3)))
    return outcome(problem, last) == "learned"


def trained(overrides: str) -> Tried | None:
    """One cell with its advice; None if there is no such cell."""
    try:
        (cell,) = cli.cells(overrides.split())
    except ConfigError:
        return None
    raw = dict(cell.raw)
    with threadpool_limits(1):
        problem = prepare(cell.config)
        *_, last = train_and_record(problem, initial_theta(problem, range(3)))
        came = outcome(problem, last)
        assert came is not None
        start = process_time()
        advice = advise(raw, failed=came != "learned")
        seconds = process_time() - start
        if came == "learned":
            return Tried(overrides, came, seconds, [one.text for one in advise(raw)], [])
        learned = [learns(changed(raw, one.change)) for one in advice]
        limit = advice[0].change.size if advice else float("inf")
        smaller = []
        for change in singles(cell.config):
            if change.size < limit:
                try:
                    smaller += [" ".join(change.words)] * learns(changed(raw, change))
                except ConfigError:
                    continue
        bounded, lr = cell.config.activation.bounded, cell.config.flat["optimizer.lr"]
        naive = {
            name: learns(changed(raw, Change(words.get(bounded, (f"optimizer.lr={lr / 10:.3g}",)), "", 0.0)))
            for name, words in NAIVE.items()
        }
    return Tried(overrides, came, seconds, [one.text for one in advice], learned, smaller, naive)


def main(cells: int = CELLS) -> object:
    """Print how often advice helps, until so many cells have failed."""
    source = foresight.drawn(None, random.Random(SEED))
    tried: list[Tried] = []
    with ProcessPoolExecutor(2) as pool:
        while sum(one.outcome != "learned" for one in tried) < cells:
            batch = pool.map(trained, [next(source) for _ in range(10)])
            tried += [one for one in batch if one is not None]
    report(tried)
    return {"cells": [one.__dict__ for one in tried]}


def report(tried: Sequence[Tried]) -> None:
    """Print the counts."""
    failed = [one for one in tried if one.outcome != "learned"]
    healthy = [one for one in tried if one.outcome == "learned"]
    advised = [one for one in failed if one.advice]
    print(f"{len(failed)} cells that failed, {len(advised)} with advice:")
    print(f"  the first advice learns: {share([one.learned[0] for one in advised])}")
    print(f"  one of the first three learns: {share([any(one.learned) for one in advised])}")
    print(f"  no smaller change works: {share([not one.smaller for one in advised])}")
    print(
        f"  no advice, although a single change works: {share([bool(one.smaller) for one in failed if not one.advice])}"
    )
    for name in NAIVE:
        print(f"  {name} learns: {share([one.naive[name] for one in failed])}")
    print(f"{len(healthy)} cells that learn: advice for {share([bool(one.advice) for one in healthy])}")
    seconds = sorted(one.seconds for one in failed)
    middle, most = seconds[len(seconds) // 2], seconds[-1]
    print(f"seconds of processor time for the advice of a cell: median {middle:.2f}, most {most:.2f}")
    for one in advised:
        if not one.learned[0] or one.smaller:
            came = "learns" if one.learned[0] else "fails"
            print(f"  {one.overrides}\n    {one.advice[0]} ({came}); smaller: {one.smaller}")


def share(cells: Sequence[bool]) -> str:
    """`41 of 42 (98 %)`."""
    return f"{sum(cells)} of {len(cells)} ({sum(cells) / max(len(cells), 1):.0%})"
