"""The user's own data sets: from an .npz, a CSV or a Parquet file, or from a function."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.csv import read_csv
from mlpstudy.data.npz import read_npz, train_and_test
from mlpstudy.data.numbers import Examples, check_numbers
from mlpstudy.data.splits import Data, Labels, finish, random_split, with_standard_targets
from mlpstudy.errors import ConfigError
from mlpstudy.importing import load

HINT = "for values, add data.task=regression loss=mse"
MANY_CLASSES = 10  # with more classes that are numbers, and few examples of each, the numbers may be values
FEW_EXAMPLES = 10  # of each class
FEW_COLUMNS = 3  # of targets, whose numbers are listed
LARGE = 10.0  # root mean square of targets, with which the usual learning rates diverge


def _own(
    rng: np.random.Generator, name: str, train: Examples, test: Examples | None, task: str, test_fraction: float,
    standardize: str, standardize_target: bool, remarks: Sequence[str] = (),
) -> Data:  # fmt: skip
    """The user's own data, with numbered class labels or standardized values, split in two if need be."""
    known = classes(train) if task == "classification" else None  # the labels
    y = targets(train, known)
    rows: NDArray[Any] = np.arange(len(y))
    notes = [*remarks, *about_classes(known, len(y))]
    if test is not None:
        source, y_test = test, targets(test, known)
        rows_test: NDArray[Any] = np.arange(len(test.y))
    else:
        if known is not None and test_fraction > 0:
            check_classes(train, known, y)
        hint = f" ({HINT})" if known is not None and in_doubt(known, len(y)) else ""
        split = random_split(rng, rows, y, test_fraction, stratify=known is not None, hint=hint)
        source, ((rows, y), (rows_test, y_test)) = train, split

    def place(split: str, array: str, row: int, column: int, value: object) -> str:
        of, at = (train, rows) if split == "train" else (source, rows_test)
        return of.place(array, int(at[row]), column, value)

    number = None if known is None else len(known)
    data = finish(name, (train.x[rows], y), (source.x[rows_test], y_test), standardize, number)
    if known is None:
        notes += about_values(y, standardize_target)
        data = with_standard_targets(data) if standardize_target else data
    return replace(data, remarks=(*notes, *data.remarks), place=place)


def targets(of: Examples, known: NDArray[Any] | None) -> Labels:
    """Class numbers (n,), by the labels that are known; or values (n, n_L) of a regression."""
    if known is None:
        return values(of)
    y = labels_of(of.y)
    strange = np.setdiff1d(y, known)
    if strange.size:
        rule = f"whose test labels occur in training; {strange.tolist()[0]!r} does not"
        raise of.refused(f"{rule} ({HINT})" if in_doubt(known) else rule)
    return np.searchsorted(known, y)


def classes(of: Examples) -> NDArray[Any]:
    """The different labels, sorted: class c is the c-th of them. Raises ConfigError if there are no class labels."""
    y = labels_of(of.y)
    try:
        classes = np.unique(y)
    except TypeError as error:  # an array of Python objects
        raise of.refused("whose labels are all numbers or all text") from error
    if y.ndim != 1 or (np.issubdtype(y.dtype, np.floating) and (classes != np.rint(classes)).any()):
        rule = f"regression for a target with values such as {y.ravel()[0]} ({HINT})"
        raise ConfigError("data.task", rule, "classification")
    if len(classes) < 2:
        raise of.refused(f"with at least two classes; all targets are {classes.tolist()[0]!r}")
    return classes


def labels_of(y: NDArray[Any]) -> NDArray[Any]:
    """Class labels (n,); one-hot rows and rows of one label become labels."""
    if y.ndim == 2 and y.shape[1] == 1:
        return y[:, 0]
    if y.ndim == 2 and y.dtype.kind in "biuf" and ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
        return np.asarray(y.argmax(axis=1))
    return y


def values(of: Examples) -> NDArray[np.floating]:
    """Targets of a regression, (n, n_L). Raises ConfigError if they are not finite numbers."""
    try:
        values = of.y.reshape(len(of.y), -1).astype(np.float64)
    except (TypeError, ValueError) as error:
        rule = f"classification for a target that is text ({of.y[0]!r})"
        raise ConfigError("data.task", rule, "regression") from error
    check_numbers(of, "y", values)  # text such as "inf" is a number now
    return values


