import itertools
import math
from dataclasses import replace
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlpstudy import theory
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.statistics import LOG_SCALED, STATISTICS, measure
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS, leaky_relu

SIZES = (3, 4, 6, 5, 2)


@pytest.fixture
def snapshot(draw):
    """(activation) -> a Snapshot of three hidden layers and two replicas with random everything."""

    def _snapshot(activation, dtype=np.float64, sizes=SIZES, scale=1.0, batch=7, replicas=2):
        theta, x = draw(activation, sizes, replicas, batch, dtype)
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


def participation_ratio(a):
    """From the singular values of a (batch, width)."""
    s = np.linalg.svd(a.astype(float), compute_uv=False)
    return sum(s**2) ** 2 / sum(s**4)


def mean_cosine(z):
    """Over all ordered pairs of two different rows of z (batch, width), one by one."""
    cosines = [
        float(one @ other) / math.sqrt(float(one @ one) * float(other @ other))
        for one, other in itertools.permutations(z.astype(float), 2)
    ]
    return fmean(cosines) if cosines else math.nan


def sample_gradients(s, r, k):
    """dJ_i/dW[k] of every sample i alone, each by backpropagation of a batch of one: a list of matrices."""
    found = []
    for i in range(s.trace.h.shape[1]):
        layers = [(W[r : r + 1], b[r : r + 1]) for W, b in s.layers]
        x = s.trace.a[0][r % len(s.trace.a[0]), i][None, None]
        dh = s.gradients.delta[-1][r, i][None, None] * len(s.trace.h[r])  # without the 1/batch of the mean
        trace = mlp.forward(layers, s.activation, x)
        dW, _ = mlp.backward(layers, s.activation, trace, dh).layers[k - 1]
        found.append(dW[0].astype(float))
    return found


def signal_to_noise(gradients):
    """|mean| over the root mean square distance from it; NaN for one."""
    mean = sum(gradients) / len(gradients)
    spread = fmean(float(np.square(g - mean).sum()) for g in gradients)
    return math.sqrt(float(np.square(mean).sum()) / spread) if len(gradients) > 1 else math.nan


def mean_square_of_singular_values(s, r, k):
    """Of the dense W[k] diag(g'(z[k-1])) of one sample after the other; of W[1] in the first layer."""
    W = s.layers[k - 1][0][r].astype(float)
    slopes = s.activation.dg(s.trace.z[k - 2][r]) if k > 1 else np.ones((1, W.shape[1]))
    jacobians = [W @ np.diag(slope.astype(float)) for slope in slopes]
    return fmean(v * v for J in jacobians for v in np.linalg.svd(J, compute_uv=False))


# name -> value of replica r and hidden layer k (counted from 1), from design.md's table of definitions
REFERENCE = {
    "preactivation_mean": lambda s, r, k: fmean(entries(s.trace.z[k - 1], r)),
    "preactivation_std": lambda s, r, k: pstdev(entries(s.trace.z[k - 1], r)),
    "activation_mean": lambda s, r, k: fmean(entries(s.trace.a[k], r)),
    "activation_std": lambda s, r, k: pstdev(entries(s.trace.a[k], r)),
    "activation_rms": lambda s, r, k: root_mean_square(s.trace.a[k], r),
    "saturated_fraction": lambda s, r, k: fmean(is_flat(s, v) for v in entries(s.trace.z[k - 1], r)),
    "inactive_fraction": lambda s, r, k: fmean(
        v < 0 and is_flat(s, v) and is_flat(s, -1e-5)
        for v in entries(s.trace.z[k - 1], r)
    ),
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
    ) / s.layers[k - 1][0].shape[1],
    "effective_rank": lambda s, r, k: participation_ratio(s.trace.a[k][r]) / s.trace.a[k].shape[2],
    "input_correlation": lambda s, r, k: mean_cosine(s.trace.z[k - 1][r]),
    "gradient_snr": lambda s, r, k: signal_to_noise(sample_gradients(s, r, k)),
    "jacobian_gain": mean_square_of_singular_values,
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
    # the passes of single samples are rounded to the dtype in another order
    rtol = 1e-5 if (name, dtype) == ("gradient_snr", np.float32) else 1e-12
    np.testing.assert_allclose(value, expected, rtol=rtol, atol=1e-13)


