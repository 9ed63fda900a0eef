"""What a named study is: a question, its source, a sweep, and claims that are decided on the runs of that sweep.

To add a study: a module here with a STUDY, and its sweep `conf/experiment/<name>.yaml`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mlpstudy.tracking.run import Run

if TYPE_CHECKING:  # matplotlib is slow to import
    from matplotlib.figure import Figure

LEVEL = 0.05  # the probability that any true claim of a study is said not to be reproduced
REPRODUCED, INCONCLUSIVE, NOT_REPRODUCED = "reproduced", "inconclusive", "not reproduced"
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
        """Reproduced, not reproduced or inconclusive, as one of so many claims."""
        return REPRODUCED if bool((np.abs(measured - self.expected) <= self.tolerance).all()) else NOT_REPRODUCED

    def measured_text(self, measured: Values, claims: int) -> str:
        """`1`, or `0.98 to 1` if the networks differ."""
        low, high = measured.min(), measured.max()
        return " to ".join(dict.fromkeys(f"{end:.5g}" for end in (low, high)))


@dataclass(frozen=True)
class Mean(Claim):
    """The mean of the numbers is `expected`, up to `tolerance`, which is what the published number is rounded to.

    Student's interval at the level LEVEL / claims (Bonferroni) decides: not reproduced if it lies beyond the tolerance.
    Inconclusive if it also holds `rival`, the value that the claim denies, or if fewer than two numbers are finite.
    """

    rival: float = np.nan
    networks: float = np.inf  # the published number is the mean of so many; inf for a number of theory

    def interval(self, measured: Values, claims: int) -> tuple[float, float]:
        """Both ends of the interval for the published number, as one of so many claims."""
        return interval(measured, claims, self.networks)

    def verdict(self, measured: Values, claims: int) -> str:
        """Reproduced, not reproduced or inconclusive, as one of so many claims."""
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
        """Reproduced, not reproduced or inconclusive, as one of so many claims."""
        low, high = self.interval(measured, claims)
        if low > self.expected:
            return REPRODUCED
        return NOT_REPRODUCED if high < self.expected else INCONCLUSIVE


def interval(values: Values, claims: int, networks: float = np.inf) -> tuple[float, float]:
    """Both ends of Student's interval, at the level LEVEL / claims; NaN for fewer than two values.

    It is that of the true mean; or, given a number of networks, of the mean of so many others.
    """
    n = len(values)
    if n < 2:
        return np.nan, np.nan
    deviation = values.std(ddof=1) * np.sqrt(1 / n + 1 / networks)
    half = special.stdtrit(n - 1, 1 - LEVEL / claims / 2) * deviation
    return float(values.mean() - half), float(values.mean() + half)


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
    varied: tuple[tuple[str, tuple[str, ...]], ...]  # (param, values) that the claims are about
    grids: tuple[Grid, ...] = (Grid(),)
    replicas: int = 2  # at least so many for its tests
    draw: Callable[[Canvas, Runs], None] | None = None  # its figure; None = a panel for each claim


@dataclass(frozen=True)
class Finding:
    """A claim and its measured values; none if its data are not here."""

    claim: Claim
    measured: Values
    claims: int  # of the study

    @property
    def verdict(self) -> str:
        """Reproduced, not reproduced or inconclusive."""
        return self.claim.verdict(self.measured, self.claims) if self.measured.size else INCONCLUSIVE

    @property
    def measured_text(self) -> str:
        """The measured value, with its interval where it is a mean, and the number of networks."""
        if not self.measured.size:
            return f"not measured, since it is about {self.claim.data}"
        return f"{self.claim.measured_text(self.measured, self.claims)}, {self.measured.size} networks"


def check(study: Study, runs: Runs) -> list[Finding]:
    """Check every claim of a study on these runs."""
    there = {run.params.get("data") for run in runs}
    return [
        Finding(claim, claim.measure(runs) if not claim.data or claim.data in there else np.empty(0), len(study.claims))
        for claim in study.claims
    ]


def chosen(runs: Runs, **params: str | Sequence[str]) -> list[Run]:
    """The runs with these params, such as init="he" or init=("zeros", "he"). ValueError if a value has no run.

    A param with a dot in its name is given by **{"init.scale": "0.1"}.
    """
    found = list(runs)
    for name, values in params.items():
        wanted = (values,) if isinstance(values, str) else tuple(values)
        missing = set(wanted) - {run.params.get(name) for run in found}
        if missing:
            raise ValueError(f"the sweep has no run with {name}={','.join(sorted(missing))}")
        found = [run for run in found if run.params.get(name) in wanted]
    return found


def one(runs: Runs, **params: str) -> Run:
    """The only run with these params. ValueError if there is none, or several."""
    found = chosen(runs, **params)
    if len(found) > 1:
        raise ValueError(f"the sweep has {len(found)} runs with {params}, not one")
    return found[0]
