"""Published numbers of finite networks: singular values, deltas and activations by layer, and where zeros end.

A simulation is compared by the mean of its replicas, within 4 of their standard errors, with what a network of that
width should have: exactly where that is known, else with infinite width and the next order in 1 / width beside it.
"""

import math
from functools import lru_cache

import numpy as np
import pytest
from scipy import special, stats

from mlpstudy import theory
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.measure.jacobian import jacobian
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.losses import LOSSES

SIGMAS = 4.0
X = (np.arange(-1000, 1000) + 0.5) * 0.01
WEIGHTS = np.exp(-X * X / 2) / math.sqrt(2 * math.pi) * 0.01  # E f(x) = WEIGHTS @ f(X), x ~ N(0, 1)


def assert_mean(measured, expected, allowance=0.0):
    """Over the replicas (first axis): |mean - expected| < 4 standard errors of the mean + the documented difference."""
    error = np.std(measured, axis=0, ddof=1) / math.sqrt(len(measured))
    assert (np.abs(np.mean(measured, axis=0) - expected) < SIGMAS * error + allowance).all()


def network(scheme, sizes, replicas, dtype=np.float32):
    rngs = {r: np.random.default_rng([r, 11]) for r in range(replicas)}
    return mlp.unflatten(mlp.initialize(rngs, sizes, scheme, dtype=dtype), sizes)


# ---------------------------------------------------------------- Glorot & Bengio 2010: 5 x 1000, tanh


WIDTHS = (1000,) * 6 + (10,)  # inputs, five hidden layers, ten classes
VARIANCE = {"normalized": 1.0, "standard": 1 / 3}  # n Var(W): U(+-sqrt(6 / (n_in + n_out))), U(+-1 / sqrt(n_in))
REPLICAS = 8


@pytest.fixture(scope="module")
def five_layers(scheme_named):
    """(init) -> layers and their trace, every input of mean square 0.1."""

    @lru_cache(maxsize=1)
    def _five_layers(init):
        standard = scheme_named("uniform", scale=math.sqrt(1 / 3 / 1000))
        scheme = {"normalized": scheme_named("xavier_uniform"), "standard": standard}[init]
        x = np.random.default_rng(0).normal(size=(1, 32, 1000)).astype(np.float32)
        x *= np.sqrt(0.1 / np.square(x).mean(axis=2, keepdims=True))
        layers = network(scheme, WIDTHS, REPLICAS)
        return layers, mlp.forward(layers, ACTIVATIONS["tanh"], x)

    return _five_layers


def lengths(init):
    """q_1, ..., q_5 and E tanh(z)^2 of each: q' = n Var(W) E tanh(z)^2, from a mean square of 0.1."""
    q, squares = [], [0.1]
    for _ in range(5):
        q.append(VARIANCE[init] * squares[-1])
        squares.append(WEIGHTS @ np.tanh(math.sqrt(q[-1]) * X) ** 2)
    return q, squares


def mean_singular_value(variance, q):
    """Of diag(tanh'(z)) W, z ~ N(0, q), W square with entries of variance / n, as n -> infinity.

    The squares s have E[1 / (s + t)] = m with t = E[1 / (1 + tau m)] / m, tau = variance tanh'(z)^2 (Marchenko & Pastur
    1967; Silverstein 1995), so E[s / (s + t)] = E[tau m / (1 + tau m)], and pi sqrt(s) = int s / (s + t) dt / sqrt(t).
    """
    m = np.exp(np.arange(-40, 40, 0.1))
    tau = np.outer(m, variance * (1 - np.tanh(math.sqrt(q) * X) ** 2) ** 2)
    kept, lost = tau / (1 + tau) @ WEIGHTS, 1 / (1 + tau) @ WEIGHTS
    speed = 1 + (tau / (1 + tau) ** 2 @ WEIGHTS) / lost  # -dlog t / dlog m
    return float((np.sqrt(lost / m) * kept * speed).sum()) * 0.1 / math.pi


