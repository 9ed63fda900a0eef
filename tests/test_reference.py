"""Published numbers of mean field theory, and the networks that they are about.

Expectations are taken by the midpoint rule over activations spelled out again, so that neither the quadrature of
`mlpstudy.theory` nor the table of activations is its own judge. A simulation is compared by the mean of its replicas,
within 4 of their standard errors. Numbers of finite networks without such a theory: test_reference_networks.py.
"""

import math
from functools import partial

import numpy as np
import pytest
from scipy import optimize, special, stats

from mlpstudy import theory
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.initializers import INITIALIZERS, Scheme

SIGMAS = 4.0
X = (np.arange(-12000, 12000) + 0.5) * 1e-3  # midpoints: no kink at 0 is ever hit
WEIGHTS = np.exp(-X * X / 2) / math.sqrt(2 * math.pi) * 1e-3


def exponential_linear(alpha, scale):
    return (
        lambda z: scale * np.where(z > 0, z, alpha * (np.exp(np.minimum(z, 0)) - 1)),
        lambda z: scale * np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0))),
    )


OWN = {  # name -> (g, g'), from the textbook
    "identity": (lambda z: z, np.ones_like),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (special.expit, lambda z: special.expit(z) * special.expit(-z)),
    "softplus": (lambda z: np.logaddexp(0, z), special.expit),
    "relu": (lambda z: z * (z > 0), lambda z: 1.0 * (z > 0)),
    "silu": (lambda z: z * special.expit(z), lambda z: special.expit(z) * (1 + z * special.expit(-z))),
    "gelu": (lambda z: z * stats.norm.cdf(z), lambda z: stats.norm.cdf(z) + z * stats.norm.pdf(z)),
    "elu": exponential_linear(1.0, 1.0),
    "selu": exponential_linear(1.6732632423543772, 1.0507009873554805),
}


def mean(f, q):
    """E[f(z)], z ~ N(0, q)."""
    return float(WEIGHTS @ f(math.sqrt(q) * X))


def V(name, q, power=2):
    return mean(lambda z: OWN[name][0](z) ** power, q)


def D(name, q):
    return mean(lambda z: OWN[name][1](z) ** 2, q)


def next_correlation(name, sigma_w, sigma_b, q, c):
    """(sigma_w^2 E[g(u1) g(u2)] + sigma_b^2) / q, on a square grid."""
    x = X[15::30]
    w = np.exp(-x * x / 2) * 0.03 / math.sqrt(2 * math.pi)
    g, s = OWN[name][0], math.sqrt(q)
    both = w @ (g(s * x)[:, None] * g(s * (c * x[:, None] + math.sqrt(1 - c * c) * x))) @ w
    return (sigma_w**2 * float(both) + sigma_b**2) / q


def fixed_point(name, sigma_w, sigma_b):
    """q*, chi, c* by root finding on the expectations above."""
    q = optimize.brentq(lambda q: sigma_w**2 * V(name, q) + sigma_b**2 - q, 1e-3, 100, xtol=1e-13)
    chi, c = sigma_w**2 * D(name, q), 1.0
    if chi > 1:
        c = optimize.brentq(lambda c: next_correlation(name, sigma_w, sigma_b, q, c) - c, 0, 0.9, xtol=1e-9)
    return q, chi, c


def to_second_order(f, at, variance):
    """Mean and variance of f(p) for p of this mean and a small variance."""
    h = 1e-3 * at
    low, middle, high = f(at - h), f(at), f(at + h)
    return middle + (high - 2 * middle + low) / h**2 * variance / 2, ((high - low) / (2 * h)) ** 2 * variance


def next_square(name, sigma_w, sigma_b, n, p, variance):
    """Mean and variance of |a[l]|^2 / n from those of p = |a[l-1]|^2 / n, in networks of width n.

    Given the layer before, it is a mean of n independent g(z)^2, z ~ N(0, q), q = sigma_w^2 p + sigma_b^2.
    """
    q = sigma_w**2 * p + sigma_b**2
    square, spread = to_second_order(lambda p: V(name, sigma_w**2 * p + sigma_b**2), p, variance)
    return square, spread + (V(name, q, 4) - V(name, q) ** 2) / n


def assert_mean(measured, expected, allowance=0.0):
    """Over the replicas (first axis): |mean - expected| < 4 standard errors of the mean + the documented difference."""
    error = np.std(measured, axis=0, ddof=1) / math.sqrt(len(measured))
    assert (np.abs(np.mean(measured, axis=0) - expected) < SIGMAS * error + allowance).all()