SHAPES = {  # sizes and batch
    "width one": ((3, 1, 1, 2), 5),
    "one input": ((1, 4, 3, 2), 5),
    "one sample": (SIZES, 1),
    "two samples": (SIZES, 2),
    "wider than the batch": ((3, 20, 9, 2), 4),
    "one of each": ((1, 1, 1), 1),
}


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("name", STATISTICS)
def test_statistic_of_a_strange_shape_by_another_route(name, case, snapshot):
    sizes, batch = SHAPES[case]
    s = snapshot(ACTIVATIONS["tanh"], sizes=sizes, batch=batch)
    value = measure(s)[name]
    expected = [[REFERENCE[name](s, r, layer) for layer in range(1, len(sizes) - 1)] for r in range(2)]
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_replica_alone_reads_as_among_others(snapshot, dtype):
    s = snapshot(ACTIVATIONS["tanh"], dtype, replicas=4)
    together = measure(s)
    for r in range(4):
        one = slice(r, r + 1)

        def of(layers, one=one):
            return [(W[one], b[one]) for W, b in layers]

        trace = mlp.Trace([z[one] for z in s.trace.z], [s.trace.a[0], *(a[one] for a in s.trace.a[1:])])
        gradients = mlp.Gradients([d[one] for d in s.gradients.delta], s.gradients.theta[one], of(s.gradients.layers))
        alone = measure(Snapshot(s.activation, of(s.layers), trace, gradients, of(s.dlayers)))
        for name, value in alone.items():
            np.testing.assert_allclose(value[0], together[name][r], rtol=1e-12, atol=1e-15, err_msg=name)


def test_x_may_be_shared_or_one_per_replica(snapshot):
    s = snapshot(ACTIVATIONS["tanh"], replicas=3)
    assert [len(a) for a in s.trace.a] == [1, 3, 3, 3]
    own = replace(s, trace=replace(s.trace, a=[np.tile(s.trace.a[0], (3, 1, 1)), *s.trace.a[1:]]))
    expected = measure(s)
    for name, value in measure(own).items():
        np.testing.assert_array_equal(value, expected[name])


def test_what_several_statistics_need_is_computed_once(snapshot):
    seen = []

    def dg(z):
        seen.append(z)
        return ACTIVATIONS["tanh"].dg(z)

    s = snapshot(ACTIVATIONS["tanh"])
    measure(replace(s, activation=replace(s.activation, dg=dg)))
    assert [id(z) for z in seen if z.ndim == 3] == [id(z) for z in s.trace.z[:-1]]


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


def test_a_tiny_delta_in_float32_is_a_result(snapshot):
    """Straight through backpropagation: all of a delta of size 1e-30."""
    s = snapshot(ACTIVATIONS["identity"], np.float32, sizes=(3, 2, 1))
    layers = [s.layers[0], (np.ones((2, 1, 2), np.float32), s.layers[1][1])]
    gradients = mlp.backward(layers, s.activation, s.trace, np.full((2, 7, 1), 1e-30, np.float32))
    np.testing.assert_allclose(STATISTICS["delta_rms"](replace(s, gradients=gradients)), 1e-30, rtol=1e-6)


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
        # of the layer before, gradient_snr takes a and jacobian_gain z
        untouched = [0] if name in ("gradient_snr", "jacobian_gain") else [0, 2]
        np.testing.assert_array_equal(value[1, untouched], healthy[name][1, untouched])


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


