import gc
import inspect
import math
import re

import numpy as np
import pytest
from scipy import stats

from mlpstudy.cells.custom import from_file
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.errors import ConfigError
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.initializers import FANS, INITIALIZERS, PROVIDED, Scheme

SHAPE = (200, 300)  # (fan_out, fan_in), unequal so that no two rules for the variance agree
SIGMAS = 4.0  # a z-test at |z| < 4 errs once in 16,000; the seed is fixed besides
P_VALUE = 1e-3

# Standard deviation of N(0, 1) cut at +-2, by which Keras and TensorFlow divide (the literal is theirs).
CUT_AT_2 = 0.87962566103423978
NORMAL, UNIFORM = stats.norm(), stats.uniform(-math.sqrt(3), 2 * math.sqrt(3))


class Truncated:
    """N(0, 1) cut at +-2 and rescaled to variance 1: its distribution function and kurtosis by the textbook."""

    within = math.erf(math.sqrt(2))  # P(|z| < 2)
    density = math.exp(-2) / math.sqrt(2 * math.pi)  # of N(0, 1) at 2
    kurtosis = (3 - 2 * (2**3 + 3 * 2) * density / within) / CUT_AT_2**4  # E z^4 by parts, twice

    @staticmethod
    def cdf(w):
        z = np.clip(np.asarray(w) * CUT_AT_2, -2, 2)
        return (stats.norm.cdf(z) - stats.norm.cdf(-2)) / Truncated.within


# name -> (distribution, standard deviation of W at a shape), from the papers; scale is 1 in the YAML.
# Glorot & Bengio 2010: 2 / (n_in + n_out). He et al. 2015: 2 / n_in. LeCun et al. 1998: 1 / n_in.
RANDOM = {
    "normal": (NORMAL, lambda n_out, n_in: 1.0),
    "uniform": (UNIFORM, lambda n_out, n_in: 1.0),
    "truncated_normal": (Truncated, lambda n_out, n_in: 1.0),
    "xavier": (NORMAL, lambda n_out, n_in: math.sqrt(2 / (n_in + n_out))),
    "xavier_uniform": (UNIFORM, lambda n_out, n_in: math.sqrt(2 / (n_in + n_out))),
    "he": (NORMAL, lambda n_out, n_in: math.sqrt(2 / n_in)),
    "he_uniform": (UNIFORM, lambda n_out, n_in: math.sqrt(2 / n_in)),
    "lecun": (NORMAL, lambda n_out, n_in: math.sqrt(1 / n_in)),
    "lecun_uniform": (UNIFORM, lambda n_out, n_in: math.sqrt(1 / n_in)),
    "critical": (NORMAL, lambda n_out, n_in: math.sqrt(1 / n_in)),  # tanh without biases: sigma_w = 1 / g'(0)
}
BOUND = {UNIFORM: math.sqrt(3), Truncated: 2 / CUT_AT_2}  # in standard deviations
BOUNDED = [name for name, (distribution, _) in RANDOM.items() if distribution in BOUND]
KURTOSIS = {NORMAL: 3.0, UNIFORM: 1.8, Truncated: Truncated.kurtosis}
EQUAL_UNITS = {"zeros", "constant", "identical"}
OTHER = {"orthogonal", "sparse", "lsuv", "identity", "file"}  # each with tests of its own below
DRAWN = [*RANDOM, "identical", "orthogonal", "sparse", "lsuv"]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def sample(scheme_named):
    """(name, shape) -> W from the initializer with its YAML's parameters."""

    def _sample(name, shape=SHAPE, seed=0, layer=1, replica=0, **parameters):
        weights = scheme_named(name, shape[::-1], **parameters).weights
        provided = {"layer": layer, "replica": replica, "inputs": rng(seed + 1).normal(size=(64, shape[1]))}
        asked_for = inspect.signature(weights).parameters.keys() & set(PROVIDED)
        drawn = weights(rng(seed), shape, **{name: provided[name] for name in asked_for})
        return drawn[0] if isinstance(drawn, tuple) else drawn

    return _sample


def test_every_initializer_has_its_oracle_here():
    assert {*RANDOM, *EQUAL_UNITS, *OTHER} == {*INITIALIZERS, "file"}