def test_mean_singular_value_of_a_gaussian_matrix_is_that_of_the_quarter_circle():
    """8 / (3 pi) where all slopes are 1: a check on the formula."""
    assert mean_singular_value(1.0, 0.0) == pytest.approx(8 / (3 * math.pi), abs=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("init", "exact", "paper"), [("normalized", 0.7937, 0.8), ("standard", 0.4855, 0.5)])
def test_mean_singular_value_of_a_layers_jacobian(five_layers, init, exact, paper):
    """Glorot & Bengio 2010, section 4.2.2: of J = da[l]/da[l-1] = diag(g'(z[l])) W[l], "around 0.8" and "0.5".

    The mean of all 1000 singular values at one input, averaged over the five hidden layers: .7937 and .4855 at infinite
    width. theory.md has .795 and .486; the first is as good as one draw is: networks differ by .003 and by .0002.
    Of finite n: a square Gaussian has 8 / (3 pi) - .137 / n (Bai & Silverstein 2004), a uniform one less of that.
    """
    expected = [mean_singular_value(VARIANCE[init], q) for q in lengths(init)[0]]
    assert np.mean(expected) == pytest.approx(exact, abs=5e-5)
    assert round(exact, 1) == paper
    assert exact == pytest.approx({"normalized": 0.795, "standard": 0.486}[init], abs=1.5e-3)
    layers, trace = five_layers(init)
    found = np.empty((REPLICAS, 5))
    for i, ((W, _), z) in enumerate(zip(layers[:-1], trace.z, strict=False)):
        J = (1 - np.tanh(z[:, 0, :, None].astype(np.float64)) ** 2) * W
        found[:, i] = np.sqrt(np.linalg.eigvalsh(J @ J.mT).clip(0)).mean(axis=1)
    assert_mean(found, expected, allowance=0.137 / 1000)
    assert_mean(found.mean(axis=1), np.mean(expected), allowance=0.137 / 1000)


def test_deltas_shrink_and_weight_gradients_stay_level_with_standard_init(five_layers):
    """Glorot & Bengio 2010, figures 7 and 8: the std of delta_l relative to layer 5, and of the weight gradients.

    E delta_l^2 = E delta_{l+1}^2 D(q_l) / 3 gives .1062 .1896 .3318 .5767. theory.md has .109 .194 .337 .576, up to 3 %
    more, as one draw has: |delta_1|^2 of one example varies by sqrt(4 2 / 1000) = 9 % over four layers, its root by
    half of that. E dW_l^2 is E delta_l^2 E a_{l-1}^2 times the batch: level to 0.1 %.
    """
    q, squares = lengths("standard")
    factors = [WEIGHTS @ (1 - np.tanh(math.sqrt(at) * X) ** 2) ** 2 / 3 for at in q[:4]]
    delta = np.sqrt([math.prod(factors[i:]) for i in range(5)])
    np.testing.assert_allclose(delta, [0.1062, 0.1896, 0.3318, 0.5767, 1], atol=5e-5)
    np.testing.assert_allclose(delta, [0.109, 0.194, 0.337, 0.576, 1], rtol=0.03)
    gradient = delta * np.sqrt(squares[:5])
    np.testing.assert_allclose(gradient / gradient[4], 1, atol=1e-3)

    layers, trace = five_layers("standard")
    labels = np.eye(10, dtype=np.float32)[np.random.default_rng(1).integers(10, size=32)]
    dh = LOSSES["cross_entropy"].gradient(trace.h, labels) / np.float32(32)
    gradients = mlp.backward(layers, ACTIVATIONS["tanh"], trace, dh)
    for expected, arrays in (
        (delta, gradients.delta[:5]),
        (gradient / gradient[4], [dW for dW, _ in gradients.layers[:5]]),
    ):
        variances = np.stack([array.var(axis=(1, 2), dtype=np.float64) for array in arrays], axis=1)
        assert_mean(variances[:, :4] / variances[:, 4:], expected[:4] ** 2)