SCALED = {  # statistic -> a snapshot whose scale it should not see
    "effective_rank": lambda s, c: replace(
        s, trace=replace(s.trace, a=[s.trace.a[0], *(c * a for a in s.trace.a[1:])])
    ),
    "input_correlation": lambda s, c: replace(s, trace=replace(s.trace, z=[c * z for z in s.trace.z])),
    "gradient_snr": lambda s, c: replace(
        s,
        gradients=replace(
            s.gradients,
            delta=[c * delta for delta in s.gradients.delta],
            layers=[(c * dW, c * db) for dW, db in s.gradients.layers],
        ),
    ),
    "gradient_snr by a": lambda s, c: replace(
        s,
        trace=replace(s.trace, a=[c * a for a in s.trace.a]),
        gradients=replace(s.gradients, layers=[(c * dW, db) for dW, db in s.gradients.layers]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SCALED)
@pytest.mark.parametrize(
    ("scale", "dtype", "rtol"),
    [
        (1e-25, np.float32, 1e-6),
        (1e25, np.float32, 1e-6),
        (1e-25, np.float64, 1e-12),
        (1e-200, np.float64, 1e-12),
        (1e200, np.float64, 1e-12),
    ],
)
def test_no_scale_no_difference(case, scale, dtype, rtol, snapshot):
    s = snapshot(ACTIVATIONS["tanh"], dtype)
    statistic = STATISTICS[case.partition(" ")[0]]
    expected = statistic(s)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(statistic(SCALED[case](s, dtype(scale))), expected, rtol=rtol)


def of_a(a):
    """effective_rank of activations (batch, width)."""
    s = of_z(ACTIVATIONS["identity"], [a])
    return float(measure(s)["effective_rank"][0, 0])


@pytest.mark.parametrize("batch", [3, 5, 12])
def test_effective_rank_of_one_line_is_one_direction(batch):
    rng = np.random.default_rng(0)
    assert of_a(np.outer(rng.normal(size=batch), rng.normal(size=5))) == pytest.approx(1 / 5, rel=1e-12)
    assert of_a(np.ones((batch, 5))) == pytest.approx(1 / 5, rel=1e-12)


@pytest.mark.parametrize(("directions", "width"), [(5, 5), (3, 5), (1, 5), (1, 1)])
def test_effective_rank_counts_equal_directions(directions, width):
    rng = np.random.default_rng(0)
    Q, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    P, _ = np.linalg.qr(rng.normal(size=(width, width)))
    assert of_a(7.0 * Q[:, :directions] @ P[:directions]) == pytest.approx(directions / width, rel=1e-12)


def test_effective_rank_of_fewer_samples_than_units():
    assert of_a(np.eye(3, 12)) == pytest.approx(3 / 12, rel=1e-12)


def test_effective_rank_weighs_directions_by_their_variance():
    # s^2 = 9, 1: (9 + 1)^2 / (81 + 1)
    assert of_a(np.array([[3.0, 0.0], [0.0, 1.0]])) == pytest.approx(100 / 82 / 2, rel=1e-12)


def test_effective_rank_of_nothing_is_undefined():
    s = of_z(ACTIVATIONS["identity"], [np.zeros((4, 3)), np.eye(4, 3)])
    np.testing.assert_allclose(measure(s)["effective_rank"], [[np.nan], [1.0]])


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        ([[1.0, -2.0, 3.0]] * 4, 1),
        ([[1.0, 2.0], [-1.0, -2.0]], -1),
        ([[3.0, 0.0, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, -7.0]], 0),
        ([[1.0, 0.0], [-0.5, math.sqrt(0.75)], [-0.5, -math.sqrt(0.75)]], -1 / 2),  # 120 degrees apart
        ([[1e-3, 0.0], [1e3, 0.0], [0.0, 1e3]], 1 / 3),  # of three pairs one is parallel, whatever the lengths
        ([[2.0], [-3.0], [5.0]], -1 / 3),  # one unit: a sign
        ([[1.0, 2.0], [0.0, 0.0]], np.nan),
        ([[1.0, 2.0]], np.nan),
    ],
)
def test_input_correlation_is_the_mean_cosine(z, expected):
    value = measure(of_z(ACTIVATIONS["tanh"], [z]))["input_correlation"]
    np.testing.assert_allclose(value, [[expected]], rtol=1e-12, atol=1e-13)


def of_delta(delta, x, dtype=float):
    """gradient_snr of one hidden layer with this delta and input, both (batch, width)."""
    delta, x = np.asarray(delta, dtype)[None], np.asarray(x, dtype)[None]
    dW = delta.mT @ x
    h = np.zeros((1, delta.shape[1], 1), dtype)
    gradients = mlp.Gradients([delta, h], np.zeros((1, 1)), [(dW, delta[:, :1]), (h, h)])
    s = Snapshot(
        ACTIVATIONS["identity"], [(dW, delta[:, :1]), (h, h)], mlp.Trace([delta, h], [x, delta]), gradients, None
    )
    return float(measure(s)["gradient_snr"][0, 0])