@pytest.mark.parametrize("name", [*INITIALIZERS, "file"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 3), (4, 4)])
def test_shape_finite_and_decided_by_the_generator(sample, name, shape):
    W = sample(name, shape)
    assert W.shape == shape
    assert W.dtype == np.float64
    assert np.isfinite(W).all()
    np.testing.assert_array_equal(sample(name, shape), W)


@pytest.mark.parametrize("name", DRAWN)
def test_another_seed_is_another_network(sample, name):
    one, other = sample(name, seed=0), sample(name, seed=1)
    drawn = (one != 0) & (other != 0)
    assert drawn.all() or name == "sparse"
    assert drawn.any()
    assert not np.isclose(one[drawn], other[drawn], rtol=1e-9, atol=0).any()


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("shape", [SHAPE, SHAPE[::-1], (64, 784)])
def test_mean_is_zero_and_variance_as_published(sample, name, shape):
    distribution, std = RANDOM[name]
    w = sample(name, shape).ravel() / std(*shape)
    assert abs(w.mean()) < SIGMAS / math.sqrt(w.size)
    # the mean of w^2 has variance (kurtosis - 1) / n
    assert abs(np.square(w).mean() - 1) < SIGMAS * math.sqrt((KURTOSIS[distribution] - 1) / w.size)


@pytest.mark.parametrize("name", RANDOM)
def test_distribution(sample, name):
    distribution, std = RANDOM[name]
    w = sample(name).ravel() / std(*SHAPE)
    assert stats.kstest(w, distribution.cdf).pvalue > P_VALUE


@pytest.mark.parametrize("name", RANDOM)
def test_entries_are_uncorrelated_within_and_between_rows(sample, name):
    W = sample(name)
    for x, y in [(W[:, :-1], W[:, 1:]), (W[:-1], W[1:])]:
        assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < SIGMAS / math.sqrt(x.size)


@pytest.mark.parametrize("name", ["he", "he_uniform"])
@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2, 0.5, -0.5, 1.0, 2.0])
def test_he_keeps_the_scale_of_signals_and_gradients_for_any_slope_of_leaky_relu(configure, name, slope):
    """With z ~ N(0, 1): n Var(W) E[g(z)^2] = n Var(W) E[g'(z)^2] = 1, the moments by Monte Carlo."""
    c = configure(f"init={name}", "activation=leaky_relu", f"activation.slope={slope}")
    variance = 500 * np.square(c.scheme.weights(rng(), (400, 500))).mean()
    z = rng(1).normal(size=100_000)
    for moment in (np.square(c.activation.g(z)).mean(), np.square(c.activation.dg(z)).mean()):
        assert variance * moment == pytest.approx(1, abs=0.03)
    # the same numbers in another scale, for the output layer too, and only for leaky ReLU
    relu = configure(f"init={name}", "activation=relu", f"init.output={name}").output_scheme
    output = configure("init=zeros", f"init.output={name}", "activation=leaky_relu", f"activation.slope={slope}")
    ratio = output.output_scheme.weights(rng(), (5, 7)) / relu.weights(rng(), (5, 7))
    np.testing.assert_allclose(ratio, 1 / math.sqrt(1 + slope**2), rtol=1e-12)


@pytest.mark.parametrize("name", BOUNDED)
def test_a_bounded_distribution_fills_its_bounds_and_no_more(sample, name):
    distribution, std = RANDOM[name]
    bound = BOUND[distribution] * std(*SHAPE)
    W = sample(name)
    for extreme in (W.max(), -W.min()):
        # P(no entry in the outermost share p) = (1 - p)^n < 1e-6 at p = 14 / n; the cut normal's density at the
        # bound is 0.226 of the uniform's over the same interval
        p = 14 / W.size / (1 if distribution is UNIFORM else 0.226)
        assert bound * (1 - 2 * p) < extreme <= bound


@pytest.mark.parametrize("mode", FANS)
@pytest.mark.parametrize("name", ["xavier", "xavier_uniform", "he", "he_uniform", "lecun", "lecun_uniform"])
def test_mode_chooses_the_fan(sample, name, mode):
    fan_out, fan_in = SHAPE
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    W = sample(name, SHAPE, mode=mode)
    variance = {"xavier": 1, "he": 2, "lecun": 1}[name.removesuffix("_uniform")]
    assert W.var() * fan == pytest.approx(variance, rel=SIGMAS * math.sqrt(2 / W.size))


