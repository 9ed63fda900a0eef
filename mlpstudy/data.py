"""Named data sets: a row of DATASETS is (rng, *, parameters) -> Data. What needs a split is split by rng.

To add one: a function and a row in DATASETS and `conf/data/<name>.yaml`. Every row takes `standardize`,
which is fitted on the training split alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlpstudy import files
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
    rng: np.random.Generator, x: Features, y: Labels, test_fraction: float, stratify: bool = True
) -> tuple[tuple[Features, Labels], tuple[Features, Labels]]:
    """A random split; of classes, one that keeps their proportions."""
    from sklearn.model_selection import train_test_split

    seed = int(rng.integers(2**31))
    try:
        x_train, x_test, y_train, y_test = train_test_split(
            x, y, test_size=test_fraction, stratify=y if stratify else None, random_state=seed
        )
    except ValueError as error:
        rule = f"a share of the {len(x)} examples that leaves every class in both splits"
        raise ConfigError("data.test_fraction", rule, test_fraction) from error
    return (x_train, y_train), (x_test, y_test)


def _from_sklearn(rng: np.random.Generator, *, test_fraction: float, standardize: str, name: str, classes: int) -> Data:
    import sklearn.datasets

    x, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    return _finish(name, *_split(rng, x, y, test_fraction), standardize, classes)


def _images(rng: np.random.Generator, *, root: str | None, standardize: str, name: str, openml: str) -> Data:
    """70,000 images of 28 x 28 pixels in [0, 1], ten classes, in the published split.

    `root` is a folder with the four IDX files, gzipped or not; without it they are downloaded (OpenML).
    """
    train, test = files.download(openml) if root is None else files.read_idx_folder(Path(root))
    return _finish(name, train, test, standardize, classes=10)


def _in_the_plane(
    rng: np.random.Generator, *, samples: int, test_fraction: float, standardize: str, name: str, **shape: float
) -> Data:
    import sklearn.datasets

    x, y = getattr(sklearn.datasets, f"make_{name}")(samples, random_state=int(rng.integers(2**31)), **shape)
    return _finish(name, *_split(rng, x, y, test_fraction), standardize, classes=2)


def moons(rng: np.random.Generator, *, samples: int, noise: float, test_fraction: float, standardize: str) -> Data:
    """Two interleaved half circles in the plane, two classes."""
    return _in_the_plane(
        rng, samples=samples, noise=noise, test_fraction=test_fraction, standardize=standardize, name="moons"
    )


def circles(
    rng: np.random.Generator, *, samples: int, noise: float, factor: float, test_fraction: float, standardize: str
) -> Data:
    """Two concentric circles in the plane, radius 1 and `factor`, two classes."""
    return _in_the_plane(
        rng, samples=samples, noise=noise, factor=factor, test_fraction=test_fraction, standardize=standardize,
        name="circles",
    )  # fmt: skip


def spirals(
    rng: np.random.Generator,
    *,
    samples: int,
    arms: int,
    turns: float,
    noise: float,
    test_fraction: float,
    standardize: str,
) -> Data:
    """`arms` spirals in the plane, a class each: radius r = sqrt(t), t ~ U(0, 1), angle 2 pi (turns r + arm / arms)."""
    arm = np.arange(samples) % arms
    radius = np.sqrt(rng.uniform(size=samples))
    angle = 2 * np.pi * (turns * radius + arm / arms)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + noise * rng.normal(size=(samples, 2))
    return _finish("spirals", *_split(rng, x, arm, test_fraction), standardize, classes=arms)


def gaussian(
    rng: np.random.Generator, *, samples: int, features: int, classes: int, test_fraction: float, standardize: str
) -> Data:
    """X ~ N(0, 1) with labels at random: nothing to learn but by heart, pure signal propagation."""
    x, y = rng.normal(size=(samples, features)), rng.permutation(np.arange(samples) % classes)
    return _finish("gaussian", *_split(rng, x, y, test_fraction), standardize, classes)


def teacher(
    rng: np.random.Generator,
    *,
    samples: int,
    features: int,
    hidden: int,
    noise: float,
    test_fraction: float,
    standardize: str,
) -> Data:
    """Regression on the output of a random tanh network with one hidden layer: y of variance 1, plus noise."""
    x = rng.normal(size=(samples, features))
    y = np.tanh(x @ rng.normal(0, features**-0.5, (features, hidden))) @ rng.normal(size=(hidden, 1))
    y = (y - y.mean()) / y.std() + noise * rng.normal(size=y.shape)
    return _finish("teacher", *_split(rng, x, y, test_fraction, stratify=False), standardize, classes=None)


TASKS = ("classification", "regression")


def _own(
    rng: np.random.Generator,
    name: str,
    path: str,
    task: str,
    train: files.Split,
    test: files.Split | None,
    test_fraction: float,
    standardize: str,
) -> Data:
    """The user's own data: labels numbered, split where it comes as one piece."""
    labels = files.classes(path, train[1]) if task == "classification" else None

    def targets(y: Labels) -> Labels:
        if labels is None:
            return files.values(y)
        strange = np.setdiff1d(y, labels)
        if strange.size:
            raise ConfigError("data.path", f"a file whose test labels occur in training; {strange[0]!r} does not", path)
        return np.searchsorted(labels, y)

    x, y = train[0], targets(train[1])
    if test is None:
        train, test = _split(rng, x, y, test_fraction, stratify=labels is not None)
    else:
        train, test = (x, y), (test[0], targets(test[1]))
    return _finish(name, train, test, standardize, None if labels is None else len(labels))


def npz(rng: np.random.Generator, *, path: str, task: str, test_fraction: float, standardize: str) -> Data:
    """Your own arrays: x (n, ...) and y (n,), and x_test, y_test where you have a split of your own."""
    train, test = files.read_npz(path)
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
    train = files.read_csv(path, target, columns)
    return _own(rng, "csv", path, task, train, None, test_fraction, standardize)


DATASETS: dict[str, Callable[..., Data]] = {
    "digits": partial(_from_sklearn, name="digits", classes=10),  # 8 x 8 pixels (Alpaydin & Kaynak 1998)
    "mnist": partial(_images, name="mnist", openml="mnist_784"),  # LeCun et al. 1998
    "fashion_mnist": partial(_images, name="fashion_mnist", openml="Fashion-MNIST"),  # Xiao et al. 2017
    "breast_cancer": partial(_from_sklearn, name="breast_cancer", classes=2),  # Wolberg et al. 1995
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "gaussian": gaussian,
    "teacher": teacher,
    "npz": npz,
    "csv": csv,
}
