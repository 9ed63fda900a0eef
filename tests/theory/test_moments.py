"""The splines and series behind predictions, against QUADPACK, closed forms and two-dimensional sums."""

import math
import zlib
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import integrate

from mlpstudy import theory
from mlpstudy.network.activations import ACTIVATIONS, SATURATED_SLOPE
from mlpstudy.theory.flat import dead_share
from mlpstudy.theory.moments import HIGHEST, LOWEST, PER_DECADE, TERMS, at, series

SIGMAS = 4.0
MOMENTS = {  # name -> f of the activation
    "V": lambda a, z: a.g(z) ** 2,
    "D": lambda a, z: a.dg(z) ** 2,
    "D4": lambda a, z: a.dg(z) ** 4,
}


def by_quad(f, q, kinks=()):
    """E[f(z)], z ~ N(0, q), by QUADPACK with break points at the kinks and where activations turn."""
    s = math.sqrt(q)
    turns = {0.0, *kinks, *(side * z for z in (0.5, 1, 2, 4, 8, 16, 50, 200, 1000) for side in (1, -1))}
    points = sorted(p for p in turns if abs(p) < 9 * s) + [side * 3 * s for side in (1, -1)]

    def integrand(z):
        return f(np.array([z]))[0] * math.exp(-z * z / (2 * q))

    whole, _ = integrate.quad(integrand, -9 * s, 9 * s, points=points, epsabs=0, epsrel=1e-10, limit=1000)
    return whole / (s * math.sqrt(2 * math.pi))


def between_nodes(name, count, low=LOWEST, high=HIGHEST):
    """Random q, the same for the same name; no q is a node of the splines."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    decades = rng.uniform(low, high, count)
    assert (np.abs(decades * PER_DECADE - np.rint(decades * PER_DECADE)) > 1e-3).all()
    return 10**decades


# ---------------------------------------------------------------- moments as functions of log q


# The worst found over 1500 random q of each activation is 3e-7
@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n != "sin"])
def test_moments_are_those_of_quadpack(activation_named, name):
    activation = activation_named(name)
    found = theory.moments(activation)
    for q in [*between_nodes(name, 4), *between_nodes(name, 5, -2, 2)]:
        for moment, f in MOMENTS.items():
            expected = by_quad(lambda z, f=f: f(activation, z), q, activation.kinks)
            assert np.exp(getattr(found, moment)(np.log(q))) == pytest.approx(expected, rel=1e-6), (moment, q)


def test_moments_of_sin():
    """By the characteristic function: E cos(kz) = exp(-k^2 q / 2). Up to q = 3e4; beyond, sin has too many turns."""
    found = theory.moments(ACTIVATIONS["sin"])
    for q in [*between_nodes("sin", 30, -16, -2), *between_nodes("sin", 60, -2, math.log10(3e4))]:
        two, four = math.exp(-2 * q), math.exp(-8 * q)
        assert np.exp(found.V(np.log(q))) == pytest.approx(-math.expm1(-2 * q) / 2, rel=1e-6)
        assert np.exp(found.D(np.log(q))) == pytest.approx((1 + two) / 2, rel=1e-6)
        assert np.exp(found.D4(np.log(q))) == pytest.approx(3 / 8 + two / 2 + four / 8, rel=3e-6)


def test_moments_go_on_as_power_laws():
    """Below the splines, the behaviour of g at 0 decides: g(0)^2, g'(0)^2 q, ...; above, that at large z."""
    for name, moment, q, expected in (
        ("tanh", "V", 1e-20, 1e-20),  # g = z
        ("sigmoid", "V", 1e-20, 0.25),
        ("sigmoid", "D", 1e-20, 1 / 16),
        ("gelu", "V", 1e-20, 1e-20 / 4),  # g = z / 2
        ("softplus", "V", 1e-20, math.log(2) ** 2),
        ("relu", "V", 1e14, 1e14 / 2),
        ("selu", "D", 1e14, 1.0507009873554805**2 / 2),
        ("hard_tanh", "V", 1e14, 1.0),
        ("hard_tanh", "D", 1e14, 2 / math.sqrt(2 * math.pi * 1e14)),  # the share of |z| < 1
        ("tanh", "D", 1e14, 4 / 3 / math.sqrt(2 * math.pi * 1e14)),  # the integral of sech^4 is 4/3
        ("erf", "D", 1e14, 4 / math.pi / math.sqrt(1 + 4e14)),  # Williams 1997
    ):
        found = np.exp(getattr(theory.moments(ACTIVATIONS[name]), moment)(np.log(q)))
        assert found == pytest.approx(expected, rel=1e-4), (name, moment)