@pytest.mark.parametrize("name", ["normal", "uniform", "truncated_normal"])
@pytest.mark.parametrize("scale", [0.0, 0.01, 3.0])
def test_scale_is_the_standard_deviation(sample, name, scale):
    W = sample(name, SHAPE, scale=scale)
    assert W.std() == pytest.approx(scale, rel=SIGMAS * math.sqrt(0.5 / W.size))


@pytest.mark.parametrize("sigma_w", [0.01, 1.0, 3.0])
def test_sigma_w_is_the_deviation_times_the_root_of_fan_in(sample, sigma_w):
    W = sample("critical", SHAPE, sigma_w=sigma_w)
    assert W.std() * math.sqrt(SHAPE[1]) == pytest.approx(sigma_w, rel=SIGMAS * math.sqrt(0.5 / W.size))


@pytest.mark.parametrize(
    ("activation", "sigma_b", "sigma_w"),
    [
        ("tanh", math.sqrt(0.05), math.sqrt(1.7609546)),  # Schoenholz et al. 2017; see test_reference.py
        ("relu", 0.0, math.sqrt(2)),  # He et al. 2015
        ("erf", 0.0, math.sqrt(math.pi) / 2),  # 1 / g'(0)
    ],
)
def test_critical_is_solved_for_the_activation_and_its_biases(configure, activation, sigma_b, sigma_w):
    config = configure("init=critical", f"activation={activation}", f"init.sigma_b={sigma_b}")
    assert config.scheme.sigma_b == sigma_b
    same = INITIALIZERS["critical"](rng(), SHAPE, sigma_w=sigma_w)
    np.testing.assert_allclose(config.scheme.weights(rng(), SHAPE), same, rtol=3e-6)


@pytest.mark.parametrize("cut", [0.1, 1.0, 3.0])
def test_truncated_normal_is_cut_in_units_of_its_own_deviation_and_rescaled(sample, cut):
    W = sample("truncated_normal", SHAPE, scale=0.5, cut=cut)
    assert W.std() == pytest.approx(0.5, rel=SIGMAS * math.sqrt(0.5 / W.size))
    # Var = 1 - 2 c phi(c) / P(|z| < c)
    deviation = math.sqrt(1 - 2 * cut * stats.norm.pdf(cut) / math.erf(cut / math.sqrt(2)))
    bound = 0.5 * cut / deviation
    assert 0.95 * bound < np.abs(W).max() <= bound * (1 + 1e-12)


def layers_of(theta, sizes):
    return [(W[0], b[0, 0]) for W, b in mlp.unflatten(theta[:1], sizes)]


@pytest.mark.parametrize("name", [*INITIALIZERS, "file"])
@pytest.mark.parametrize("gain", [0.0, 0.5, 1.0, 3.0])
def test_gain_multiplies_every_weight_and_no_bias(start, name, gain):
    sizes = (4, 5, 3)
    once, times = (layers_of(start(name, sizes, gain=g), sizes) for g in (1.0, gain))
    for layer, ((W, b), (W_gain, b_gain)) in enumerate(zip(once, times, strict=True)):
        if name != "lsuv" or layer == 0:  # deeper layers of lsuv see other inputs
            np.testing.assert_allclose(W_gain, gain * W, rtol=1e-15)
        np.testing.assert_array_equal(b_gain, b)


def test_zeros_and_constant(sample):
    assert (sample("zeros") == 0).all()
    assert (sample("constant") == 0.1).all()  # conf/init/constant.yaml
    assert (sample("constant", SHAPE, value=-2) == -2).all()


def test_identical_gives_every_neuron_the_same_vector(sample):
    first, deeper = sample("identical", layer=1), sample("identical", layer=2)
    assert (first == first[0]).all()
    assert len(np.unique(first[0])) == SHAPE[1]
    assert (deeper == deeper[0, 0]).all()
    assert deeper[0, 0] != 0


def test_identical_first_layer_is_normal_with_variance_one_over_fan_in(sample):
    n_in = 20000
    row = sample("identical", (3, n_in))[0]
    assert stats.kstest(row, stats.norm(0, 1 / math.sqrt(n_in)).cdf).pvalue > P_VALUE


