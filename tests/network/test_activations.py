import inspect
import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from mlpstudy.network.activations import ACTIVATIONS

GRID = np.linspace(-20, 20, 40001)  # holds 0, where an undeclared kink would most likely be
FAR = np.concatenate([-np.geomspace(1e4, 20, 500), GRID, np.geomspace(20, 1e4, 500)])
FARTHER = np.concatenate([-np.geomspace(1e15, 1e4, 200), FAR, np.geomspace(1e4, 1e15, 200)])
# Values besides that of the YAML, for rows that have a parameter: all its signs and sizes.
VARIANTS = {
    "leaky_relu": ("slope", [-2.0, -0.5, 0.0, 0.01, 0.3, 1.0, 3.0]),
    "elu": ("alpha", [-2.0, -0.5, 0.0, 0.3, 1.0, 3.0]),
}
CASES = [*ACTIVATIONS, *(f"{name}({v})" for name, (_, values) in VARIANTS.items() for v in values)]


def logistic(z):
    return 1 / (1 + np.exp(-z))


def sech2(z):
    return 1 / np.cosh(z) ** 2


def normal_cdf(z):
    """Computed with erfc of the C library, not of SciPy."""
    return np.vectorize(math.erfc, otypes=[float])(-z.astype(float) / math.sqrt(2)) / 2


def normal_pdf(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.longdouble(math.pi))


def linear_unit(z, low, dlow, scale=1.0):
    return scale * np.where(z > 0, z, low), scale * np.where(z > 0, 1, dlow)


def gelu_tanh(z):
    """1/2 z (1 + tanh(u)), with 1/2 (1 + tanh(u)) = 1 / (1 + exp(-2u)), which does not cancel."""
    root = np.sqrt(2 / np.longdouble(math.pi))
    u, du = root * (z + 0.044715 * z**3), root * (1 + 3 * 0.044715 * z**2)
    return z * logistic(2 * u), logistic(2 * u) + z * sech2(u) * du / 2


def mish(z):
    softplus = np.logaddexp(0, z)
    return z * np.tanh(softplus), np.tanh(softplus) + z * sech2(softplus) * logistic(z)


ALPHA, SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946  # Klambauer et al. 2017
# name -> (g, g') by the formulas of the papers, in extended precision; where a row has none here, its values in
# float64 are the reference for those in float32.
REFERENCES = {
    "identity": lambda z: (z, np.ones_like(z)),
    "sigmoid": lambda z: (logistic(z), logistic(z) * logistic(-z)),
    "tanh": lambda z: (np.tanh(z), sech2(z)),
    "relu": lambda z: linear_unit(z, 0 * z, 0),
    "leaky_relu": lambda z, slope=0.01: linear_unit(z, slope * z, slope),
    "relu6": lambda z: (np.where(z < 6, np.maximum(z, 0), 6), np.where((z > 0) & (z <= 6), 1, 0)),
    "elu": lambda z, alpha=1.0: linear_unit(z, alpha * np.expm1(z), alpha * np.exp(z)),
    "selu": lambda z: linear_unit(z, ALPHA * np.expm1(z), ALPHA * np.exp(z), SCALE),
    "gelu": lambda z: (z * normal_cdf(z), normal_cdf(z) + z * normal_pdf(z)),
    "gelu_tanh": gelu_tanh,
    "silu": lambda z: (z * logistic(z), logistic(z) * (1 + z * logistic(-z))),
    "mish": mish,
    "softplus": lambda z: (np.logaddexp(0, z), logistic(z)),
    "softsign": lambda z: (z / (1 + abs(z)), (1 + abs(z)) ** -2),
    "hard_tanh": lambda z: (np.where(abs(z) < 1, z, np.sign(z)), np.where((z > -1) & (z <= 1), 1, 0)),
    "erf": lambda z: (
        np.vectorize(math.erf, otypes=[float])(z.astype(float)), 2 / np.sqrt(np.longdouble(math.pi)) * np.exp(-(z**2))
    ),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request):
    """Name and parameters of a row: as in its YAML ({}), or other ones."""
    name, _, value = request.param.rstrip(")").partition("(")
    return name, {VARIANTS[name][0]: float(value)} if value else {}


