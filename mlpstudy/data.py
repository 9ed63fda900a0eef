"""Named data sets: a row of DATASETS is (rng, *, parameters) -> Data. What needs a split is split by rng.

To add one: a function and a row in DATASETS and `conf/data/<name>.yaml`. Every row takes `standardize`,
which is fitted on the training split alone.
"""

import gzip
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlpstudy.errors import ConfigError

Features = NDArray[np.floating]
Labels = NDArray[np.generic]


@dataclass(frozen=True)
class Data:
    """A training and a test split: x (n, n_0), y class numbers (n,) or values (n, n_L)."""

    name: str
    x_train: Features
    y_train: Labels
    x_test: Features
    y_test: Labels
    classes: int | None  # None for regression


def _keep(x: Features) -> tuple[Features, Features]:
    return np.zeros(x.shape[1]), np.ones(x.shape[1])


def _zero_mean_unit_variance(x: Features) -> tuple[Features, Features]:
    # not std > 0: that of equal numbers is a rounding error, not 0
    return x.mean(axis=0), np.where(x.max(axis=0) > x.min(axis=0), x.std(axis=0), 1.0)


def _minus_one_to_one(x: Features) -> tuple[Features, Features]:
    low, high = x.min(axis=0), x.max(axis=0)
    return (low + high) / 2, np.where(high > low, (high - low) / 2, 1.0)


# training x -> (shift, scale); x becomes (x - shift) / scale. A feature that is constant in the training
# split (a pixel that is always blank) keeps scale 1, so it stays at 0 instead of dividing by 0.
STANDARDIZERS: dict[str, Callable[[Features], tuple[Features, Features]]] = {
    "none": _keep,
    "standard": _zero_mean_unit_variance,
    "minus_one_one": _minus_one_to_one,
}


def _finish(
    name: str,
    train: tuple[Features, Labels],
    test: tuple[Features, Labels],
    standardize: str,
    classes: int | None,
) -> Data:
    shift, scale = STANDARDIZERS[standardize](train[0])
    return Data(name, (train[0] - shift) / scale, train[1], (test[0] - shift) / scale, test[1], classes)


def _split(
    rng: np.random.Generator, x: Features, y: Labels, test_fraction: float
) -> tuple[tuple[Features, Labels], tuple[Features, Labels]]:
    """A random split that keeps the class proportions."""
    from sklearn.model_selection import train_test_split

    try:
        x_train, x_test, y_train, y_test = train_test_split(
            x, y, test_size=test_fraction, stratify=y, random_state=int(rng.integers(2**31))
        )
    except ValueError as error:
        rule = f"a share of the {len(x)} examples that leaves every class in both splits"
        raise ConfigError("data.test_fraction", rule, test_fraction) from error
    return (x_train, y_train), (x_test, y_test)


def digits(rng: np.random.Generator, *, test_fraction: float, standardize: str) -> Data:
    """1,797 images of 8 x 8 pixels, ten classes; ships with scikit-learn (UCI, Alpaydin & Kaynak 1998)."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _finish("digits", *_split(rng, x, y, test_fraction), standardize, classes=10)


def moons(rng: np.random.Generator, *, samples: int, noise: float, test_fraction: float, standardize: str) -> Data:
    """Two interleaved half circles in the plane, two classes."""
    from sklearn.datasets import make_moons

    x, y = make_moons(samples, noise=noise, random_state=int(rng.integers(2**31)))
    return _finish("moons", *_split(rng, x, y, test_fraction), standardize, classes=2)


def mnist(rng: np.random.Generator, *, root: str | None, standardize: str) -> Data:
    """70,000 images of 28 x 28 pixels in [0, 1], ten classes, in the published split (LeCun et al. 1998).

    `root` is a folder with the four IDX files, gzipped or not; without it they are downloaded (OpenML).
    """
    train, test = _download("mnist_784") if root is None else _read_idx_folder(Path(root))
    return _finish("mnist", train, test, standardize, classes=10)


def _download(name: str) -> tuple[tuple[Features, Labels], tuple[Features, Labels]]:
    from sklearn.datasets import fetch_openml

    try:
        x, y = fetch_openml(name, version=1, as_frame=False, return_X_y=True, n_retries=1)
    except (OSError, ValueError) as error:
        reason = f"a folder with the IDX files, as the download failed ({error})"
        raise ConfigError("data.root", reason, None) from error
    x, y = x / 255.0, y.astype(np.int64)
    return (x[:60000], y[:60000]), (x[60000:], y[60000:])


def _read_idx_folder(root: Path) -> tuple[tuple[Features, Labels], tuple[Features, Labels]]:
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
        raise ConfigError(
            "data.root", f"a folder whose {path.name} is an IDX file of {dimensions}-D bytes", str(root)
        )
    shape = tuple(int(n) for n in np.frombuffer(content[4:header], ">u4"))
    if len(content) - header != math.prod(shape):
        rule = (
            f"a folder whose {path.name} holds the {math.prod(shape)} values it announces, "
            f"not {len(content) - header}"
        )
        raise ConfigError("data.root", rule, str(root))
    return np.frombuffer(content[header:], np.uint8).reshape(shape), path


DATASETS: dict[str, Callable[..., Data]] = {"digits": digits, "moons": moons, "mnist": mnist}