@pytest.mark.parametrize("batch", [2, 3, 10])
def test_gradient_snr_of_orthogonal_samples(batch):
    """|mean|^2 = 1/B of |G|^2, the rest is spread: snr = 1 / sqrt(B - 1)."""
    assert of_delta(np.ones((batch, 3)), np.eye(batch)) == pytest.approx(1 / math.sqrt(batch - 1), rel=1e-12)
    assert of_delta(np.eye(batch), np.ones((batch, 3))) == pytest.approx(1 / math.sqrt(batch - 1), rel=1e-12)


def test_gradient_snr_of_opposite_samples_is_zero():
    assert of_delta([[1.0], [-1.0]], [[2.0, 3.0], [2.0, 3.0]]) == 0


@pytest.mark.parametrize("noise", [0.1, 1e-3, 1e-5])
def test_gradient_snr_of_a_known_noise(noise):
    assert of_delta([[1 + noise], [1 - noise]], [[3.0], [3.0]]) == pytest.approx(1 / noise, rel=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [1, 2, 256])
def test_gradient_snr_without_a_spread_is_undefined(batch, dtype):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        delta, x = rng.normal(size=(1, 5)).repeat(batch, axis=0), rng.normal(size=(1, 7)).repeat(batch, axis=0)
        assert math.isnan(of_delta(delta, x, dtype))
    assert math.isnan(of_delta(np.zeros((batch, 5)), x, dtype))


@pytest.mark.parametrize(("n_in", "n_out"), [(6, 6), (6, 3), (3, 6), (1, 4)])
def test_jacobian_gain_of_an_orthogonal_matrix_is_one(n_in, n_out, start):
    """Linear layers keep every length; of more units than inputs, on the inputs' side."""
    sizes = (4, n_in, n_out, 2)
    layers = mlp.unflatten(start("orthogonal", sizes), sizes)
    identity, x = ACTIVATIONS["identity"], np.ones((1, 5, 4))
    trace = mlp.forward(layers, identity, x)
    gradients = mlp.backward(layers, identity, trace, np.ones_like(trace.h))
    value = measure(Snapshot(identity, layers, trace, gradients, None))["jacobian_gain"]
    np.testing.assert_allclose(value, 1.0, rtol=1e-12)


