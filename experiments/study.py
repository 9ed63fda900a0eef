"""What a named study is: a question, its source, a sweep, and claims checked on the runs of that sweep."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.tracking.reading import Run


@dataclass(frozen=True)
class Claim:
    """A statement that a number decides.

    measure(runs) gives that number once per replica (n,); the claim is reproduced where every replica lies
    within `tolerance` of `expected`. measure raises ValueError where the runs it needs are missing.
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
    inits: tuple[str, ...]  # that the claims are about
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Finding:
    """What came of a claim."""

    claim: Claim
    measured: NDArray[np.float64]  # one number per replica

    @property
    def reproduced(self) -> bool:
        """Every replica within the tolerance; false where a number is missing."""
        return bool((np.abs(self.measured - self.claim.expected) <= self.claim.tolerance).all())

    @property
    def measured_text(self) -> str:
        """`1`, or `0.98 to 1` where replicas differ, and how many there are."""
        low, high = self.measured.min(), self.measured.max()
        span = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
        return f"{span} ({self.measured.size} networks)"


def check(study: Study, runs: Sequence[Run]) -> list[Finding]:
    """Every claim of a study on these runs."""
    return [Finding(claim, claim.measure(runs)) for claim in study.claims]


def chosen(runs: Sequence[Run], inits: Sequence[str]) -> list[Run]:
    """The runs with one of these initializers. Raises ValueError where any of them is missing."""
    found = [run for run in runs if run.params["init"] in inits]
    missing = set(inits) - {run.params["init"] for run in found}
    if missing:
        raise ValueError(f"the sweep has no run with init={','.join(sorted(missing))}")
    return found
