import math

import numpy as np
import pytest

from mlpstudy.activations import ACTIVATIONS, leaky_relu

GRID = np.linspace(-20, 20, 40001)  # holds 0, where an undeclared kink would most likely be
FAR = np.concatenate([-np.geomspace(1e4, 20, 500), GRID, np.geomspace(20, 1e4, 500)])
SLOPES = [-2.0, -0.5, 0.0, 0.01, 0.3, 1.0, 3.0]


@pytest.fixture(params=[*ACTIVATIONS, *(f"leaky_relu({slope})" for slope in SLOPES)])
def activation(request, activation_named):
    """Every row with its YAML's parameters, and leaky_relu over all signs and sizes of its slope."""
    name, _, slope = request.param.rstrip(")").partition("(")
    return leaky_relu(float(slope)) if slope else activation_named(name)


def away_from_kinks(z, activation, distance):
    return z[np.all([np.abs(z - kink) > distance for kink in activation.kinks] + [z == z], axis=0)]


def test_dg_is_the_derivative_of_g(activation):
    eps = 1e-6  # truncation eps^2 |g'''| / 6 < 1e-12, rounding 2e-16 |g| / eps < 1e-8 for |g| < 60
    z = away_from_kinks(GRID, activation, 2 * eps)
    numeric = (activation.g(z + eps) - activation.g(z - eps)) / (2 * eps)
    np.testing.assert_allclose(activation.dg(z), numeric, rtol=0, atol=1e-8)


def test_dg_at_a_kink_is_the_derivative_from_the_left(activation):
    for kink in activation.kinks:
        left = activation.dg(np.array([kink - 1e-9]))
        np.testing.assert_allclose(activation.dg(np.array([kink])), left, atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_declared_kinks_are_kinks(activation_named, name):
    activation = activation_named(name)
    for kink in activation.kinks:
        left, right = activation.dg(np.array([kink - 1e-9, kink + 1e-9]))
        assert abs(right - left) > 1e-3


def test_sup_dg_is_the_supremum_of_the_slope(activation):
    slopes = np.abs(activation.dg(FAR))
    assert slopes.max() <= activation.sup_dg * (1 + 1e-12)
    assert slopes.max() >= activation.sup_dg * (1 - 1e-6)


def test_range_holds_and_is_approached(activation):
    low, high = activation.range
    g = activation.g(FAR)
    assert low <= g.min()
    assert g.max() <= high
    assert g.min() < -30 if low == -math.inf else g.min() - low < 1e-6
    assert g.max() > 30 if high == math.inf else high - g.max() < 1e-6


def test_bounded_means_bounded_on_both_sides(activation):
    assert activation.bounded == (np.abs(activation.g(FAR)).max() < 30)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_shape_are_kept_and_large_z_is_finite(activation, dtype):
    z = FAR.astype(dtype).reshape(1, -1, 1)
    for function in (activation.g, activation.dg):
        values = function(z)
        assert values.dtype == dtype
        assert values.shape == z.shape
        assert np.isfinite(values).all()


def test_float32_agrees_with_float64(activation):
    z = away_from_kinks(FAR.astype(np.float32), activation, 1e-6)
    for function in (activation.g, activation.dg):
        # a few units in the last place of float32, 6e-8, of the values or of 1
        np.testing.assert_allclose(function(z), function(z.astype(np.float64)), rtol=3e-7, atol=3e-7)


def test_arguments_are_left_alone(activation):
    z = GRID.copy()
    activation.g(z)
    activation.dg(z)
    np.testing.assert_array_equal(z, GRID)


@pytest.mark.parametrize(
    ("name", "z", "g", "dg"),
    [
        ("identity", -3.0, -3.0, 1.0),
        ("sigmoid", 0.0, 0.5, 0.25),
        ("sigmoid", math.log(3), 0.75, 0.1875),  # 1 / (1 + 1/3), and 3/4 * 1/4
        ("tanh", math.log(2), 0.6, 0.64),  # (2 - 1/2) / (2 + 1/2), and 1 - 0.36
        ("relu", -2.0, 0.0, 0.0),
        ("relu", 0.0, 0.0, 0.0),
        ("relu", 2.0, 2.0, 1.0),
        ("leaky_relu", -2.0, -0.02, 0.01),
        ("leaky_relu", 2.0, 2.0, 1.0),
    ],
)
def test_closed_forms(activation_named, name, z, g, dg):
    activation = activation_named(name)
    assert activation.g(np.array([z])) == pytest.approx(g, abs=1e-15)
    assert activation.dg(np.array([z])) == pytest.approx(dg, abs=1e-15)


# In the forms that do not cancel: sigma' = e^-|z| / (1 + e^-|z|)^2, tanh' = 4 e^-2|z| / (1 + e^-2|z|)^2.
TAILS = {
    "sigmoid": lambda z: math.exp(-abs(z)) / (1 + math.exp(-abs(z))) ** 2,
    "tanh": lambda z: 4 * math.exp(-2 * abs(z)) / (1 + math.exp(-2 * abs(z))) ** 2,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TAILS)
def test_small_slopes_are_results_not_zeros(activation_named, name, dtype):
    z = np.array([-20.0, -12.0, 12.0, 20.0], dtype)
    np.testing.assert_allclose(activation_named(name).dg(z), [TAILS[name](v) for v in z], rtol=1e-5)
