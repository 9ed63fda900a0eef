"""Two sweeps side by side: the settings in which they differ, and for each cell how its result differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table
from scipy import stats

from mlpstudy.measure.score import final_scores
from mlpstudy.settings.keys import NOT_IDENTITY
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing.words import CELL, NONE, coordinates, listed, ordered, outcome, param, score

ALIKE = 1e-9  # scores that differ by less are the same, and have no spread to test with


@dataclass(frozen=True)
class Pair:
    """The same cell in both sweeps, but for the settings in which the sweeps differ."""

    name: str
    first: Run
    second: Run

    @property
    def difference(self) -> tuple[float, float, float]:
        """Score of the second less that of the first, and both ends of Welch's 95 % interval; NaN if not known."""
        try:
            scores = [final_scores(run.arrays) for run in (self.first, self.second)]
        except NotMeasured:
            return np.nan, np.nan, np.nan
        one, other = (values[np.isfinite(values)] for values in scores)  # without networks that diverged
        if not one.size or not other.size:
            return np.nan, np.nan, np.nan
        mean = float(other.mean() - one.mean())
        if min(one.size, other.size) < 2 or max(np.ptp(one), np.ptp(other)) < ALIKE:
            return mean, np.nan, np.nan
        ends = stats.ttest_ind(other, one, equal_var=False).confidence_interval()
        return mean, float(ends.low), float(ends.high)


def settings(first: Sequence[Run], second: Sequence[Run]) -> dict[str, tuple[list[str], list[str]]]:
    """The settings that no run of one sweep shares with a run of the other, and their values in both."""
    names = sorted({name for run in [*first, *second] for name in run.params if not name.startswith(NOT_IDENTITY)})
    values = {name: (ordered(param(first, name)), ordered(param(second, name))) for name in names}
    return {name: both for name, both in values.items() if not set(both[0]) & set(both[1])}


def pairs(first: Sequence[Run], second: Sequence[Run]) -> list[Pair]:
    """The cells of both sweeps with the same settings, but for those in which the sweeps differ as a whole."""
    differ = settings(first, second)
    every = dict.fromkeys(coordinates(first)[0] + coordinates(second)[0])
    names = [name for name in every if name not in differ and name != "repetition"]
    shown = [name for name in names if name in CELL or len(set(param(first, name))) > 1]

    def key(run: Run) -> tuple[str, ...]:
        return tuple(run.params.get(name, NONE) for name in names)

    there = {key(run): run for run in second}
    return [
        Pair(" ".join(words(name, run.params.get(name, NONE)) for name in shown), run, there[key(run)])
        for run in first
        if key(run) in there
    ]


def words(name: str, value: str) -> str:
    """`tanh`, `depth 6`, `lr 0.001`."""
    return value if name in ("activation", "init") else f"{name.rpartition('.')[2]} {value}"


def heading(names: tuple[str, str], differ: Mapping[str, tuple[list[str], list[str]]]) -> str:
    """Which sweeps these are, and in what they differ. Short names of settings, where there are both."""
    unique: dict[str, str] = {}  # the values in both sweeps -> the first setting with them
    for name, (a, b) in differ.items():
        unique.setdefault(f"{listed(a, 'and')} in A, {listed(b, 'and')} in B", name)
    settings = "; ".join(f"{name}: {values}" for values, name in unique.items()) or "The settings are the same"
    return f"A = {names[0]}, B = {names[1]}. {settings}."


def table(pairs: Sequence[Pair]) -> Table:
    """A row for each cell of both sweeps; the largest difference first."""
    headings = ("cell", "A", "B", "B - A", "95 % interval", "verdict", "outcome")
    result = Table(*headings, title=f"{score(pairs[0].first)[0]}, and how it differs", title_justify="left")
    for pair in sorted(pairs, key=lambda pair: -np.nan_to_num(abs(pair.difference[0]))):
        mean, low, high = pair.difference
        result.add_row(
            pair.name,
            *(score(run)[1] for run in (pair.first, pair.second)),
            f"{mean:+.3f}" if np.isfinite(mean) else NONE,
            f"{low:+.3f} to {high:+.3f}" if np.isfinite(high) else NONE,
            change(pair.first.tags["verdict"], pair.second.tags["verdict"]),
            change(outcome(pair.first), outcome(pair.second)),
            style="bold" if low * high > 0 else "",
        )
    return result


def change(first: str, second: str) -> str:
    """`stalled > learned`, or the value once if it is the same."""
    return first if first == second else f"{first} > {second}"
