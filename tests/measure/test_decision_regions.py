import itertools

import numpy as np
import pytest

from mlpstudy.measure.decision_regions import decision_frame, decision_regions
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS

IDENTITY = ACTIVATIONS["identity"]


def linear(*rows, bias=0.0):
    """Layers of one linear network per replica, rows (outputs, 2) each."""
    W = np.array(rows, float)
    return [(W, np.full((len(W), 1, W.shape[1]), bias))]


SQUARE = np.array([[-1.0, -2.0], [3.0, -2.0], [-1.0, 8.0], [3.0, 8.0], [1.0, 3.0]])
TARGETS = np.eye(2)[[0, 1, 0, 1, 1]]


def test_decision_regions_of_known_lines():
    """Rows upwards: one replica says 1 right of x = 0, one above y = 0, one everywhere."""
    layers = linear([[0, 0], [1, 0]], [[0, 0], [0, 1]], [[0, 0], [0, 0]])
    layers[0][1][2, 0, 1] = 1.0
    found = decision_regions(layers, IDENTITY, SQUARE, TARGETS)
    across, up = found["decision_axes"]
    regions = found["decision_regions"]
    assert regions.shape == (3, 80, 80)
    np.testing.assert_array_equal(regions[0], np.tile(across > 0, (80, 1)))
    np.testing.assert_array_equal(regions[1], np.tile(up > 0, (80, 1)).T)
    assert (regions[2] == 1).all()


def test_decision_axes_reach_a_tenth_beyond_the_examples():
    axes = decision_regions(linear([[0, 0], [1, 0]]), IDENTITY, SQUARE, TARGETS)["decision_axes"]
    np.testing.assert_allclose(axes[0], np.linspace(-1.4, 3.4, 80), rtol=1e-12)
    np.testing.assert_allclose(axes[1], np.linspace(-3.0, 9.0, 80), rtol=1e-12)


def test_decision_of_a_single_output_is_its_sign():
    """As accuracy has it: class 1 where h > 0, here where x + y > 1."""
    y = np.array([[0.0], [1.0], [0.0], [1.0], [1.0]])
    found = decision_regions(linear([[1.0, 1.0]], bias=-1.0), IDENTITY, SQUARE, y)
    across, up = np.meshgrid(*found["decision_axes"])
    np.testing.assert_array_equal(found["decision_regions"][0], across + up - 1 > 0)
    assert found["decision_classes"].tolist() == [0, 1, 0, 1, 1]


@pytest.mark.parametrize("outputs", [1, 2])
def test_decision_is_minus_one_where_h_is_not_finite(outputs):
    weights = np.array([[1.0, 2.0]] * outputs)
    y = np.eye(2)[[0, 1, 0, 1, 1], :outputs]
    layers = linear(weights, weights, weights)
    healthy = decision_regions(layers, IDENTITY, SQUARE, y)["decision_regions"]
    layers[0][0][1, 0, 0], layers[0][1][2, 0, outputs - 1] = np.nan, np.inf
    regions = decision_regions(layers, IDENTITY, SQUARE, y)["decision_regions"]
    assert (healthy >= 0).all()
    assert (regions[1:] == -1).all()
    np.testing.assert_array_equal(regions[0], healthy[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decision_regions_point_by_point(dtype, draw):
    tanh, sizes = ACTIVATIONS["tanh"], (2, 5, 4, 3)
    theta, x = draw(tanh, sizes, batch=30, dtype=dtype)
    layers = mlp.unflatten(3 * theta, sizes)
    found = decision_regions(layers, tanh, x[0], np.eye(3, dtype=dtype)[np.arange(30) % 3])
    across, up = found["decision_axes"].astype(dtype)
    regions = found["decision_regions"]
    assert len(np.unique(regions)) > 1
    for r, row, column in itertools.product(range(2), range(0, 80, 7), range(0, 80, 7)):
        h = mlp.forward(layers, tanh, np.array([[[across[column], up[row]]]])).h[r, 0]
        assert h[regions[r, row, column]] >= h.max() - 1e-5 * abs(h).max()


def test_the_first_examples_are_kept_with_their_classes():
    rng = np.random.default_rng(0)
    x, classes = rng.normal(size=(500, 2)), rng.integers(3, size=500)
    found = decision_regions(linear(rng.normal(size=(3, 2))), IDENTITY, x, np.eye(3)[classes])
    np.testing.assert_array_equal(found["decision_points"], x[:400])
    np.testing.assert_array_equal(found["decision_classes"], classes[:400])
    few = decision_regions(linear(rng.normal(size=(3, 2))), IDENTITY, x[:7], np.eye(3)[classes[:7]])
    assert (len(few["decision_points"]), len(few["decision_classes"])) == (7, 7)


def test_hundreds_of_classes_keep_their_numbers():
    W = np.zeros((300, 2))
    W[299], W[200] = [1, 0], [-1, 0]
    found = decision_regions([(W[None], np.zeros((1, 1, 300)))], IDENTITY, SQUARE, np.eye(300)[[299, 200, 0, 0, 0]])
    assert np.unique(found["decision_regions"]).tolist() == [200, 299]
    assert found["decision_classes"].tolist()[:2] == [299, 200]


def test_examples_all_in_one_place_have_regions_too():
    found = decision_regions(linear([[0, 0], [1, 0]]), IDENTITY, np.full((3, 2), 2.0), np.eye(2)[[0, 1, 0]])
    assert (found["decision_axes"] == 2).all()
    assert (found["decision_regions"] == 1).all()


def test_a_frame_is_a_coarser_view_of_the_first_replica():
    """A diagonal boundary: regions and frame agree at the corners, and about half of the points are on each side."""
    layers = [(np.array([[[1.0, 1.0]], [[-1.0, -1.0]]]), np.full((2, 1, 1), -1.0))]
    layers[0][1][1] = 1.0
    regions = decision_regions(layers, IDENTITY, SQUARE, np.array([[0.0], [1], [0], [1], [1]]))["decision_regions"][0]
    frame = decision_frame(layers, IDENTITY, SQUARE)
    assert frame.shape == (32, 32)
    corners = np.ix_([0, -1], [0, -1])
    assert frame[corners].tolist()[0][0] == regions[corners].tolist()[0][0] == 0
    assert frame[-1, -1] == regions[-1, -1] == 1
    assert abs(frame.mean() - regions.mean()) < 0.05