def check_classes(of: Examples, known: NDArray[Any], y: Labels) -> None:
    """Raise ConfigError if a class has one example, which cannot be in both splits."""
    rare = known[np.bincount(np.asarray(y, dtype=np.int64)) < 2]
    if rare.size:
        help_ = f"{HINT}; or " * in_doubt(known, len(y)) + "set data.test_fraction=0"
        raise of.refused(f"with at least two examples of each class; there is one of {rare.tolist()[0]!r} ({help_})")


def may_be_values(known: NDArray[Any], examples: float = np.inf) -> bool:
    """Whether labels are numbers that may be the values of a regression: many, or most of them with one example."""
    return known.dtype.kind in "iuf" and (len(known) > MANY_CLASSES or examples < 2 * len(known))


def in_doubt(known: NDArray[Any], examples: float = np.inf) -> bool:
    """Whether labels that cannot be learned may be values: also if they are written as 3.0."""
    return known.dtype.kind == "f" or may_be_values(known, examples)


def about_classes(known: NDArray[Any] | None, examples: int) -> list[str]:
    """What is said of classes that may have been meant as values."""
    if known is None or not may_be_values(known, examples) or examples >= FEW_EXAMPLES * len(known):
        return []
    return [f"the target has {len(known)} classes; {HINT}"]


def about_values(y: NDArray[Any], standardized: bool) -> list[str]:
    """What is said of the training targets of a regression, (n, n_L)."""
    means, deviations = (_listed(numbers) for numbers in (y.mean(axis=0), y.std(axis=0)))
    spread = f"targets have mean {means} and standard deviation {deviations}"
    if standardized:
        return [f"{spread}; the network learns them standardized, and losses stay in the units of the targets"]
    if np.sqrt(np.square(y).mean()) > LARGE:  # a large mean has to be learned, too
        return [f"{spread}; if a network does not learn, this is a likely reason (data.standardize_target=true)"]
    return []


def _listed(numbers: NDArray[np.floating]) -> str:
    """A few numbers one by one, many as `0.2 to 5`."""
    if len(numbers) > FEW_COLUMNS:
        return f"{numbers.min():.4g} to {numbers.max():.4g}"
    return ", ".join(f"{number:.4g}" for number in numbers)


def npz(
    rng: np.random.Generator, *, path: str, task: str, test_fraction: float, standardize: str, standardize_target: bool
) -> Data:
    """Your own arrays: x (n, ...) and y (n,), and a test split if you have one; see npz.NAMES."""
    return _own(rng, "npz", *read_npz(path), task, test_fraction, standardize, standardize_target)


def csv(
    rng: np.random.Generator, *, path: str, target: str | None, columns: tuple[str, ...] | None,
    exclude: tuple[str, ...] | None, separator: str | None, encode: str | None, missing: str | None,
    task: str, test_fraction: float, standardize: str, standardize_target: bool,
) -> Data:  # fmt: skip
    """Your own table: a CSV or Parquet file, features in `columns`, what to predict in `target`."""
    train, remarks = read_csv(path, target, columns, exclude, separator, encode, missing)
    return _own(rng, "csv", train, None, task, test_fraction, standardize, standardize_target, remarks)


def custom(
    rng: np.random.Generator, *, function: str, task: str, test_fraction: float, standardize: str,
    standardize_target: bool,
) -> Data:  # fmt: skip
    """A function of your own, () -> (x, y) or (x, y, x_test, y_test), named as module:name."""
    loads = load("data.function", function)
    try:
        given = [np.asarray(array) for array in loads()]
    except (Exception, SystemExit) as error:  # the user's function can raise anything, also when it yields arrays
        rule = f"a function () -> (x, y) or (x, y, x_test, y_test) ({type(error).__name__}: {error})"
        raise ConfigError("data.function", rule, function) from error
    if len(given) not in (2, 4):
        raise ConfigError("data.function", f"a function that returns 2 or 4 arrays, not {len(given)}", function)
    named = dict(zip(("x", "y", "x_test", "y_test"), given, strict=False))
    both = train_and_test("data.function", function, "a function", named)
    return _own(rng, "custom", *both, task, test_fraction, standardize, standardize_target)