def test_arrays_inside_and_beyond_the_nodes_are_each_on_their_own():
    moment = theory.moments(ACTIVATIONS["gelu"]).V
    log_q = np.array([[-50.0, -3.1, 0.0], [2.2, 25.0, 40.0]])
    np.testing.assert_array_equal(moment(log_q), [[moment(np.array(x)) for x in row] for row in log_q])


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "silu", "relu", "selu", "hard_tanh", "softsign", "relu6"])
def test_derivatives_by_log_q(activation_named, name):
    """First derivatives: q V' / V = E[z g g'] / V, by parts. All: by differences of QUADPACK's values."""
    activation, h = activation_named(name), math.log(10) / 10
    found = theory.moments(activation)
    for q in between_nodes(name, 3, -4, 3):
        log_q = np.log(q)
        mixed = by_quad(lambda z: z * activation.g(z) * activation.dg(z), q, activation.kinks)
        second = by_quad(lambda z: activation.g(z) ** 2, q, activation.kinks)
        assert found.V(log_q, 1) == pytest.approx(mixed / second, abs=5e-6)
        for moment in ("V", "D"):
            steps = q * np.exp(h * np.arange(-2, 3))
            integrand = MOMENTS[moment]
            values = [math.log(by_quad(lambda z, f=integrand: f(activation, z), x, activation.kinks)) for x in steps]
            first, second = np.array([1, -8, 0, 8, -1]) / (12 * h), np.array([-1, 16, -30, 16, -1]) / (12 * h**2)
            assert getattr(found, moment)(log_q, 1) == pytest.approx(first @ values, abs=2e-4), q
            assert getattr(found, moment)(log_q, 2) == pytest.approx(second @ values, abs=2e-3), q


def test_derivatives_of_power_laws_are_exact():
    """relu: V ~ q, D = 1/2."""
    found, log_q = theory.moments(ACTIVATIONS["relu"]), np.linspace(-20, 20, 41)
    for moment, power in ((found.V, 1), (found.D, 0)):
        np.testing.assert_allclose(moment(log_q, 1), power, atol=1e-9)
        np.testing.assert_allclose(moment(log_q, 2), 0, atol=1e-8)


# ---------------------------------------------------------------- saturated entries


def beyond(z, q):
    """P(|u| > z), u ~ N(0, q)."""
    return math.erfc(z / math.sqrt(2 * q))


FLAT = {  # name -> share of entries with |g'| < s sup|g'|, s = 0.0591
    "identity": lambda q: 0.0,
    "relu": lambda q: 0.5,
    "leaky_relu": lambda q: 0.5,  # its slope is 0.01
    "relu6": lambda q: 0.5 + beyond(6, q) / 2,
    "tanh": lambda q: beyond(math.atanh(math.sqrt(1 - SATURATED_SLOPE)), q),  # g' = 1 - g^2
    "sigmoid": lambda q: beyond(2 * math.atanh(math.sqrt(1 - SATURATED_SLOPE)), q),  # sigma(z) = (1 + tanh(z/2)) / 2
    "hard_tanh": lambda q: beyond(1, q),
    "erf": lambda q: beyond(math.sqrt(-math.log(SATURATED_SLOPE)), q),
    "softsign": lambda q: beyond(SATURATED_SLOPE**-0.5 - 1, q),
    "elu": lambda q: beyond(-math.log(SATURATED_SLOPE), q) / 2,
    "softplus": lambda q: beyond(math.log(1 / SATURATED_SLOPE - 1), q) / 2,  # g' = sigma
}


