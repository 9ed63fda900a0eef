import bisect
import itertools
import math
from dataclasses import replace
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlpstudy import mlp
from mlpstudy.activations import ACTIVATIONS, leaky_relu
from mlpstudy.statistics import (
    LOG_SCALED,
    STATISTICS,
    Snapshot,
    activation_histograms,
    histogram_edges,
    measure,
)

SIZES = (3, 4, 6, 5, 2)


@pytest.fixture
def snapshot(draw):
    """(activation) -> a Snapshot of three hidden layers and two replicas with random everything."""

    def _snapshot(activation, dtype=np.float64, sizes=SIZES, scale=1.0):
        theta, x = draw(activation, sizes, batch=7, dtype=dtype)
        theta *= dtype(scale)
        layers = mlp.unflatten(theta, sizes)
        trace = mlp.forward(layers, activation, x)
        rng = np.random.default_rng(99)
        gradients = mlp.backward(layers, activation, trace, rng.normal(size=trace.h.shape).astype(dtype))
        step = mlp.unflatten(rng.normal(size=theta.shape).astype(dtype), sizes)
        return Snapshot(activation, layers, trace, gradients, step)

    return _snapshot


def of_z(activation, *z):
    """A Snapshot of hidden layers with the given z, each (R, batch, width), and an output nobody looks at."""
    z = [np.asarray(layer, float) for layer in z]
    h = np.zeros((len(z[0]), z[0].shape[1], 1)) if z else np.zeros((1, 3, 1))
    a = [np.zeros((1, h.shape[1], 2)), *(activation.g(layer) for layer in z)]
    sizes = [array.shape[2] for array in (*a, h)]
    theta = np.ones((len(h), mlp.n_parameters(sizes)))
    layers = mlp.unflatten(theta, sizes)
    gradients = mlp.Gradients([*z, h], theta, layers)
    return Snapshot(activation, layers, mlp.Trace(z=[*z, h], a=a), gradients, layers)


def entries(array, r):
    return [float(v) for v in array[r].ravel()]


def root_mean_square(array, r):
    return math.sqrt(fmean(v * v for v in entries(array, r)))


def is_flat(s, v):
    """By a central difference of g, whatever g' claims."""
    slope = (s.activation.g(np.array([v + 1e-6])) - s.activation.g(np.array([v - 1e-6]))) / 2e-6
    return abs(float(slope[0])) < 0.0591 * s.activation.sup_dg


def count_distinct(rows):
    """By comparing every row with the ones already found."""
    found = []
    for row in rows:
        if all(np.abs(row - other).max() > 1e-6 * np.abs(rows).max() for other in found):
            found.append(row)
    return len(found)


# name -> value of replica r and hidden layer k (counted from 1), from design.md's table of definitions
REFERENCE = {
    "preactivation_mean": lambda s, r, k: fmean(entries(s.trace.z[k - 1], r)),
    "preactivation_std": lambda s, r, k: pstdev(entries(s.trace.z[k - 1], r)),
    "activation_mean": lambda s, r, k: fmean(entries(s.trace.a[k], r)),
    "activation_std": lambda s, r, k: pstdev(entries(s.trace.a[k], r)),
    "activation_rms": lambda s, r, k: root_mean_square(s.trace.a[k], r),
    "saturated_fraction": lambda s, r, k: fmean(is_flat(s, v) for v in entries(s.trace.z[k - 1], r)),
    "dead_fraction": lambda s, r, k: fmean(
        all(is_flat(s, float(v)) for v in unit) for unit in s.trace.z[k - 1][r].T
    ),
    "delta_rms": lambda s, r, k: root_mean_square(s.gradients.delta[k - 1], r),
    "weight_grad_rms": lambda s, r, k: root_mean_square(s.gradients.layers[k - 1][0], r),
    "update_ratio": lambda s, r, k: (
        root_mean_square(s.dlayers[k - 1][0], r) / root_mean_square(s.layers[k - 1][0], r)
    ),
    "weight_rms": lambda s, r, k: root_mean_square(s.layers[k - 1][0], r),
    "distinct_units": lambda s, r, k: count_distinct(
        np.concatenate([s.layers[k - 1][0][r], s.layers[k - 1][1][r].T], axis=1)
    ) / SIZES[k],
}  # fmt: skip


