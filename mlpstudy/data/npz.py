"""Arrays of the user's own, in .npz files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.splits import Split
from mlpstudy.errors import ConfigError

NAMES = {  # of the arrays that are taken for x, y and a test split, in this order
    "x": ("x", "x_train", "X", "X_train", "data", "images", "features"),
    "y": ("y", "y_train", "Y", "Y_train", "labels", "target", "targets"),
    "x_test": ("x_test", "X_test"),
    "y_test": ("y_test", "Y_test"),
}
WANTED = "arrays x and y (and x_test, y_test), or x_train, y_train, x_test and y_test"


def load_npz(key: str, path: str, names: str) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz, without pickles. Raises ConfigError for `key` if it cannot be read."""
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return dict(file)
    except Exception as error:  # zipfile, zlib and numpy raise many kinds of errors for a broken file
        rule = f"a readable .npz {names} ({type(error).__name__}: {error})"
        raise ConfigError(key, rule, path) from error


def read_npz(path: str | None) -> tuple[Split, Split | None]:
    """Features and targets of an .npz, and its test split if it brings one."""
    if path is None:
        raise ConfigError("data.path", f"the path of an .npz with {WANTED}", path)
    arrays = load_npz("data.path", path, f"with {WANTED}")
    found = {role: next((name for name in names if name in arrays), "") for role, names in NAMES.items()}
    if not (found["x"] and found["y"]) or bool(found["x_test"]) != bool(found["y_test"]):
        held = ", ".join(sorted(arrays))
        raise ConfigError("data.path", f"an .npz with {WANTED}; it has {held}", path)
    train = features_and_target("data.path", path, arrays, found["x"], found["y"])
    if not found["x_test"]:
        return train, None
    test = features_and_target("data.path", path, arrays, found["x_test"], found["y_test"])
    if test[0].shape[1] != train[0].shape[1]:
        rule = f"an .npz whose {found['x']} and {found['x_test']} have the same number of columns"
        raise ConfigError("data.path", rule, path)
    return train, test


def features_and_target(key: str, path: str, arrays: dict[str, NDArray[Any]], x_name: str, y_name: str) -> Split:
    """x as one row of finite numbers for each target, and the targets. Raises ConfigError for `key`."""
    x, y = arrays[x_name], arrays[y_name]
    numbers = np.issubdtype(x.dtype, np.number) or x.dtype == bool
    if not numbers or x.ndim < 1 or y.ndim < 1 or len(x) != len(y) or not x.size:
        rule = f"one row of numbers in {x_name} for each {y_name}, not {x.dtype} {x.shape} for {y.shape}"
        raise ConfigError(key, rule, path)
    x = x.reshape(len(x), -1).astype(np.float64)
    for name, array in ((x_name, x), (y_name, y)):
        if np.issubdtype(array.dtype, np.number) and not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array.reshape(len(array), -1)).all(axis=1)))
            raise ConfigError(key, f"finite numbers; row {row} of {name} has another", path)
    return x, y
