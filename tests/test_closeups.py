import itertools
from dataclasses import replace

import numpy as np
import pytest

from mlpstudy import mlp
from mlpstudy.activations import ACTIVATIONS
from mlpstudy.closeups import decision_regions, jacobian_singular_values, principal_axes, unit_paths
from mlpstudy.snapshot import Snapshot

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


def test_principal_axes_find_the_directions_of_most_variance():
    rng = np.random.default_rng(0)
    Q, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    U, _ = np.linalg.qr(np.hstack([np.ones((50, 1)), rng.normal(size=(50, 6))]))  # so the last six have mean 0
    x = 7.0 + (U[:, 1:] * [1, 9, 2, 0.5, 4, 1]) @ Q.T
    axes = principal_axes(x)
    assert axes.shape == (6, 2)
    np.testing.assert_allclose(np.abs(axes.T @ Q[:, [1, 4]]), np.eye(2), atol=1e-12)


def test_principal_axes_do_not_see_an_offset_in_float32():
    x = np.tile(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.5], [0.0, -0.5]], np.float32), (1000, 1))
    axes = principal_axes(x + np.float32(4096))
    np.testing.assert_allclose(np.abs(axes), np.eye(2), atol=1e-12)


@pytest.mark.parametrize("x", [np.zeros((1, 3)), np.arange(5.0)[:, None], np.ones((4, 1)), np.ones((4, 3))])
def test_principal_axes_where_there_are_no_two(x):
    axes = principal_axes(x)
    assert axes.shape == (x.shape[1], 2)
    assert np.isfinite(axes).all()
    if x.shape[1] == 1:
        np.testing.assert_array_equal(np.abs(axes), [[1.0, 0.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("sizes", "units"), [((4, 12, 3), 8), ((4, 5, 3), 5), ((4, 2), 2), ((4, 1, 1), 1)])
def test_unit_paths_are_weight_vectors_along_two_axes(sizes, units, dtype, draw):
    theta, x = draw(ACTIVATIONS["tanh"], sizes, replicas=3, dtype=dtype)
    s = moment(ACTIVATIONS["tanh"], mlp.unflatten(theta, sizes), x[0])
    axes = np.random.default_rng(0).normal(size=(4, 2))
    first = theta[0, : sizes[0] * sizes[1]].reshape(sizes[1], 4).astype(float)
    expected = [[sum(w * c for w, c in zip(unit, axis, strict=True)) for axis in axes.T] for unit in first[:units]]
    paths = unit_paths(s, axes)
    assert paths.shape == (units, 2)
    np.testing.assert_allclose(paths, expected, rtol=1e-12, atol=1e-14)


def test_unit_paths_of_equal_units_are_one(start):
    sizes = (3, 6, 2)
    s = moment(ACTIVATIONS["tanh"], mlp.unflatten(start("identical", sizes), sizes), np.ones((2, 3)))
    paths = unit_paths(s, np.eye(3, 2))
    assert (paths == paths[0]).all()


def linear(*rows, bias=0.0):
    """Layers of one linear network per replica, rows (outputs, 2) each."""
    W = np.array(rows, float)
    return [(W, np.full((len(W), 1, W.shape[1]), bias))]


SQUARE = np.array([[-1.0, -2.0], [3.0, -2.0], [-1.0, 8.0], [3.0, 8.0], [1.0, 3.0]])
TARGETS = np.eye(2)[[0, 1, 0, 1, 1]]


def test_decision_regions_of_known_lines():
    """Rows upwards: one replica says 1 right of x = 0, one above y = 0, one everywhere."""
    layers = linear([[0, 0], [1, 0]], [[0, 0], [0, 1]], [[0, 0], [0, 0]])
    layers[0][1][2, 0, 1] = 1.0
    found = decision_regions(layers, IDENTITY, SQUARE, TARGETS)
    across, up = found["decision_axes"]
    regions = found["decision_regions"]
    assert regions.shape == (3, 80, 80)
    np.testing.assert_array_equal(regions[0], np.tile(across > 0, (80, 1)))
    np.testing.assert_array_equal(regions[1], np.tile(up > 0, (80, 1)).T)
    assert (regions[2] == 1).all()


def test_decision_axes_reach_a_tenth_beyond_the_examples():
    axes = decision_regions(linear([[0, 0], [1, 0]]), IDENTITY, SQUARE, TARGETS)["decision_axes"]
    np.testing.assert_allclose(axes[0], np.linspace(-1.4, 3.4, 80), rtol=1e-12)
    np.testing.assert_allclose(axes[1], np.linspace(-3.0, 9.0, 80), rtol=1e-12)


def test_decision_of_a_single_output_is_its_sign():
    """As accuracy has it: class 1 where h > 0, here where x + y > 1."""
    y = np.array([[0.0], [1.0], [0.0], [1.0], [1.0]])
    found = decision_regions(linear([[1.0, 1.0]], bias=-1.0), IDENTITY, SQUARE, y)
    across, up = np.meshgrid(*found["decision_axes"])
    np.testing.assert_array_equal(found["decision_regions"][0], across + up - 1 > 0)
    assert found["decision_classes"].tolist() == [0, 1, 0, 1, 1]


@pytest.mark.parametrize("outputs", [1, 2])
def test_decision_is_minus_one_where_h_is_not_finite(outputs):
    weights = np.array([[1.0, 2.0]] * outputs)
    y = np.eye(2)[[0, 1, 0, 1, 1], :outputs]
    layers = linear(weights, weights, weights)
    healthy = decision_regions(layers, IDENTITY, SQUARE, y)["decision_regions"]
    layers[0][0][1, 0, 0], layers[0][1][2, 0, outputs - 1] = np.nan, np.inf
    regions = decision_regions(layers, IDENTITY, SQUARE, y)["decision_regions"]
    assert (healthy >= 0).all()
    assert (regions[1:] == -1).all()
    np.testing.assert_array_equal(regions[0], healthy[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decision_regions_point_by_point(dtype, draw):
    tanh, sizes = ACTIVATIONS["tanh"], (2, 5, 4, 3)
    theta, x = draw(tanh, sizes, batch=30, dtype=dtype)
    layers = mlp.unflatten(3 * theta, sizes)
    found = decision_regions(layers, tanh, x[0], np.eye(3, dtype=dtype)[np.arange(30) % 3])
    across, up = found["decision_axes"].astype(dtype)
    regions = found["decision_regions"]
    assert len(np.unique(regions)) > 1
    for r, row, column in itertools.product(range(2), range(0, 80, 7), range(0, 80, 7)):
        h = mlp.forward(layers, tanh, np.array([[[across[column], up[row]]]])).h[r, 0]
        assert h[regions[r, row, column]] >= h.max() - 1e-5 * abs(h).max()


def test_the_first_examples_are_kept_with_their_classes():
    rng = np.random.default_rng(0)
    x, classes = rng.normal(size=(500, 2)), rng.integers(3, size=500)
    found = decision_regions(linear(rng.normal(size=(3, 2))), IDENTITY, x, np.eye(3)[classes])
    np.testing.assert_array_equal(found["decision_points"], x[:400])
    np.testing.assert_array_equal(found["decision_classes"], classes[:400])
    few = decision_regions(linear(rng.normal(size=(3, 2))), IDENTITY, x[:7], np.eye(3)[classes[:7]])
    assert (len(few["decision_points"]), len(few["decision_classes"])) == (7, 7)


def test_hundreds_of_classes_keep_their_numbers():
    W = np.zeros((300, 2))
    W[299], W[200] = [1, 0], [-1, 0]
    found = decision_regions([(W[None], np.zeros((1, 1, 300)))], IDENTITY, SQUARE, np.eye(300)[[299, 200, 0, 0, 0]])
    assert np.unique(found["decision_regions"]).tolist() == [200, 299]
    assert found["decision_classes"].tolist()[:2] == [299, 200]


def test_examples_all_in_one_place_have_regions_too():
    found = decision_regions(linear([[0, 0], [1, 0]]), IDENTITY, np.full((3, 2), 2.0), np.eye(2)[[0, 1, 0]])
    assert (found["decision_axes"] == 2).all()
    assert (found["decision_regions"] == 1).all()


def test_a_snapshot_with_training_data_per_replica_is_as_one_shared(draw):
    tanh, sizes = ACTIVATIONS["tanh"], (3, 4, 2)
    theta, x = draw(tanh, sizes)
    s = moment(tanh, mlp.unflatten(theta, sizes), x[0])
    own = replace(s, trace=replace(s.trace, a=[np.tile(x, (2, 1, 1)), *s.trace.a[1:]]))
    np.testing.assert_array_equal(jacobian_singular_values(own), jacobian_singular_values(s))