def mean_squares(layers):
    """(R, layers), over batch and units."""
    return np.stack([np.square(layer).mean(axis=(1, 2)) for layer in layers], axis=1)


def passes(name, scheme, n, depth, replicas, x):
    """z, a and delta of the hidden layers, for errors dJ/dh ~ N(0, 1) of n outputs; x (batch, n)."""
    rngs = {r: np.random.default_rng([r, 11]) for r in range(replicas)}
    sizes = (n,) * (depth + 2)
    layers = mlp.unflatten(mlp.initialize(rngs, sizes, scheme), sizes)
    trace = mlp.forward(layers, ACTIVATIONS[name], x[None].astype(np.float32))
    dh = np.random.default_rng(12).normal(size=trace.h.shape).astype(np.float32)
    delta = mlp.backward(layers, ACTIVATIONS[name], trace, dh).delta
    return ([layer.astype(np.float64) for layer in found] for found in (trace.z[:-1], trace.a[1:], delta[:-1]))


def gaussian(sigma_w, sigma_b):
    return Scheme(partial(INITIALIZERS["critical"], sigma_w=sigma_w), sigma_b=sigma_b)


def orthonormal(n, rows, seed):
    """Orthogonal rows, so that their products with Gaussian weights are independent."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, rows)))[0].T


# ---------------------------------------------------------------- Poole et al. 2016: tanh, sigma_b = 0.3


# theory.md's numbers, right to their last digit but for one: it has c* = .0298 at sigma_w = 4, where c* = .029696
POOLE = [(1.3, 0.60705, 0.9398, 1.0), (2.5, 4.07912, 1.5852, 0.1221), (4.0, 12.60415, 2.3673, 0.0297)]


@pytest.mark.parametrize(("sigma_w", "q", "chi", "c"), POOLE)
def test_fixed_points_of_tanh(sigma_w, q, chi, c):
    """Poole et al. 2016, figures 1 and 2."""
    own = fixed_point("tanh", sigma_w, 0.3)
    assert (round(own[0], 5), round(own[1], 4), round(own[2], 4)) == (q, chi, c)
    point = theory.fixed_point(ACTIVATIONS["tanh"], sigma_w, 0.3)
    assert (point.q, point.chi, point.c) == pytest.approx(own, rel=1e-6)
    if sigma_w == 4:
        assert point.c == pytest.approx(0.029696, abs=5e-7)


@pytest.mark.slow
@pytest.mark.parametrize("sigma_w", [row[0] for row in POOLE])
def test_networks_of_width_1000_stay_at_the_fixed_point(sigma_w):
    """The width of Poole et al. 2016, figures 1 and 2. At q* the length stays, and deltas grow by chi per layer.

    Pairs follow the correlation map: from c* they do not move, from .8 they come nearer to it. A finite width shifts
    their cosines by the order of 1 / n, and the growth of deltas by 1 / n in every layer.
    """
    n, depth, replicas, pairs = 1000, 5, 16, 10
    q, chi, c_end = fixed_point("tanh", sigma_w, 0.3)
    p = (q - 0.09) / sigma_w**2  # mean square of the input
    starts = [min(c_end, 0.95), 0.8]  # of z[1]; 1 would be the same input twice
    r = np.repeat([(c * q - 0.09) / (q - 0.09) for c in starts], pairs // 2)[:, None]
    one, other = np.split(math.sqrt(n * p) * orthonormal(n, 2 * pairs, seed=2), 2)
    x = np.concatenate([one, r * one + np.sqrt(1 - r**2) * other])
    z, _, delta = passes("tanh", gaussian(sigma_w, 0.3), n, depth, replicas, x)

    variance, now = 0.0, starts
    for layer, square in zip(z, mean_squares(z).T, strict=True):
        assert_mean(square, sigma_w**2 * p + 0.09)
        p, variance = next_square("tanh", sigma_w, 0.3, n, p, variance)
        lengths = np.linalg.norm(layer, axis=2)
        cosines = (layer[:, :pairs] * layer[:, pairs:]).sum(axis=2) / (lengths[:, :pairs] * lengths[:, pairs:])
        assert_mean(cosines.reshape(replicas, 2, -1).mean(axis=2), now, allowance=1 / n)
        before, now = now, [next_correlation("tanh", sigma_w, 0.3, q, c) for c in now]
        assert abs(now[1] - c_end) < abs(before[1] - c_end)
    assert chi < 1 or now[0] == pytest.approx(c_end, abs=1e-6)
    assert sigma_w**2 * p + 0.09 == pytest.approx(q, rel=depth / n)
    deltas = mean_squares(delta)
    assert_mean(deltas[:, 0] / deltas[:, -1] / chi ** (depth - 1), 1.0, allowance=depth / n)


# ---------------------------------------------------------------- Schoenholz et al. 2017: tanh, sigma_b^2 = 0.05


def test_edge_of_chaos_of_tanh():
    """sigma_w^2 = 1.7609546396 and q* = .5700478816.

    theory.md has 1.76096, right to four decimals (1.7610) and one too many in the fifth; its q* = .57005 is right.
    """
    q = optimize.brentq(lambda q: q - V("tanh", q) / D("tanh", q) - 0.05, 1e-3, 10, xtol=1e-14)
    sigma_w2 = 1 / D("tanh", q)
    assert (sigma_w2, q) == pytest.approx((1.7609546396, 0.5700478816), abs=1e-9)
    assert (f"{sigma_w2:.4f}", f"{sigma_w2:.5f}", f"{q:.5f}") == ("1.7610", "1.76095", "0.57005")
    point = theory.critical(ACTIVATIONS["tanh"], math.sqrt(0.05))
    assert (point.sigma_w**2, point.q) == pytest.approx((sigma_w2, q), abs=1e-8)


# ---------------------------------------------------------------- Klambauer et al. 2017: SELU


def test_selu_has_the_fixed_point_mean_zero_variance_one_and_gradients_that_still_grow():
    """The alpha and lambda of Klambauer et al. 2017 are those with this fixed point; chi = 1.0716 by theory.md."""
    selu, chi = ACTIVATIONS["selu"], D("selu", 1.0)
    assert (mean(OWN["selu"][0], 1.0), V("selu", 1.0)) == pytest.approx((0, 1), abs=1e-6)
    assert chi == pytest.approx(1.0716, abs=5.1e-5)
    assert theory.expectation(selu.g, 1.0, selu.kinks) == pytest.approx(0, abs=1e-9)
    assert theory.second_moment(selu, 1.0) == pytest.approx(1, abs=1e-9)
    point = theory.fixed_point(selu, 1.0, 0.0)
    assert (point.q, point.chi) == pytest.approx((1, chi), abs=1e-6)
    assert point.slope < 1  # so that it is reached from elsewhere

    n, depth = 300, 20
    _, a, delta = passes("selu", gaussian(1.0, 0.0), n, depth, 20, math.sqrt(n) * orthonormal(n, 20, seed=3))
    p, variance = 1.0, 0.0
    for layer, square in zip(a, mean_squares(a).T, strict=True):
        assert_mean(layer.mean(axis=(1, 2)), to_second_order(lambda q: mean(OWN["selu"][0], q), p, variance)[0])
        p, variance = next_square("selu", 1.0, 0.0, n, p, variance)
        assert_mean(square, p)
    assert p == pytest.approx(1, abs=depth / n)
    deltas = mean_squares(delta)
    growth = deltas[:, 0] / deltas[:, -1]
    assert_mean(growth / chi ** (depth - 1), 1.0, allowance=depth / n)
    assert growth.min() > 1  # chi^19 = 3.7


# ---------------------------------------------------------------- second-moment gains


# 1 / sqrt(E g^2) at unit variance. theory.md, all digits right; relu: He et al. 2015; selu: Klambauer et al. 2017
GAINS = {"tanh": 1.5925, "sigmoid": 1.8462, "gelu": 1.5335, "silu": 1.6765, "elu": 1.2452}
EXACT_GAINS = {"relu": math.sqrt(2), "selu": 1.0, "identity": 1.0}


@pytest.mark.parametrize(("name", "gain"), [*GAINS.items(), *EXACT_GAINS.items()])
def test_gains(activation_named, name, gain):
    own = V(name, 1.0) ** -0.5
    assert own == pytest.approx(gain, abs=5e-5)
    found = theory.gain(activation_named(name))
    assert found == pytest.approx(own, rel=1e-7)
    assert found == pytest.approx(gain, abs=1e-9 if name in EXACT_GAINS else 5e-5)


# ---------------------------------------------------------------- theory.md's traps


def edge(name, q):
    """(sigma_w, sigma_b^2) for which q is a fixed point with chi = 1: sigma_w^2 = 1 / D, sigma_b^2 = q - V / D."""
    return D(name, q) ** -0.5, q - V(name, q) / D(name, q)


@pytest.mark.parametrize(("name", "sigma_w", "slope"), [("silu", 1.67953, 1.09873), ("gelu", 1.54701, 1.09504)])
def test_the_one_point_with_chi_1_of_silu_and_gelu_is_unstable_and_refused(name, sigma_w, slope):
    """theory.md: at sigma_b = 0.2 the slope of the length map there is above 1, so lengths nearby move away from it."""
    lengths = np.geomspace(1e-4, 1e3, 141)
    off = np.array([edge(name, q)[1] - 0.04 for q in lengths])
    (i,) = np.flatnonzero(off[:-1] * off[1:] < 0)
    q = optimize.brentq(lambda q: edge(name, q)[1] - 0.04, lengths[i], lengths[i + 1], xtol=1e-13)
    found = edge(name, q)[0]
    after = [found**2 * V(name, q + h) + 0.04 for h in (1e-4, 0, -1e-4)]
    assert (found, (after[0] - after[2]) / 2e-4) == pytest.approx((sigma_w, slope), abs=5.1e-6)
    assert after[1] == pytest.approx(q, rel=1e-9)
    for start in (0.99 * q, 1.01 * q):
        layers = [start]
        for _ in range(20):
            layers.append(found**2 * V(name, layers[-1]) + 0.04)
        assert (np.diff(np.abs(np.array(layers) - q)) > 0).all()
    said = rf"chi = 1 \(sigma_w = {sigma_w:.4g}\) the length map is unstable \(slope {slope:.4g}\); the closest"
    with pytest.raises(theory.NoCriticalPoint, match=said):
        theory.critical(ACTIVATIONS[name], 0.2)


def test_gradients_of_sigmoid_vanish():
    """theory.md: chi = .056 at sigma_w = 1."""
    own = fixed_point("sigmoid", 1.0, 0.0)
    assert own[1] == pytest.approx(0.056, abs=5e-4)
    point = theory.fixed_point(ACTIVATIONS["sigmoid"], 1.0, 0.0)
    assert (point.q, point.chi, point.c) == pytest.approx(own, rel=1e-6)


def test_sigmoid_has_points_with_chi_1_only_where_most_of_it_is_saturated_and_softplus_none():
    """theory.md. sigma_b^2 = q - V / D is negative at every q of softplus and below q = 45.6 of sigmoid.

    There, 54 % of sigmoid's units are where g' is below .0591 of its largest value: 4 g'(z) = 1 - tanh(z / 2)^2.
    """
    lengths = np.geomspace(1e-4, 1e5, 181)
    assert all(edge("softplus", q)[1] < 0 for q in lengths)
    assert [q for q in lengths if edge("sigmoid", q)[1] > 0] == [q for q in lengths if q > 45.6]
    assert 2 * stats.norm.sf(2 * math.atanh(math.sqrt(1 - 0.0591)) / math.sqrt(45.6)) == pytest.approx(0.54, abs=5e-3)


@pytest.mark.parametrize("sigma_b", [0.0, 0.05, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_what_has_no_usable_edge_is_refused(name, sigma_b):
    with pytest.raises(theory.NoCriticalPoint, match="nor is there a usable one at any other sigma_b"):
        theory.critical(ACTIVATIONS[name], sigma_b)


def test_length_of_tanh_with_xavier_decays_algebraically():
    """theory.md: q_l ~ 1 / (2 l), and it does not settle.

    tanh^2 z = z^2 - 2/3 z^4 + 17/45 z^6 - 62/315 z^8, moments 1, 3, 15, 105: 1/q' = 1/q + 2 - 5/3 q + 6 q^2 - ...
    """
    tanh = ACTIVATIONS["tanh"]
    for q in (1e-2, 1e-3):
        step = 1 / theory.length_map(tanh, 1.0, 0.0, q) - 1 / q
        assert step == pytest.approx(2 - 5 / 3 * q, abs=6 * q**2 + 1e-8)
        assert step == pytest.approx(1 / V("tanh", q) - 1 / q, abs=1e-8)
    q, off = 1.0, {}
    for layer in range(1, 6001):
        off[layer] = 2 * layer * q - 1
        q = V("tanh", q)
    assert abs(off[6000]) < 1e-3
    assert abs(off[6000]) < abs(off[600]) < abs(off[60])
    assert theory.fixed_point(tanh, 1.0, 0.0) is None


def test_networks_of_tanh_with_xavier_decay_algebraically(scheme_named):
    """At width 200 they are, as expected, some percent below q_l in the end: see `next_square`."""
    n, depth = 200, 40
    _, a, _ = passes("tanh", scheme_named("xavier"), n, depth, 20, math.sqrt(n) * orthonormal(n, 20, seed=7))
    p, variance, q = 1.0, 0.0, 1.0
    for square in mean_squares(a).T:
        p, variance = next_square("tanh", 1.0, 0.0, n, p, variance)
        q = V("tanh", q)
        assert_mean(square, p)
    assert 0.9 * q < p < q
