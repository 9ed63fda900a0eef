import inspect
import math

import numpy as np
import pytest
from scipy import stats

from mlpstudy import mlp
from mlpstudy.initializers import FANS, INITIALIZERS

SHAPE = (200, 300)  # (fan_out, fan_in), unequal so that no two rules for the variance agree
SIGMAS = 4.0  # a z-test at |z| < 4 errs once in 16,000; the seed is fixed besides
P_VALUE = 1e-3

# name -> (distribution, standard deviation of W at a shape), from the papers; scale is 1 in the YAML.
# Glorot & Bengio 2010: 2 / (n_in + n_out). He et al. 2015: 2 / n_in. LeCun et al. 1998: 1 / n_in.
RANDOM = {
    "normal": ("normal", lambda n_out, n_in: 1.0),
    "uniform": ("uniform", lambda n_out, n_in: 1.0),
    "xavier": ("normal", lambda n_out, n_in: math.sqrt(2 / (n_in + n_out))),
    "xavier_uniform": ("uniform", lambda n_out, n_in: math.sqrt(2 / (n_in + n_out))),
    "he": ("normal", lambda n_out, n_in: math.sqrt(2 / n_in)),
    "he_uniform": ("uniform", lambda n_out, n_in: math.sqrt(2 / n_in)),
    "lecun": ("normal", lambda n_out, n_in: math.sqrt(1 / n_in)),
    "lecun_uniform": ("uniform", lambda n_out, n_in: math.sqrt(1 / n_in)),
}
UNIFORM = [name for name, (distribution, _) in RANDOM.items() if distribution == "uniform"]
KURTOSIS = {"normal": 3.0, "uniform": 1.8}
EQUAL_UNITS = {"zeros", "constant", "identical"}


@pytest.fixture
def sample(configure):
    """(name, shape) -> W from the initializer with its YAML's parameters."""

    def _sample(name, shape=SHAPE, seed=0, layer=1, **parameters):
        initializer = configure(f"init={name}").initializer
        if "layer" in inspect.signature(initializer).parameters:
            parameters["layer"] = layer
        return initializer(np.random.default_rng(seed), shape, **parameters)

    return _sample


def test_every_initializer_has_its_oracle_here():
    assert {*RANDOM, *EQUAL_UNITS} == set(INITIALIZERS)


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (5, 3)])
def test_shape_finite_and_decided_by_the_generator(sample, name, shape):
    W = sample(name, shape)
    assert W.shape == shape
    assert W.dtype == np.float64
    assert np.isfinite(W).all()
    np.testing.assert_array_equal(sample(name, shape), W)


@pytest.mark.parametrize("name", [*RANDOM, "identical"])
def test_another_seed_is_another_network(sample, name):
    assert not np.isclose(sample(name, seed=0), sample(name, seed=1), rtol=1e-9, atol=0).any()


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
    reference = {"normal": stats.norm(), "uniform": stats.uniform(-math.sqrt(3), 2 * math.sqrt(3))}
    w = sample(name).ravel() / std(*SHAPE)
    assert stats.kstest(w, reference[distribution].cdf).pvalue > P_VALUE


@pytest.mark.parametrize("name", RANDOM)
def test_entries_are_uncorrelated_within_and_between_rows(sample, name):
    W = sample(name)
    for x, y in [(W[:, :-1], W[:, 1:]), (W[:-1], W[1:])]:
        assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < SIGMAS / math.sqrt(x.size)


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_fills_its_bounds_and_no_more(sample, name):
    bound = math.sqrt(3) * RANDOM[name][1](*SHAPE)
    W = sample(name)
    for extreme in (W.max(), -W.min()):
        # P(no entry in the outermost share p) = (1 - p)^n < 1e-6 at p = 14 / n
        assert bound * (1 - 2 * 14 / W.size) < extreme <= bound


@pytest.mark.parametrize("mode", FANS)
@pytest.mark.parametrize("name", ["xavier", "he", "lecun_uniform"])
def test_mode_chooses_the_fan(configure, name, mode):
    fan_out, fan_in = SHAPE
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
    W = configure(f"init={name}", f"init.mode={mode}").initializer(np.random.default_rng(0), SHAPE)
    variance = {"xavier": 1, "he": 2, "lecun_uniform": 1}[name]
    assert W.var() * fan == pytest.approx(variance, rel=SIGMAS * math.sqrt(2 / W.size))


@pytest.mark.parametrize("name", ["normal", "uniform"])
@pytest.mark.parametrize("scale", [0.0, 0.01, 3.0])
def test_scale_is_the_standard_deviation(configure, name, scale):
    W = configure(f"init={name}", f"init.scale={scale}").initializer(np.random.default_rng(0), SHAPE)
    assert W.std() == pytest.approx(scale, rel=SIGMAS * math.sqrt(0.5 / W.size))


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("gain", [0.0, -1.0, 0.5, 3.0])
def test_gain_multiplies_every_weight(configure, name, gain):
    sizes = (4, 5, 3)
    initializer = configure(f"init={name}").initializer

    def theta(gain):
        return mlp.initialize([np.random.default_rng(0)], sizes, initializer, gain, np.float64)

    np.testing.assert_allclose(theta(gain), gain * theta(1.0), rtol=1e-15)


def test_zeros_and_constant(sample, configure):
    assert (sample("zeros") == 0).all()
    assert (sample("constant") == 0.1).all()  # conf/init/constant.yaml
    W = configure("init=constant", "init.value=-2").initializer(np.random.default_rng(0), SHAPE)
    assert (W == -2).all()


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
    draws = [sample("identical", (2, 7), seed=seed, layer=3)[0, 0] for seed in range(2000)]
    assert stats.kstest(draws, stats.norm(0, 1 / 7).cdf).pvalue > P_VALUE
