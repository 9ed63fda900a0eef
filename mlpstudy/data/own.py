"""The user's own data sets, from an .npz or a CSV file."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.csv import read_csv
from mlpstudy.data.npz import read_npz
from mlpstudy.data.splits import Data, Labels, Split, finish, random_split
from mlpstudy.errors import ConfigError

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
) -> Data:
    """The user's own data, with numbered class labels, and split in two if there is no test split."""
    labels = classes(path, train[1]) if task == "classification" else None

    def targets(y: Labels) -> Labels:
        if labels is None:
            return values(y)
        strange = np.setdiff1d(y, labels)
        if strange.size:
            raise ConfigError("data.path", f"a file whose test labels occur in training; {strange[0]!r} does not", path)
        return np.searchsorted(labels, y)

    x, y = train[0], targets(train[1])
    if test is None:
        train, test = random_split(rng, x, y, test_fraction, stratify=labels is not None)
    else:
        train, test = (x, y), (test[0], targets(test[1]))
    return finish(name, train, test, standardize, None if labels is None else len(labels))


def npz(rng: np.random.Generator, *, path: str, task: str, test_fraction: float, standardize: str) -> Data:
    """Your own arrays: x (n, ...) and y (n,), and x_test, y_test if you have a split of your own."""
    train, test = read_npz(path)
    return _own(rng, "npz", path, task, train, test, test_fraction, standardize)


def csv(
    rng: np.random.Generator,
    *,
    path: str,
    target: str | None,
    columns: tuple[str, ...] | None,
    task: str,
    test_fraction: float,
    standardize: str,
) -> Data:
    """Your own table: a CSV file with a header, features in `columns`, what to predict in `target`."""
    train = read_csv(path, target, columns)
    return _own(rng, "csv", path, task, train, None, test_fraction, standardize)


def classes(path: str, y: NDArray[Any]) -> NDArray[Any]:
    """The different labels in y, sorted: class c is the c-th of them. Raises ConfigError if y has no class labels."""
    found = np.unique(y)
    if y.ndim != 1 or (np.issubdtype(y.dtype, np.floating) and (found != np.rint(found)).any()):
        example = y.ravel()[0]
        raise ConfigError("data.task", f"regression for a target with values such as {example}", "classification")
    if len(found) < 2:
        raise ConfigError("data.path", f"a file with at least two classes; all targets are {found[0]!r}", path)
    return found


def values(y: NDArray[Any]) -> NDArray[np.floating]:
    """Targets of a regression, (n, n_L). Raises ConfigError if they are not numbers."""
    try:
        return y.reshape(len(y), -1).astype(np.float64)
    except ValueError as error:
        raise ConfigError("data.task", f"classification for a target that is text ({y[0]!r})", "regression") from error