def test_jacobian_gain_counts_the_open_units():
    """W = 3 I after ReLU: 9 for every open entry, here 5 of 8."""
    z = [[[1.0, -1.0], [2.0, 3.0], [-1.0, -2.0], [1.0, 1.0]]]
    s = of_z(ACTIVATIONS["relu"], z, np.ones((1, 4, 2)))
    s = replace(s, layers=[s.layers[0], (3 * np.eye(2)[None], s.layers[1][1]), s.layers[2]])
    assert measure(s)["jacobian_gain"][0, 1] == pytest.approx(9 * 5 / 8, rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_jacobian_gain_is_that_of_finite_differences(activation, activation_named, snapshot):
    """z[l] as a function of z[l-1], one entry of z[l-1] and one sample at a time."""
    s, eps = snapshot(activation_named(activation)), 1e-5
    for r, layer in itertools.product(range(2), (1, 2)):
        W, z = s.layers[layer][0][r], s.trace.z[layer - 1][r]
        squares = []
        for sample in z:
            columns = [
                (s.activation.g(sample + e) - s.activation.g(sample - e)) @ W.T / (2 * eps)
                for e in eps * np.eye(len(sample))
            ]
            squares += list(np.linalg.svd(np.array(columns).T, compute_uv=False) ** 2)
        assert measure(s)["jacobian_gain"][r, layer] == pytest.approx(np.mean(squares), rel=1e-6)


@pytest.mark.parametrize("widths", [(200, 200, 200), (200, 200, 100), (200, 100, 200)])
@pytest.mark.parametrize(
    ("activation", "sigma_w", "sigma_b"), [("tanh", 1.5, 0.3), ("relu", math.sqrt(2), 0.0), ("gelu", 1.3, 0.5)]
)
def test_jacobian_gain_is_chi_of_theory(activation, sigma_w, sigma_b, widths):
    """sigma_w^2 D(q) by quadrature, times n_l / n_{l-1} where units outnumber inputs, within 4 standard errors."""
    sizes, R, activation = (50, *widths, 2), 40, ACTIVATIONS[activation]
    rng = np.random.default_rng(1)
    layers = [
        (rng.normal(0, sigma_w * n_in**-0.5, (R, n_out, n_in)), rng.normal(0, sigma_b, (R, 1, n_out)))
        for n_in, n_out in itertools.pairwise(sizes)
    ]
    x = rng.normal(size=(1, 3, 50))
    x *= math.sqrt(50) / np.linalg.norm(x, axis=2, keepdims=True)  # of length q = 1 per input
    trace = mlp.forward(layers, activation, x)
    gradients = mlp.backward(layers, activation, trace, np.ones_like(trace.h))
    value = measure(Snapshot(activation, layers, trace, gradients, None))["jacobian_gain"]
    q = sigma_w**2 + sigma_b**2
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(widths), start=1):
        expected = theory.chi(activation, sigma_w, q) * n_out / min(n_out, n_in)
        measured = value[:, layer]
        assert abs(measured.mean() - expected) < 4 * measured.std() / math.sqrt(R)
        assert measured.std() / math.sqrt(R) < 0.02 * expected  # or else the line above says nothing
        q = theory.length_map(activation, sigma_w, sigma_b, q)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bounds(activation, activation_named, snapshot):
    measured = measure(snapshot(activation_named(activation), replicas=10, scale=2.0))
    widths = np.array(SIZES[1:-1])
    assert (measured["effective_rank"] >= 1 / widths - 1e-12).all()
    assert (measured["effective_rank"] <= 1 + 1e-12).all()
    assert (measured["input_correlation"] >= -1 / 6 - 1e-12).all()  # of 7 samples
    assert (measured["input_correlation"] <= 1 + 1e-12).all()
    assert (measured["gradient_snr"] >= 0).all()
    assert (measured["jacobian_gain"] >= 0).all()


ABOUT_WEIGHTS = ("weight_rms", "update_ratio", "distinct_units")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_nan_in_one_weight_spreads_through_its_replica_alone(activation, dtype, activation_named, snapshot):
    """g' of NaN is a number for some activations, e.g. 0 for ReLU; no statistic may say so."""
    s = snapshot(activation_named(activation), dtype, replicas=3)

    def passes(layers):
        trace = mlp.forward(layers, s.activation, s.trace.a[0])
        return replace(s, layers=layers, trace=trace, gradients=mlp.backward(layers, s.activation, trace, trace.h))

    healthy = measure(passes(s.layers))
    W = s.layers[0][0].copy()
    W[1, 0, 0] = np.nan
    with np.errstate(all="ignore"):  # as in training
        broken = passes([(W, s.layers[0][1]), *s.layers[1:]])
    for name, value in measure(broken).items():
        assert np.isnan(value[1, 0]), name
        if name in ABOUT_WEIGHTS:
            np.testing.assert_array_equal(value[1, 1:], healthy[name][1, 1:])
        else:
            assert np.isnan(value[1]).all(), name
        np.testing.assert_array_equal(value[::2], healthy[name][::2], err_msg=name)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.finfo(np.float32).max])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_overflow_in_one_replica_leaves_the_others_alone(activation, bad, activation_named, snapshot):
    s = snapshot(activation_named(activation), np.float32, replicas=3)
    healthy = measure(s)
    layers = [(W.copy(), b.copy()) for W, b in s.layers]
    for W, _ in layers:
        W[1] = bad
    with np.errstate(all="ignore"):
        trace = mlp.forward(layers, s.activation, s.trace.a[0])
        gradients = mlp.backward(layers, s.activation, trace, s.gradients.delta[-1])
    for name, value in measure(replace(s, layers=layers, trace=trace, gradients=gradients)).items():
        np.testing.assert_array_equal(value[::2], healthy[name][::2], err_msg=name)


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
