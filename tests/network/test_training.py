import math

import numpy as np
import pytest
from scipy import stats

from mlpstudy.network import training


@pytest.mark.parametrize(("n", "size"), [(10, 3), (10, 5), (10, 10), (1, 1), (7, 1)])
def test_a_shuffled_epoch_sees_every_example_exactly_once(n, size):
    endless = training.batches(np.random.default_rng(0), n, size, replacement=False)
    epochs = [np.concatenate([next(endless) for _ in range(math.ceil(n / size))]) for _ in range(5)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(n))
    assert n == 1 or len({tuple(epoch) for epoch in epochs}) > 1


def test_shuffled_batches_are_full_but_for_the_last():
    endless = training.batches(np.random.default_rng(0), 10, 4, replacement=False)
    assert [len(next(endless)) for _ in range(6)] == [4, 4, 2, 4, 4, 2]


def test_a_shuffle_puts_every_example_anywhere():
    n, epochs = 6, 2000
    endless = training.batches(np.random.default_rng(0), n, n, replacement=False)
    orders = np.array([next(endless) for _ in range(epochs)])
    for place in range(n):
        assert stats.chisquare(np.bincount(orders[:, place], minlength=n)).pvalue > 1e-3


def test_replacement_draws_uniformly_and_independently():
    n, size = 20, 7
    endless = training.batches(np.random.default_rng(0), n, size, replacement=True)
    drawn = np.array([next(endless) for _ in range(4000)])
    assert drawn.shape == (4000, size)
    assert stats.chisquare(np.bincount(drawn.ravel(), minlength=n)).pvalue > 1e-3
    pairs = drawn[:, 0] * n + drawn[:, 1]
    assert stats.chisquare(np.bincount(pairs, minlength=n * n)).pvalue > 1e-3