@pytest.fixture
def activation(case, activation_named):
    name, parameters = case
    return activation_named(name, **parameters)


@pytest.fixture
def reference(case, activation):
    """z -> (g, g'), computed by another formula than in the row."""
    name, parameters = case
    if name not in REFERENCES:
        return lambda z: (activation.g(z.astype(np.float64)), activation.dg(z.astype(np.float64)))

    def _reference(z):
        with np.errstate(all="ignore"):  # exp(1e4) is a number in extended precision, infinite elsewhere
            return REFERENCES[name](z.astype(np.longdouble), **parameters)

    return _reference


def away_from_kinks(z, activation, distance):
    return z[np.all([np.abs(z - kink) > distance for kink in activation.kinks] + [z == z], axis=0)]


def largest(f, z):
    """Supremum of f: the largest on a grid, refined between its neighbours there."""
    values = f(z)
    i = int(np.argmax(values))
    around = (z[max(i - 1, 0)], z[min(i + 1, len(z) - 1)])
    found = optimize.minimize_scalar(
        lambda v: -f(np.array([v]))[0], bounds=around, method="bounded", options={"xatol": 1e-9 * max(1, abs(z[i]))}
    )
    return max(values[i], -found.fun)


def test_dg_is_the_derivative_of_g(activation):
    eps = 1e-6  # truncation eps^2 |g'''| / 6 < 1e-12, rounding 2e-16 |g| / eps < 1e-8 for |g| < 60
    z = away_from_kinks(GRID, activation, 2 * eps)
    numeric = (activation.g(z + eps) - activation.g(z - eps)) / (2 * eps)
    np.testing.assert_allclose(activation.dg(z), numeric, rtol=0, atol=1e-8)


def test_dg_at_a_kink_is_the_derivative_from_the_left(activation):
    for kink in activation.kinks:
        left = activation.dg(np.array([kink - 1e-9]))
        np.testing.assert_allclose(activation.dg(np.array([kink])), left, atol=1e-8)


def bend(activation, z, h=1e-4):
    """How far g'' differs between the left and the right of z: h |g'''| where g is smooth, large where g' jumps."""
    left, middle, right = (activation.dg(z + step) for step in (-h, 0, h))
    return np.abs(right - 2 * middle + left) / h


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_declared_kinks_are_kinks_and_all_of_them(activation_named, name):
    activation = activation_named(name)
    assert list(activation.kinks) == sorted(set(activation.kinks))
    assert (bend(activation, np.array(activation.kinks)) > 0.1).all()
    assert (bend(activation, away_from_kinks(GRID, activation, 2e-4)) < 0.01).all()


def test_sup_dg_is_the_supremum_of_the_slope(activation):
    supremum = largest(lambda z: np.abs(activation.dg(z)), FAR)
    assert np.abs(activation.dg(FARTHER)).max() <= activation.sup_dg * (1 + 1e-12)
    assert activation.sup_dg == pytest.approx(supremum, rel=3e-12, abs=0)


def test_range_holds_and_is_approached(activation):
    low, high = activation.range
    g = activation.g(FARTHER)
    assert low <= g.min()
    assert g.max() <= high
    for bound, sign in ((low, -1), (high, 1)):
        supremum = largest(lambda z, sign=sign: sign * activation.g(z), FARTHER)
        assert supremum > 1e10 if bound == sign * math.inf else supremum == pytest.approx(sign * bound, abs=1e-10)