def test_identical_deeper_layer_is_one_normal_draw_over_fan_in(sample):
    draws = [sample("identical", (2, 7), seed=seed, layer=3)[0, 0] for seed in range(1000)]
    assert stats.kstest(draws, stats.norm(0, 1 / 7).cdf).pvalue > P_VALUE


def test_noise_of_identical_is_relative_to_random_weights(sample):
    for layer in (1, 2):
        equal, different = (sample("identical", (300, 400), layer=layer, noise=noise) for noise in (0.0, 1e-3))
        noise = (different - equal) * math.sqrt(400) / 1e-3
        assert stats.kstest(noise.ravel(), stats.norm(0, 1).cdf).pvalue > P_VALUE


# --- orthogonal


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (64, 64), (64, 784), (784, 64), (5, 6), (200, 200)])
def test_orthogonal_has_orthonormal_rows_or_columns(sample, shape):
    W = sample("orthogonal", shape)
    small = W @ W.T if shape[0] <= shape[1] else W.T @ W
    np.testing.assert_allclose(small, np.eye(min(shape)), rtol=0, atol=1e-12)


def many(name, shape, count=3000):
    one = np.random.default_rng(5)
    return np.array([INITIALIZERS[name](one, shape) for _ in range(count)])


@pytest.mark.parametrize("shape", [(3, 3), (2, 3), (3, 2), (1, 3), (3, 1)])
def test_orthogonal_rows_and_columns_are_uniform_on_the_sphere(shape):
    """Every unit vector in three dimensions has coordinates uniform in (-1, 1) (Archimedes)."""
    W = many("orthogonal", shape)
    for i, j in np.ndindex(*shape):
        assert stats.kstest(W[:, i, j], stats.uniform(-1, 2).cdf).pvalue > P_VALUE


@pytest.mark.parametrize("shape", [(5, 5), (2, 5), (5, 2)])
def test_orthogonal_entries_have_the_fourth_moment_of_a_unit_vector(shape):
    n = 5
    fourth = many("orthogonal", shape) ** 4
    mean, error = fourth.mean(axis=0), fourth.std(axis=0) / math.sqrt(len(fourth))
    assert (np.abs(mean - 3 / (n * (n + 2))) < SIGMAS * error).all()


def test_orthogonal_squares_are_rotations_and_reflections_uniform_by_the_haar_measure():
    """O(2): the angle is uniform. O(3): the angle of a rotation has density (1 - cos) / pi. Signs of det: a coin."""
    two, three = many("orthogonal", (2, 2)), many("orthogonal", (3, 3))
    for W in (two, three):
        assert stats.binomtest(int((np.linalg.det(W) > 0).sum()), len(W)).pvalue > P_VALUE
    angle = np.arctan2(two[:, 1, 0], two[:, 0, 0])
    assert stats.kstest(angle, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > P_VALUE
    trace = np.trace(three, axis1=1, axis2=2) * np.sign(np.linalg.det(three))
    turn = np.arccos(np.clip((trace - 1) / 2, -1, 1))
    assert stats.kstest(turn, lambda t: (t - np.sin(t)) / math.pi).pvalue > P_VALUE


# --- sparse


@pytest.mark.parametrize(("k", "n_in"), [(1, 10), (15, 40), (15, 15), (15, 7), (3, 1)])
def test_sparse_rows_have_exactly_so_many_weights(sample, k, n_in):
    W = sample("sparse", (50, n_in), inputs_per_unit=k)
    assert ((W != 0).sum(axis=1) == min(k, n_in)).all()


def test_sparse_weights_are_normal_and_anywhere(sample):
    n_out, n_in, k = 3000, 12, 4
    W = sample("sparse", (n_out, n_in), inputs_per_unit=k, scale=0.3)
    chosen = W != 0
    assert stats.kstest(W[chosen], stats.norm(0, 0.3).cdf).pvalue > P_VALUE
    # every column, and every pair of columns, is chosen as often as any other, within SIGMAS standard errors
    pairs = chosen.T.astype(float) @ chosen / n_out
    p_pair = k * (k - 1) / (n_in * (n_in - 1))
    expected = np.where(np.eye(n_in, dtype=bool), k / n_in, p_pair)
    assert (np.abs(pairs - expected) < SIGMAS * np.sqrt(expected * (1 - expected) / n_out)).all()


# --- lsuv


def variances(theta, sizes, activation, x):
    return [float(z.var()) for z in mlp.forward(mlp.unflatten(theta, sizes), activation, x).z]


def lsuv(iterations=10, tolerance=0.1):
    def weights(rng, shape, *, inputs):
        return INITIALIZERS["lsuv"](rng, shape, inputs=inputs, tolerance=tolerance, iterations=iterations)

    return weights


LSUV_SIZES = [(64, 64, 64, 64, 10), (5, 100, 3, 100, 2), (784, 30, 30), (2, 1, 1, 1)]


@pytest.mark.parametrize("sizes", LSUV_SIZES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_lsuv_gives_every_layer_unit_variance_within_the_tolerance(activation_named, sizes, name):
    """Through the forward pass of the network itself, the output layer included, in both dtypes."""
    activation = activation_named(name)
    for dtype in (np.float32, np.float64):
        x = rng(3).normal(1, 2, (1, 256, sizes[0])).astype(dtype)
        rngs = {r: rng(r) for r in range(2)}
        theta = mlp.initialize(rngs, sizes, Scheme(lsuv()), dtype=dtype, inputs=x, activation=activation)
        for r in range(2):
            np.testing.assert_allclose(variances(theta[r : r + 1], sizes, activation, x), 1, atol=0.1)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6])
