"""Named data sets: a row of DATASETS is a function (rng, *, parameters) -> Data, which draws its split with rng.

To add a data set: a function, a row in DATASETS and the file `conf/data/<name>.yaml`. Every row has the parameter
`standardize`, which uses the training split alone.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np

from mlpstudy.data.images import download, read_folder
from mlpstudy.data.own import csv, custom, npz
from mlpstudy.data.splits import Data, Split, finish, random_split


def _from_sklearn(rng: np.random.Generator, *, test_fraction: float, standardize: str, name: str, classes: int) -> Data:
    train, test = random_split(rng, *_read_sklearn(name), test_fraction)
    return finish(name, train, test, standardize, classes)


def diabetes(rng: np.random.Generator, *, test_fraction: float, standardize: str) -> Data:
    """Regression on the progress of a disease (Efron et al. 2004), with targets of mean 0 and variance 1."""
    x, y = _read_sklearn("diabetes")
    train, test = random_split(rng, x, y[:, None], test_fraction, stratify=False)
    shift, scale = train[1].mean(), train[1].std()
    train, test = ((x, (y - shift) / scale) for x, y in (train, test))
    return finish("diabetes", train, test, standardize, classes=None)


@cache
def _read_sklearn(name: str) -> Split:
    import sklearn.datasets

    x, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    return x, y


def _images(rng: np.random.Generator, *, root: str | None, standardize: str, name: str) -> Data:
    """70,000 images of 28 x 28 pixels in [0, 1], ten classes, in the published split.

    `root` is a folder with the four IDX files, gzipped or not; without it they are downloaded (OpenML).
    """
    train, test = download(name) if root is None else read_folder(Path(root))
    return finish(name, train, test, standardize, classes=10)


def moons(rng: np.random.Generator, *, samples: int, noise: float, test_fraction: float, standardize: str) -> Data:
    """Two interleaved half circles in the plane, two classes."""
    from sklearn.datasets import make_moons

    x, y = make_moons(samples, noise=noise, random_state=int(rng.integers(2**31)))
    return finish("moons", *random_split(rng, x, y, test_fraction), standardize, classes=2)


def circles(
    rng: np.random.Generator, *, samples: int, noise: float, factor: float, test_fraction: float, standardize: str
) -> Data:
    """Two concentric circles in the plane, radius 1 and `factor`, two classes."""
    from sklearn.datasets import make_circles

    x, y = make_circles(samples, noise=noise, factor=factor, random_state=int(rng.integers(2**31)))
    return finish("circles", *random_split(rng, x, y, test_fraction), standardize, classes=2)


def xor(rng: np.random.Generator, *, samples: int, noise: float, test_fraction: float, standardize: str) -> Data:
    """The points (+-1, +-1), or noisy clouds around them; class 1 where the signs differ (Minsky & Papert 1969)."""
    corner = np.arange(samples) % 4
    x = np.stack([corner // 2, corner % 2], axis=1) * 2.0 - 1 + noise * rng.normal(size=(samples, 2))
    y = (corner // 2) ^ (corner % 2)
    return finish("xor", *random_split(rng, x, y, test_fraction), standardize, classes=2)


def spirals(
    rng: np.random.Generator, *, samples: int, arms: int, turns: float, noise: float, test_fraction: float,
    standardize: str,
) -> Data:  # fmt: skip
    """`arms` spirals in the plane, one class each: r = sqrt(t), t ~ U(0, 1), angle 2 pi (turns r + arm / arms)."""
    arm = np.arange(samples) % arms
    radius = np.sqrt(rng.uniform(size=samples))
    angle = 2 * np.pi * (turns * radius + arm / arms)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + noise * rng.normal(size=(samples, 2))
    return finish("spirals", *random_split(rng, x, arm, test_fraction), standardize, classes=arms)


def gaussian(
    rng: np.random.Generator, *, samples: int, features: int, classes: int, test_fraction: float, standardize: str
) -> Data:
    """x ~ N(0, 1) with random labels: a network can only memorize them. It shows signal propagation alone."""
    x, y = rng.normal(size=(samples, features)), rng.permutation(np.arange(samples) % classes)
    return finish("gaussian", *random_split(rng, x, y, test_fraction), standardize, classes)


def teacher(
    rng: np.random.Generator, *, samples: int, features: int, hidden: int, noise: float, test_fraction: float,
    standardize: str,
) -> Data:  # fmt: skip
    """Regression on the output of a random tanh network with one hidden layer: y of variance 1, plus noise."""
    x = rng.normal(size=(samples, features))
    y = np.tanh(x @ rng.normal(0, features**-0.5, (features, hidden))) @ rng.normal(size=(hidden, 1))
    y = (y - y.mean()) / y.std() + noise * rng.normal(size=y.shape)
    return finish("teacher", *random_split(rng, x, y, test_fraction, stratify=False), standardize, classes=None)


DATASETS: dict[str, Callable[..., Data]] = {
    "digits": partial(_from_sklearn, name="digits", classes=10),  # 8 x 8 pixels (Alpaydin & Kaynak 1998)
    "mnist": partial(_images, name="mnist"),  # LeCun et al. 1998
    "fashion_mnist": partial(_images, name="fashion_mnist"),  # Xiao et al. 2017
    "breast_cancer": partial(_from_sklearn, name="breast_cancer", classes=2),  # Wolberg et al. 1995
    "iris": partial(_from_sklearn, name="iris", classes=3),  # Fisher 1936
    "wine": partial(_from_sklearn, name="wine", classes=3),  # Forina et al. 1988
    "diabetes": diabetes,
    "xor": xor,
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "gaussian": gaussian,
    "teacher": teacher,
    "npz": npz,
    "csv": csv,
    "custom": custom,
}