def test_bounded_means_bounded_on_both_sides(activation):
    assert activation.bounded == (np.abs(activation.g(FAR)).max() < 30)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_shape_are_kept_and_large_z_is_finite(activation, dtype):
    z = FAR.astype(dtype).reshape(1, -1, 1)
    for function in (activation.g, activation.dg):
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            values = function(z)
        assert values.dtype == dtype
        assert values.shape == z.shape
        assert np.isfinite(values).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_right_to_a_few_units_in_the_last_place(activation, reference, dtype):
    """Errors are relative to the value, however small it is; only a few roundings are allowed.

    So a slope of 1e-30 is right in its leading digits too; only what float32 cannot tell from 0 may be 0.
    """
    info = np.finfo(dtype)
    few = dtype(8) * info.eps
    z = away_from_kinks(FAR.astype(dtype), activation, 100 * info.eps)
    nothing = np.abs(z).astype(float) * float(info.tiny)
    exact, below, above = reference(z), *(reference(z.astype(np.longdouble) * (1 + s * few)) for s in (-1, 1))
    for k, function in enumerate((activation.g, activation.dg)):
        moved = np.maximum(np.abs(below[k] - exact[k]), np.abs(above[k] - exact[k]))
        error = np.abs(function(z).astype(np.longdouble) - exact[k])
        worst = np.argmax(error - (few * np.abs(exact[k]) + moved + nothing))
        assert error[worst] <= few * abs(exact[k][worst]) + moved[worst] + nothing[worst], f"z = {z[worst]}"


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


PHI_1, PDF_1 = stats.norm.cdf(1), stats.norm.pdf(1)


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
        ("relu6", 6.0, 6.0, 1.0),
        ("relu6", 7.0, 6.0, 0.0),
        ("elu", -math.log(2), -0.5, 0.5),
        ("selu", -math.log(2), -SCALE * ALPHA / 2, SCALE * ALPHA / 2),
        ("selu", 2.0, 2 * SCALE, SCALE),
        ("gelu", 1.0, PHI_1, PHI_1 + PDF_1),
        ("gelu", -1.0, PHI_1 - 1, 1 - PHI_1 - PDF_1),
        ("gelu_tanh", 0.0, 0.0, 0.5),
        ("silu", math.log(3), 0.75 * math.log(3), 0.75 + 0.1875 * math.log(3)),
        ("mish", 0.0, 0.0, 0.6),  # tanh(log 2)
        ("softplus", 0.0, math.log(2), 0.5),
        ("softsign", -3.0, -0.75, 1 / 16),
        ("hard_tanh", -1.0, -1.0, 0.0),
        ("hard_tanh", 0.5, 0.5, 1.0),
        ("hard_tanh", 1.0, 1.0, 1.0),
        ("hard_tanh", 3.0, 1.0, 0.0),
        ("erf", 1.0, 2 * stats.norm.cdf(math.sqrt(2)) - 1, 2 / math.sqrt(math.pi) / math.e),
    ],
)
def test_closed_forms(activation_named, name, z, g, dg):
    activation = activation_named(name)
    assert activation.g(np.array([z])) == pytest.approx(g, abs=1e-15)
    assert activation.dg(np.array([z])) == pytest.approx(dg, abs=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "erf", "gelu", "silu", "mish", "softplus", "elu"])
def test_small_slopes_are_results_not_zeros(activation_named, name, dtype):
    z = np.array([-9.0, -4.0], dtype)
    expected = REFERENCES[name](z.astype(np.longdouble))[1].astype(float)
    assert (np.abs(expected) < 0.1).all()
    np.testing.assert_allclose(activation_named(name).dg(z), expected, rtol=2e-5)


def test_selu_keeps_mean_zero_and_variance_one(activation_named):
    """The two constants of SELU have this purpose (Klambauer et al. 2017)."""
    g = activation_named("selu").g

    def mean(power):
        def integrand(v):
            return g(np.array([v]))[0] ** power * stats.norm.pdf(v)

        return sum(integrate.quad(integrand, *part, epsabs=1e-13)[0] for part in ((-40, 0), (0, 40)))

    assert mean(1) == pytest.approx(0, abs=1e-12)
    assert mean(2) == pytest.approx(1, abs=1e-12)


def test_a_row_is_a_record_or_a_function_of_the_parameters_in_its_yaml(compose):
    for name, row in ACTIVATIONS.items():
        parameters = compose(f"activation={name}")["activation"].keys() - {"name"}
        signature = inspect.signature(row).parameters.values() if callable(row) else ()
        assert parameters == {p.name for p in signature if p.default is p.empty}