# ---------------------------------------------------------------- He et al. 2015: ReLU


@pytest.mark.parametrize(("init", "sigma_w2"), [("xavier", 1.0), ("he", 2.0)])
def test_relu_halves_the_mean_square_in_every_layer_of_xavier_and_keeps_that_of_he(scheme_named, init, sigma_w2):
    """He et al. 2015, section 2.2: (1 / sqrt 2)^L, 4.9e-4 at 22 and 3.1e-5 at 30 layers; a typical network has less.

    Given a[l-1], |a[l]|^2 is |a[l-1]|^2 sigma_w^2 / n chi^2_K, K ~ Binomial(n, 1/2) the number of active units. With
    E K = n / 2 the mean is (sigma_w^2 / 2)^L, but it hangs on few networks: E log chi^2_K = digamma(K / 2) + log 2 is
    2.5 / n below the log of the mean (Hanin & Rolnick 2018), after 30 layers of 64 units a factor of 3. So it is the
    log that is compared, with its exact mean and variance.
    """
    assert [f"{2 ** (-L / 2):.1e}" for L in (22, 30)] == ["4.9e-04", "3.1e-05"]
    q = [1.0]
    for _ in range(30):
        q.append(theory.length_map(ACTIVATIONS["relu"], math.sqrt(sigma_w2), 0.0, q[-1]))
    np.testing.assert_allclose(q, (sigma_w2 / 2) ** np.arange(31), rtol=1e-9)

    n, replicas = 64, 200
    k = np.arange(1, n + 1)
    p, log_chi2 = stats.binom.pmf(k, n, 0.5), special.digamma(k / 2) + math.log(2)
    below = p @ log_chi2 - math.log(n / 2)
    variance = p @ special.polygamma(1, k / 2) + p @ log_chi2**2 - (p @ log_chi2) ** 2
    assert below == pytest.approx(-2.5 / n, rel=2.5 / n)
    x = np.random.default_rng(1).normal(size=(1, 1, n)).astype(np.float32)
    a = mlp.forward(network(scheme_named(init), (n,) * 32, replicas), ACTIVATIONS["relu"], x).a
    square = [np.square(layer[:, 0], dtype=np.float64).sum(axis=1) for layer in a]
    for L in (22, 30):
        logs = np.log(square[L] / square[0])
        assert_mean(logs, L * (math.log(sigma_w2 / 2) + below))
        assert logs.mean() < L * math.log(sigma_w2 / 2) - SIGMAS * logs.std() / math.sqrt(replicas)
        # a sum over 30 layers is nearly normal; the sample variance of that is off by sqrt(2 / R) of itself
        assert logs.var(ddof=1) == pytest.approx(L * variance, rel=SIGMAS * math.sqrt(2 / replicas))


# ---------------------------------------------------------------- products of 400-wide linear layers


def squared_singular_values(scheme, L, replicas):
    layers = network(scheme, (400,) * (L + 1), replicas, np.float64)
    J = jacobian(layers, [np.ones((replicas, 1, 400))] * (L - 1), inputs=1)[:, 0]
    return np.linalg.svd(J, compute_uv=False) ** 2


@pytest.mark.parametrize("L", [1, 3, 10])
def test_a_product_of_gaussian_matrices_has_squared_singular_values_of_variance_l(scheme_named, L):
    """Pennington et al. 2017: Var(s^2) = L (mu2 / mu1^2 - 1 - s1) around a mean of 1; mu_k = 1 for g' = 1, s1 = -1.

    Exactly, of real n x n: m = E tr(JJ')^2 / n and p = E (tr JJ')^2 / n^2 become p + (1 + 1/n) m and p + 2 m / n^2 by
    one more Gaussian factor (its moments by Wick), and E Var(s^2) = m - p.
    """
    n = 400
    m = p = 1.0
    for _ in range(L):
        m, p = p + (1 + 1 / n) * m, p + 2 * m / n**2
    assert m - p == pytest.approx(L, rel=L / n)
    s2 = squared_singular_values(scheme_named("lecun"), L, replicas=8)
    assert_mean(s2.mean(axis=1), 1.0)
    assert_mean(s2.var(axis=1), m - p)


