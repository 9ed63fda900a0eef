"""What claims measure: functions of the runs of a sweep that give one number for each network, (R,)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.study import Measure, one
from mlpstudy.tracking.run import Run

Values = NDArray[np.float64]


def at_start(name: str, layer: int = -1, /, **params: str) -> Measure:
    """A statistic of a hidden layer at initialization, in the run with these params; layer 0 is the first."""
    return lambda runs: profile(runs, name, **params)[:, layer]


def profile(runs: Sequence[Run], name: str, snapshot: int = 0, /, **params: str) -> Values:
    """A statistic of every hidden layer, (R, depth), in the run with these params; snapshot -1 is the last."""
    return np.asarray(one(runs, **params).arrays[name][snapshot])


def accuracy(split: str = "test", /, **params: str) -> Measure:
    """The accuracy after training, on the test or train examples."""
    return lambda runs: np.asarray(one(runs, **params).arrays[f"curve_accuracy_{split}"][-1])


def loss(**params: str) -> Measure:
    """The loss on the training examples after training."""
    return lambda runs: np.asarray(one(runs, **params).arrays["curve_loss_train"][-1])


def farthest(values: Values, expected: float) -> Values:
    """Of several numbers of each network, (R, n), the one that is farthest from what is expected, (R,)."""
    return np.asarray(np.take_along_axis(values, np.abs(values - expected).argmax(axis=1)[:, None], axis=1)[:, 0])


def minus(first: Measure, second: Measure) -> Measure:
    """The difference of two measures, for networks with the same number."""
    return lambda runs: first(runs) - second(runs)


def log_ratio(first: Measure, second: Measure) -> Measure:
    """log10 of first / second, for networks with the same number."""

    def measure(runs: Sequence[Run]) -> Values:
        with np.errstate(all="ignore"):
            return np.asarray(np.log10(first(runs) / second(runs)))

    return measure


def squared_length(layer: int = -1, /, **params: str) -> Measure:
    """q, the mean square of z, in a hidden layer at initialization."""

    def measure(runs: Sequence[Run]) -> Values:
        mean, std = (profile(runs, f"preactivation_{part}", **params)[:, layer] for part in ("mean", "std"))
        return np.asarray(mean**2 + std**2)

    return measure
