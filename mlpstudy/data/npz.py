"""Arrays of the user's own, in .npz files."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.numbers import Examples, check_numbers
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
    name, arrays = "", {}
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            for name in file.files:
                arrays[name] = file[name]
            return arrays
    except Exception as error:  # zipfile, zlib and numpy raise many kinds of errors for a broken file
        rule = f"a readable .npz {names} ({type(error).__name__}: {error})"
        if "Object arrays" in str(error):
            rule = f"an .npz without Python objects; {name} holds them (save it as numbers: {name}.astype(float))"
        raise ConfigError(key, rule, path) from error


def read_npz(path: str | None) -> tuple[Examples, Examples | None]:
    """Features and targets of an .npz, and its test split if it brings one."""
    if path is None:
        raise ConfigError("data.path", f"the path of an .npz with {WANTED}", path)
    arrays = load_npz("data.path", path, f"with {WANTED}")
    roles = {role: next((name for name in names if name in arrays), "") for role, names in NAMES.items()}
    if not (roles["x"] and roles["y"]) or bool(roles["x_test"]) != bool(roles["y_test"]):
        raise ConfigError("data.path", f"an .npz with {WANTED}; it has {', '.join(sorted(arrays))}", path)
    return train_and_test("data.path", path, "an .npz", {name: arrays[name] for name in roles.values() if name})


def train_and_test(
    key: str, path: str, kind: str, arrays: Mapping[str, NDArray[Any]]
) -> tuple[Examples, Examples | None]:
    """The examples of x and y, and of x_test and y_test if they follow. Raises ConfigError for `key`."""
    names = list(arrays)
    pairs = zip(names[::2], names[1::2], strict=True)
    train, *tests = (_examples(key, path, kind, arrays, *pair) for pair in pairs)
    if tests and tests[0].x.shape[1] != train.x.shape[1]:
        raise train.refused(f"whose {names[0]} and {names[2]} have the same number of columns")
    return train, tests[0] if tests else None


def _examples(key: str, path: str, kind: str, arrays: Mapping[str, NDArray[Any]], x_name: str, y_name: str) -> Examples:
    """x as one row of finite numbers for each target, and the targets."""
    x, y = arrays[x_name], arrays[y_name]
    numbers = np.issubdtype(x.dtype, np.number) or x.dtype == bool
    if not numbers or x.ndim < 1 or y.ndim < 1 or len(x) != len(y) or not x.size:
        rule = f"one row of numbers in {x_name} for each {y_name}, not {x.dtype} {x.shape} for {y.shape}"
        raise ConfigError(key, rule, path)

    def place(array: str, row: int, column: int, value: object) -> str:
        name, shape = (x_name, x.shape) if array == "x" else (y_name, y.shape)
        index = [row, *(int(i) for i in np.unravel_index(column, shape[1:]))]
        return f"{name}[{', '.join(map(str, index))}] is {value}"

    examples = Examples(x, y, key, path, kind, place)
    check_numbers(examples, "x", x)
    check_numbers(examples, "y", y)
    return replace(examples, x=x.reshape(len(x), -1).astype(np.float64))