def test_a_product_of_orthogonal_matrices_has_all_singular_values_1(scheme_named):
    """Saxe et al. 2013: whatever the depth."""
    s2 = squared_singular_values(scheme_named("orthogonal"), 20, replicas=2)
    np.testing.assert_allclose(np.sqrt(s2), 1, rtol=0, atol=1e-12)


# ---------------------------------------------------------------- Mishkin & Matas 2016: LSUV


@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_lsuv_reaches_unit_variance_in_every_layer_of_a_deep_network(compose, scheme_named, name):
    """Within 0.1 in at most 10 iterations, which are the defaults here. Of other activations: test_initializers.py."""
    given = compose("init=lsuv")["init"]
    assert (given["tolerance"], given["iterations"]) == (0.1, 10)
    x = np.random.default_rng(4).normal(0.5, np.geomspace(0.1, 30, 50), (1, 128, 50))
    sizes, g, rngs = (50, *(100, 40) * 10, 10), ACTIVATIONS[name], {0: np.random.default_rng(5)}
    theta = mlp.initialize(rngs, sizes, scheme_named("lsuv"), None, np.float64, x, g)
    z = mlp.forward(mlp.unflatten(theta, sizes), g, x).z
    np.testing.assert_allclose([layer.var() for layer in z], 1, atol=0.1)


# ---------------------------------------------------------------- multiples of the identity


@pytest.mark.parametrize(("gain", "printed", "digits"), [(1.5, "38.44", 4), (0.5, "0.00195", 3)])
def test_multiples_of_the_identity_through_nine_linear_layers(scheme_named, gain, printed, digits):
    """1.5^9 and 0.5^9, both exact in binary: of the signal as of dh/dx."""
    assert f"{gain**9:.{digits}g}" == printed
    layers = network(scheme_named("identity", gain=gain), (7,) * 10, 1, np.float64)
    x = np.random.default_rng(6).normal(size=(1, 3, 7))
    np.testing.assert_allclose(mlp.predict(layers, ACTIVATIONS["identity"], x), gain**9 * x, rtol=1e-14)
    np.testing.assert_array_equal(jacobian(layers, [np.ones((1, 1, 7))] * 8, 1)[0, 0], gain**9 * np.eye(7))


# ---------------------------------------------------------------- zeros on MNIST


@pytest.mark.slow
def test_zeros_on_mnist_learn_the_class_prior(root, configure):
    """Only the biases of the output move, so the best there is are the logs of the training labels' frequencies.

    Their entropy is 2.301159, and the commonest, 1, is 1135 of the 10,000 test labels. Each step of the whole batch at
    rate 8 leaves 1 - 8 lambda of the way, the Hessian diag(p) - pp' having eigenvalues from min p = .09 to max p = .112
    (but for equal shifts of all): of the excess .0014 six steps leave .28^12.
    """
    folder = root.parent / "shared" / "data" / "mnist"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    overrides = ("data=mnist", f"data.root={folder}", "init=zeros", "network.hidden=[16,16]", "optimizer.lr=8")
    problem = prepare(configure(*overrides, "training.epochs=6", "training.batch_size=null"))
    *_, last = train_and_record(problem, initial_theta(problem, [0]))
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # of the digits 0..9 in LeCun's file
    assert last.curves["loss_train"][0] == pytest.approx(stats.entropy(counts), abs=1e-6)
    assert f"{last.curves['loss_train'][0]:.4f}" == "2.3012"
    assert last.curves["accuracy_test"][0] == 0.1135
