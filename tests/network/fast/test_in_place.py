"""g and g' in one call against the functions that define them."""

import numpy as np
import pytest
from scipy import special

from mlpstudy.network.activations import ACTIVATIONS, Activation
from mlpstudy.network.fast.in_place import IN_PLACE, in_place, normal_erf

FAST = ["sigmoid", "tanh", "relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "mish", "erf"]


def test_the_rows_of_the_table_belong_to_these_activations(activation_named):
    def plain(name):
        return getattr(in_place(activation_named(name)), "func", None) is None

    assert [name for name in ACTIVATIONS if not plain(name)] == FAST
    assert len(FAST) == len(IN_PLACE) + 1  # elu and selu share one


Z = np.concatenate([np.linspace(-30, 30, 40001), *(s * np.geomspace(1e-30, 1e8, 2000) for s in (-1, 1))])
# The largest errors of a and of g' in units of eps: of max(1, |z|) for a, absolute for g', whose terms reach |z|.
LIMITS = {"gelu": (2, 3), "erf": (3, 3), "gelu_tanh": (2, 30), "silu": (2, 20), "mish": (2, 20)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FAST)
def test_in_place_is_the_activation_to_rounding(name, dtype, activation_named):
    activation, eps = activation_named(name), float(np.finfo(dtype).eps)
    z = Z.astype(dtype)
    a, slope = z.copy(), np.full_like(z, np.nan)
    with np.errstate(all="ignore"):
        in_place(activation)(a, slope)
    exact = z.astype(np.longdouble) if name in ("relu", "tanh") else z.astype(float)
    of_a, of_slope = LIMITS.get(name, (2, 2)) if dtype == np.float32 else (8, 60)
    assert (np.abs(a - activation.g(exact)) <= of_a * eps * np.maximum(1, np.abs(exact))).all()
    assert (np.abs(slope - activation.dg(exact)) <= of_slope * eps).all()


@pytest.mark.parametrize("name", [name for name in FAST if name != "sigmoid"])
def test_in_place_keeps_tiny_signals(name, activation_named):
    """g(z) - g(0) of a z of 1e-20 has full relative precision: a vanishing signal is not rounded away."""
    z = np.array([-1e-20, 1e-20], np.float32)
    a, expected = z.copy(), activation_named(name).g(z.astype(float))
    in_place(activation_named(name))(a, np.empty_like(z))
    np.testing.assert_allclose(a, expected, rtol=1e-6)


def test_the_polynomial_of_erf_is_as_good_as_stated():
    """Relative error of erf at most 2.5e-7, absolute error of Phi at most 1.1e-7, in float32."""
    z = np.concatenate([np.linspace(-9, 9, 400_001), np.geomspace(1e-30, 1e30, 4000)]).astype(np.float32)
    with np.errstate(over="ignore"):
        found = normal_erf(z, np.square(z)).astype(float)
    exact = special.erf(z.astype(float) / np.sqrt(2))
    nonzero = z != 0
    assert np.abs(found[nonzero] / exact[nonzero] - 1).max() <= 2.5e-7
    assert np.abs((1 + found) / 2 - (1 + exact) / 2).max() <= 1.1e-7


def test_an_activation_without_a_fast_form_is_trained_with_g_and_dg():
    z = np.linspace(-2, 2, 9)
    a, slope = z.copy(), np.empty_like(z)
    in_place(Activation(g=lambda z: z**2, dg=lambda z: 2 * z))(a, slope)
    np.testing.assert_array_equal(a, z**2)
    np.testing.assert_array_equal(slope, 2 * z)
