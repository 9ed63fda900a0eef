"""A data set as a training and a test split: drawn at random, and standardized by the training split alone."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.linear import linear_gain
from mlpstudy.errors import ConfigError

Features = NDArray[np.floating]
Labels = NDArray[np.generic]
Split = tuple[Features, NDArray[Any]]  # x (n, n_0), y (n,) or (n, n_L)
Place = Callable[[str, str, int, int, object], str]  # (train or test, x or y, row, column, value) -> where it stands


@dataclass(frozen=True)
class About:
    """What is said of a data set, without its arrays."""

    name: str
    digest: str  # of the examples as they come, see `Data`
    sizes: dict[str, int | None]  # training and test examples, features, classes
    remarks: tuple[str, ...] = ()


def _in_arrays(split: str, array: str, row: int, column: int, value: object) -> str:
    return f"{array}_{split}[{row}, {column}] is {value}"


@dataclass(frozen=True)
class Data:
    """A training and a test split: x (n, n_0), y class numbers (n,) or values (n, n_L)."""

    name: str
    x_train: Features
    y_train: Labels
    x_test: Features
    y_test: Labels
    classes: int | None  # None for regression
    shift: Features  # how features were standardized: (x - shift) / scale, (n_0,)
    scale: Features
    remarks: tuple[str, ...] = ()  # on how a file was read
    digest: str = ""  # of both splits before they are standardized: rounding differs between machines
    # y = (values - target_shift) / target_scale, with a shift for each column, (n_L,), and one scale for all of them
    target_shift: NDArray[np.floating] = field(default_factory=lambda: np.zeros(1))
    target_scale: float = 1.0  # losses of y are those of the values over target_scale^2
    place: Place = _in_arrays

    @cached_property
    def linear_gain(self) -> float:
        """What a linear model gains on the training split."""
        return linear_gain(self.x_train, self.y_train, self.classes)

    @property
    def about(self) -> About:
        """Name, digest and sizes."""
        sizes = {"train": len(self.x_train), "test": len(self.x_test), "features": self.x_train.shape[1]}
        return About(self.name, self.digest, {**sizes, "classes": self.classes}, self.remarks)


def digest_of(*arrays: NDArray[Any]) -> str:
    """Sixteen hex digits that follow from the shapes, the types and the content of numeric arrays."""
    digest = blake2b(digest_size=8)
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _mean_and_deviation(x: Features, axis: int | None) -> tuple[Any, Any]:
    return x.mean(axis), x.std(axis)


def _middle_and_half_range(x: Features, axis: int | None) -> tuple[Any, Any]:
    low, high = x.min(axis), x.max(axis)
    return (low + high) / 2, (high - low) / 2


def _least_and_range(x: Features, axis: int | None) -> tuple[Any, Any]:
    return x.min(axis), x.max(axis) - x.min(axis)


# (x, axis) -> (shift, scale), and the axis: 0 for each feature by itself, None for all features together
STANDARDIZERS: dict[str, tuple[Callable[[Features, int | None], tuple[Any, Any]], int | None]] = {
    "none": (lambda x, axis: (0.0, 1.0), 0),
    "standard": (_mean_and_deviation, 0),
    "minus_one_one": (_middle_and_half_range, 0),
    "unit": (_least_and_range, None),  # pixels in [0, 1]
    "global": (_mean_and_deviation, None),
}


def shift_and_scale(x: Features, standardize: str) -> tuple[Features, Features]:
    """Of the training x (n, n_0), (n_0,) each; x becomes (x - shift) / scale.

    A feature that is constant (a pixel that is always blank) has the scale 1, so it becomes 0.
    """
    measure, axis = STANDARDIZERS[standardize]
    shift, scale = measure(x, axis)
    varies = x.max(axis) > x.min(axis)  # std > 0 would be wrong: rounding makes the std of equal numbers larger than 0
    return np.full(x.shape[1], shift), np.full(x.shape[1], np.where(varies, scale, 1.0))


def finish(name: str, train: Split, test: Split, standardize: str, classes: int | None) -> Data:
    """Features without gaps, and standardized as `standardize` says."""
    remarks = () if len(test[1]) else ("no test split, so accuracies and losses are those of the training examples",)
    digest = digest_of(*train, *test)
    train, test = filled(train, test)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers that are too large are refused later, with their place
        shift, scale = shift_and_scale(train[0], standardize)
        scale = np.where(np.isfinite(scale), scale, np.nan)
        x_train, x_test = ((x - shift) / scale for x, _ in (train, test))
    return Data(name, x_train, train[1], x_test, test[1], classes, shift, scale, remarks, digest)


def filled(train: Split, test: Split) -> tuple[Split, Split]:
    """Gaps in the features, which are NaN, become the mean of the column in the training split."""
    if not (np.isnan(train[0]).any() or np.isnan(test[0]).any()):
        return train, test
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without any value in the training split
        means = np.nan_to_num(np.nanmean(train[0], axis=0))
    train, test = ((np.where(np.isnan(x), means, x), y) for x, y in (train, test))
    return train, test


def with_standard_targets(data: Data) -> Data:
    """The data with values of mean 0 and variance 1, both of the training split; the variance is that of all columns.

    So a loss of the values is target_scale^2 times the loss that is learned, also with several columns.
    """
    y = data.y_train
    shift = y.mean(axis=0)
    scale = float(np.sqrt(np.square(y - shift).mean())) if (y.max(axis=0) > y.min(axis=0)).any() else 1.0
    with np.errstate(over="ignore"):
        y_train, y_test = ((y - shift) / scale for y in (data.y_train, data.y_test))
    return replace(data, y_train=y_train, y_test=y_test, target_shift=shift, target_scale=scale)


def random_split(
    rng: np.random.Generator, x: NDArray[Any], y: Labels, test_fraction: float, stratify: bool = True, hint: str = ""
) -> tuple[Split, Split]:
    """A random split; with `stratify` both parts have the same proportions of classes. The test split may be empty.

    hint: what else may help where no such split exists.
    """
    if test_fraction == 0:
        return (x, y), (x[:0], y[:0])
    from sklearn.model_selection import train_test_split

    seed = int(rng.integers(2**31))
    try:
        x_train, x_test, y_train, y_test = train_test_split(
            x, y, test_size=test_fraction, stratify=y if stratify else None, random_state=seed
        )
    except ValueError as error:
        rule = f"a share of the {len(x)} examples that leaves every class in both splits{hint}"
        raise ConfigError("data.test_fraction", rule, test_fraction) from error
    return (x_train, y_train), (x_test, y_test)
