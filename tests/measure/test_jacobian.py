import itertools
from dataclasses import replace

import numpy as np
import pytest

from mlpstudy.measure.jacobian import jacobian_singular_values
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS

IDENTITY = ACTIVATIONS["identity"]


def moment(activation, layers, x):
    """A Snapshot of this network on examples x (batch, n_0)."""
    with np.errstate(all="ignore"):  # as in training
        trace = mlp.forward(layers, activation, x[None])
        gradients = mlp.backward(layers, activation, trace, np.ones_like(trace.h))
    return Snapshot(activation, layers, trace, gradients, None)


def singular_values_by_differences(activation, layers, r, x, eps=1e-5):
    """Of h as a function of one example x (n_0,), one input at a time."""
    one = [(W[r : r + 1], b[r : r + 1]) for W, b in layers]
    columns = [
        (mlp.predict(one, activation, (x + e)[None, None]) - mlp.predict(one, activation, (x - e)[None, None]))[0, 0]
        for e in eps * np.eye(len(x))
    ]
    return np.linalg.svd(np.array(columns).T / (2 * eps), compute_uv=False)


@pytest.mark.parametrize("sizes", [(3, 4, 5, 2), (2, 4, 3), (2, 1, 4), (4, 3), (1, 3, 1)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_jacobian_singular_values_are_those_of_finite_differences(activation, sizes, activation_named, draw):
    activation = activation_named(activation)
    theta, x = draw(activation, sizes, batch=9)
    layers = mlp.unflatten(theta, sizes)
    values = jacobian_singular_values(moment(activation, layers, x[0]))
    assert values.shape == (2, 8, min(sizes[0], sizes[-1]))
    assert (np.diff(values, axis=2) <= 0).all()
    for r, i in itertools.product(range(2), range(8)):
        expected = singular_values_by_differences(activation, layers, r, x[0, i])
        np.testing.assert_allclose(values[r, i], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 2)])
@pytest.mark.parametrize("batch", [1, 5, 8])
def test_jacobian_of_as_many_inputs_as_there_are(sizes, batch, draw):
    theta, x = draw(ACTIVATIONS["tanh"], sizes, batch=batch)
    s = moment(ACTIVATIONS["tanh"], mlp.unflatten(theta, sizes), x[0])
    assert jacobian_singular_values(s).shape == (2, batch, 2)


@pytest.mark.parametrize("sizes", [(5, 5), (5, 5, 5, 5), (3, 5, 5, 5), (5, 5, 5, 3)])
def test_orthogonal_linear_networks_keep_every_length(sizes, start):
    s = moment(IDENTITY, mlp.unflatten(start("orthogonal", sizes), sizes), np.ones((9, sizes[0])))
    np.testing.assert_allclose(jacobian_singular_values(s), 1.0, rtol=1e-12)


def test_a_deep_product_neither_under_nor_overflows_in_float32():
    """Forty layers of 0.1 I: 1e-40 is no normal float32, and 10 I the other way."""
    for factor in (0.1, 10.0):
        W = factor * np.eye(2, dtype=np.float32)[None]
        layers = [(W, np.zeros((1, 1, 2), np.float32))] * 40
        s = moment(ACTIVATIONS["identity"], layers, np.full((1, 2), 1e-5, np.float32))
        np.testing.assert_allclose(jacobian_singular_values(s), np.float64(np.float32(factor)) ** 40, rtol=1e-12)


W1, ONE_WEIGHT, B1 = slice(12), slice(1), slice(12, 16)


@pytest.mark.parametrize(
    ("activation", "bad", "where"),
    [
        ("tanh", np.nan, W1),
        ("relu", np.nan, W1),
        ("relu", np.nan, B1),  # g' of NaN is 0 for ReLU, so the product is finite
        ("relu", np.inf, B1),
        ("tanh", np.inf, ONE_WEIGHT),  # tanh of inf is 1, so h is finite
    ],
)
def test_jacobian_of_a_broken_replica_is_nan_and_of_the_other_as_it_was(activation, bad, where, draw):
    activation, sizes = ACTIVATIONS[activation], (3, 4, 4, 2)
    theta, x = draw(activation, sizes, batch=9)
    healthy = jacobian_singular_values(moment(activation, mlp.unflatten(theta, sizes), x[0]))
    theta[1, where] = bad
    values = jacobian_singular_values(moment(activation, mlp.unflatten(theta, sizes), x[0]))
    assert np.isnan(values[1]).all()
    np.testing.assert_array_equal(values[0], healthy[0])


def test_a_snapshot_with_training_data_per_replica_is_as_one_shared(draw):
    tanh, sizes = ACTIVATIONS["tanh"], (3, 4, 2)
    theta, x = draw(tanh, sizes)
    s = moment(tanh, mlp.unflatten(theta, sizes), x[0])
    own = replace(s, trace=replace(s.trace, a=[np.tile(x, (2, 1, 1)), *s.trace.a[1:]]))
    np.testing.assert_array_equal(jacobian_singular_values(own), jacobian_singular_values(s))
