"""What a named study is: a question, its source, a sweep, and claims checked on the runs of that sweep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.tracking.run import Run


@dataclass(frozen=True)
class Claim:
    """A statement that is decided by a number.

    measure(runs) gives that number once per replica (n,); the claim is reproduced if every replica is
    within `tolerance` of `expected`. measure raises ValueError if the runs that it needs are missing.
    """

    statement: str
    expected: float
    tolerance: float
    measure: Callable[[Sequence[Run]], NDArray[np.float64]]


@dataclass(frozen=True)
class Study:
    """The sweep is `conf/experiment/<name>.yaml`."""

    name: str
    question: str
    source: str
    inits: tuple[str, ...]  # the initializers that the claims are about
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Finding:
    """A claim and its measured value."""

    claim: Claim
    measured: NDArray[np.float64]  # one number per replica

    @property
    def reproduced(self) -> bool:
        """Every replica within the tolerance; false if a number is missing."""
        return bool((np.abs(self.measured - self.claim.expected) <= self.claim.tolerance).all())

    @property
    def measured_text(self) -> str:
        """`1 (10 networks)`, or `0.98 to 1 (10 networks)` if the replicas differ."""
        low, high = self.measured.min(), self.measured.max()
        span = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
        return f"{span} ({self.measured.size} networks)"


def check(study: Study, runs: Sequence[Run]) -> list[Finding]:
    """Check every claim of a study on these runs."""
    return [Finding(claim, claim.measure(runs)) for claim in study.claims]


def chosen(runs: Sequence[Run], inits: Sequence[str]) -> list[Run]:
    """The runs with one of these initializers. Raises ValueError if one of them has no run."""
    found = [run for run in runs if run.params["init"] in inits]
    missing = set(inits) - {run.params["init"] for run in found}
    if missing:
        raise ValueError(f"the sweep has no run with init={','.join(sorted(missing))}")
    return found
