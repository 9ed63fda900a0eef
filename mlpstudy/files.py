"""Data from files: IDX folders, .npz archives and CSV tables. What cannot be read is named in one line."""

import gzip
import math
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.errors import ConfigError, one_of

Split = tuple[NDArray[np.floating], NDArray[Any]]  # x (n, n_0), y (n,) or (n, n_L)


def download(name: str) -> tuple[Split, Split]:
    """An image set of OpenML by name, pixels in [0, 1], in its published split of 60,000 and 10,000."""
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a download that fails: told below
            x, y = fetch_openml(name, version=1, as_frame=False, return_X_y=True, n_retries=1)
    except (OSError, ValueError) as error:
        reason = f"a folder with the IDX files, as downloading them from openml.org failed ({error})"
        raise ConfigError("data.root", reason, None) from error
    x, y = x / 255.0, y.astype(np.int64)
    return (x[:60000], y[:60000]), (x[60000:], y[60000:])


def read_idx_folder(root: Path) -> tuple[Split, Split]:
    """The training and the t10k split of a folder of four IDX files, gzipped or not; pixels in [0, 1]."""
    parts = []
    for split in ("train", "t10k"):
        images, path = _read_idx(root, f"{split}-images-idx3-ubyte", dimensions=3)
        labels, _ = _read_idx(root, f"{split}-labels-idx1-ubyte", dimensions=1)
        if len(images) != len(labels):
            raise ConfigError("data.root", f"a folder with one label for each image of {path.name}", str(root))
        if not len(images):
            raise ConfigError("data.root", f"a folder whose {path.name} holds at least one image", str(root))
        if labels.max() > 9:
            raise ConfigError("data.root", f"a folder whose {split} labels are 0 to 9", str(root))
        parts.append((images.reshape(len(images), -1) / 255.0, labels.astype(np.int64)))
    if parts[0][0].shape[1] != parts[1][0].shape[1]:
        raise ConfigError("data.root", "a folder whose train and t10k images have the same size", str(root))
    return parts[0], parts[1]


def _read_idx(root: Path, name: str, dimensions: int) -> tuple[NDArray[np.uint8], Path]:
    """One IDX file: two zero bytes, type 8 (unsigned byte), number of dimensions, sizes, then the values."""
    found = [p for p in (root / name, root / f"{name}.gz") if p.is_file()]
    if not found:
        raise ConfigError("data.root", f"a folder that holds {name} or {name}.gz", str(root))
    path = found[0]
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError("data.root", f"a folder with a readable {path.name} ({error})", str(root)) from error
    header = 4 + 4 * dimensions
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) < header:
        raise ConfigError("data.root", f"a folder whose {path.name} is an IDX file of {dimensions}-D bytes", str(root))
    shape = tuple(int(n) for n in np.frombuffer(content[4:header], ">u4"))
    if len(content) - header != math.prod(shape):
        rule = (
            f"a folder whose {path.name} holds the {math.prod(shape)} values it announces, not {len(content) - header}"
        )
        raise ConfigError("data.root", rule, str(root))
    return np.frombuffer(content[header:], np.uint8).reshape(shape), path


def load_npz(key: str, path: str, names: str) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz, without pickles. Raises ConfigError for the key where the file is no such archive."""
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return dict(file)
    except Exception as error:  # zipfile, zlib and numpy have many ways to say that a file is broken
        rule = f"a readable .npz {names} ({type(error).__name__}: {error})"
        raise ConfigError(key, rule, path) from error


def read_npz(path: str | None) -> tuple[Split, Split | None]:
    """Arrays x and y of an .npz, and its x_test and y_test where it has them."""
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


def read_csv(path: str | None, target: str | None, columns: tuple[str, ...] | None) -> Split:
    """Numbers of the named columns (null: all others) and the target column (null: the last) of a CSV with a header."""
    import pandas as pd

    if path is None:
        raise ConfigError("data.path", "the path of a CSV file with a header", path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # of lines longer than the header
            table = pd.read_csv(path, skipinitialspace=True, index_col=False, skip_blank_lines=False)
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise ConfigError("data.path", f"a readable CSV file ({error})", path) from error
    table = table.dropna(how="all")  # blank lines; the others keep their number: the header is line 1
    if not len(table):
        raise ConfigError("data.path", "a CSV file with at least one line below the header", path)
    target = str(table.columns[-1]) if target is None else target
    if target not in table:
        raise ConfigError("data.target", one_of(table.columns), target)
    names = [str(n) for n in table.columns if n != target] if columns is None else list(columns)
    for name in names:
        if name not in table or name == target:
            raise ConfigError("data.columns", one_of(set(table.columns) - {target}), name)
    if not names:
        raise ConfigError("data.path", "a CSV file with at least one column beside the target", path)
    for name in [*names, target]:
        column = table[name]
        if column.isna().any():
            line = column.index[column.isna()][0] + 2
            raise ConfigError("data.path", f"a CSV file without gaps; column {name!r} has one in line {line}", path)
        text = pd.to_numeric(column, errors="coerce").isna()
        if name != target and text.any():
            row = column.index[text][0]
            rule = f"a CSV file of numbers; column {name!r} has {column[row]!r} in line {row + 2}"
            raise ConfigError("data.path", f"{rule} (leave it out with data.columns)", path)
    x = table[names].to_numpy(dtype=np.float64)
    if not np.isfinite(x).all():
        raise ConfigError("data.path", "a CSV file of finite numbers", path)
    return x, table[target].to_numpy()


def classes(path: str, y: NDArray[Any]) -> NDArray[Any]:
    """The labels that occur, sorted: class c is the c-th. Raises where y is no set of labels."""
    found = np.unique(y)
    if y.ndim != 1 or (np.issubdtype(y.dtype, np.floating) and (found != np.rint(found)).any()):
        example = y.ravel()[0]
        raise ConfigError("data.task", f"regression for a target with values such as {example}", "classification")
    if len(found) < 2:
        raise ConfigError("data.path", f"a file with at least two classes; all targets are {found[0]!r}", path)
    return found


def values(y: NDArray[Any]) -> NDArray[np.floating]:
    """Targets of a regression, (n, n_L). Raises where they are no numbers."""
    try:
        return y.reshape(len(y), -1).astype(np.float64)
    except ValueError as error:
        raise ConfigError("data.task", f"classification for a target that is text ({y[0]!r})", "regression") from error