def test_lsuv_needs_no_more_than_the_published_ten_iterations(tolerance):
    sizes, x = (20, 30, 40, 5), rng(3).normal(3, 5, (1, 100, 20))
    tanh = ACTIVATIONS["tanh"]
    theta = mlp.initialize({0: rng()}, sizes, Scheme(lsuv(10, tolerance)), None, np.float64, x, tanh)
    np.testing.assert_allclose(variances(theta, sizes, tanh, x), 1, atol=tolerance)
    once = mlp.initialize({0: rng()}, sizes, Scheme(lsuv(1, tolerance)), None, np.float64, x, tanh)
    np.testing.assert_allclose(once, theta, rtol=1e-6)  # linear, so the first has done it


@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (7, 7)])
def test_lsuv_is_an_orthonormal_matrix_scaled(sample, shape):
    W, Q = sample("lsuv", shape, tolerance=1e-9), sample("orthogonal", shape)
    ratio = W / Q
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-12)
    assert abs(ratio[0, 0] - 1) > 1e-3


def test_lsuv_leaves_what_is_within_tolerance():
    inputs = rng().normal(size=(4000, 8))
    W = lsuv(10, 0.1)(rng(1), (8, 8), inputs=inputs)
    np.testing.assert_array_equal(W, INITIALIZERS["orthogonal"](rng(1), (8, 8)))


def test_lsuv_of_inputs_that_do_not_vary_is_orthonormal():
    W = lsuv()(rng(1), (4, 8), inputs=np.zeros((10, 8)))
    np.testing.assert_allclose(W @ W.T, np.eye(4), atol=1e-12)


def test_lsuv_with_gain_and_biases_counts_what_the_layers_really_see(scheme_named):
    sizes, x, tanh = (20, 30, 40, 5), rng(3).normal(size=(1, 200, 20)), ACTIVATIONS["tanh"]
    scheme = scheme_named("lsuv", sizes, gain=3, tolerance=1e-6, bias=0.5, sigma_b=0.2)
    theta = mlp.initialize({0: rng()}, sizes, scheme, None, np.float64, x, tanh)
    trace = mlp.forward(mlp.unflatten(theta, sizes), tanh, x)
    for z, (_, b) in zip(trace.z, mlp.unflatten(theta, sizes), strict=True):
        assert (z - b).var() == pytest.approx(9, rel=1e-5)


@pytest.mark.parametrize("output", ["null", "lsuv"])
def test_lsuv_on_real_data(configure, output):
    overrides = ("network.depth=8", "training.epochs=0", f"init.output={output}", "activation=relu")
    problem = prepare(configure("init=lsuv", *overrides))
    theta = initial_theta(problem, [0])
    x = problem.x_train[:, : problem.config.flat["training.probe_size"]]
    np.testing.assert_allclose(variances(theta, problem.network.sizes, problem.config.activation, x), 1, atol=0.1)


