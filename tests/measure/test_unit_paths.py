import numpy as np
import pytest

from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.unit_paths import principal_axes, unit_paths
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS


def moment(activation, layers, x):
    """A Snapshot of this network on examples x (batch, n_0)."""
    with np.errstate(all="ignore"):  # as in training
        trace = mlp.forward(layers, activation, x[None])
        gradients = mlp.backward(layers, activation, trace, np.ones_like(trace.h))
    return Snapshot(activation, layers, trace, gradients, None)


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
