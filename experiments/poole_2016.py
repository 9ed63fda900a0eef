"""Is a random deep network ordered or chaotic? Fixed points of lengths and correlations."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.study import Mean, Study, one
from mlpstudy.tracking.run import Run

# gain, which is sigma_w with lecun -> q*, chi, c*; computed from the published equations at sigma_b = 0.3
PUBLISHED = {"1.3": (0.60705, 0.9398, 1.0), "2.5": (4.07912, 1.5852, 0.1221), "4.0": (12.60415, 2.3673, 0.0298)}
WIDTH, DEPTH = 300, 80


def length(gain: str, layer: int = -1) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: q, the mean square of z, in a layer."""

    def measure(runs: Sequence[Run]) -> NDArray[np.float64]:
        arrays = one(runs, gain=gain).arrays
        mean, std = (arrays[f"preactivation_{part}"][0][:, layer] for part in ("mean", "std"))
        return np.asarray(mean**2 + std**2)

    return measure


def statistic(name: str, gain: str) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: a statistic of the last layer."""
    return lambda runs: np.asarray(one(runs, gain=gain).arrays[name][0][:, -1])


def settled(gain: str) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: q of layer 8 over that of the last layer."""
    return lambda runs: length(gain, 7)(runs) / length(gain)(runs)


def started(gain: str) -> float:
    """q of layer 1 over q*, for inputs of variance 1."""
    return (float(gain) ** 2 + 0.09) / PUBLISHED[gain][0]


def left(gain: str) -> float:
    """How far correlations are from c* after DEPTH layers at most, in the ordered phase: chi^(DEPTH - 1)."""
    _, chi, _ = PUBLISHED[gain]
    return chi ** (DEPTH - 1) if chi < 1 else 0.0


STUDY = Study(
    name="poole_2016",
    question="Is a random deep tanh network ordered or chaotic, and where do lengths and correlations end?",
    source="Poole et al. 2016, figures 1 and 2: tanh with sigma_b = 0.3 and sigma_w = 1.3, 2.5 and 4",
    varied=(("gain", tuple(PUBLISHED)),),
    replicas=3,
    claims=tuple(
        claim
        for gain, (q, chi, c) in PUBLISHED.items()
        for claim in (
            Mean(f"sigma_w = {gain}: the squared length ends at q*", q, length(gain), 2 * q / WIDTH, rival=1.2 * q),
            Mean(f"sigma_w = {gain}: squared gradients change by chi a layer", chi, statistic("jacobian_gain", gain),
                 2 * chi / WIDTH, rival=1.0),
            Mean(f"sigma_w = {gain}: the correlation of two inputs ends at c*", c, statistic("input_correlation", gain),
                 2 / WIDTH + left(gain), rival=0.5),
        )
    )
    + tuple(
        Mean(f"sigma_w = {gain}: lengths settle to 1 % within 8 layers", 1.0, settled(gain), 0.01, rival=started(gain))
        for gain in PUBLISHED
    ),
)  # fmt: skip
