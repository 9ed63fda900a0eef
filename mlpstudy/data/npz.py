"""Arrays of the user's own, in .npz files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.splits import Split
from mlpstudy.errors import ConfigError


def load_npz(key: str, path: str, names: str) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz, without pickles. Raises ConfigError for `key` if it cannot be read."""
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return dict(file)
    except Exception as error:  # zipfile, zlib and numpy raise many kinds of errors for a broken file
        rule = f"a readable .npz {names} ({type(error).__name__}: {error})"
        raise ConfigError(key, rule, path) from error


def read_npz(path: str | None) -> tuple[Split, Split | None]:
    """Arrays x and y of an .npz, and its x_test and y_test if it has them."""
    if path is None:
        raise ConfigError("data.path", "the path of an .npz with arrays x and y (and x_test, y_test)", path)
    arrays = load_npz("data.path", path, "with arrays x and y")
    if not {"x", "y"} <= arrays.keys() or ("x_test" in arrays) != ("y_test" in arrays):
        held = ", ".join(sorted(arrays))
        raise ConfigError("data.path", f"an .npz with arrays x and y (and x_test, y_test); it has {held}", path)
    train = _features_and_target(path, arrays["x"], arrays["y"], "x", "y")
    if "x_test" not in arrays:
        return train, None
    test = _features_and_target(path, arrays["x_test"], arrays["y_test"], "x_test", "y_test")
    if test[0].shape[1] != train[0].shape[1]:
        raise ConfigError("data.path", "an .npz whose x and x_test have the same number of columns", path)
    return train, test


def _features_and_target(path: str, x: NDArray[Any], y: NDArray[Any], x_name: str, y_name: str) -> Split:
    if not np.issubdtype(x.dtype, np.number) or x.ndim < 2 or y.ndim < 1 or len(x) != len(y) or not x.size:
        rule = f"an .npz with one row of numbers in {x_name} for each {y_name}, not {x.dtype} {x.shape} for {y.shape}"
        raise ConfigError("data.path", rule, path)
    x = x.reshape(len(x), -1).astype(np.float64)
    for name, array in ((x_name, x), (y_name, y)):
        if np.issubdtype(array.dtype, np.number) and not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array.reshape(len(array), -1)).all(axis=1)))
            raise ConfigError("data.path", f"an .npz of finite numbers; row {row} of {name} has another", path)
    return x, y
