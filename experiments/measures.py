"""What claims measure: functions of the runs of a sweep that give one number for each network, (R,)."""

import numpy as np

from experiments.study import Measure, Runs, Values, one


def at_start(name: str, layer: int = -1, /, **params: str) -> Measure:
    """A statistic of a hidden layer at initialization, in the run with these params; layer 0 is the first."""
    return lambda runs: profile(runs, name, **params)[:, layer]


def profile(runs: Runs, name: str, snapshot: int = 0, /, **params: str) -> Values:
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

    def measure(runs: Runs) -> Values:
        with np.errstate(all="ignore"):
            return np.asarray(np.log10(first(runs) / second(runs)))

    return measure


def lengths(runs: Runs, **params: str) -> Values:
    """q, the mean square of z, in every hidden layer at initialization, (R, depth)."""
    mean, std = (profile(runs, f"preactivation_{part}", **params) for part in ("mean", "std"))
    return np.asarray(mean**2 + std**2)


def squared_length(layer: int = -1, /, **params: str) -> Measure:
    """q in a hidden layer at initialization."""
    return lambda runs: lengths(runs, **params)[:, layer]


def relative(runs: Runs, name: str, layer: int = -1, /, **params: str) -> Values:
    """A statistic of every hidden layer at initialization over that of one layer, (R, depth)."""
    values = profile(runs, name, **params)
    return np.asarray(values / values[:, [layer]])


def accuracy_or_chance(**params: str) -> Measure:
    """The test accuracy after training; chance, 0.1, for a network that diverged."""
    return lambda runs: np.nan_to_num(accuracy(**params)(runs), nan=0.1)