def test_lsuv_on_the_output_layer_alone(configure):
    problem = prepare(configure("init=he", "init.output=lsuv", "network.depth=3", "init.gain=2"))
    theta = initial_theta(problem, [0])
    x = problem.x_train[:, : problem.config.flat["training.probe_size"]]
    *hidden, output = variances(theta, problem.network.sizes, problem.config.activation, x)
    assert output == pytest.approx(1, abs=0.1)
    assert all(abs(v - 1) > 0.1 for v in hidden)


# --- identity


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (1, 6), (6, 1)])
def test_identity_passes_on_what_there_is_room_for(sample, shape):
    n_out, n_in = shape
    x = rng().normal(size=n_in)
    expected = np.zeros(n_out)
    expected[: min(shape)] = x[: min(shape)]
    np.testing.assert_array_equal(sample("identity", shape) @ x, expected)


# --- file


FILE_SIZES = (3, 4, 2)


def saved(path, save=np.savez, **changed):
    """An .npz that fits FILE_SIZES, with some arrays replaced; None leaves an array out."""
    arrays = {
        "W1": rng(1).normal(size=(4, 3)), "b1": rng(2).normal(size=4),
        "W2": rng(3).normal(size=(2, 4)), "b2": rng(4).normal(size=2),
    }  # fmt: skip
    arrays = {name: array for name, array in (arrays | changed).items() if array is not None}
    save(path, **arrays)
    return str(path), arrays


def loaded(path, replicas=(0,), dtype=np.float64):
    def weights(rng, shape, *, layer, replica):
        return from_file(rng, shape, path=path, layer=layer, replica=replica)

    theta = mlp.initialize({r: rng(r) for r in replicas}, FILE_SIZES, Scheme(weights), dtype=dtype)
    return mlp.unflatten(theta, FILE_SIZES)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_file_gives_every_replica_its_weights_and_biases(tmp_path, save, dtype):
    path, arrays = saved(tmp_path / "weights.npz", save)
    for layer, (W, b) in enumerate(loaded(path, (0, 1, 5), dtype), start=1):
        np.testing.assert_array_equal(W, np.tile(arrays[f"W{layer}"].astype(dtype), (3, 1, 1)))
        np.testing.assert_array_equal(b, np.tile(arrays[f"b{layer}"].astype(dtype), (3, 1, 1)))


def test_file_with_a_leading_axis_gives_each_replica_its_own(tmp_path):
    W1, b2 = rng(1).normal(size=(3, 4, 3)), rng(2).normal(size=(3, 2))
    path, _ = saved(tmp_path / "weights.npz", W1=W1, b2=b2)  # the others are shared
    (W, _), (_, b) = loaded(path, (2, 0))
    np.testing.assert_array_equal(W, W1[[2, 0]])
    np.testing.assert_array_equal(b[:, 0], b2[[2, 0]])


def test_file_without_biases_has_none(tmp_path):
    path, arrays = saved(tmp_path / "weights.npz", b1=None, b2=None)
    for layer, (W, b) in enumerate(loaded(path), start=1):
        np.testing.assert_array_equal(W[0], arrays[f"W{layer}"])
        assert (b == 0).all()


def test_file_takes_integers(tmp_path):
    path, _ = saved(tmp_path / "weights.npz", W1=np.arange(12).reshape(4, 3))
    np.testing.assert_array_equal(loaded(path)[0][0][0], np.arange(12).reshape(4, 3))


MISFITS = {
    "turned": ({"W1": np.zeros((3, 4))}, "W1 (layer 1) has shape (4, 3), not (3, 4)"),
    "narrow": ({"W2": np.zeros((2, 3))}, "W2 (layer 2) has shape (2, 4), not (2, 3)"),
    "bias": ({"b2": np.zeros(4)}, "b2 (layer 2) has shape (2,), not (4,)"),
    "column": ({"b1": np.zeros((4, 1))}, "b1 (layer 1) has shape (4,), not (4, 1)"),
    "number": ({"b1": np.float64(3)}, "b1 (layer 1) has shape (4,), not ()"),
    "replicas": ({"W2": np.zeros((1, 2, 4))}, "W2 (layer 2) has shape (2, 4), not (1, 2, 4)"),
    "axes": ({"W2": np.zeros((2, 1, 2, 4))}, "W2 (layer 2) has shape (2, 4), not (2, 1, 2, 4)"),
    "missing": ({"W2": None}, "W2 (it has W1, b1, b2)"),
    "nan": ({"W2": np.full((2, 4), np.nan)}, "W2 (layer 2) holds finite numbers"),
    "inf": ({"b1": np.full(4, np.inf)}, "b1 (layer 1) holds finite numbers"),
    "text": ({"W1": np.full((4, 3), "a")}, "W1 (layer 1) holds finite numbers"),
    "object": ({"W1": np.full((4, 3), None)}, "an .npz without Python objects; W1 holds them"),
}


