"""Predicted profiles against plain recursions, closed forms, and float64 networks that are drawn and run here."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from scipy import integrate, special

from mlpstudy import theory
from mlpstudy.network.activations import ACTIVATIONS, SATURATED_SLOPE
from mlpstudy.theory import Ensemble

SIGMAS = 4.0


def ensemble(sizes, sigma_w=1.0, sigma_b=0.0, x=None, dh=None, orthogonal=False):
    """Weights of variance sigma_w^2 / n_in in every layer; one input of mean square 1 and one error by default."""
    depth = len(sizes) - 1
    second_moment, correlation, alignment = np.ones(1), np.ones(1), np.ones(1)
    if x is not None:
        one, other = np.triu_indices(len(x), 1)
        second_moment, correlation = np.square(x).mean(axis=1), cosines(x)[one, other]
        alignment = np.square(cosines(dh))[one, other]
    return Ensemble(
        sizes=tuple(sizes),
        weight_variance=sigma_w**2 / np.array(sizes[:-1]),
        bias_variance=np.full(depth, sigma_b**2),
        freedom=np.full(depth, 0.0 if orthogonal else 1.0),
        second_moment=second_moment,
        correlation=correlation,
        alignment=alignment,
    )


def cosines(x):
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return unit @ unit.T


# ---------------------------------------------------------------- the mean: infinite width, the network's own sizes


def by_quad(f, q, kinks=()):
    """E[f(z)], z ~ N(0, q), by QUADPACK."""
    s = math.sqrt(q)
    points = [p for p in (0.0, *kinks, *(side * z for z in (1, 3, 8) for side in (1, -1))) if abs(p) < 8 * s]
    density = 1 / math.sqrt(2 * math.pi * q)
    whole = integrate.quad(
        lambda z: f(np.array([z]))[0] * density * math.exp(-z * z / (2 * q)), -8.5 * s, 8.5 * s,
        points=sorted(points), epsabs=0, epsrel=1e-9, limit=500,
    )  # fmt: skip
    return whole[0]


NODES, WEIGHTS = special.roots_hermitenorm(60)


def plane_average(f, q, c):
    """E[f(u1) f(u2)] of a smooth f by a product of Gauss-Hermite rules; u1, u2 ~ N(0, q) with correlation c."""
    u1 = math.sqrt(q) * NODES[:, None] + 0 * NODES
    u2 = math.sqrt(q) * (c * NODES[:, None] + math.sqrt(1 - c * c) * NODES)
    return float(np.einsum("i,j,ij->", WEIGHTS, WEIGHTS, f(u1) * f(u2)) / WEIGHTS.sum() ** 2)


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"), [("tanh", 1.6, 0.3), ("gelu", 1.5, 0.5), ("relu", math.sqrt(2), 0.0)]
)
def test_mean_is_the_plain_recursion(name, sigma_w, sigma_b):
    """He et al. 2015; Poole et al. 2016; Schoenholz et al. 2017: layer by layer, sample by sample."""
    activation, sizes = ACTIVATIONS[name], (7, 20, 50, 30, 30, 4)
    variance = sigma_w**2 / np.array(sizes[:-1])
    variance[2] *= 1.7  # a layer of its own
    e = ensemble(sizes)
    e = Ensemble(
        sizes, variance, np.full(5, sigma_b**2), e.freedom, np.array([0.4, 2.5]), np.array([0.35]), np.array([0.1])
    )
    q, c, expected = np.array([0.4, 2.5]), 0.35, {}
    slopes, one_length = [], None
    for i in range(4):
        if i > 0:
            second = np.array([by_quad(lambda z: activation.g(z) ** 2, at, activation.kinks) for at in q])
            slopes.append([by_quad(lambda z: activation.dg(z) ** 2, at, activation.kinks) for at in q])
            expected.setdefault("activation_rms", []).append(math.sqrt(second.mean()))
            if name != "relu":
                c = plane_average(activation.g, one_length, c) / by_quad(lambda z: activation.g(z) ** 2, one_length)
            q = second
        before, q = q, sizes[i] * variance[i] * q + sigma_b**2
        one_length = math.exp(np.log(q).mean())  # correlations are followed at the samples' geometric mean
        c = (c * (through := (sizes[i] * variance[i] * before).mean()) + sigma_b**2) / (through + sigma_b**2)
        expected.setdefault("preactivation_std", []).append(math.sqrt(q.mean()))
        if name != "relu":
            expected.setdefault("input_correlation", []).append(c)
    found = theory.profile(activation, e).mean
    for statistic, values in expected.items():
        rtol = 1e-5 if statistic == "input_correlation" else 1e-6  # what 60 nodes of Gauss-Hermite are good to
        np.testing.assert_allclose(found[statistic][: len(values)], values, rtol=rtol, err_msg=statistic)
    last = [by_quad(lambda z: activation.dg(z) ** 2, at, activation.kinks) for at in q]
    slopes.append(last)
    delta, rms = np.array(last), []
    for i in (2, 1, 0):
        delta = delta * sizes[i + 2] * variance[i + 1] * slopes[i]
        rms.append(math.sqrt(delta.mean() / np.mean(last)))
    np.testing.assert_allclose(found["delta_rms"], [*rms[::-1], 1], rtol=1e-6)
    gains = [variance[i] * max(sizes[i : i + 2]) * (np.mean(slopes[i - 1]) if i else 1) for i in range(4)]
    np.testing.assert_allclose(found["jacobian_gain"], gains, rtol=1e-6)


def test_mean_of_saturated_entries():
    """tanh: P(|z| > atanh sqrt(1 - s)) in every layer, z ~ N(0, q_l)."""
    e = ensemble((10, 30, 30, 3), sigma_w=3.0, sigma_b=0.5)
    found = theory.profile(ACTIVATIONS["tanh"], e).mean
    edge, q = math.atanh(math.sqrt(1 - SATURATED_SLOPE)), found["preactivation_std"] ** 2
    np.testing.assert_allclose(found["saturated_fraction"], [math.erfc(edge / math.sqrt(2 * x)) for x in q], rtol=1e-9)


def test_no_dead_units_is_0():
    """Independent samples of tanh at sigma_w = sqrt(2): P(flat) < 0.15, so P of all 256 < 1e-200."""
    x, dh = np.random.default_rng(0).normal(size=(256, 400)), np.eye(3)[np.arange(256) % 3]
    found = theory.profile(ACTIVATIONS["tanh"], ensemble((400, 30, 30, 3), math.sqrt(2), 0.0, x, dh))
    for profile in (found.mean, found.typical):
        assert profile["dead_fraction"].tolist() == [0.0, 0.0]
        assert (profile["saturated_fraction"] < 0.15).all()


def test_published_fixed_points_are_reached():
    """Poole et al. 2016: tanh, sigma_b = 0.3, sigma_w = 2.5: q* = 4.07912, chi = 1.5852, c* = 0.1221."""
    x = np.random.default_rng(0).normal(size=(2, 40))
    e = ensemble((40,) * 102, 2.5, 0.3, x, dh=np.eye(2, 40))
    found = theory.profile(ACTIVATIONS["tanh"], e).mean
    assert found["preactivation_std"][-1] ** 2 == pytest.approx(4.07912, abs=5.1e-6)
    assert found["input_correlation"][-1] == pytest.approx(0.1221, abs=5.1e-5)
    assert (found["delta_rms"][50] / found["delta_rms"][51]) ** 2 == pytest.approx(1.5852, abs=5.1e-5)
    assert found["jacobian_gain"][-1] == pytest.approx(1.5852, abs=5.1e-5)


def test_xavier_halves_relu():
    """He et al. 2015: (1 / sqrt 2)^L: 4.9e-4 at 22, 3.1e-5 at 30 layers."""
    found = theory.profile(ACTIVATIONS["relu"], ensemble((50,) * 32)).mean
    assert found["activation_rms"][21] == pytest.approx(4.9e-4, rel=0.01)
    assert found["activation_rms"][29] == pytest.approx(3.1e-5, rel=0.02)


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "sigmoid"])
@pytest.mark.parametrize("orthogonal", [False, True])
def test_delta_is_relative_to_the_last_hidden_layer(name, orthogonal):
    found = theory.profile(ACTIVATIONS[name], ensemble((5, 20, 30, 20, 3), 1.4, 0.2, orthogonal=orthogonal))
    assert found.mean["delta_rms"][-1] == 1
    assert found.typical["delta_rms"][-1] == 1
    alone = theory.profile(ACTIVATIONS[name], ensemble((5, 20, 3), 1.4, 0.2, orthogonal=orthogonal))
    assert alone.typical["delta_rms"].tolist() == [1]


def test_profiles_do_not_underflow():
    """Sigmoid, chi = 0.056: 200 layers are 125 decades of delta^2."""
    found = theory.profile(ACTIVATIONS["sigmoid"], ensemble((64,) * 202)).mean["delta_rms"]
    ratios = found[:-1] / found[1:]
    assert found[0] < 1e-100
    np.testing.assert_allclose(ratios[20:] ** 2, ratios[-1] ** 2, rtol=1e-6)
    assert ratios[-1] ** 2 == pytest.approx(0.056, abs=5.1e-4)  # by Schoenholz et al. 2017


# ---------------------------------------------------------------- the typical profile in closed form


def shift(found, name):
    """The shift of the log of the mean square, layer by layer."""
    return 2 * np.log(found.typical[name] / found.mean[name])


def test_relu_lies_below_its_mean_by_a_known_shift():
    """Hanin & Rolnick 2018: -2.5 per layer over width; unequal widths add up, and gradients lose the same."""
    found = theory.profile(ACTIVATIONS["relu"], ensemble((40,) + (100,) * 20 + (10,), math.sqrt(2)))
    layers = np.arange(1, 21)
    np.testing.assert_allclose(shift(found, "activation_rms"), -2.5 * layers / 100, rtol=1e-6)
    np.testing.assert_allclose(shift(found, "delta_rms"), -2.5 * (20 - layers) / 100, rtol=1e-6, atol=1e-12)
    found = theory.profile(ACTIVATIONS["relu"], ensemble((40, 50, 200, 25, 10), math.sqrt(2)))
    np.testing.assert_allclose(shift(found, "activation_rms"), -2.5 * np.cumsum([1 / 50, 1 / 200, 1 / 25]), rtol=1e-6)
    expected = -2.5 * np.array([1 / 50 + 1 / 200, 1 / 200, 0])
    np.testing.assert_allclose(shift(found, "delta_rms"), expected, rtol=1e-6, atol=1e-12)


def test_a_linear_network_lies_below_its_mean_by_one_over_the_width_of_each_layer():
    """log of chi^2 with n degrees of freedom over n: -1/n to first order."""
    found = theory.profile(ACTIVATIONS["identity"], ensemble((40, 50, 200, 25, 10)))
    np.testing.assert_allclose(shift(found, "activation_rms"), -np.cumsum([1 / 50, 1 / 200, 1 / 25]), rtol=1e-9)
    expected = [-1 / 50 - 1 / 200, -1 / 200, 0]
    np.testing.assert_allclose(shift(found, "delta_rms"), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("samples", [1, 12])
def test_an_orthogonal_linear_network_is_its_mean(samples):
    """Square orthogonal matrices keep every length (Saxe et al. 2013)."""
    rng = np.random.default_rng(0)
    e = ensemble((30,) * 12, 1.0, 0.0, rng.normal(size=(samples, 30)), rng.normal(size=(samples, 30)), orthogonal=True)
    if samples == 1:
        e = ensemble((30,) * 12, orthogonal=True)
    found = theory.profile(ACTIVATIONS["identity"], e)
    for name in ("activation_rms", "delta_rms"):
        np.testing.assert_allclose(shift(found, name), 0, atol=1e-12)


def test_orthogonal_matrices_of_unequal_widths():
    """A taller one keeps lengths; a flatter one is a projection, the log of a Beta: -(1/m - 1/n) to first order."""
    found = theory.profile(ACTIVATIONS["identity"], ensemble((40, 100, 25, 50, 10), orthogonal=True))
    kept = 1 / 100 - 1 / 25
    np.testing.assert_allclose(shift(found, "activation_rms"), [0, kept, kept], rtol=1e-9, atol=1e-12)
    back = 1 / 50 - 1 / 25  # on the way back 50 -> 25 loses directions, 25 -> 100 loses none
    np.testing.assert_allclose(shift(found, "delta_rms"), [back, back, 0], rtol=1e-9, atol=1e-12)


def test_batches_of_relu_in_closed_form():
    """By the arc-cosine kernels (Cho & Saul 2009): half the mean over pairs of the covariance of what layers draw.

    With theta = acos c: E[1 1] / E[1]^2 = 2 (pi - theta) / pi, c' = (sin theta + (pi - theta) c) / pi, and
    E[relu^2 relu^2] / E[relu^2]^2 by integrating u^2 v^2 over the quadrant. Wide: 1/n^2 is nothing. Of two inputs
    one is three times as long: of the pairs that make up a batch's variance, 0.1^2 + 0.9^2 are of one with itself.
    """
    n, depth, relu = 10**6, 6, ACTIVATIONS["relu"]
    sizes, c, alignment = (n,) * (depth + 2), np.array([0.2, 1.0]), np.array([0.7, 1.0])  # of the pair, of one alone
    variance = np.full(depth + 1, 2 / n)
    none, free = np.zeros(depth + 1), np.ones(depth + 1)
    e = Ensemble(sizes, variance, none, free, np.array([1.0, 9.0]), c[:1], alignment[:1])
    forward, backward, lengths, gates, slopes = [], [], [], [], []
    for _ in range(depth):
        theta = np.arccos(c)
        both = (np.pi - theta) * (1 + 2 * c**2) + 3 * np.sin(theta) * c
        lengths.append((2 * both / np.pi - 1) @ [0.18, 0.82])
        gates.append(2 * (np.pi - theta) / np.pi)
        slopes.append((np.pi - theta) / np.pi)
        c = (np.sin(theta) + (np.pi - theta) * c) / np.pi
        forward.append(-sum(lengths) / 2 / n)
    total = 0.0
    for layer in reversed(range(depth)):
        total += (gates[layer] * (1 + 2 * alignment) - 1).mean()  # both samples' deltas are as long
        alignment = alignment * slopes[layer] ** 2
        backward.append(-total / 2 / n)
    found = theory.profile(relu, e)
    np.testing.assert_allclose(shift(found, "activation_rms"), forward, rtol=1e-3)
    expected = np.array(backward[::-1]) - backward[0]
    np.testing.assert_allclose(shift(found, "delta_rms"), expected, rtol=1e-3, atol=1e-12)


def test_the_shift_vanishes_with_width():
    for name in ("tanh", "gelu", "selu"):
        shifts = [
            np.abs(shift(theory.profile(ACTIVATIONS[name], ensemble((n,) * 8, 1.2, 0.2)), "delta_rms")).max()
            for n in (10**3, 10**4)
        ]
        assert shifts[1] == pytest.approx(shifts[0] / 10, rel=0.01)


# ---------------------------------------------------------------- against networks of finite width


def draw(rng, replicas, n_out, n_in, orthogonal):
    """Matrices (replicas, n_out, n_in) of variance 1 / n_in, or with orthonormal rows or columns, to that variance."""
    drawn = rng.normal(size=(replicas, n_out, n_in))
    if not orthogonal:
        return drawn / math.sqrt(n_in)
    tall = drawn if n_out >= n_in else drawn.swapaxes(1, 2)
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    return (q if n_out >= n_in else q.swapaxes(1, 2)) * math.sqrt(max(n_out, n_in) / n_in)


def simulate(activation, sizes, sigma_w, sigma_b, x, dh, replicas, orthogonal=False, seed=0):
    """Statistics of random networks by name, (replicas, depth): logs of mean squares, shares, mean cosines.

    dh are the errors dJ/dh, or a function of h.
    """
    rng, depth = np.random.default_rng(seed), len(sizes) - 2
    W = [sigma_w * draw(rng, replicas, o, i, orthogonal) for i, o in itertools.pairwise(sizes)]
    a, z = np.broadcast_to(x, (replicas, *x.shape)), []
    found = {name: np.zeros((replicas, depth)) for name in TOLD}
    for i in range(depth):
        z.append(a @ W[i].swapaxes(1, 2) + sigma_b * rng.normal(size=(replicas, 1, sizes[i + 1])))
        a = activation.g(z[i])
        found["preactivation_std"][:, i] = np.log(z[i].var(axis=(1, 2)))
        found["activation_rms"][:, i] = np.log(np.square(a).mean(axis=(1, 2)))
        flat = np.abs(activation.dg(z[i])) < SATURATED_SLOPE * activation.sup_dg
        found["saturated_fraction"][:, i] = flat.mean(axis=(1, 2))
        found["dead_fraction"][:, i] = flat.all(axis=1).mean(axis=1)
        if len(x) > 1:
            total = (z[i] / np.linalg.norm(z[i], axis=2, keepdims=True)).sum(axis=1)
            pairs = len(x) * (len(x) - 1)
            found["input_correlation"][:, i] = (np.square(total).sum(axis=1) - len(x)) / pairs
    delta = dh(a @ W[-1].swapaxes(1, 2)) if callable(dh) else np.broadcast_to(dh, (replicas, *dh.shape))
    for i in reversed(range(depth)):
        delta = (delta @ W[i + 1]) * activation.dg(z[i])
        found["delta_rms"][:, i] = np.log(np.square(delta).mean(axis=(1, 2)))
    found["delta_rms"] -= found["delta_rms"][:, -1:]
    return found


TOLD = (
    "preactivation_std", "activation_rms", "delta_rms", "saturated_fraction", "dead_fraction", "input_correlation"
)  # fmt: skip
LOGS = TOLD[:3]
EQUAL, UNEQUAL = (40, *(64,) * 6, 8), (40, 48, 96, 40, 64, 56, 8)
NARROW = (*(32,) * 13, 16)
SINGLE, MANY, ONE = "a single input", "many inputs, errors in all directions", "many inputs, errors along one"
EACH = "a direction of its own for each input's error"
UNEVEN = "few inputs much longer than most"
CASES = {  # activation, sigma_w, sigma_b, orthogonal, sizes, data
    "relu he": ("relu", math.sqrt(2), 0.0, False, EQUAL, SINGLE),
    "relu he, unequal": ("relu", math.sqrt(2), 0.0, False, UNEQUAL, ONE),
    "relu with biases": ("relu", 1.2, 0.5, False, EQUAL, MANY),
    "relu orthogonal with biases": ("relu", 1.2, 0.5, True, UNEQUAL, SINGLE),
    "linear": ("identity", 1.0, 0.0, False, EQUAL, SINGLE),
    "linear with biases": ("identity", 0.9, 0.4, False, UNEQUAL, MANY),
    "linear orthogonal, unequal": ("identity", 1.0, 0.3, True, UNEQUAL, MANY),
    "tanh ordered": ("tanh", 1.3, 0.3, False, EQUAL, SINGLE),
    "tanh ordered, many": ("tanh", 1.3, 0.3, False, UNEQUAL, MANY),
    "tanh chaotic": ("tanh", 2.5, 0.3, False, EQUAL, SINGLE),
    "tanh chaotic, many": ("tanh", 2.5, 0.3, False, UNEQUAL, ONE),
    "tanh orthogonal": ("tanh", 1.0, 0.0, True, EQUAL, SINGLE),
    "tanh orthogonal with biases": ("tanh", 1.3, 0.3, True, UNEQUAL, ONE),
    "sigmoid": ("sigmoid", 2.0, 0.5, False, EQUAL, MANY),
    "selu": ("selu", 1.0, 0.1, False, EQUAL, SINGLE),
    "selu, many": ("selu", 1.0, 0.1, False, EQUAL, ONE),
    "gelu": ("gelu", 1.5, 0.5, False, EQUAL, SINGLE),
    "silu, many": ("silu", 1.8, 0.8, False, UNEQUAL, MANY),
    "relu, uneven": ("relu", math.sqrt(2), 0.0, False, EQUAL, UNEVEN),
    "gelu, uneven": ("gelu", 1.2, 0.0, False, EQUAL, UNEVEN),
    "linear, deep": ("identity", 1.0, 0.0, False, NARROW, EACH),
    "tanh, deep": ("tanh", 1.5, 0.0, False, NARROW, MANY),
    "tanh orthogonal, deep": ("tanh", 1.0, 0.0, True, NARROW, MANY),
    "selu, deep": ("selu", 1.0, 0.0, False, NARROW, MANY),
}
REPLICAS = {SINGLE: 1200, EACH: 1600, UNEVEN: 500}


@cache
def data(kind, n_in, n_out):
    """Inputs and errors dJ/dh. Samples of unequal length that partly agree; errors of equal length."""
    rng = np.random.default_rng(5)
    if kind == SINGLE:
        x, dh = rng.normal(size=(1, n_in)), rng.normal(size=(1, n_out))
        return x / math.sqrt(np.square(x).mean()), dh
    if kind == EACH:
        return rng.normal(size=n_in) + 0.2 * rng.normal(size=(n_out, n_in)), np.eye(n_out)
    x = (rng.normal(size=(48, n_in)) + 0.7 * rng.normal(size=(1, n_in))) * rng.uniform(0.8, 1.2, size=(48, 1))
    if kind == ONE:
        return x, rng.choice([-1.0, 1.0], size=(48, 1)) * rng.normal(size=(1, n_out))
    if kind == UNEVEN:
        x = rng.normal(size=(48, n_in)) * np.where(np.arange(48) < 3, 5.0, 1.0)[:, None]
    dh = rng.normal(size=(48, n_out))
    return x, dh / np.linalg.norm(dh, axis=1, keepdims=True)


@cache
def compared(case):
    """(prediction, simulated mean and standard error by statistic) of one case."""
    name, sigma_w, sigma_b, orthogonal, sizes, kind = CASES[case]
    x, dh = data(kind, sizes[0], sizes[-1])
    e = ensemble(sizes, sigma_w, sigma_b, orthogonal=orthogonal)
    if kind != SINGLE:
        e = ensemble(sizes, sigma_w, sigma_b, x, dh, orthogonal)
    replicas = REPLICAS.get(kind, 300)
    found = simulate(ACTIVATIONS[name], sizes, sigma_w, sigma_b, x, dh, replicas, orthogonal, seed=len(case))
    errors = {k: v.std(axis=0, ddof=1) / math.sqrt(replicas) for k, v in found.items()}
    return theory.profile(ACTIVATIONS[name], e), {k: (v.mean(axis=0), errors[k]) for k, v in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_typical_profile_is_that_of_finite_networks(case):
    """Means over replicas of the log of mean squares, within 4 standard errors and 1e-3 for the next order in 1/n."""
    prediction, found = compared(case)
    for name in LOGS:
        mean, error = found[name]
        off = 2 * np.log(prediction.typical[name]) - mean
        assert (np.abs(off) <= SIGMAS * error + 1e-3).all(), (name, off, error)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("relu he", "activation_rms"),
        ("relu he", "delta_rms"),
        ("linear", "delta_rms"),
        ("tanh ordered", "delta_rms"),
        ("tanh chaotic", "delta_rms"),
        ("tanh orthogonal", "activation_rms"),
        ("gelu", "activation_rms"),
        ("gelu", "delta_rms"),
    ],
)
def test_the_mean_profile_is_not_that_of_finite_networks(case, name):
    """The test above can then tell the two apart."""
    prediction, found = compared(case)
    mean, error = found[name]
    off = np.abs(2 * np.log(prediction.mean[name]) - mean)
    assert (off[error > 0] > 7 * error[error > 0]).any()


@pytest.mark.parametrize("case", CASES)
def test_shares_and_correlations_are_those_of_finite_networks(case):
    """Both predictions have no shift of order 1/n (about 1/64 here), and use one length for all samples."""
    prediction, found = compared(case)
    for name in TOLD[3:]:
        mean, error = found[name]
        if name != "input_correlation" or CASES[case][5] not in (SINGLE, UNEVEN):
            assert (np.abs(prediction.typical[name] - mean) <= SIGMAS * error + 0.015).all(), name


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sigma_w"), [("relu", math.sqrt(2)), ("identity", 1.0), ("selu", 1.0)])
def test_errors_that_depend_on_the_output_come_back_longer(name, sigma_w):
    """dJ/dh = h, of mse with targets 0: E[|h|^4 / q |h|^2] - 1 = n_L - 1, and 0 would be seen to be wrong.

    Half a percent for the next order in 1/n.
    """
    sizes, (x, _) = (40, *(64,) * 12, 8), data(SINGLE, 40, 8)
    found = simulate(ACTIVATIONS[name], sizes, sigma_w, 0.0, x, lambda h: h, 1200)["delta_rms"]
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    e = ensemble(sizes, sigma_w)
    with_it = theory.profile(ACTIVATIONS[name], e, lambda q: sizes[-1] - 1)
    without = theory.profile(ACTIVATIONS[name], e)
    off, wrong = (2 * np.log(p.typical["delta_rms"]) - found.mean(axis=0) for p in (with_it, without))
    assert (np.abs(off) <= SIGMAS * error + 0.005).all()
    assert (np.abs(wrong) > SIGMAS * error + 0.005).any()


def on_sphere(rng, replicas, n):
    """Uniform directions in n dimensions, of mean square 1."""
    drawn = rng.normal(size=(replicas, n))
    return drawn / np.sqrt(np.square(drawn).mean(axis=1, keepdims=True))


def two_layers(activation, sigma_w, n, replicas, orthogonal, seed):
    """log delta_1^2 / delta_2^2 of one input by its law, (replicas,): many more than matrices would allow.

    W[1] x is a Gaussian vector, or one of fixed length in a random direction; so is W[2] a. Given z = W[2] a, the
    vector delta W[2] has the component z . delta / |a| along a, and is Gaussian, or of the length that remains, across.
    """
    rng, draws = np.random.default_rng(seed), on_sphere if orthogonal else (lambda rng, *shape: rng.normal(size=shape))
    z1 = sigma_w * draws(rng, replicas, n)
    a = activation.g(z1)
    rms = np.sqrt(np.square(a).mean(axis=1, keepdims=True))
    z2 = sigma_w * rms * draws(rng, replicas, n)
    delta = activation.dg(z2) * draws(rng, replicas, n)
    delta = delta / np.sqrt(np.square(delta).mean(axis=1, keepdims=True))
    along = a / rms / math.sqrt(n)
    across = rng.normal(size=(replicas, n))
    across -= (across * along).sum(axis=1, keepdims=True) * along
    reach = (z2 * delta).sum(axis=1, keepdims=True) / rms / math.sqrt(n) / sigma_w
    if orthogonal:
        across *= np.sqrt((n - np.square(reach)) / np.square(across).sum(axis=1, keepdims=True))
    return np.log(np.square(sigma_w * activation.dg(z1) * (across + reach * along)).mean(axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize(("name", "sigma_w"), [("tanh", 1.0), ("tanh", 1.5), ("sigmoid", 3.0), ("selu", 1.0)])
def test_two_layers_by_their_law(name, sigma_w, orthogonal):
    """Each part of the shift is visible here: it is 0.3 to 2 in units of 1/n, and the bound is 0.07 to 0.15."""
    activation, n = ACTIVATIONS[name], 60
    found = np.concatenate([two_layers(activation, sigma_w, n, 30_000, orthogonal, seed) for seed in range(6)])
    e = ensemble((n,) * 4, sigma_w, orthogonal=orthogonal)
    prediction = 2 * np.log(theory.profile(activation, e).typical["delta_rms"][0])
    error = found.std(ddof=1) / math.sqrt(found.size)
    assert abs(prediction - found.mean()) <= SIGMAS * error + 0.03 / n


# ---------------------------------------------------------------- the Jacobian


def squared_singular_values(activation, sizes, sigma_w, sigma_b, x, replicas, orthogonal, seed=0):
    """Singular values of dh/dx at one input, (replicas, min(n_0, n_L))."""
    rng, a = np.random.default_rng(seed), np.broadcast_to(x, (replicas, 1, x.size))
    product = np.broadcast_to(np.eye(sizes[0]), (replicas, sizes[0], sizes[0]))
    for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        W = sigma_w * draw(rng, replicas, n_out, n_in, orthogonal)
        z, product = a @ W.swapaxes(1, 2) + sigma_b * rng.normal(size=(replicas, 1, n_out)), W @ product
        if i < len(sizes) - 2:
            a, product = activation.g(z), activation.dg(z).swapaxes(1, 2) * product
    return np.square(np.linalg.svd(product, compute_uv=False))


@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("name", ["identity", "relu", "tanh", "hard_tanh"])
def test_jacobian_of_equal_widths(name, orthogonal):
    """Pennington et al. 2017: Var(s^2) / E[s^2]^2 = L (mu_2 / mu_1^2 - 1 - s_1), s_1 = -1 free, 0 orthogonal.

    On the critical point all layers have the same mu_k = E[g'^(2k)]; W[L] has no activation after it.
    """
    activation, layers = ACTIVATIONS[name], 9
    bias = 0.2 if name in ("tanh", "hard_tanh") else 0.0
    point = theory.critical(activation, bias)
    x2 = (point.q - bias**2) / point.sigma_w**2 if bias else 1.0  # so that q is q* from the first layer on
    e = ensemble((10**8,) * (layers + 1), point.sigma_w, bias, orthogonal=orthogonal)
    e = Ensemble(e.sizes, e.weight_variance, e.bias_variance, e.freedom, np.array([x2]), e.correlation, e.alignment)
    mean, variance = theory.profile(activation, e).jacobian
    one, two = (by_quad(lambda z, k=k: activation.dg(z) ** (2 * k), point.q, activation.kinks) for k in (1, 2))
    assert mean == pytest.approx((point.sigma_w**2 * one) ** (layers - 1) * point.sigma_w**2, rel=1e-5)
    expected = (layers - 1) * (two / one**2 - 1) + (0 if orthogonal else layers)
    assert variance / mean**2 == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_jacobian_of_linear_networks():
    """Saxe et al. 2013: Var(s^2) = L for Gaussian weights, all 1 for orthogonal ones."""
    for orthogonal, expected in ((False, 12), (True, 0)):
        found = theory.profile(ACTIVATIONS["identity"], ensemble((10**12,) * 13, orthogonal=orthogonal)).jacobian
        assert found == pytest.approx((1, expected), abs=1e-9)


@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_jacobian_of_few_outputs(outputs):
    """One Gaussian layer, by the moments of a Wishart matrix: Var(s^2) / E[s^2]^2 = (n_L + 1) / n.

    With a layer of gates before it, |sum_i w_i^2 d_i^2| of one output has (3 kappa - 1) / n, kappa = E[d^4] / E[d^2]^2,
    which is 2 for ReLU; of the whole to first order in 1 / n, since W[1] comes before.
    """
    n = 10**6
    linear = theory.profile(ACTIVATIONS["identity"], ensemble((n, n, outputs))).jacobian
    assert linear[1] / linear[0] ** 2 == pytest.approx(2 * (outputs + 1) / n, rel=1e-3)
    relu = theory.profile(ACTIVATIONS["relu"], ensemble((n, n, 1), math.sqrt(2))).jacobian
    assert relu[1] / relu[0] ** 2 == pytest.approx((3 * 2 - 1 + 2) / n, rel=1e-3)


@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("sizes", [(60,) * 5, (30, 90, 60, 45, 20), (20, 40, 90, 60, 50), (40, 90, 90, 90, 1)])
@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"), [("identity", 1.0, 0.0), ("relu", 1.4, 0.2), ("tanh", 1.5, 0.3)]
)
def test_jacobian_by_drawing(name, sigma_w, sigma_b, sizes, orthogonal):
    """Mean and variance over values and networks, within 4 standard errors and the next order in 1/n (5 % here)."""
    activation, replicas = ACTIVATIONS[name], 200
    x = data(SINGLE, sizes[0], sizes[-1])[0]
    values = squared_singular_values(activation, sizes, sigma_w, sigma_b, x, replicas, orthogonal)
    mean, variance = theory.profile(activation, ensemble(sizes, sigma_w, sigma_b, orthogonal=orthogonal)).jacobian
    means, squares = values.mean(axis=1), np.square(values).mean(axis=1)
    error = means.std(ddof=1) / math.sqrt(replicas)
    assert abs(means.mean() - mean) <= SIGMAS * error + 0.02 * mean
    drawn = squares.mean() - means.mean() ** 2
    error = np.std(squares - 2 * means.mean() * means, ddof=1) / math.sqrt(replicas)
    assert abs(drawn - variance) <= SIGMAS * error + 0.05 * (variance + mean**2)


# ---------------------------------------------------------------- the plane of sigma_w and sigma_b


PLACES = {
    "tanh": [(0.8, 0.1), (1.3, 0.3), (2.5, 0.3), (4.0, 1.0)],
    "relu": [(1.0, 0.2), (0.5, 1.0), (1.3, 0.5)],
    "gelu": [(1.0, 0.5), (1.3, 1.0), (0.5, 0.2)],
    "sin": [(2.0, 1.0), (2.5, 0.3), (1.5, 2.0)],  # in chaos correlations settle before gradients grow by e
}


@pytest.mark.parametrize("name", PLACES)
def test_plane_has_the_fixed_points(name):
    """theory.fixed_point finds each place by itself; the tolerance is the resolution of a picture."""
    activation = ACTIVATIONS[name]
    sigma_w, sigma_b = (np.array(sorted({place[axis] for place in PLACES[name]})) for axis in (0, 1))
    found = theory.plane(activation, sigma_w, sigma_b)
    assert found.q.shape == found.chi.shape == found.depth.shape == (len(sigma_b), len(sigma_w))
    for w, b in PLACES[name]:
        at = int(np.flatnonzero(sigma_b == b)[0]), int(np.flatnonzero(sigma_w == w)[0])
        point = theory.fixed_point(activation, w, b)
        assert found.q[at] == pytest.approx(point.q, rel=2e-3)
        assert found.chi[at] == pytest.approx(point.chi, rel=2e-3)
        depth = 6 * min(abs(point.xi_c), abs(point.xi_gradient))  # Schoenholz et al. 2017
        assert found.depth[at] == pytest.approx(depth, rel=0.05)


def test_plane_where_lengths_leave():
    """relu at sigma_w^2 = 2 (1 -+ 0.1): shrinks to 0 without biases, grows without bound."""
    found = theory.plane(ACTIVATIONS["relu"], np.sqrt(2 * np.array([0.9, 1.1])), np.array([0.0]))
    assert found.q.tolist() == [[0.0, math.inf]]
    np.testing.assert_allclose(found.chi, [[0.9, 1.1]], rtol=1e-9)
    np.testing.assert_allclose(found.depth, [[-6 / math.log(0.9), 6 / math.log(1.1)]], rtol=1e-6)


def test_plane_tells_order_from_chaos_where_the_edge_is():
    tanh = ACTIVATIONS["tanh"]
    for sigma_b in (0.1, 0.3, 0.8):
        edge = theory.critical(tanh, sigma_b).sigma_w
        found = theory.plane(tanh, np.array([0.98 * edge, 1.02 * edge]), np.array([sigma_b]))
        assert found.chi[0, 0] < 1 < found.chi[0, 1]
        assert (found.depth > 100).all()


@pytest.mark.parametrize("name", ["tanh", "erf", "selu", "gelu", "hard_tanh"])
def test_the_edge_is_where_chi_is_1(name):
    activation = ACTIVATIONS[name]
    edge = theory.edge_of_chaos(activation)
    chosen = np.linspace(0, len(edge.q) - 1, 9).astype(int)
    for q, sigma_w, sigma_b, stable in zip(
        edge.q[chosen], edge.sigma_w[chosen], edge.sigma_b[chosen], edge.stable[chosen], strict=True
    ):
        slope = by_quad(lambda z: activation.dg(z) ** 2, q, activation.kinks)
        second = by_quad(lambda z: activation.g(z) ** 2, q, activation.kinks)
        assert sigma_w**2 * slope == pytest.approx(1, rel=1e-6)
        assert sigma_w**2 * second + sigma_b**2 == pytest.approx(q, rel=1e-5)
        near = [theory.length_map(activation, sigma_w, sigma_b, factor * q) / q for factor in (0.999, 1.001)]
        slope = (near[1] - near[0]) / 0.002
        flat = float(theory.flat_share(activation, np.array(q))) if activation.bounded else 0.0
        if abs(slope - 1) > 1e-4:  # where q is next to 0, it is 1
            assert stable == (slope < 1 and flat <= 0.5), q
    assert edge.stable.any()
    assert edge.stable.all() == (name == "selu")


@pytest.mark.parametrize("name", ["tanh", "erf"])
@pytest.mark.parametrize("sigma_b", [0.05, 0.2, 0.6])
def test_the_edge_goes_through_the_critical_points(name, sigma_b):
    edge = theory.edge_of_chaos(ACTIVATIONS[name])
    order = np.argsort(edge.sigma_b)
    sigma_w = np.interp(sigma_b, edge.sigma_b[order], edge.sigma_w[order])
    assert sigma_w == pytest.approx(theory.critical(ACTIVATIONS[name], sigma_b).sigma_w, rel=1e-3)


def test_an_edge_of_chaos_without_biases_alone():
    """relu: sigma_b = 0 at sigma_w = sqrt 2 (He et al. 2015)."""
    edge = theory.edge_of_chaos(ACTIVATIONS["relu"])
    np.testing.assert_allclose(edge.sigma_w, math.sqrt(2), rtol=1e-9)
    np.testing.assert_allclose(edge.sigma_b, 0, atol=1e-6)