@pytest.mark.parametrize("name", FLAT)
def test_flat_share_in_closed_form(activation_named, name):
    q = np.array([1e-6, 0.1, 1.0, 7.0, 300.0, 1e5])
    expected = [FLAT[name](x) for x in q]
    np.testing.assert_allclose(theory.flat_share(activation_named(name), q), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_flat_share_by_drawing(activation_named, name):
    """By the definition of saturated_fraction."""
    activation, draws = activation_named(name), np.random.default_rng(0).normal(size=200_000)
    for q in (0.5, 4.0, 30.0):
        flat = np.abs(activation.dg(math.sqrt(q) * draws)) < SATURATED_SLOPE * activation.sup_dg
        share = float(theory.flat_share(activation, np.array(q)))
        error = math.sqrt(max(share * (1 - share), 1e-9) / draws.size)
        assert abs(flat.mean() - share) <= SIGMAS * error


CORRELATIONS = np.array([0.0, 0.2, 0.7, 0.97, 0.9999, 1.0])


def test_dead_share_of_relu_in_closed_form():
    """Orthant probabilities, P(z_1 < 0, ...), of two and three variables of equal correlation (Sheppard 1899)."""
    relu, q = ACTIVATIONS["relu"], np.full(6, 3.0)
    two = 1 / 4 + np.arcsin(CORRELATIONS) / (2 * np.pi)
    three = 1 / 8 + 3 * np.arcsin(CORRELATIONS) / (4 * np.pi)
    np.testing.assert_allclose(dead_share(relu, q, CORRELATIONS, 2), two, atol=2e-3)
    np.testing.assert_allclose(dead_share(relu, q, CORRELATIONS, 3), three, atol=2e-3)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_dead_share_of_one_sample_of_equal_and_of_independent_ones(activation_named, name):
    activation, q = activation_named(name), np.array([0.5, 4.0, 30.0])
    share = theory.flat_share(activation, q)
    atol = 1e-2 if name == "sin" else 4e-3  # it is flat on many intervals
    for c in CORRELATIONS:
        np.testing.assert_allclose(dead_share(activation, q, np.full(3, c), 1), share, atol=atol)
    np.testing.assert_allclose(dead_share(activation, q, np.ones(3), 100), share, atol=atol)
    np.testing.assert_allclose(dead_share(activation, q, np.zeros(3), 5), share**5, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_dead_share_by_drawing(activation_named, name):
    """By the definition of dead_fraction, of 16 samples: covariance c q between any two."""
    activation, rng, q, batch, draws = activation_named(name), np.random.default_rng(1), 9.0, 16, 20_000
    for c in (0.5, 0.95):
        covariance = q * ((1 - c) * np.eye(batch) + c)
        z = rng.normal(size=(draws, batch)) @ np.linalg.cholesky(covariance).T
        dead = (np.abs(activation.dg(z)) < SATURATED_SLOPE * activation.sup_dg).all(axis=1)
        (share,) = dead_share(activation, np.array([q]), np.array([c]), batch)
        error = math.sqrt(max(share * (1 - share), 1e-9) / draws)
        assert abs(dead.mean() - share) <= SIGMAS * error + 2e-3


# ---------------------------------------------------------------- Hermite series in the correlation


KINDS = ("g", "dg", "g2", "dg2", "g2dg2")


@cache
def squared(activation):
    """(activation with g^2 and g'^2 in the place of g and g', one with their sum and one with their difference)."""
    g2, dg2 = (lambda z: np.square(activation.g(z))), (lambda z: np.square(activation.dg(z)))
    total, difference = (lambda z: g2(z) + dg2(z)), (lambda z: g2(z) - dg2(z))
    return replace(activation, g=g2, dg=dg2), replace(activation, g=total), replace(activation, g=difference)


@cache
def by_plane(activation, kind, q, c):
    """E[f(u1) h(u2)] by the two-dimensional sums of theory.covariance."""
    squares, total, difference = squared(activation)
    if kind == "g2dg2":  # 4 x y = (x + y)^2 - (x - y)^2
        return (theory.covariance(total, q, c) - theory.covariance(difference, q, c)) / 4
    return theory.covariance(squares if kind.endswith("2") else activation, q, c, slopes=kind.startswith("d"))


def only(coefficients):
    """The coefficients of the only q."""
    return {kind: found for kind, (found,) in coefficients.items()}


def worst(activation, kind, lengths, correlations):
    """The largest error relative to the value at c = 1."""
    errors = []
    for q in lengths:
        found = at(series(activation, np.array([q]))[kind], np.array(correlations))[0]
        expected = [by_plane(activation, kind, q, c) for c in correlations]
        errors.append(np.abs(found - expected).max() / by_plane(activation, kind, q, 1.0))
    return max(errors)


INNER = (-0.9, -0.4, 0.3, 0.9)
LENGTHS = (1e-3, 1.0, 10.0, 1e3)
# What the series are good to, relative to E[f^2]. The errors of slopes enter corrections of the order 1 / width alone.
OFFSET_KINK = ("relu6", "hard_tanh")


@pytest.mark.parametrize("name", ["identity", "tanh", "sigmoid", "relu", "gelu", "selu", "softsign", *OFFSET_KINK])
def test_series_at_correlations_up_to_090(activation_named, name):
    activation = activation_named(name)
    assert worst(activation, "g", LENGTHS, INNER) < 3e-4  # hard_tanh, relu6 at q = 1e3; tanh 6e-5, relu 2e-7
    assert worst(activation, "dg", LENGTHS, INNER) < 1e-3


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "softsign"])
def test_series_of_squares_at_correlations_up_to_090(activation_named, name):
    activation = activation_named(name)
    for kind in ("g2", "dg2", "g2dg2"):
        assert worst(activation, kind, LENGTHS[:3], INNER) < 1e-3


