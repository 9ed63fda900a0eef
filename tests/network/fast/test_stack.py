"""The fast gradient and step against the plain ones in `mlp`."""

import numpy as np
import pytest

from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.fast.stack import CHUNK, Stack
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.mlp import Network, backpropagate, n_parameters, unflatten
from mlpstudy.network.optimizers import OPTIMIZERS
from mlpstudy.network.ties import find_ties

SIZES = [(7, 5, 6, 3), (4, 3), (6, 40, 40, 40, 2), (3, 1, 1, 1)]
SGD = OPTIMIZERS["sgd"](momentum=0.0, nesterov=False, weight_decay=0.0)
CLOSE = {np.float32: 1e-5, np.float64: 1e-13}  # of the largest entry


def start(sizes, replicas, dtype=np.float64, seed=0, scale=0.3):
    return (scale * np.random.default_rng(seed).normal(size=(replicas, n_parameters(sizes)))).astype(dtype)


def batch_of(n, sizes, dtype=np.float64, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, sizes[0])).astype(dtype), np.eye(sizes[-1], dtype=dtype)[rng.integers(sizes[-1], size=n)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_gradient_is_that_of_mlp(name, sizes, dtype, activation_named):
    """For batches of several sizes in turn, which share their memory."""
    network = Network(sizes, activation_named(name), LOSSES["cross_entropy"])
    theta = start(sizes, 3, dtype)
    one = Stack(network, SGD, None, theta, batch=9)
    for step, n in enumerate((9, 4, 1, 9)):
        x, y = batch_of(n, sizes, dtype, seed=step)
        _, expected = backpropagate(network, unflatten(theta, sizes), x[None], y)
        with np.errstate(over="ignore"):
            one.backpropagate(x, y)
        limit = CLOSE[dtype] * np.abs(expected.theta).max(axis=1, keepdims=True)
        assert (np.abs(one.update - expected.theta) <= limit).all()
    np.testing.assert_array_equal(one.theta, theta)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_is_that_of_mlp_for_every_loss(loss):
    sizes = (5, 4, 3, 1 if loss == "bce" else 3)
    network, theta, (x, y) = Network(sizes, ACTIVATIONS["tanh"], LOSSES[loss]), start(sizes, 2), batch_of(6, sizes)
    one = Stack(network, SGD, None, theta, batch=6)
    one.backpropagate(x, y)
    _, expected = backpropagate(network, unflatten(theta, sizes), x[None], y)
    np.testing.assert_allclose(one.update, expected.theta, rtol=1e-12, atol=1e-15)


def test_layers_larger_than_a_chunk():
    sizes = (3, 200, 200, 2)
    network, theta, (x, y) = Network(sizes, ACTIVATIONS["gelu"], LOSSES["mse"]), start(sizes, 2), batch_of(150, sizes)
    assert min(2 * 150 * 200, theta.size) > CHUNK
    one = Stack(network, SGD, None, theta, batch=150)
    one.step(x, y, 0.1)
    _, expected = backpropagate(network, unflatten(theta, sizes), x[None], y)
    np.testing.assert_allclose(one.theta, theta - 0.1 * expected.theta, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(one.update, -0.1 * expected.theta, rtol=1e-10, atol=1e-12)


def test_an_error_of_a_gradient_cannot_part_equal_units():
    """Of two replicas the second has equal units; the error stands for the rounding of a matrix product."""
    sizes = (4, 6, 5, 3)
    theta = np.concatenate([start(sizes, 1), np.full((1, n_parameters(sizes)), 0.3)])
    index = find_ties(theta, sizes)
    one = Stack(Network(sizes, ACTIVATIONS["tanh"], LOSSES["cross_entropy"]), SGD, None, theta, batch=4)
    exact, rng = one.backpropagate, np.random.default_rng(3)

    def with_error(x, y):
        exact(x, y)
        one._gradient *= 1 + 0.1 * rng.normal(size=theta.size)

    one.backpropagate = with_error
    for step in range(3):
        one.step(*batch_of(4, sizes, seed=step), 0.1)
    np.testing.assert_array_equal(np.take_along_axis(one.theta, index, axis=1), one.theta)
    assert len(np.unique(one.theta[0])) > 0.9 * n_parameters(sizes)
