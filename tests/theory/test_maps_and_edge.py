"""Mean field theory against closed forms, other quadratures and finite networks; published numbers: test_reference."""

import itertools
import math
from functools import cache, partial

import numpy as np
import pytest
from scipy import integrate

from mlpstudy import theory
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS, Activation
from mlpstudy.network.initializers import INITIALIZERS, Scheme

SIGMAS = 4.0
LENGTHS = (1e-8, 1e-3, 0.3, 1.0, 10.0, 100.0, 1e3, 1e4)
CORRELATIONS = (-1.0, -0.999, -0.99, -0.5, 0.0, 0.3, 0.9, 0.99, 0.999, 1.0)
SMOOTH = ["identity", "sigmoid", "tanh", "gelu", "gelu_tanh", "silu", "mish", "softplus", "erf", "sin"]
WIGGLE = Activation(g=lambda z: np.tanh(z) + 0.1 * z, dg=lambda z: 1.1 - np.tanh(z) ** 2, sup_dg=1.1)  # a user's own


# ---------------------------------------------------------------- one Gaussian


def by_quad(f, q, kinks=()):
    """E[f(z)], z ~ N(0, q), piece by piece with QUADPACK."""
    s = math.sqrt(q)
    cuts = sorted(p for p in {0.0, *kinks, -50, -12, -3, 3, 12, 50} if abs(p) < 9 * s)

    def integrand(z):
        return f(np.array([z]))[0] * math.exp(-z * z / (2 * q)) / math.sqrt(2 * math.pi * q)

    edges = [-9 * s, *cuts, 9 * s]
    pieces = itertools.pairwise(edges)
    return sum(integrate.quad(integrand, *piece, epsabs=1e-12 * q, epsrel=1e-10, limit=2000)[0] for piece in pieces)


@pytest.mark.parametrize("q", LENGTHS)
@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n != "sin"])  # of sin at large q quad warns: see below
def test_moments_are_those_of_another_quadrature(activation_named, name, q):
    activation = activation_named(name)
    g, dg, kinks = activation.g, activation.dg, activation.kinks
    moments = (theory.second_moment(activation, q), theory.slope_moment(activation, q))
    expected = (by_quad(lambda z: g(z) ** 2, q, kinks), by_quad(lambda z: dg(z) ** 2, q, kinks))
    np.testing.assert_allclose(moments, expected, rtol=1e-6)
    assert theory.expectation(g, q, kinks) == pytest.approx(by_quad(g, q, kinks), rel=1e-6, abs=1e-9 * math.sqrt(q))


@pytest.mark.parametrize("q", LENGTHS)
def test_moments_of_sin(q):
    """E sin^2 = (1 - exp(-2q)) / 2 and E cos^2 = (1 + exp(-2q)) / 2, by the characteristic function."""
    sin = ACTIVATIONS["sin"]
    assert theory.second_moment(sin, q) == pytest.approx(-math.expm1(-2 * q) / 2, rel=1e-6)
    assert theory.slope_moment(sin, q) == pytest.approx((1 + math.exp(-2 * q)) / 2, rel=1e-6)


@pytest.mark.parametrize("q", LENGTHS)
def test_moments_of_erf(q):
    """Williams 1997: E erf^2 = 2/pi asin(2q / (1 + 2q)); E erf'^2 = 4/pi / sqrt(1 + 4q), a Gaussian integral."""
    erf = ACTIVATIONS["erf"]
    assert theory.second_moment(erf, q) == pytest.approx(2 / math.pi * math.asin(2 * q / (1 + 2 * q)), rel=1e-6)
    assert theory.slope_moment(erf, q) == pytest.approx(4 / math.pi / math.sqrt(1 + 4 * q), rel=1e-6)


def test_variance_zero_is_the_value_at_zero():
    assert theory.expectation(np.cos, 0.0) == 1
    assert theory.second_moment(ACTIVATIONS["sigmoid"], 0.0) == 0.25
    assert theory.slope_moment(ACTIVATIONS["sigmoid"], 0.0) == 0.0625
    assert theory.covariance(ACTIVATIONS["sigmoid"], 0.0, 0.3) == 0.25


