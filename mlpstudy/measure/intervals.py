"""The mean over replicas and its 95 % interval; for shares, such as accuracies, an interval inside [0, 1]."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

NAMED = 8  # at most so many cells are named in a sentence


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


def repeated(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether replicas of a run start with the same weights: they are one network then, and not a sample of many."""
    distinct = arrays.get("distinct_replicas")  # runs of earlier versions have no such array
    return distinct is not None and int(distinct) < arrays["curve_loss_train"].shape[1]


def over_replicas(
    arrays: Mapping[str, NDArray[Any]], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As `mean_and_interval`, of what the run with these arrays measured; without interval if replicas are repeated."""
    mean, half = mean_and_interval(values)
    return mean, np.full_like(half, np.nan) if repeated(arrays) else half


def same_replicas(replicas: int, distinct: int) -> str:
    """In words, such as `all 5 replicas start with the same weights and are one network`."""
    if distinct == 1:
        return f"all {replicas} replicas start with the same weights and are one network"
    return f"{replicas} replicas start with only {distinct} different sets of weights"


def without_interval(cells: Sequence[tuple[str, str | None]]) -> str:
    """A line for each reason why cells have no interval: the cells, and the reason.

    cells: name, and the reason in words, such as `same_replicas` gives; None if there is none.
    """
    lines = []
    for reason in dict.fromkeys(reason for _, reason in cells if reason):
        names = [name for name, other in cells if other == reason]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        lines.append(f"No interval for {', '.join(names[:NAMED])}{more}: {reason}.")
    return "\n".join(lines)


def share_interval(mean: Any, half: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both ends of the 95 % interval of a share, from its mean and half its usual interval.

    The interval is that of asin(sqrt(share)), whose spread hardly depends on the share (Freeman & Tukey 1950):
    half the interval of asin(sqrt(p)) is half / (2 sqrt(p (1 - p))), to first order.
    """
    mean, half = np.asarray(mean, dtype=np.float64), np.asarray(half, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arcsin(np.sqrt(mean))
        spread = np.where(half == 0, 0.0, half / (2 * np.sqrt(mean * (1 - mean))))
        low, high = np.clip(angle - spread, 0, np.pi / 2), np.clip(angle + spread, 0, np.pi / 2)
        low, high = np.square(np.sin(low)), np.square(np.sin(high))
        return np.minimum(low, mean), np.maximum(high, mean)  # rounding must not exclude the mean


def decimals(value: float) -> str:
    """`0.942`, `1234`, `6.07e+11`: three decimals, or four digits of a number that is large."""
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.4g}"


def share_text(mean: float, half: float, replicas: int, join: str = " ") -> str:
    """`0.942 ± 0.008`; `0.950 (0.871 to 0.989)` if that would leave [0, 1]; of two replicas `0.53, 0.97`.

    Empty if the mean is not known.
    """
    if not np.isfinite(mean):
        return ""
    if not np.isfinite(half):
        return f"{mean:.3f}"
    if replicas == 2:  # an interval of two values says less than the values themselves
        away = half / special.stdtrit(1, 0.975)
        return f"{max(mean - away, 0):.3f},{join}{min(mean + away, 1):.3f}" if away >= 0.0005 else f"{mean:.3f}"
    if mean - half >= 0 and mean + half <= 1:
        return f"{mean:.3f}{join}± {half:.3f}"
    low, high = share_interval(mean, half)
    return f"{mean:.3f}{join}({low:.3f} to {high:.3f})"