def file_error(path, replicas=(0, 1)):
    with pytest.raises(ConfigError) as error:
        loaded(path, replicas)
    message = str(error.value)
    assert re.match(r"init\.path must be ", message)
    assert message.endswith(f"; got {path!r}")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("case", MISFITS)
def test_file_that_does_not_fit_names_the_layer(tmp_path, case):
    changed, what = MISFITS[case]
    path, _ = saved(tmp_path / "weights.npz", **changed)
    assert what in file_error(path)


def compressed(tmp_path):
    saved(tmp_path / "whole.npz", np.savez_compressed)
    return (tmp_path / "whole.npz").read_bytes()


UNREADABLE = {
    "absent": lambda tmp_path: None,
    "empty": lambda tmp_path: b"",
    "text": lambda tmp_path: b"W1,b1\n1,2\n",
    "half": lambda tmp_path: compressed(tmp_path)[:400],
    "damaged": lambda tmp_path: compressed(tmp_path)[:100] + b"\xff" * 20 + compressed(tmp_path)[120:],
}


def unreadable(tmp_path, case):
    content = UNREADABLE[case](tmp_path)
    path = tmp_path / "broken.npz"
    if content is not None:
        path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("case", UNREADABLE)
def test_file_that_cannot_be_read_is_a_config_error(tmp_path, case):
    assert "a readable .npz" in file_error(unreadable(tmp_path, case))
    if case == "half":
        gc.collect()  # a file left open is noticed here


def test_file_that_is_a_folder_or_one_array_is_a_config_error(tmp_path):
    file_error(str(tmp_path))
    np.save(tmp_path / "one.npy", np.zeros((4, 3)))
    file_error(str(tmp_path / "one.npy"))


def test_file_of_a_run_starts_another_where_it_ended(configure, tmp_path):
    """weights_final.npz has a leading axis of replicas: W1 (R, n_1, n_0), b1 (R, n_1)."""
    overrides = ("network.hidden=[4,3]", "data=moons", "training.epochs=0")
    problem = prepare(configure("init=he", "init.sigma_b=0.1", *overrides))
    theta = initial_theta(problem, range(3))
    arrays = {}
    for layer, (W, b) in enumerate(mlp.unflatten(theta, problem.network.sizes), start=1):
        arrays |= {f"W{layer}": W, f"b{layer}": b[:, 0]}
    np.savez(tmp_path / "weights_final.npz", **arrays)
    again = prepare(configure("init=file", f"init.path={tmp_path}/weights_final.npz", *overrides))
    np.testing.assert_array_equal(initial_theta(again, range(3)), theta)
    np.testing.assert_array_equal(initial_theta(again, [2]), theta[2:])
    with pytest.raises(ConfigError, match=r"\(layer 1\) has shape \(4,.*\), not \(3, 4.*\)"):
        initial_theta(again, [3])


# --- biases, the output layer, and what an initializer may ask for


def test_biases_are_normal_around_their_mean_and_zero_by_default(start):
    sizes = (2, 2000, 1000, 50)
    biases = {}
    for given in ((), ("bias", 0.3), ("sigma_b", 0.5), ("bias", -1, "sigma_b", 2)):
        parameters = dict(zip(given[::2], given[1::2], strict=True))
        layers = mlp.unflatten(start("identity", sizes, replicas=1, dtype=np.float32, **parameters), sizes)
        biases[given] = [b[0, 0] for _, b in layers]
    default, constant, spread, both = biases.values()
    assert all((b == 0).all() for b in default)
    assert all((b == np.float32(0.3)).all() for b in constant)
    for given, mean, sigma in ((spread, 0, 0.5), (both, -1, 2)):
        for b in given:
            assert stats.kstest(b, stats.norm(mean, sigma).cdf).pvalue > P_VALUE
        assert not np.isclose(given[0][:50], given[1][:50]).any()


