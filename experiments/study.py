"""What a named study is: a question, its source, a sweep, and claims that are decided on the runs of that sweep.

To add a study: a module here with a STUDY, and its sweep `conf/experiment/<name>.yaml`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mlpstudy.tracking.run import Run

if TYPE_CHECKING:  # matplotlib is slow to import
    from matplotlib.figure import Figure

LEVEL = 0.05  # the probability that any true claim of a study is said not to be reproduced
VERDICTS = REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = "reproduced", "not reproduced", "inconclusive"
Canvas: TypeAlias = "Figure"
Runs = Sequence[Run]
Values = NDArray[np.float64]
Measure = Callable[[Runs], Values]


@dataclass(frozen=True)
class Claim:
    """A statement that is decided by numbers, one for each independent network, (n,).

    measure raises ValueError if the runs that it needs are missing. This class is the exact case: every number is
    within `tolerance` of `expected`.
    """

    statement: str
    expected: float
    measure: Measure
    tolerance: float = 0.0
    data: str = ""  # the data that the published number is about; on other data it is not decided
    note: str = ""  # what was found about it when it was not reproduced

    @property
    def expected_text(self) -> str:
        """What was published."""
        return f"{self.expected:.5g}" + (f" ± {self.tolerance:.2g}" if self.tolerance else "")

    def verdict(self, measured: Values, claims: int) -> str:
        """One of VERDICTS. claims: how many the study has."""
        return REPRODUCED if bool((np.abs(measured - self.expected) <= self.tolerance).all()) else NOT_REPRODUCED

    def measured_text(self, measured: Values, claims: int) -> str:
        """`1`, or `0.98 to 1` if the networks differ."""
        return " to ".join(dict.fromkeys(f"{end:.5g}" for end in (measured.min(), measured.max())))


@dataclass(frozen=True)
class Mean(Claim):
    """The mean of the numbers is `expected`, up to `tolerance`, which is what the published number is rounded to.

    Student's interval at the level LEVEL / claims (Bonferroni) decides: not reproduced if it lies beyond the tolerance.
    Inconclusive if it also holds `rival`, the value that the claim denies, or if fewer than two numbers are finite.
    """

    rival: float = np.nan
    networks: float = np.inf  # the published number is the mean of so many; inf for a number of theory

    def interval(self, measured: Values, claims: int) -> tuple[float, float]:
        """Both ends of Student's interval for the published number; NaN for fewer than two measured ones."""
        n = len(measured)
        if n < 2:
            return np.nan, np.nan
        deviation = measured.std(ddof=1) * np.sqrt(1 / n + 1 / self.networks)
        half = special.stdtrit(n - 1, 1 - LEVEL / claims / 2) * deviation
        return float(measured.mean() - half), float(measured.mean() + half)

    def verdict(self, measured: Values, claims: int) -> str:
        """One of VERDICTS."""
        low, high = self.interval(measured, claims)
        if not np.isfinite(low) or not np.isfinite(measured).all():
            return INCONCLUSIVE
        if high < self.expected - self.tolerance or low > self.expected + self.tolerance:
            return NOT_REPRODUCED
        return INCONCLUSIVE if low <= self.rival <= high else REPRODUCED

    def measured_text(self, measured: Values, claims: int) -> str:
        """Mean and interval."""
        low, high = self.interval(measured, claims)
        return f"{np.mean(measured):.4g} ({low:.4g} to {high:.4g})"


@dataclass(frozen=True)
class Order(Mean):
    """The numbers, which are differences, have a mean above `expected`: Student's interval lies above or below it."""

    @property
    def expected_text(self) -> str:
        """What was published."""
        return f"above {self.expected:.4g}"

    def verdict(self, measured: Values, claims: int) -> str:
        """One of VERDICTS."""
        low, high = self.interval(measured, claims)
        if low > self.expected:
            return REPRODUCED
        return NOT_REPRODUCED if high < self.expected else INCONCLUSIVE


@dataclass(frozen=True)
class Grid:
    """One grid of the sweep of a study."""

    words: tuple[str, ...] = ()  # settings in the place of those in conf/experiment/<name>.yaml
    quick: tuple[str, ...] | None = ()  # and of a smaller grid that still decides the main claim; None = no grid
    mnist: bool = False  # on MNIST; on digits where there is none


@dataclass(frozen=True)
class Study:
    """The sweep is `conf/experiment/<name>.yaml`, with the settings of each of `grids` in the place of its own."""

    name: str
    question: str
    source: str
    claims: tuple[Claim, ...]
    varied: Mapping[str, Iterable[str]]  # param -> values that the claims are about
    grids: tuple[Grid, ...] = (Grid(),)
    replicas: int = 3  # at least so many for its tests
    draw: Callable[[Canvas, Runs], None] | None = None  # its figure; None = a panel for each claim


@dataclass(frozen=True)
class Finding:
    """A claim and its measured values; none if its data are not here."""

    claim: Claim
    measured: Values
    claims: int  # of the study

    @property
    def verdict(self) -> str:
        """One of VERDICTS."""
        return self.claim.verdict(self.measured, self.claims) if self.measured.size else INCONCLUSIVE

    @property
    def measured_text(self) -> str:
        """The measured value, with its interval where it is a mean, and the number of networks."""
        if not self.measured.size:
            return f"not measured, since it is about {self.claim.data}"
        return f"{self.claim.measured_text(self.measured, self.claims)}, {self.measured.size} networks"


def findings(study: Study, runs: Runs) -> list[Finding]:
    """What these runs say about each claim of a study. Raises ValueError if a run is missing."""
    data = {"", *(run.params.get("data") for run in runs)}
    return [
        Finding(claim, claim.measure(runs) if claim.data in data else np.empty(0), len(study.claims))
        for claim in study.claims
    ]


def chosen(runs: Runs, **params: str | Sequence[str]) -> list[Run]:
    """The runs with these params, such as init="he" or init=("zeros", "he"). ValueError if a value has no run.

    A param with a dot in its name is given by **{"init.scale": "0.1"}.
    """
    for name, values in params.items():
        wanted = {values} if isinstance(values, str) else set(values)
        if missing := wanted - {run.params.get(name) for run in runs}:
            raise ValueError(f"the sweep has no run with {name}={','.join(sorted(missing))}")
        runs = [run for run in runs if run.params.get(name) in wanted]
    return list(runs)


def one(runs: Runs, **params: str) -> Run:
    """The only run with these params. ValueError if there is none, or several."""
    run, *others = chosen(runs, **params)
    if others:
        raise ValueError(f"the sweep has {1 + len(others)} runs with {params}, not one")
    return run
