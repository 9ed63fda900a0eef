"""What a linear model gains."""

import numpy as np
import pytest

from mlpstudy.data.linear import linear_gain

X = np.random.default_rng(0).normal(size=(3000, 4))


def test_classes_that_a_line_parts_are_gained_whole_at_any_scale():
    y = (X[:, 0] > 0).astype(int)
    assert linear_gain(X, y, 2) > 0.9
    assert linear_gain(X * [1e-3, 1, 1e3, 1], y, 2) == pytest.approx(linear_gain(X, y, 2))


def test_a_linear_model_gains_nothing_of_xor_and_of_noise():
    """XOR of two signs has no linear part, and labels by chance have none at all."""
    rng = np.random.default_rng(1)
    assert linear_gain(X, (X[:, 0] * X[:, 1] > 0).astype(int), 2) < 0.08
    assert linear_gain(X[:90], rng.integers(2, size=90), 2) < 0.3
    assert linear_gain(rng.normal(size=(60, 50)), rng.normal(size=(60, 1)), None) == 0  # more than 0 on fitted examples


def test_half_of_the_variance_is_explained():
    """y = x + noise of the same variance: the best linear model explains a half."""
    noise = np.random.default_rng(2).normal(size=(len(X), 1))
    assert linear_gain(X, X[:, :1] + noise, None) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("y", [np.zeros(9, int), np.zeros((9, 2)), np.arange(2)])
def test_where_nothing_can_be_learned_nothing_is_gained(y):
    assert linear_gain(X[: len(y)], y, 2 if y.ndim == 1 else None) == 0
