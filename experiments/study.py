"""What a named study is: a question, its source, a sweep, and claims that are decided on the runs of that sweep.

To add a study: a module with a STUDY, its name in STUDIES, and the sweep `conf/experiment/<name>.yaml`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from mlpstudy.tracking.run import Run

LEVEL = 0.05  # the probability that any true claim of a study is said not to be reproduced
REPRODUCED, INCONCLUSIVE, NOT_REPRODUCED = "reproduced", "inconclusive", "not reproduced"
Measure = Callable[[Sequence[Run]], NDArray[np.float64]]


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

    @property
    def expected_text(self) -> str:
        """What was published."""
        return f"{self.expected:.4g}" + (f" ± {self.tolerance:.2g}" if self.tolerance else "")

    def verdict(self, measured: NDArray[np.float64], claims: int) -> str:
        """Reproduced, not reproduced or inconclusive, as one of so many claims."""
        return REPRODUCED if bool((np.abs(measured - self.expected) <= self.tolerance).all()) else NOT_REPRODUCED

    def measured_text(self, measured: NDArray[np.float64], claims: int) -> str:
        """`1`, or `0.98 to 1` if the networks differ."""
        low, high = measured.min(), measured.max()
        return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


@dataclass(frozen=True)
class Mean(Claim):
    """The mean of the numbers is `expected`, up to `tolerance`, which is what the published number is rounded to.

    Student's interval at the level LEVEL / claims (Bonferroni) decides: not reproduced if it lies beyond the tolerance.
    Inconclusive if it also holds `rival`, the value that the claim denies, or if fewer than two numbers are finite.
    """

    rival: float = np.nan

    def verdict(self, measured: NDArray[np.float64], claims: int) -> str:
        """Reproduced, not reproduced or inconclusive, as one of so many claims."""
        low, high = interval(measured, claims)
        if not np.isfinite(low) or not np.isfinite(measured).all():
            return INCONCLUSIVE
        if high < self.expected - self.tolerance or low > self.expected + self.tolerance:
            return NOT_REPRODUCED
        return INCONCLUSIVE if low <= self.rival <= high else REPRODUCED

    def measured_text(self, measured: NDArray[np.float64], claims: int) -> str:
        """Mean and interval."""
        low, high = interval(measured, claims)
        return f"{np.mean(measured):.4g} ({low:.4g} to {high:.4g})"


@dataclass(frozen=True)
class Order(Mean):
    """The numbers, which are differences, have a mean above `expected`: Student's interval lies above or below it."""

    @property
    def expected_text(self) -> str:
        """What was published."""
        return f"above {self.expected:.4g}"

    def verdict(self, measured: NDArray[np.float64], claims: int) -> str:
        """Reproduced, not reproduced or inconclusive, as one of so many claims."""
        low, high = interval(measured, claims)
        if low > self.expected:
            return REPRODUCED
        return NOT_REPRODUCED if high < self.expected else INCONCLUSIVE


def interval(values: NDArray[np.float64], claims: int) -> tuple[float, float]:
    """Both ends of Student's interval of the mean, at the level LEVEL / claims; NaN for fewer than two values."""
    n = len(values)
    if n < 2:
        return np.nan, np.nan
    half = special.stdtrit(n - 1, 1 - LEVEL / claims / 2) * values.std(ddof=1) / np.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half)


@dataclass(frozen=True)
class Study:
    """The sweep is `conf/experiment/<name>.yaml`."""

    name: str
    question: str
    source: str
    claims: tuple[Claim, ...]
    varied: tuple[tuple[str, tuple[str, ...]], ...]  # (param, values) that the claims are about
    quick: tuple[str, ...] = ()  # settings of a smaller sweep that still decides the main claim
    replicas: int = 2  # at least so many for its tests


@dataclass(frozen=True)
class Finding:
    """A claim and its measured values."""

    claim: Claim
    measured: NDArray[np.float64]
    claims: int  # of the study

    @property
    def verdict(self) -> str:
        """Reproduced, not reproduced or inconclusive."""
        return self.claim.verdict(self.measured, self.claims)

    @property
    def measured_text(self) -> str:
        """The measured value, with its interval where it is a mean, and the number of networks."""
        return f"{self.claim.measured_text(self.measured, self.claims)}, {self.measured.size} networks"


def check(study: Study, runs: Sequence[Run]) -> list[Finding]:
    """Check every claim of a study on these runs."""
    return [Finding(claim, claim.measure(runs), len(study.claims)) for claim in study.claims]


def chosen(runs: Sequence[Run], **params: str | Sequence[str]) -> list[Run]:
    """The runs with these params, such as init="he" or init=("zeros", "he"). ValueError if a value has no run."""
    found = list(runs)
    for name, values in params.items():
        wanted = (values,) if isinstance(values, str) else tuple(values)
        missing = set(wanted) - {run.params[name] for run in found}
        if missing:
            raise ValueError(f"the sweep has no run with {name}={','.join(sorted(missing))}")
        found = [run for run in found if run.params[name] in wanted]
    return found


def one(runs: Sequence[Run], **params: str) -> Run:
    """The only run with these params. ValueError if there is none, or several."""
    found = chosen(runs, **params)
    if len(found) > 1:
        raise ValueError(f"the sweep has {len(found)} runs with {params}, not one")
    return found[0]
