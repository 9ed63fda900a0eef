import itertools
from dataclasses import replace

import numpy as np
import pytest

from mlpstudy.measure.histograms import BINS, count, edges
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS

SIZES = (3, 4, 6, 5, 2)


@pytest.fixture
def snapshot(draw):
    """(activation) -> a Snapshot of a random network whose z reach far into both tails."""

    def _snapshot(activation, dtype=np.float64, sizes=SIZES, batch=7):
        theta, x = draw(activation, sizes, batch=batch, dtype=dtype)
        layers = mlp.unflatten(4 * theta, sizes)
        trace = mlp.forward(layers, activation, x)
        dh = np.random.default_rng(99).normal(size=trace.h.shape).astype(dtype)
        return Snapshot(activation, layers, trace, mlp.backward(layers, activation, trace, dh), None)

    return _snapshot


def one_layer(name, values, activation="identity", dtype=float):
    """Counts of the named array, (BINS,), in a network of one hidden layer where it holds these values."""
    x = np.asarray(values, dtype)[None, None]
    h = np.zeros((1, 1, 1), dtype)
    layers = [(np.ones((1, x.shape[2], 1)), h), (h, h)]
    trace = mlp.Trace([x, h], [h, ACTIVATIONS[activation].g(x)])
    s = Snapshot(ACTIVATIONS[activation], layers, trace, mlp.Gradients([x, h], h[0], layers), None)
    return count(s)[name][0, 0]


def of_layer(s, name, layer):
    """The values themselves, (R, batch, width), log10|delta| in float64."""
    if name == "delta":
        return np.log10(np.abs(s.gradients.delta[layer].astype(np.float64)))
    return s.trace.z[layer] if name == "preactivation" else s.trace.a[layer + 1]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_edges_of_activations_cover_the_range_cut_at_four(activation_named, activation):
    activation = activation_named(activation)
    found = edges(activation)["activation"]
    low, high = activation.range
    assert (found[0], found[-1]) == (max(low, -4), min(high, 4))
    np.testing.assert_allclose(np.diff(found), (found[-1] - found[0]) / 60, rtol=1e-9)
    assert len(found) == 61


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize(("name", "low", "high"), [("preactivation", -8, 8), ("delta", -24, 6)])
def test_other_edges_are_the_same_for_every_activation(name, low, high, activation):
    np.testing.assert_allclose(edges(ACTIVATIONS[activation])[name], [low + (high - low) * i / 60 for i in range(61)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_entry_is_counted_in_its_bin(activation_named, activation, dtype, snapshot):
    s = snapshot(activation_named(activation), dtype)
    for name, counts in count(s).items():
        assert counts.shape == (2, 3, BINS)
        assert counts.dtype == np.int64
        bins = edges(s.activation)[name]
        for r, layer in itertools.product(range(2), range(3)):
            with np.errstate(divide="ignore"):
                inside = np.clip(of_layer(s, name, layer)[r], bins[0], bins[-1])
            np.testing.assert_array_equal(counts[r, layer], np.histogram(inside, bins)[0])
            assert counts[r, layer].sum() == 7 * SIZES[layer + 1]


def test_every_name_has_its_edges():
    assert set(edges(ACTIVATIONS["tanh"])) == {"preactivation", "activation", "delta"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "end"), [("preactivation", 8.0), ("activation", 4.0)])
def test_the_end_bins_hold_the_rest_and_nan_is_in_none(name, end, dtype):
    counts = one_layer(name, [-1e30, -end, end, 1e30, np.inf, -np.inf, np.nan, 0.0], dtype=dtype)
    assert (counts[0], counts[-1], counts[30], counts.sum()) == (3, 3, 1, 7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_end_bins_of_delta(dtype):
    counts = one_layer("delta", [0.0, -0.0, 1e-30, -1e-30, 1e6, -3e30, np.inf, -np.inf, np.nan], dtype=dtype)
    assert (counts[0], counts[-1], counts.sum()) == (4, 4, 8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_delta_is_counted_by_its_decade_whatever_its_sign(dtype):
    sizes = np.array([3e-24, 3e-10, 3e-1, 3e5])  # two bins a decade, the second from 10^0.5 = 3.16
    counts = one_layer("delta", [*sizes, *-sizes, *(1.1 * sizes)], dtype=dtype)
    np.testing.assert_array_equal(counts[[0, 28, 46, 58]], 2)
    np.testing.assert_array_equal(counts[[1, 29, 47, 59]], 1)
    assert counts.sum() == 12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_on_an_inner_edge_belongs_to_the_bin_above(dtype):
    counts = one_layer("preactivation", [-4.0, 0.0, 4.0], dtype=dtype)
    assert np.flatnonzero(counts).tolist() == [15, 30, 45]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_what_sits_on_the_bounds_is_kept(activation):
    counts = one_layer("activation", [-1e4, 1e4, 0.0], activation)
    assert (counts[0], counts[-1], counts[30], counts.sum()) == (1, 1, 1, 3)


def test_a_replica_of_nan_leaves_the_other_alone(snapshot):
    s = snapshot(ACTIVATIONS["tanh"])
    healthy = count(s)

    def broken(arrays):
        copies = [array.copy() for array in arrays]
        for array in copies:
            array[len(array) - 1] = np.nan
        return copies

    trace = mlp.Trace(broken(s.trace.z), broken(s.trace.a))
    found = count(replace(s, trace=trace, gradients=replace(s.gradients, delta=broken(s.gradients.delta))))
    for name, counts in found.items():
        np.testing.assert_array_equal(counts[0], healthy[name][0])
        assert counts[1].sum() == 0


@pytest.mark.parametrize(("sizes", "batch"), [((3, 2), 7), ((3, 1, 1, 2), 1)])
def test_no_layer_one_unit_one_sample(sizes, batch, snapshot):
    for counts in count(snapshot(ACTIVATIONS["tanh"], sizes=sizes, batch=batch)).values():
        assert counts.shape == (2, len(sizes) - 2, BINS)
        assert counts.dtype == np.int64
        assert (counts.sum(axis=2) == batch).all()


def test_counting_changes_nothing(snapshot):
    s = snapshot(ACTIVATIONS["tanh"])
    given = [*s.trace.z, *s.trace.a, *s.gradients.delta]
    before = [array.copy() for array in given]
    count(s)
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)
