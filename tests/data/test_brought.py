"""Arrays and functions as people bring them, and the small data sets with names."""

import sys

import numpy as np
import pytest

from mlpstudy.data.datasets import DATASETS
from mlpstudy.errors import ConfigError

RNG = np.random.default_rng(3)
IMAGES, LABELS = RNG.integers(0, 256, (30, 4, 4)).astype(np.uint8), np.arange(30) % 3


def load(name, seed=0, **options):
    given = {"test_fraction": 0.2, "standardize": "none"} | options
    if name in ("npz", "custom"):
        given = {"standardize_target": False} | given
    return DATASETS[name](np.random.default_rng(seed), **given)


def npz(path, **options):
    return load("npz", path=str(path), **{"task": "classification", **options})


@pytest.mark.parametrize(
    ("x", "y"),
    [("x", "y"), ("x_train", "y_train"), ("X", "y"), ("data", "labels"), ("images", "labels"), ("data", "target")],
)
@pytest.mark.parametrize("split", [True, False])
def test_arrays_by_the_names_that_are_common(tmp_path, x, y, split):
    test = {"x_test": IMAGES[:9], "y_test": LABELS[:9]} if split else {}
    np.savez(tmp_path / "own.npz", **{x: IMAGES, y: LABELS}, **test)
    data = npz(tmp_path / "own.npz")
    assert len(data.x_test) == (9 if split else 6)
    if split:
        np.testing.assert_array_equal(data.x_train, IMAGES.reshape(30, -1))
        np.testing.assert_array_equal(data.y_test, LABELS[:9])


@pytest.mark.parametrize("dtype", [bool, int, float, np.uint8])
def test_one_hot_labels_are_classes(tmp_path, dtype):
    np.savez(tmp_path / "own.npz", x=IMAGES, y=np.eye(3)[LABELS].astype(dtype))
    data = npz(tmp_path / "own.npz", test_fraction=0.0)
    assert data.classes == 3
    np.testing.assert_array_equal(data.y_train, LABELS)


def test_a_column_of_labels_is_a_row_of_labels(tmp_path):
    """As the CIFAR-10 of Keras has it."""
    np.savez(tmp_path / "own.npz", x=IMAGES, y=LABELS[:, None])
    np.testing.assert_array_equal(npz(tmp_path / "own.npz", test_fraction=0.0).y_train, LABELS)


def test_rows_that_are_not_one_hot_stay_numbers(tmp_path):
    y = np.eye(3)[LABELS]
    y[0] = [1, 1, 0]
    np.savez(tmp_path / "own.npz", x=IMAGES, y=y)
    with pytest.raises(ConfigError, match=r"data\.task must be regression"):
        npz(tmp_path / "own.npz")
    assert npz(tmp_path / "own.npz", task="regression").y_train.shape[1] == 3


def test_one_feature_in_a_flat_array(tmp_path):
    np.savez(tmp_path / "own.npz", x=np.arange(30.0), y=np.arange(30.0) ** 2)
    assert npz(tmp_path / "own.npz", task="regression").x_train.shape == (24, 1)


# ---------------------------------------------------------------- a function


MODULE = """
import numpy as np

def pair():
    return np.arange(40.0).reshape(20, 2), np.arange(20) % 2

def four():
    x, y = pair()
    return x, y, x[:4], y[:4]

def three():
    return 1, 2, 3

def text():
    return np.array([["a"], ["b"]]), np.array([0, 1])

def wide():
    x, y = pair()
    return x, y, x[:4, :1], y[:4]

def broken():
    raise OSError("no such file")

number = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "mine_data.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name, **options: load("custom", function=f"mine_data:{name}", task="classification", **options)
    sys.modules.pop("mine_data", None)


def test_a_function_brings_data_and_may_bring_a_split(own):
    assert [len(own(name).x_test) for name in ("pair", "four")] == [4, 4]
    np.testing.assert_array_equal(own("four").x_train, np.arange(40.0).reshape(20, 2))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("three", "a function that returns 2 or 4 arrays, not 3"),
        ("text", "one row of numbers in x for each y"),
        ("wide", "x and x_test have the same number of columns"),
        ("broken", "(OSError: no such file)"),
        ("number", "a function () -> (x, y) or (x, y, x_test, y_test) (TypeError"),
        ("nothing", "importable (AttributeError"),
    ],
)
def test_a_function_that_does_not_fit_is_refused_in_one_line(own, name, told):
    with pytest.raises(ConfigError) as error:
        own(name)
    assert str(error.value).startswith("data.function must be ")
    assert told in str(error.value)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [("iris", (150, 4), 3), ("wine", (178, 13), 3), ("diabetes", (442, 10), None), ("breast_cancer", (569, 30), 2)],
)
def test_the_bundled_sets(name, shape, classes):
    data = load(name)
    assert (len(data.x_train) + len(data.x_test), data.x_train.shape[1]) == shape
    assert data.classes == classes


def test_targets_of_diabetes_have_variance_1_in_the_training_split():
    data = load("diabetes")
    assert data.y_train.mean() == pytest.approx(0, abs=1e-12)
    assert data.y_train.std() == pytest.approx(1)
    assert data.y_train.shape == (353, 1)


def test_xor_is_the_four_points_or_clouds_around_them():
    data = load("xor", samples=4, noise=0.0, test_fraction=0.0)
    table = {tuple(x): y for x, y in zip(data.x_train, data.y_train, strict=True)}
    assert table == {(-1, -1): 0, (-1, 1): 1, (1, -1): 1, (1, 1): 0}
    clouds = load("xor", samples=4000, noise=0.3)
    x, y = np.concatenate([clouds.x_train, clouds.x_test]), np.concatenate([clouds.y_train, clouds.y_test])
    np.testing.assert_allclose(x[y == 0].prod(axis=1).mean(), 1, atol=0.1)
    assert np.std(np.abs(x) - 1) == pytest.approx(0.3, rel=0.1)
    assert (x[y == 1].prod(axis=1) < 0).mean() > 0.99