def test_expectation_of_a_step_needs_its_kink():
    for at in (-2.0, 0.3, 1.7):
        share = theory.expectation(lambda z, at=at: (z > at).astype(float), 2.0, (at,))
        assert share == pytest.approx(0.5 * math.erfc(at / 2), rel=1e-12)


@pytest.mark.parametrize("name", ["tanh", "silu"])
def test_moments_by_drawing(name):
    activation, q, c, n = ACTIVATIONS[name], 1.7, 0.6, 400_000
    x, y = np.random.default_rng(0).normal(size=(2, n))
    u, v = math.sqrt(q) * x, math.sqrt(q) * (c * x + math.sqrt(1 - c * c) * y)
    for drawn, exact in (
        (activation.g(u) ** 2, theory.second_moment(activation, q)),
        (activation.dg(u) ** 2, theory.slope_moment(activation, q)),
        (activation.g(u) * activation.g(v), theory.covariance(activation, q, c)),
        (activation.dg(u) * activation.dg(v), theory.covariance(activation, q, c, slopes=True)),
    ):
        assert abs(drawn.mean() - exact) < SIGMAS * drawn.std() / math.sqrt(n)


# ---------------------------------------------------------------- two correlated ones


def arc_cosine(q, c):
    """E relu(u1) relu(u2) (degree 1; Cho & Saul 2009)."""
    theta = math.acos(c)
    return q * (math.sin(theta) + (math.pi - theta) * c) / (2 * math.pi)


def both_positive(c):
    """P(u1 > 0, u2 > 0) (degree 0; Cho & Saul 2009)."""
    return (math.pi - math.acos(c)) / (2 * math.pi)


