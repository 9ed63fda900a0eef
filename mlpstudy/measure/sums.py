"""Means and sums of squares in float64, scaled so that no square underflows or overflows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array

Statistic = NDArray[np.float64]


def exact(x: Array) -> tuple[Statistic, Statistic]:
    """x / scale in float64, and scale (R,), so that squares of the first do not underflow or overflow.

    The scale of a float32 array is 1, since float64 holds its squares. The scale of a float64 array is max|x|, or 1 if
    that is 0 or not finite.
    """
    if x.dtype == np.float32:
        return x.astype(np.float64), np.ones(len(x))
    top = np.abs(x).max(axis=tuple(range(1, x.ndim)))
    scale = np.where((top > 0) & np.isfinite(top), top, 1.0).astype(np.float64)
    return np.asarray(x / scale.reshape(-1, *(1,) * (x.ndim - 1)), dtype=np.float64), scale


def squares(x: Statistic) -> Statistic:
    """Sum of x^2 per replica, (R,)."""
    flat = x.reshape(len(x), 1, -1)
    return np.asarray((flat @ flat.mT)[:, 0, 0])


def lengths(x: Statistic) -> Statistic:
    """|x| of each row, (R, rows), without scaling."""
    return np.asarray(np.sqrt(np.einsum("rij,rij->ri", x, x)))


def rms(x: Array) -> Statistic:
    """sqrt(mean(x^2)) per replica, (R,), in float64, without underflow or overflow."""
    values, scale = exact(x)
    return np.asarray(scale * np.sqrt(squares(values) / values[0].size))


def norms(x: Array) -> Statistic:
    """|x| of each row, (R, rows), in float64, without underflow or overflow."""
    values, scale = exact(x)
    return scale[:, None] * lengths(values)


def moments(arrays: Sequence[Array], replicas: int) -> tuple[Statistic, Statistic]:
    """Mean and standard deviation over batch and units of each layer's array, (R, depth) each."""

    def both(x: Array) -> tuple[Statistic, Statistic]:
        values, scale = exact(x)
        mean = values.mean(axis=(1, 2))
        values -= mean[:, None, None]
        return scale * mean, scale * np.sqrt(squares(values) / values[0].size)

    pairs = [both(x) for x in arrays]
    return stack([mean for mean, _ in pairs], replicas), stack([std for _, std in pairs], replicas)


def stack(columns: Sequence[Statistic], replicas: int) -> Statistic:
    """One column for each layer: column l - 1 is layer l. (R, 0) without hidden layers."""
    shared = [np.broadcast_to(column, (replicas,)) for column in columns]
    return np.stack(shared, axis=1) if shared else np.empty((replicas, 0))