def test_biases_add_to_those_of_a_file(start):
    sizes = (3, 4, 2)
    without, with_mean = start("file", sizes), start("file", sizes, bias=0.25, gain=2)
    for (W, b), (W_2, b_2) in zip(layers_of(without, sizes), layers_of(with_mean, sizes), strict=True):
        np.testing.assert_array_equal(W_2, 2 * W)
        np.testing.assert_allclose(b_2, b + 0.25, rtol=1e-15)
        assert (b != 0).all()


@pytest.mark.parametrize("name", [*INITIALIZERS, "file"])
def test_the_output_layer_has_its_own_initializer_where_asked(scheme_named, name):
    sizes = (4, 5, 3, 2)
    x, tanh = rng(9).normal(size=(1, 50, 4)), ACTIVATIONS["tanh"]
    scheme, output = scheme_named("he", sizes, bias=0.1), scheme_named(name, sizes, gain=0.5)
    same = mlp.initialize({0: rng()}, sizes, scheme, None, np.float64, x, tanh)
    other = mlp.initialize({0: rng()}, sizes, scheme, output, np.float64, x, tanh)
    n = mlp.n_parameters(sizes[:-1])
    np.testing.assert_array_equal(other[:, :n], same[:, :n])
    assert (other[:, n:] != same[:, n:]).any()
    if name == "zeros":
        assert (other[:, n:] == 0).all()


def test_output_is_set_by_name_or_by_its_keys(compose, configure):
    from mlpstudy.cells.config import parse

    def output(given):
        raw = compose("init=normal")
        raw["init"] |= {"scale": 0.1, "gain": 3, "bias": 2, "sigma_b": 1, "output": given}
        return parse(raw).output_scheme

    own = output("constant")
    assert (own.gain, own.bias, own.sigma_b) == (1, 0, 0)
    np.testing.assert_array_equal(own.weights(rng(), (2, 3)), np.full((2, 3), 0.1))
    own = output({"name": "constant", "value": 7.0, "gain": 2.0, "bias": 1.0})
    assert (own.gain, own.bias, own.sigma_b) == (2, 1, 0)
    np.testing.assert_array_equal(own.weights(rng(), (2, 3)), np.full((2, 3), 7.0))
    same = output(None)
    assert (same.gain, same.bias, same.sigma_b) == (3, 2, 1)
    assert same.weights(rng(), (100, 100)).std() == pytest.approx(0.1, rel=0.03)
    assert configure("init.output=zeros").output_scheme.weights(rng(), (2, 3)).tolist() == [[0.0] * 3] * 2


def test_an_initializer_is_told_what_it_asks_for_by_name():
    asked = []

    def weights(rng, shape, *, inputs, replica, layer):
        asked.append((layer, replica, inputs, shape))
        return rng.normal(size=shape), np.arange(shape[0])

    sizes, x, tanh = (3, 4, 2), rng(9).normal(size=(1, 6, 3)), ACTIVATIONS["tanh"]
    theta = mlp.initialize(
        {3: rng(3), 7: rng(7)}, sizes, Scheme(weights, gain=2.0, bias=0.5), None, np.float64, x, tanh
    )
    assert [(layer, replica) for layer, replica, *_ in asked] == [(1, 3), (2, 3), (1, 7), (2, 7)]
    assert [shape for *_, shape in asked] == [(4, 3), (2, 4)] * 2
    trace = mlp.forward(mlp.unflatten(theta, sizes), tanh, x)
    for i, (layer, _, inputs, _) in enumerate(asked):
        a = trace.a[layer - 1]
        np.testing.assert_allclose(inputs, a[min(i // 2, len(a) - 1)], rtol=1e-12)
    for r, seed in enumerate((3, 7)):
        one = rng(seed)
        for W, b in mlp.unflatten(theta[r : r + 1], sizes):
            np.testing.assert_array_equal(W[0], 2 * one.normal(size=W.shape[1:]))
            np.testing.assert_array_equal(b[0, 0], np.arange(W.shape[1]) + 0.5)
