"""The user's own data sets: from an .npz, a CSV or a Parquet file, or from a function."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.csv import read_csv
from mlpstudy.data.npz import features_and_target, read_npz
from mlpstudy.data.splits import Data, Labels, Split, finish, random_split
from mlpstudy.errors import ConfigError
from mlpstudy.importing import load

TASKS = ("classification", "regression")


def _own(
    rng: np.random.Generator,
    name: str,
    path: str,
    task: str,
    train: Split,
    test: Split | None,
    test_fraction: float,
    standardize: str,
    remarks: Sequence[str] = (),
) -> Data:
    """The user's own data, with numbered class labels, and split in two if there is no test split."""
    train = train[0], labels_of(train[1]) if task == "classification" else train[1]
    known = classes(path, train[1]) if task == "classification" else None

    def targets(y: Labels) -> Labels:
        if known is None:
            return values(y)
        y = labels_of(y)
        strange = np.setdiff1d(y, known)
        if strange.size:
            rule = f"a file whose test labels occur in training; {strange.tolist()[0]!r} does not"
            raise ConfigError("data.path", rule, path)
        return np.searchsorted(known, y)

    x, y = train[0], targets(train[1])
    if test is None:
        if known is not None and test_fraction > 0 and (rare := known[np.bincount(y) < 2]).size:
            rule = f"a file with at least two examples of each class; there is one of {rare.tolist()[0]!r}"
            raise ConfigError("data.path", f"{rule} (or set data.test_fraction=0)", path)
        train, test = random_split(rng, x, y, test_fraction, stratify=known is not None)
    else:
        train, test = (x, y), (test[0], targets(test[1]))
    train, test = filled(train, test)
    return finish(name, train, test, standardize, None if known is None else len(known), remarks)


def labels_of(y: NDArray[Any]) -> NDArray[Any]:
    """Class labels (n,); one-hot rows and rows of one label become labels."""
    if y.ndim == 2 and y.shape[1] == 1:
        return y[:, 0]
    if y.ndim == 2 and y.dtype.kind in "biuf" and ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
        return np.asarray(y.argmax(axis=1))
    return y


def filled(train: Split, test: Split) -> tuple[Split, Split]:
    """Gaps in the features, which are NaN, become the mean of the column in the training split."""
    if not (np.isnan(train[0]).any() or np.isnan(test[0]).any()):
        return train, test
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without any value in the training split
        means = np.nan_to_num(np.nanmean(train[0], axis=0))
    train, test = ((np.where(np.isnan(x), means, x), y) for x, y in (train, test))
    return train, test


def npz(rng: np.random.Generator, *, path: str, task: str, test_fraction: float, standardize: str) -> Data:
    """Your own arrays: x (n, ...) and y (n,), and a test split if you have one; see npz.NAMES."""
    train, test = read_npz(path)
    return _own(rng, "npz", path, task, train, test, test_fraction, standardize)


def csv(
    rng: np.random.Generator,
    *,
    path: str,
    target: str | None,
    columns: tuple[str, ...] | None,
    exclude: tuple[str, ...] | None,
    separator: str | None,
    encode: str | None,
    missing: str | None,
    task: str,
    test_fraction: float,
    standardize: str,
) -> Data:
    """Your own table: a CSV or Parquet file, features in `columns`, what to predict in `target`."""
    train, remarks = read_csv(path, target, columns, exclude, separator, encode, missing)
    return _own(rng, "csv", path, task, train, None, test_fraction, standardize, remarks)


def custom(rng: np.random.Generator, *, function: str, task: str, test_fraction: float, standardize: str) -> Data:
    """A function of your own, () -> (x, y) or (x, y, x_test, y_test), named as module:name."""
    found = load("data.function", function)
    try:
        arrays = found()
        given = [np.asarray(array) for array in arrays]
    except (Exception, SystemExit) as error:  # the user's function can raise anything, also when it yields arrays
        rule = f"a function () -> (x, y) or (x, y, x_test, y_test) ({type(error).__name__}: {error})"
        raise ConfigError("data.function", rule, function) from error
    if len(given) not in (2, 4):
        raise ConfigError("data.function", f"a function that returns 2 or 4 arrays, not {len(given)}", function)
    named = dict(zip(("x", "y", "x_test", "y_test"), given, strict=False))
    train = features_and_target("data.function", function, named, "x", "y")
    test = features_and_target("data.function", function, named, "x_test", "y_test") if len(given) == 4 else None
    if test is not None and test[0].shape[1] != train[0].shape[1]:
        raise ConfigError("data.function", "a function whose x and x_test have the same number of columns", function)
    return _own(rng, "custom", function, task, train, test, test_fraction, standardize)


def classes(path: str, y: NDArray[Any]) -> NDArray[Any]:
    """The different labels in y, sorted: class c is the c-th of them. Raises ConfigError if y has no class labels."""
    found = np.unique(y)
    if y.ndim != 1 or (np.issubdtype(y.dtype, np.floating) and (found != np.rint(found)).any()):
        example = y.ravel()[0]
        raise ConfigError("data.task", f"regression for a target with values such as {example}", "classification")
    if len(found) < 2:
        raise ConfigError("data.path", f"a file with at least two classes; all targets are {found.tolist()[0]!r}", path)
    return found


def values(y: NDArray[Any]) -> NDArray[np.floating]:
    """Targets of a regression, (n, n_L). Raises ConfigError if they are not numbers."""
    try:
        return y.reshape(len(y), -1).astype(np.float64)
    except ValueError as error:
        raise ConfigError("data.task", f"classification for a target that is text ({y[0]!r})", "regression") from error
