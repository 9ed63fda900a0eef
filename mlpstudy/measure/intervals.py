"""The mean over replicas and its 95 % interval."""

import numpy as np
from numpy.typing import NDArray
from scipy import special


def mean_and_interval(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over the finite replicas (first axis) and half the width of its 95 % interval (Student's t).

    The interval is NaN if fewer than two values are finite; the mean is NaN if none is.
    """
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    known = np.where(finite, values, 0.0)
    top = np.abs(known).max(axis=0)
    top = np.where(top > 0, top, 1.0)  # so that squares and sums cannot overflow
    known = known / top
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = known.sum(axis=0) / n
        squares = np.where(finite, np.square(known - mean), 0.0).sum(axis=0)
        half = special.stdtrit(n - 1, 0.975) * np.sqrt(squares / (n - 1) / n)
        return mean * top, half * top