SLOPE = 0.3  # of leaky ReLU: g = relu(z) - s relu(-z), and (u1, -u2) have correlation -c
COVARIANCES = {  # name -> (E g(u1) g(u2), E g'(u1) g'(u2)) at (q, c)
    "identity": lambda q, c: (q * c, 1.0),
    "relu": lambda q, c: (arc_cosine(q, c), both_positive(c)),
    "leaky_relu": lambda q, c: (
        (1 + SLOPE**2) * arc_cosine(q, c) - 2 * SLOPE * arc_cosine(q, -c),
        (1 + SLOPE**2) * both_positive(c) + 2 * SLOPE * both_positive(-c),
    ),
    # Williams 1997; the slopes are a Gaussian integral, det(1 + 2 Sigma)^(-1/2)
    "erf": lambda q, c: (
        2 / math.pi * math.asin(2 * q * c / (1 + 2 * q)),
        4 / math.pi / math.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2),
    ),
    # 2 sin u sin v = cos(u - v) - cos(u + v), whose expectations are exp(-q (1 -+ c)): exp(-q) sinh(q c)
    "sin": lambda q, c: (
        (math.exp(-q * (1 - c)) - math.exp(-q * (1 + c))) / 2,
        (math.exp(-q * (1 - c)) + math.exp(-q * (1 + c))) / 2,
    ),
}


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize("q", [1e-6, 0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("name", COVARIANCES)
def test_covariances_in_closed_form(activation_named, name, q, c):
    activation = activation_named(name, **({"slope": SLOPE} if name == "leaky_relu" else {}))
    g, slopes = COVARIANCES[name](q, c)
    assert theory.covariance(activation, q, c) == pytest.approx(g, abs=1e-6 * theory.second_moment(activation, q))
    found = theory.covariance(activation, q, c, slopes=True)
    assert found == pytest.approx(slopes, abs=1e-6 * theory.slope_moment(activation, q))


SERIES = (-0.99, -0.5, 0.0, 0.3, 0.9, 0.99)


@pytest.fixture(scope="module")
def mehler(activation_named):
    """(q) -> {(name, c, slopes): E f(u1) f(u2)} = sum of a_n^2 c^n, a_n the Hermite coefficients (Mehler 1866)."""

    @cache
    def _mehler(q):
        activations = {name: activation_named(name) for name in ACTIVATIONS}
        kinks = {k / math.sqrt(q) for a in activations.values() for k in a.kinks if abs(k) < 12 * math.sqrt(q)}
        edges = np.array(sorted({*np.linspace(-12, 12, 241), *kinks}))
        nodes, weights = np.polynomial.legendre.leggauss(16)
        half = np.diff(edges)[:, None] / 2
        x, w = (edges[:-1, None] + half + half * nodes).ravel(), (half * weights).ravel()
        keys = [(name, slopes) for name in activations for slopes in (False, True)]
        root = np.exp(-x * x / 4) / (2 * math.pi) ** 0.25  # of the density, shared out for stability
        f = np.array([(activations[n].dg if s else activations[n].g)(math.sqrt(q) * x) for n, s in keys]) * root * w
        before, now = np.zeros_like(x), root
        sums = np.zeros((len(SERIES), len(keys)))
        for n in range(2500):  # 0.99^2500 = 1e-11
            sums += np.array(SERIES)[:, None] ** n * (f @ now) ** 2
            before, now = now, (x * now - math.sqrt(n) * before) / math.sqrt(n + 1)
        return {(name, c, s): sums[i, j] for i, c in enumerate(SERIES) for j, (name, s) in enumerate(keys)}

    return _mehler


@pytest.mark.parametrize("c", SERIES)
@pytest.mark.parametrize("q", [1e-4, 0.1, 1.0, 20.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_covariances_are_those_of_the_hermite_series(activation_named, mehler, name, q, c):
    activation = activation_named(name)
    for slopes, largest in ((False, theory.second_moment), (True, theory.slope_moment)):
        found = theory.covariance(activation, q, c, slopes=slopes)
        assert found == pytest.approx(mehler(q)[name, c, slopes], abs=1e-6 * largest(activation, q))


@pytest.mark.parametrize("q", [1e-6, 0.3, 1.0, 30.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_covariance_at_its_ends(activation_named, name, q):
    activation = activation_named(name)
    g, dg, kinks = activation.g, activation.dg, (*activation.kinks, *(-k for k in activation.kinks))
    assert theory.covariance(activation, q, 1.0) == pytest.approx(theory.second_moment(activation, q), rel=1e-9)
    assert theory.covariance(activation, q, 1.0, True) == pytest.approx(theory.slope_moment(activation, q), rel=1e-9)
    opposite, scale = by_quad(lambda z: g(z) * g(-z), q, kinks), theory.second_moment(activation, q)
    assert theory.covariance(activation, q, -1.0) == pytest.approx(opposite, abs=1e-6 * scale)
    opposite, scale = by_quad(lambda z: dg(z) * dg(-z), q, kinks), theory.slope_moment(activation, q)
    assert theory.covariance(activation, q, -1.0, True) == pytest.approx(opposite, abs=1e-6 * scale)
    mean = by_quad(g, q, activation.kinks)
    assert theory.covariance(activation, q, 0.0) == pytest.approx(
        mean**2, abs=1e-6 * theory.second_moment(activation, q)
    )


# ---------------------------------------------------------------- maps and their fixed points


@pytest.mark.parametrize("q", [0.01, 0.5, 3.0, 40.0])
@pytest.mark.parametrize("name", SMOOTH)
def test_slope_of_the_length_map(name, q):
    """dV/dq = E[g'^2] + E[g'' g], by parts; g'' by differences of g'."""
    activation, sigma_w, h = ACTIVATIONS[name], 1.3, 1e-5

    def bend(z):
        return (activation.dg(z + h) - activation.dg(z - h)) / (2 * h) * activation.g(z)

    expected = sigma_w**2 * (by_quad(lambda z: activation.dg(z) ** 2, q) + by_quad(bend, q))
    assert theory.length_slope(activation, sigma_w, q) == pytest.approx(expected, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize(("q", "sigma_w"), [(0.5, 1.0), (4.0, 2.0)])
def test_maps_are_those_of_their_moments(q, sigma_w):
    tanh = ACTIVATIONS["tanh"]
    assert theory.chi(tanh, sigma_w, q) == pytest.approx(sigma_w**2 * theory.slope_moment(tanh, q), rel=1e-14)
    mapped = theory.length_map(tanh, sigma_w, 0.3, q)
    assert mapped == pytest.approx(sigma_w**2 * theory.second_moment(tanh, q) + 0.09, rel=1e-14)


def iterated(activation, sigma_w, sigma_b, layers=3000):
    """The map is iterated layer by layer, as in a network; the limits can be inf and 0."""
    q = 1.0
    for _ in range(layers):
        q = theory.length_map(activation, sigma_w, sigma_b, q)
        if not 1e-13 < q < 1e9:
            return math.inf if q > 1 else 0.0
    return q


# (activation, sigma_w, sigma_b): settling, shrinking away, growing geometrically, and past an unstable fixed point
LONG = [
    ("tanh", 1.3, 0.3), ("tanh", 2.5, 0.3), ("tanh", 4.0, 0.0), ("tanh", 0.5, 0.0), ("sigmoid", 1.0, 0.0),
    ("selu", 1.0, 0.0), ("elu", 1.2, 0.1), ("gelu", 1.0, 0.2), ("relu", 1.0, 0.2), ("relu", 1.0, 0.0),
    ("softplus", 1.0, 0.1), ("sin", 1.5, 0.1), ("softsign", 2.0, 0.1), ("hard_tanh", 1.1, 0.3), ("erf", 1.0, 0.2),
    ("relu", 1.5, 0.0), ("relu", 2.0, 0.3), ("identity", 1.3, 0.0), ("leaky_relu", 2.0, 0.0), ("gelu", 1.5, 0.05),
    ("gelu", 2.0, 0.3), ("silu", 2.0, 1.0), ("silu", 1.7, 0.05), ("mish", 1.5, 0.3), ("softplus", 2.0, 0.3),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sigma_w", "sigma_b"), LONG)
def test_fixed_length_is_where_layer_after_layer_ends(activation_named, name, sigma_w, sigma_b):
    activation = activation_named(name)
    expected = iterated(activation, sigma_w, sigma_b)
    assert theory.fixed_length(activation, sigma_w, sigma_b) == pytest.approx(expected, rel=1e-8)
    assert (theory.fixed_point(activation, sigma_w, sigma_b) is None) == (expected in (0, math.inf))


@pytest.mark.parametrize(("name", "sigma_w"), [("identity", 1.0), ("relu", math.sqrt(2))])
@pytest.mark.parametrize("sigma_b", [0.05, 0.3, 1.0])
def test_length_that_grows_by_the_bias_in_every_layer_has_no_fixed_point(name, sigma_w, sigma_b):
    """q' = q + sigma_b^2."""
    assert theory.fixed_length(ACTIVATIONS[name], sigma_w, sigma_b) == math.inf
    assert theory.fixed_point(ACTIVATIONS[name], sigma_w, sigma_b) is None


@pytest.mark.parametrize("name", ["tanh", "sin", "softsign", "erf"])
def test_length_that_shrinks_algebraically_ends_at_zero(name):
    """On the edge without biases q = 0 is the only fixed point: V(q) D(0)^-1 < q (tanh: q_l ~ 1 / (2 l))."""
    activation = ACTIVATIONS[name]
    sigma_w = float(activation.dg(np.zeros(1))[0]) ** -1.0
    assert theory.fixed_length(activation, sigma_w, 0.0) == 0
    assert theory.fixed_point(activation, sigma_w, 0.0) is None


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [
        ("tanh", 1.3, 0.3),
        ("tanh", 2.5, 0.3),
        ("tanh", 1.8, 0.1),
        ("erf", 2.0, 0.3),
        ("sin", 2.0, 0.5),
        ("relu", 1.0, 0.3),
    ],
)
def test_fixed_correlation_is_where_the_map_ends(name, sigma_w, sigma_b):
    activation = ACTIVATIONS[name]
    q = theory.fixed_length(activation, sigma_w, sigma_b)
    c = 0.5
    for _ in range(400):
        c = (sigma_w**2 * theory.covariance(activation, q, c) + sigma_b**2) / q
    assert theory.fixed_correlation(activation, sigma_w, sigma_b, q) == pytest.approx(c, abs=1e-7)


def test_chaos_without_biases_uncorrelates():
    tanh = ACTIVATIONS["tanh"]
    point = theory.fixed_point(tanh, 2.0, 0.0)
    assert point.chi > 1
    assert point.c == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.3, 0.3), (2.5, 0.3), (1.2, 0.05)])
def test_depth_scales_by_definition(sigma_w, sigma_b):
    """xi = -1 / ln(slope) (Schoenholz et al. 2017): of c at c*, and of gradients."""
    tanh = ACTIVATIONS["tanh"]
    point = theory.fixed_point(tanh, sigma_w, sigma_b)
    length = [theory.length_map(tanh, sigma_w, sigma_b, point.q + d) for d in (1e-4, -1e-4)]
    assert point.slope == pytest.approx((length[0] - length[1]) / 2e-4, rel=1e-5)
    assert point.xi_gradient == pytest.approx(-1 / math.log(point.chi), rel=1e-12)
    assert (point.xi_gradient < 0) == (point.chi > 1)
    parting = sigma_w**2 * theory.covariance(tanh, point.q, point.c, slopes=True)
    assert point.xi_c == pytest.approx(-1 / math.log(parting), rel=1e-12)
    if point.c == 1:
        assert point.xi_c == pytest.approx(point.xi_gradient, rel=1e-6)
    else:  # Price: dE g(u1) g(u2) / dc = q E g'(u1) g'(u2)
        ends = [theory.covariance(tanh, point.q, point.c + d) for d in (1e-4, -1e-4)]
        assert sigma_w**2 * (ends[0] - ends[1]) / (2e-4 * point.q) == pytest.approx(parting, rel=1e-6)


def test_depth_scales_are_infinite_on_the_edge():
    tanh = ACTIVATIONS["tanh"]
    point = theory.fixed_point(tanh, theory.critical(tanh, 0.2).sigma_w, 0.2)
    assert (point.xi_c, point.xi_gradient, point.c) == (math.inf, math.inf, 1)


# ---------------------------------------------------------------- the edge of chaos


BIASES = (0.0, 0.05, 0.2, 0.5, 1.0)
HAS_EDGE = {  # name -> the biases of BIASES at which it returns; monotone and odd-like ones at all
    **dict.fromkeys(["tanh", "selu", "elu", "softsign", "erf", "sin"], BIASES),
    "hard_tanh": BIASES[:4],
    **dict.fromkeys(["gelu", "gelu_tanh", "mish"], (0.5, 1.0)),
    "silu": (1.0,),
    **dict.fromkeys(["identity", "relu", "leaky_relu", "relu6"], (0.0,)),
    **dict.fromkeys(["sigmoid", "softplus"], ()),
}


def test_the_edge_of_every_activation_is_tested_here():
    assert set(HAS_EDGE) == set(ACTIVATIONS)


@pytest.mark.parametrize("sigma_b", BIASES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_critical_is_on_the_edge_and_stable_or_refused(activation_named, name, sigma_b):
    activation = activation_named(name)
    if sigma_b not in HAS_EDGE[name]:
        with pytest.raises(theory.NoCriticalPoint) as reason:
            theory.critical(activation, sigma_b)
        assert "\n" not in str(reason.value)
        return
    point = theory.critical(activation, sigma_b)
    assert point.sigma_b == sigma_b
    if point.q == 0:
        assert sigma_b == 0
        slopes = [by_quad(lambda z: activation.dg(z) ** 2, q, activation.kinks) for q in (1e-9, 1e-10)]
        assert point.sigma_w**2 * slopes[1] == pytest.approx(1, abs=1e-4)
        assert iterated(activation, point.sigma_w, 0.0, 300) <= 1
        return
    slope = by_quad(lambda z: activation.dg(z) ** 2, point.q, activation.kinks)
    assert point.sigma_w**2 * slope == pytest.approx(1, abs=1e-6)
    second = by_quad(lambda z: activation.g(z) ** 2, point.q, activation.kinks)
    assert point.sigma_w**2 * second + sigma_b**2 == pytest.approx(point.q, rel=1e-6)
    if sigma_b > 0:
        assert point.slope < 1
        assert theory.fixed_length(activation, point.sigma_w, sigma_b) == pytest.approx(point.q, rel=1e-6)
        near = [theory.length_map(activation, point.sigma_w, sigma_b, point.q * f) / point.q for f in (0.99, 1.01)]
        assert 0.99 < near[0] <= 1 <= near[1] < 1.01


@pytest.mark.parametrize(("name", "sigma_w"), [("relu", "1.414"), ("identity", "1")])
def test_scale_invariant_ones_with_biases_are_refused_with_what_is_closest(name, sigma_w):
    with pytest.raises(theory.NoCriticalPoint, match=rf"the closest is sigma_b = 0 with sigma_w = {sigma_w}$"):
        theory.critical(ACTIVATIONS[name], 0.1)


def test_what_a_refusal_proposes_is_accepted():
    with pytest.raises(theory.NoCriticalPoint) as reason:
        theory.critical(ACTIVATIONS["gelu"], 0.2)
    closest, sigma_w = (float(part.split()[0]) for part in str(reason.value).split("closest")[1].split("= ")[1:])
    point = theory.critical(ACTIVATIONS["gelu"], closest)
    assert point.sigma_w == pytest.approx(sigma_w, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "sigma_w"),
    [
        ("tanh", 1.0), ("sin", 1.0), ("softsign", 1.0), ("hard_tanh", 1.0), ("erf", math.sqrt(math.pi) / 2),
        ("identity", 1.0), ("relu", math.sqrt(2)), ("leaky_relu", math.sqrt(2 / (1 + 0.01**2))),
    ],
)  # fmt: skip
def test_edge_without_biases(activation_named, name, sigma_w):
    """sigma_w = 1 / g'(0); He et al. 2015 for the rectifiers."""
    point = theory.critical(activation_named(name), 0.0)
    assert point.sigma_w == pytest.approx(sigma_w, abs=1e-5)
    assert point.sigma_b == 0


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2, -0.5, 1.0])
def test_he_is_critical_for_leaky_relu(activation_named, slope):
    """So he, gain and critical are the same row in the table of initializers."""
    rows = {row.initializer: row for row in theory.outlooks(activation_named("leaky_relu", slope=slope), 0.0)}
    for name in ("gain", "critical"):
        assert rows["he"].sigma_w == pytest.approx(rows[name].sigma_w, abs=1e-5)
    assert rows["he"].gradients == "keep their scale"


@pytest.mark.parametrize("sigma_b", [0.0, 0.1, 0.5])
def test_an_activation_of_the_users_own(sigma_b):
    point = theory.critical(WIGGLE, sigma_b)
    if sigma_b == 0:
        assert point.sigma_w == pytest.approx(1 / 1.1, abs=1e-6)
        return
    assert point.sigma_w**2 * by_quad(lambda z: WIGGLE.dg(z) ** 2, point.q) == pytest.approx(1, abs=1e-6)
    assert point.slope < 1


# ---------------------------------------------------------------- a finite network


def test_a_network_of_width_256_follows_the_maps():
    """On the edge of chaos of tanh (Schoenholz et al. 2017), within 4 standard errors over replicas."""
    tanh, sigma_b, width, depth, replicas = ACTIVATIONS["tanh"], math.sqrt(0.05), 256, 10, 8
    sigma_w = theory.critical(tanh, sigma_b).sigma_w
    scheme = Scheme(partial(INITIALIZERS["critical"], sigma_w=sigma_w), sigma_b=sigma_b)
    sizes = (width,) * (depth + 1)
    first, second = np.linalg.qr(np.random.default_rng(0).normal(size=(width, 2)))[0].T
    c = 0.3
    x = math.sqrt(2 * width) * np.stack([first, c * first + math.sqrt(1 - c * c) * second])[None]  # mean square 2
    theta = mlp.initialize({r: np.random.default_rng(r) for r in range(replicas)}, sizes, scheme, dtype=np.float64)
    z = mlp.forward(mlp.unflatten(theta, sizes), tanh, x).z

    def close(measured, expected):
        error = measured.std(ddof=1) / math.sqrt(replicas)
        assert abs(measured.mean() - expected) < SIGMAS * error

    q, c = sigma_w**2 * 2 + sigma_b**2, (sigma_w**2 * 2 * c + sigma_b**2) / (sigma_w**2 * 2 + sigma_b**2)
    for layer in z:
        close(np.square(layer).mean(axis=(1, 2)), q)
        one, other = layer[:, 0], layer[:, 1]
        lengths = np.sqrt(np.square(one).mean(axis=1) * np.square(other).mean(axis=1))
        close((one * other).mean(axis=1) / lengths, c)
        after = theory.length_map(tanh, sigma_w, sigma_b, q)
        q, c = after, (sigma_w**2 * theory.covariance(tanh, q, c) + sigma_b**2) / after
