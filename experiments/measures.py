"""What claims measure: functions of the runs of a sweep that give one number for each network, (R,)."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec

import numpy as np

from experiments.study import Measure, Runs, Values, one
from mlpstudy.tracking.run import Run

P = ParamSpec("P")


def measure(function: Callable[Concatenate[Runs, P], Values]) -> Callable[P, Measure]:
    """A function of (runs, *settings) becomes one of the settings alone, which gives a Measure."""
    return lambda *settings, **params: lambda runs: function(runs, *settings, **params)


def profile(runs: Runs, name: str, snapshot: int = 0, /, **params: str) -> Values:
    """A statistic of every hidden layer, (R, depth), in the run with these params; snapshot -1 is the last."""
    return np.asarray(one(runs, **params).arrays[name][snapshot])


@measure
def at_start(runs: Runs, name: str, layer: int = -1, /, **params: str) -> Values:
    """A statistic of a hidden layer at initialization, in the run with these params; layer 0 is the first."""
    return profile(runs, name, **params)[:, layer]


@measure
def late_mean(runs: Runs, name: str, first: int, /, **params: str) -> Values:
    """The mean of a statistic at initialization over the hidden layers from `first` on."""
    return np.asarray(profile(runs, name, **params)[:, first:].mean(axis=1))


@measure
def accuracy(runs: Runs, split: str = "test", /, **params: str) -> Values:
    """The accuracy after training, on the test or train examples."""
    return np.asarray(one(runs, **params).arrays[f"curve_accuracy_{split}"][-1])


@measure
def accuracy_or_chance(runs: Runs, /, **params: str) -> Values:
    """The test accuracy after training; chance, 0.1, for a network that diverged."""
    return np.nan_to_num(accuracy(**params)(runs), nan=0.1)


@measure
def loss(runs: Runs, record: int = -1, /, **params: str) -> Values:
    """The loss on the training examples at a record of the curve: 0 is the start, -1 the end."""
    return np.asarray(one(runs, **params).arrays["curve_loss_train"][record])


@measure
def minus(runs: Runs, first: Measure, second: Measure) -> Values:
    """The difference of two measures, for networks with the same number."""
    return first(runs) - second(runs)


@measure
def log_ratio(runs: Runs, first: Measure, second: Measure) -> Values:
    """log10 of first / second, for networks with the same number."""
    with np.errstate(all="ignore"):
        return np.asarray(np.log10(first(runs) / second(runs)))


def log_change(name: str, first: int = 0, last: int = -1, /, **params: str) -> Measure:
    """log10 of a statistic at initialization in one hidden layer over that in a later one."""
    return log_ratio(at_start(name, first, **params), at_start(name, last, **params))


def farthest(values: Values, expected: float) -> Values:
    """Of several numbers of each network, (R, n), the one that is farthest from what is expected, (R,)."""
    return np.asarray(np.take_along_axis(values, np.abs(values - expected).argmax(axis=1)[:, None], axis=1)[:, 0])


def lengths(runs: Runs, **params: str) -> Values:
    """q, the mean square of z, in every hidden layer at initialization, (R, depth)."""
    mean, std = (profile(runs, f"preactivation_{part}", **params) for part in ("mean", "std"))
    return np.asarray(mean**2 + std**2)


@measure
def squared_length(runs: Runs, layer: int = -1, /, **params: str) -> Values:
    """q in a hidden layer at initialization."""
    return lengths(runs, **params)[:, layer]


@measure
def spectral_variance(runs: Runs, /, **params: str) -> Values:
    """The variance of the squared singular values of dh/dx over their squared mean; mean over inputs."""
    squared = one(runs, **params).arrays["jacobian_singular_values"] ** 2  # (R, inputs, n)
    return np.asarray((squared.var(axis=2) / squared.mean(axis=2) ** 2).mean(axis=1))


def most_distinct(run: Run) -> Values:
    """The number of distinct units after training, in the layer with the most, (R,)."""
    return np.asarray(np.rint(run.arrays["distinct_units"][-1] * int(run.params["width"])).max(axis=1))


def relative(runs: Runs, name: str, layer: int = -1, /, **params: str) -> Values:
    """A statistic of every hidden layer at initialization over that of one layer, (R, depth)."""
    values = profile(runs, name, **params)
    return np.asarray(values / values[:, [layer]])