def test_every_statistic_has_its_reference_here():
    assert set(REFERENCE) == set(STATISTICS)
    assert set(LOG_SCALED) <= set(STATISTICS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", STATISTICS)
def test_statistic_by_another_route(name, activation, dtype, activation_named, snapshot):
    s = snapshot(activation_named(activation), dtype, scale=1.5)  # some entries of every layer saturate
    value = STATISTICS[name](s)
    assert value.dtype == np.float64
    assert value.shape == (2, 3)
    expected = [[REFERENCE[name](s, r, layer) for layer in (1, 2, 3)] for r in range(2)]
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", STATISTICS)
def test_without_hidden_layers_there_is_nothing_to_say(name, snapshot):
    assert STATISTICS[name](snapshot(ACTIVATIONS["tanh"], sizes=(3, 2))).shape == (2, 0)


def test_measure_takes_them_all(snapshot):
    s = snapshot(ACTIVATIONS["tanh"])
    measured = measure(s)
    assert list(measured) == list(STATISTICS)
    for name, value in measured.items():
        np.testing.assert_array_equal(value, STATISTICS[name](s))


RMS_OF = {  # statistic -> a snapshot with this array in the first hidden layer
    "delta_rms": lambda s, x: replace(s, gradients=replace(s.gradients, delta=[x, *s.gradients.delta[1:]])),
    "weight_grad_rms": lambda s, x: replace(
        s, gradients=replace(s.gradients, layers=[(x, x[:, :1]), *s.gradients.layers[1:]])
    ),
    "weight_rms": lambda s, x: replace(s, layers=[(x, x[:, :1]), *s.layers[1:]]),
    "activation_rms": lambda s, x: replace(
        s, trace=replace(s.trace, a=[s.trace.a[0], x, *s.trace.a[2:]])
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RMS_OF)
@pytest.mark.parametrize(
    ("size", "dtype", "rel"),
    [
        (1e-30, np.float32, 1e-6),
        (1e-40, np.float32, 1e-5),  # subnormal: 1.4e-45 is the last place of float32 there
        (1e30, np.float32, 1e-6),
        (1e-200, np.float64, 1e-12),
        (1e-310, np.float64, 1e-12),
        (1e200, np.float64, 1e-12),
        (0.0, np.float32, 0),
    ],
)
def test_no_square_under_or_overflows(name, size, dtype, rel, snapshot):
    pattern = np.array([[1.0, -1.0], [2.0, 0.0], [-1.0, 1.0]])  # mean square 8/6
    x = np.stack([pattern * size, np.zeros_like(pattern)]).astype(dtype)
    value = STATISTICS[name](RMS_OF[name](snapshot(ACTIVATIONS["tanh"], dtype), x))[:, 0]
    np.testing.assert_allclose(value, [size * math.sqrt(4 / 3), 0.0], rtol=rel, atol=0)


def test_spread_of_tiny_and_huge_numbers():
    z = np.array([[[1.0], [3.0]], [[2.0], [2.0]]])
    for size in (1e-200, 1e-30, 1e30, 1e200):
        s = of_z(ACTIVATIONS["identity"], size * z)
        for name in ("preactivation_std", "activation_std"):
            np.testing.assert_allclose(STATISTICS[name](s)[:, 0], [size, 0], rtol=1e-12, atol=0)


def test_small_spread_around_a_large_mean_in_float32(snapshot):
    s = snapshot(ACTIVATIONS["identity"], np.float32)
    z = np.float32(4096) + np.tile(np.array([0, 1], np.float32), (2, 3, 50))
    s = replace(s, trace=replace(s.trace, z=[z, *s.trace.z[1:]]))
    np.testing.assert_allclose(STATISTICS["preactivation_std"](s)[:, 0], 0.5, rtol=1e-12)
    np.testing.assert_allclose(STATISTICS["preactivation_mean"](s)[:, 0], 4096.5, rtol=1e-12)


def test_update_ratio_where_there_is_nothing_to_compare(snapshot):
    s = snapshot(ACTIVATIONS["tanh"])
    assert np.isnan(STATISTICS["update_ratio"](replace(s, dlayers=None))).all()
    W, b = s.layers[1]
    W[0] = 0.0
    value = STATISTICS["update_ratio"](replace(s, layers=[s.layers[0], (W, b), *s.layers[2:]]))
    np.testing.assert_array_equal(np.isnan(value), [[False, True, False], [False] * 3])


ATANH = math.atanh
TANH_Z = [  # 4 samples (rows) of 3 units: |a| just below and just above 0.97
    [ATANH(0.9699), ATANH(0.9701), ATANH(-0.9701)],
    [0.0, ATANH(0.9701), 50.0],
    [ATANH(-0.9699), ATANH(-0.9701), -3.0],
    [0.5, -5.0, ATANH(0.9699)],
]


@pytest.mark.parametrize(
    ("activation", "z", "saturated", "dead"),
    [
        ("tanh", TANH_Z, 7 / 12, 1 / 3),
        ("tanh", [[0.0, 0.1]], 0, 0),
        # 4 sigma' = 1 - tanh(z / 2)^2, so the limit is at twice tanh's
        ("sigmoid", (2 * np.array(TANH_Z)).tolist(), 7 / 12, 1 / 3),
        ("relu", [[-1.0, 0.0, 1.0, -1.0], [-2.0, 0.0, -1.0, 1e-9]], 6 / 8, 2 / 4),
        ("leaky_relu", [[-1.0, 0.0, 1.0, -1.0], [-2.0, 0.0, -1.0, 1e-9]], 6 / 8, 2 / 4),
        ("identity", [[-1e6, 0.0, 1e6]], 0, 0),
    ],
)
def test_saturated_and_dead_are_exact_fractions(activation_named, activation, z, saturated, dead):
    s = of_z(activation_named(activation), [z])
    assert STATISTICS["saturated_fraction"](s) == saturated
    assert STATISTICS["dead_fraction"](s) == dead


def test_saturated_and_dead_of_a_steep_leak():
    # measured against sup |g'| = 20: a slope of 1 is 0.05 of it, below the floor, of 2 is above
    z = [[[1.0, 2.0, -1.0]]]
    assert STATISTICS["saturated_fraction"](of_z(leaky_relu(-20.0), z)) == 2 / 3
    assert STATISTICS["saturated_fraction"](of_z(leaky_relu(-10.0), z)) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_diverged_replica_reads_not_finite_and_leaves_the_other_alone(snapshot, bad):
    s = snapshot(ACTIVATIONS["relu"])
    healthy = measure(s)
    spoiled = [s.trace.z[1].copy(), s.trace.a[2].copy(), s.gradients.delta[1].copy()]
    for array in (*spoiled, s.layers[1][0], s.gradients.layers[1][0], s.dlayers[1][0]):
        array[1, 0, 0] = bad
    z, a, delta = spoiled
    s = replace(
        s,
        trace=mlp.Trace(z=[s.trace.z[0], z, *s.trace.z[2:]], a=[*s.trace.a[:2], a, *s.trace.a[3:]]),
        gradients=replace(s.gradients, delta=[s.gradients.delta[0], delta, *s.gradients.delta[2:]]),
    )
    for name, value in measure(s).items():
        assert not np.isfinite(value[1, 1]), name
        np.testing.assert_array_equal(value[0], healthy[name][0])
        np.testing.assert_array_equal(value[1, ::2], healthy[name][1, ::2])


def distinct(rows):
    """Number of distinct units of one hidden layer, (R,), through the public statistic."""
    R, n_out, n_columns = rows.shape
    sizes = (n_columns - 1, n_out, 1)
    theta = np.zeros((R, mlp.n_parameters(sizes)))
    layers = mlp.unflatten(theta, sizes)
    layers[0][0][...], layers[0][1][:, 0] = rows[:, :, :-1], rows[:, :, -1]
    s = of_z(ACTIVATIONS["tanh"], np.zeros((R, 1, n_out)))
    return STATISTICS["distinct_units"](replace(s, layers=layers))[:, 0] * n_out


@given(
    arrays(float, st.tuples(st.just(2), st.integers(1, 8), st.integers(2, 5)), elements=st.integers(-2, 2)),
    st.integers(0, 2**32 - 1),
)
def test_distinct_units_by_comparing_all_pairs(rows, seed):
    noise = 1 + 1e-8 * np.random.default_rng(seed).normal(size=rows.shape)
    expected = [count_distinct(replica) for replica in rows]
    np.testing.assert_allclose(distinct(rows), expected, rtol=1e-12)
    np.testing.assert_allclose(distinct(rows * noise), expected, rtol=1e-12)


@pytest.mark.parametrize("width", [5, 17, 37, 64, 1000])
@pytest.mark.parametrize("kinds", [1, 2, 5])
def test_distinct_units_of_shuffled_copies(width, kinds):
    rng = np.random.default_rng(width)
    rows = rng.normal(size=(1, kinds, 65))[:, rng.permutation(np.arange(width) % kinds)]
    assert distinct(rows) == pytest.approx(kinds)
    assert distinct(rng.normal(size=(1, width, 65))) == pytest.approx(width)


def test_distinct_units_of_rows_with_the_same_entries_in_another_order():
    kinds = np.array(list(itertools.permutations([1.0, 2.0, 3.0, 5.0])))
    assert distinct(np.tile(kinds, (1, 3, 1))) == pytest.approx(24)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_distinct_units_tells_one_part_in_a_million(size):
    rows = np.ones((1, 3, 4))
    for difference, expected in [(0.0, 1), (0.9e-6, 1), (1.1e-6, 2)]:
        rows[0, 1, 2] = 1 - difference
        assert distinct(size * rows) == pytest.approx(expected)
        bias_alone = rows[:, :, [0, 1, 3, 2]]
        assert distinct(size * bias_alone) == pytest.approx(expected)


def test_distinct_units_of_zeros_is_one():
    np.testing.assert_array_equal(distinct(np.zeros((2, 4, 3))), [1, 1])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_histogram_edges_cover_the_range_cut_at_four(activation_named, activation):
    activation = activation_named(activation)
    edges = histogram_edges(activation)
    low, high = activation.range
    assert (edges[0], edges[-1]) == (max(low, -4), min(high, 4))
    np.testing.assert_allclose(np.diff(edges), (edges[-1] - edges[0]) / 60, rtol=1e-9)
    assert len(edges) == 61


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_histograms_count_every_entry_in_its_bin(activation_named, activation, dtype, snapshot):
    s = snapshot(activation_named(activation), dtype, scale=4.0)
    counts = activation_histograms(s)
    edges = histogram_edges(s.activation).tolist()
    assert counts.shape == (2, 3, 60)
    assert counts.dtype == np.int64
    for r, layer in itertools.product(range(2), range(3)):
        expected = [0] * 60
        for a in entries(s.trace.a[layer + 1], r):
            expected[min(max(bisect.bisect_right(edges, a) - 1, 0), 59)] += 1
        assert sum(expected) == 7 * SIZES[layer + 1]
        np.testing.assert_array_equal(counts[r, layer], expected)


def test_histograms_put_the_rest_in_the_end_bins_and_nan_in_none():
    s = of_z(ACTIVATIONS["identity"], [[[-1e30, -4.0, 4.0, 1e30, np.inf, -np.inf, np.nan, 0.0]]])
    counts = activation_histograms(s)[0, 0]
    assert (counts[0], counts[-1], counts[30], counts.sum()) == (3, 3, 1, 7)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_histograms_keep_what_sits_on_the_bounds(activation_named, activation):
    s = of_z(activation_named(activation), [[[-1e4, 1e4, 0.0]]])
    counts = activation_histograms(s)[0, 0]
    assert (counts[0], counts[-1], counts.sum()) == (1, 1, 3)


@pytest.mark.parametrize(
    ("activation", "std_times_root_width", "per_layer"),
    [
        # He et al. 2015, section 2.2: with ReLU each layer halves the mean square unless Var(W) = 2 / n_in
        ("relu", math.sqrt(2), 1.0),
        ("relu", 1.0, 1 / math.sqrt(2)),
        ("identity", 1.0, 1.0),
        ("identity", 1.1, 1.1),
    ],
)
def test_signals_scale_with_depth_as_theory_says(activation, std_times_root_width, per_layer):
    """Mean squares over ten layers against theory, within 4 standard errors taken over the replicas."""
    sizes, R = (100,) * 13, 60
    rng = np.random.default_rng(0)
    theta = rng.normal(0, std_times_root_width / 10, (R, mlp.n_parameters(sizes)))
    layers = mlp.unflatten(theta, sizes)
    for _, b in layers:
        b[...] = 0
    x = rng.normal(size=(1, 20, 100))
    trace = mlp.forward(layers, ACTIVATIONS[activation], x)
    gradients = mlp.backward(layers, ACTIVATIONS[activation], trace, rng.normal(size=trace.h.shape))
    measured = measure(Snapshot(ACTIVATIONS[activation], layers, trace, gradients, None))
    for ratio in (
        (measured["activation_rms"][:, 10] / measured["activation_rms"][:, 0]) ** 2,
        (measured["delta_rms"][:, 0] / measured["delta_rms"][:, 10]) ** 2,
    ):
        relative = ratio / per_layer**20
        assert abs(relative.mean() - 1) < 4 * relative.std() / math.sqrt(R)
