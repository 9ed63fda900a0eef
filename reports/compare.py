"""Two sweeps side by side: the settings in which they differ, and for each cell how its result differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy import stats

from mlpstudy.measure.score import final_scores
from mlpstudy.settings.keys import NOT_SCIENCE
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing.words import NONE, coordinates, listed, ordered, outcome, param, score

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
            one, other = (finite(final_scores(run.arrays)) for run in (self.first, self.second))
        except NotMeasured:
            return np.nan, np.nan, np.nan
        if not one.size or not other.size:
            return np.nan, np.nan, np.nan
        mean = float(other.mean() - one.mean())
        if min(one.size, other.size) < 2 or max(np.ptp(one), np.ptp(other)) < ALIKE:
            return mean, mean if one.size > 1 and other.size > 1 else np.nan, np.nan
        ends = stats.ttest_ind(other, one, equal_var=False).confidence_interval()
        return mean, float(ends.low), float(ends.high)


def finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values of the networks that did not diverge."""
    return values[np.isfinite(values)]


def kinds(runs: Sequence[Run]) -> list[str]:
    """The scores of these runs, such as test accuracy."""
    return sorted({score(run)[0] for run in runs})


def settings(first: Sequence[Run], second: Sequence[Run]) -> dict[str, tuple[list[str], list[str]]]:
    """The settings that no run of one sweep shares with a run of the other, and their values in both."""
    names = sorted({name for run in [*first, *second] for name in run.params if not name.startswith(NOT_SCIENCE)})
    values = {name: (ordered(param(first, name)), ordered(param(second, name))) for name in names}
    return {name: both for name, both in values.items() if not set(both[0]) & set(both[1])}


def pairs(first: Sequence[Run], second: Sequence[Run]) -> list[Pair]:
    """The cells of both sweeps with the same settings, but for those in which the sweeps differ as a whole."""
    differ = settings(first, second)
    names = [name for name in dict.fromkeys(coordinates(first)[0] + coordinates(second)[0]) if name not in differ]
    names = [name for name in names if name != "repetition"]
    there = {key(run, names): run for run in second}
    shown = [i for i, name in enumerate(names) if name in ("init", "activation", "depth") or varies(first, name)]
    return [
        Pair(" ".join(told(names[i], key(run, names)[i]) for i in shown), run, there[key(run, names)])
        for run in first
        if key(run, names) in there
    ]


def told(name: str, value: str) -> str:
    """`tanh`, `depth 6`, `lr 0.001`."""
    return value if name in ("activation", "init") else f"{name.rpartition('.')[2]} {value}"


def key(run: Run, names: Sequence[str]) -> tuple[str, ...]:
    """The values of these settings."""
    return tuple(run.params.get(name, NONE) for name in names)


def varies(runs: Sequence[Run], name: str) -> bool:
    """Does a setting differ between the runs of a sweep?"""
    return len(set(param(runs, name))) > 1


def heading(names: tuple[str, str], differ: Mapping[str, tuple[list[str], list[str]]]) -> str:
    """Which sweeps these are, and in what they differ. Short names of settings, where there are both."""
    told = [f"{name}: {listed(a, 'and')} in A, {listed(b, 'and')} in B" for name, (a, b) in differ.items()]
    unique = [
        text for i, text in enumerate(told) if text.partition(": ")[2] not in {t.partition(": ")[2] for t in told[:i]}
    ]
    return f"A = {names[0]}, B = {names[1]}. " + (f"{'; '.join(unique)}." if unique else "The settings are the same.")


def table(found: Sequence[Pair]) -> Table:
    """A row for each cell of both sweeps; the largest difference first."""
    result = Table(title=f"{score(found[0].first)[0]}, and how it differs", title_justify="left")
    for name in ("cell", "A", "B", "B - A", "95 % interval", "verdict", "outcome"):
        result.add_column(name)
    for pair in sorted(found, key=lambda pair: -np.nan_to_num(abs(pair.difference[0]))):
        mean, low, high = pair.difference
        clear = np.isfinite(low) and np.isfinite(high) and low * high > 0
        result.add_row(
            pair.name,
            *(score(run)[1] for run in (pair.first, pair.second)),
            f"{mean:+.3f}" if np.isfinite(mean) else NONE,
            f"{low:+.3f} to {high:+.3f}" if np.isfinite(high) else NONE,
            change(pair.first.tags["verdict"], pair.second.tags["verdict"]),
            change(outcome(pair.first), outcome(pair.second)),
            style="bold" if clear else "",
        )
    return result


def change(first: str, second: str) -> str:
    """`stalled > learned`, or the value once if it is the same."""
    return first if first == second else f"{first} > {second}"