OUTER = {  # name -> worst error at c = +-0.95, +-0.999 of E g g, E g' g': at q up to 1, up to 10, up to 1e3
    "tanh": ((1e-9, 1e-9), (5e-4, 1e-3), (0.09, 0.35)),
    "sigmoid": ((1e-12, 1e-12), (3e-7, 1e-6), (0.03, 0.2)),
    "relu": ((5e-5, 0.07), (5e-5, 0.07), (5e-5, 0.07)),
    "gelu": ((1e-12, 1e-12), (3e-7, 6e-4), (5e-5, 0.07)),
    "selu": ((2e-5, 0.02), (1e-4, 0.02), (2e-4, 0.03)),
    "softsign": ((2e-4, 2e-3), (2e-3, 0.02), (0.04, 0.35)),
    "hard_tanh": ((5e-4, 0.01), (2e-3, 0.04), (0.12, 0.45)),
}


@pytest.mark.parametrize("name", OUTER)
def test_series_close_to_full_correlation(activation_named, name):
    """The series converges slowly here; c = -0.999, steps and mostly flat functions are the worst cases."""
    activation = activation_named(name)
    ends = [side * c for c in (0.95, 0.999) for side in (1, -1)]
    for lengths, bounds in zip(((1.0,), (10.0,), (1e3,)), OUTER[name], strict=True):
        for kind, bound in zip(("g", "dg"), bounds, strict=True):
            assert worst(activation, kind, lengths, ends) < bound


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "selu", "sigmoid", "softsign", "sin"])
def test_series_are_exact_at_full_correlation(activation_named, name):
    """E[f h] of one variable, by the last coefficient."""
    activation = activation_named(name)
    for q in (1e-3, 1.0, 30.0):
        found = only(series(activation, np.array([q])))
        for kind in KINDS:
            assert len(found[kind]) == TERMS + 1
            one = at(found[kind], np.array([1.0]))[0]
            assert one == pytest.approx(found[kind].sum(), rel=1e-12)
            assert one == pytest.approx(by_plane(activation, kind, q, 1.0), rel=1e-6)


@pytest.mark.parametrize("name", OFFSET_KINK)
def test_series_at_full_correlation_where_kinks_lie_off_0(name):
    """Panels are cut at kinks, and near 0 they are thin enough for large q."""
    for kind in KINDS:
        assert worst(ACTIVATIONS[name], kind, (1e-3, 1.0, 10.0, 1e4), (1.0,)) < 1e-9
    for q in (1e6, 1e9):
        found = only(series(ACTIVATIONS[name], np.array([q])))
        assert found["g"].sum() == pytest.approx(theory.second_moment(ACTIVATIONS[name], q), rel=1e-9)
        assert found["dg"].sum() == pytest.approx(theory.slope_moment(ACTIVATIONS[name], q), rel=1e-9)


def test_series_of_relu_in_closed_form():
    """Cho & Saul 2009, arc-cosine kernels of degree 0 and 1: E g' g' and E g g at any q."""
    c = np.linspace(-0.9, 0.9, 19)
    angle, found = np.arccos(c), only(series(ACTIVATIONS["relu"], np.array([2.5])))
    np.testing.assert_allclose(at(found["dg"], c), (np.pi - angle) / (2 * np.pi), atol=3e-5)
    kernel = 2.5 * (np.sin(angle) + (np.pi - angle) * c) / (2 * np.pi)
    np.testing.assert_allclose(at(found["g"], c), kernel, atol=1e-6)
