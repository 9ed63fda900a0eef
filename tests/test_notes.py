"""What docs/from-the-notes.md cites: one test for each claim of the founding notes, sections 2 to 10.

Oracles: plain Python loops over neurons, and central differences. Where the notes slip, the test shows which reading
the differences agree with, and that the other one is not it.
"""

import ast
import doctest
import itertools
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.cells.streams import ORDER, stream
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.statistics import saturated_fraction
from mlpstudy.network import gradient_check, mlp, training
from mlpstudy.network.activations import ACTIVATIONS, SATURATED_SLOPE
from mlpstudy.network.losses import LOSSES

SIZES = (2, 3, 4, 1)  # the network of the notes
HIDDEN = ["relu", "tanh", "sigmoid"]
SCALAR = {  # g and g' of one number
    "relu": (lambda z: max(z, 0.0), lambda z: 1.0 if z > 0 else 0.0),
    "tanh": (math.tanh, lambda z: 1 - math.tanh(z) ** 2),
    "sigmoid": (lambda z: 1 / (1 + math.exp(-z)), lambda z: math.exp(-z) / (1 + math.exp(-z)) ** 2),
}
CLOSE = {"rtol": 1e-12, "atol": 1e-14}
NUMERIC = {"rtol": 1e-7, "atol": 1e-9}  # of central differences: truncation eps^2, rounding 1e-16 / eps
EPS = 1e-5


def jacobian(f, x):
    """Central differences of f: R^n -> R^m at x, (m, n): column j is what one step in x_j does."""
    columns = [np.ravel(f(x + step) - f(x - step)) / (2 * EPS) for step in EPS * np.eye(len(x))]
    return np.stack(columns, axis=1)


def neuron_by_neuron(layers, g, x):
    """z and a of one example, sections 4 and 7: z_j = w_j . a + b_j with w_j row j of W; h without g."""
    a, z = [list(x)], []
    for W, b in layers:
        if z:
            a.append([g(v) for v in z[-1]])
        z.append([sum(W[j][i] * a[-1][i] for i in range(len(a[-1]))) + b[j] for j in range(len(b))])
    return z, a


def gradients_by_hand(layers, g, dg, x, y):
    """dL/dW and dL/db of one example for sigmoid with cross-entropy, section 8 entry by entry."""
    z, a = neuron_by_neuron(layers, g, x)
    delta = [SCALAR["sigmoid"][0](z[-1][0]) - y]
    result = []
    for layer in reversed(range(len(layers))):
        W, _ = layers[layer]
        result.insert(0, ([[d * ai for ai in a[layer]] for d in delta], delta))
        if layer:
            below = z[layer - 1]
            delta = [sum(W[j][i] * delta[j] for j in range(len(W))) * dg(below[i]) for i in range(len(below))]
    return result


def as_lists(theta, sizes):
    """theta (P,) as [(W, b), ...] of nested lists."""
    return [(W[0].tolist(), b[0, 0].tolist()) for W, b in mlp.unflatten(theta[None], sizes)]


class Example:
    """The 2-3-4-1 network on one example: column vectors as in the notes, and the code's gradients."""

    def __init__(self, name, draw, y=1.0):
        self.name, self.activation, self.y = name, ACTIVATIONS[name], y
        self.theta, self.x = draw(self.activation, SIZES, replicas=1, batch=1)
        self.layers = mlp.unflatten(self.theta, SIZES)
        self.W = [None] + [W[0] for W, _ in self.layers]
        self.b = [None] + [b[0].T for _, b in self.layers]
        trace = mlp.forward(self.layers, self.activation, self.x)
        dh = LOSSES["bce"].gradient(trace.h, np.full((1, 1, 1), y))
        self.code = mlp.backward(self.layers, self.activation, trace, dh)
        self.z = [None] + [z[0].T for z in trace.z]
        self.a = [a[0].T for a in trace.a]
        self.a3 = 1 / (1 + math.exp(-self.z[3].item()))

    def loss(self, theta):
        """L of one example, (P,) -> number, in plain Python."""
        z, _ = neuron_by_neuron(as_lists(theta, SIZES), SCALAR[self.name][0], self.x[0, 0].tolist())
        o = 1 / (1 + math.exp(-z[-1][0]))
        return -self.y * math.log(o) - (1 - self.y) * math.log(1 - o)

    def numeric(self):
        """Central differences of L as [(dW, db), ...]."""
        return as_lists(jacobian(self.loss, self.theta[0])[0], SIZES)


@pytest.fixture
def example(draw):
    """name of g -> Example."""
    return lambda name="tanh": Example(name, draw)


# 2. Main idea


def test_without_activations_the_network_is_ax_plus_b(draw):
    def curvature(name):
        """f(u + v) - f(u) - f(v) + f(0), which is 0 for ax + b."""
        theta, _ = draw(ACTIVATIONS[name], SIZES)
        u, v = np.array([[[1.0, -2.0]]]), np.array([[[0.5, 3.0]]])
        f = [mlp.predict(mlp.unflatten(theta, SIZES), ACTIVATIONS[name], x) for x in (u + v, u, v, 0 * u)]
        return np.abs(f[0] - f[1] - f[2] + f[3]).min()

    assert curvature("identity") < 1e-12
    assert min(curvature(name) for name in HIDDEN) > 1e-3


def test_the_activations_the_notes_name(activation_named):
    z = [-3.0, -0.5, 0.25, 2.0]
    formulas = {**SCALAR, "leaky_relu": (lambda v: v if v > 0 else 0.01 * v, lambda v: 1.0 if v > 0 else 0.01)}
    for name, (g, dg) in formulas.items():
        np.testing.assert_allclose(activation_named(name).g(np.array(z)), [g(v) for v in z], **CLOSE)
        np.testing.assert_allclose(activation_named(name).dg(np.array(z)), [dg(v) for v in z], **CLOSE)


# 3. Structure


def test_the_network_of_the_notes_has_30_parameters():
    layers = mlp.unflatten(np.zeros((1, 30)), SIZES)
    assert [W.size + b.size for W, b in layers] == [2 * 3 + 3, 3 * 4 + 4, 4 * 1 + 1] == [9, 16, 5]
    assert mlp.n_parameters(SIZES) == 9 + 16 + 5 == 30


# 4. Forward feed


@pytest.mark.parametrize("name", HIDDEN)
def test_each_neuron_is_its_weights_times_the_inputs_plus_its_bias(example, name):
    e = example(name)
    z, a = neuron_by_neuron(as_lists(e.theta[0], SIZES), SCALAR[name][0], e.x[0, 0].tolist())
    for layer in (1, 2, 3):
        np.testing.assert_allclose(e.z[layer][:, 0], z[layer - 1], **CLOSE)
        np.testing.assert_allclose(e.a[layer - 1][:, 0], a[layer - 1], **CLOSE)


def test_theta_1_and_theta_4_lead_to_the_first_neuron():
    theta = {k: float(k) for k in range(1, 7)}  # the six weights of layer 1 as the notes count them
    W = np.array([[theta[j], theta[j + 3]] for j in (1, 2, 3)])
    b, x = np.array([-20.0, 0.5, 0.25]), np.array([2.0, 3.0])
    layers = mlp.unflatten(np.concatenate([W.ravel(), b, np.zeros(4)])[None], (2, 3, 1))
    a1 = mlp.forward(layers, ACTIVATIONS["relu"], x[None, None]).a[1][0, 0]
    assert a1.tolist() == [max(0.0, theta[j] * x[0] + theta[j + 3] * x[1] + b[j - 1]) for j in (1, 2, 3)]


def test_the_index_of_w_and_b_is_that_of_the_neuron(example):
    e = example()
    printed = [float(e.W[1][0] @ e.a[0][:, 0] + e.b[1][0, 0])] * 3  # w_i and b_i, i being the layer: 1
    intended = [float(e.W[1][j] @ e.a[0][:, 0] + e.b[1][j, 0]) for j in range(3)]
    np.testing.assert_allclose(e.z[1][:, 0], intended, **CLOSE)
    assert np.abs(e.z[1][1:, 0] - printed[1:]).min() > 1e-3


def test_layer_3_takes_the_activations_of_layer_2(example):
    e = example()
    assert (e.W[3].shape, e.a[1].shape, e.a[2].shape) == ((1, 4), (3, 1), (4, 1))
    np.testing.assert_allclose(e.z[3], e.W[3] @ e.a[2] + e.b[3], **CLOSE)


# 5. Vectorization


@pytest.mark.parametrize("name", HIDDEN)
def test_stacked_rows_give_the_same_as_one_neuron_at_a_time(draw, name):
    theta, x = draw(ACTIVATIONS[name], SIZES, replicas=2, batch=5)
    trace = mlp.forward(mlp.unflatten(theta, SIZES), ACTIVATIONS[name], x)
    for r, sample in np.ndindex(2, 5):
        z, _ = neuron_by_neuron(as_lists(theta[r], SIZES), SCALAR[name][0], x[0, sample].tolist())
        for layer in range(3):
            np.testing.assert_allclose(trace.z[layer][r, sample], z[layer], **CLOSE)


def test_samples_as_rows_are_the_columns_of_the_notes_transposed(draw):
    tanh = ACTIVATIONS["tanh"]
    theta, x = draw(tanh, SIZES, replicas=1, batch=5)
    layers = mlp.unflatten(theta, SIZES)
    trace = mlp.forward(layers, tanh, x)
    a = x[0].T  # one column for each sample
    for layer, (W, b) in enumerate(layers):
        z = W[0] @ a + b[0].T
        np.testing.assert_allclose(trace.z[layer][0], z.T, **CLOSE)
        a = np.tanh(z)


def test_the_output_has_no_activation(example):
    """Sections 4 and 5 against section 7, whose a[3] = ReLU(z[3]) could not be negative."""
    e = example("relu")
    h = mlp.predict(e.layers, e.activation, e.x).item()
    assert h == pytest.approx((e.W[3] @ e.a[2] + e.b[3]).item(), rel=1e-12)
    minus = mlp.predict([*e.layers[:2], (-e.layers[2][0], -e.layers[2][1])], e.activation, e.x).item()
    assert minus == -h != 0


def test_the_loss_is_half_the_squared_error_averaged_over_the_batch():
    h, o = [3.0, -1.0, 0.5], [1.0, 0.0, 0.5]
    J = LOSSES["mse"].value(np.array(h)[None, :, None], np.array(o)[None, :, None]).mean(axis=1)
    squares = [0.5 * (hk - ok) ** 2 for hk, ok in zip(h, o, strict=True)]
    np.testing.assert_allclose(J, sum(squares) / 3, **CLOSE)


# 6. Calculus


def test_the_gradient_of_3_x1_squared_x2():
    x1, x2 = 1.7, -0.6
    numeric = jacobian(lambda x: 3 * x[0] ** 2 * x[1], np.array([x1, x2]))[0]
    np.testing.assert_allclose(numeric, [6 * x1 * x2, 3 * x1**2], **NUMERIC)
    assert abs(numeric[1] - 3 * x1) > 1  # as printed


def test_a_jacobian_has_one_row_for_each_output_and_one_column_for_each_input(example):
    e = example()

    def z2(a1):
        return mlp.predict([e.layers[1]], e.activation, a1[None, None])

    numeric = jacobian(z2, e.a[1][:, 0])
    assert numeric.shape == (4, 3)
    np.testing.assert_allclose(numeric, e.W[2], **NUMERIC)


@pytest.mark.parametrize("name", HIDDEN)
def test_law_of_total_derivatives(example, name):
    """dL/da[1]_k = sum over i of dL/dz[2]_i dz[2]_i/da[1]_k: one term for each of the four units a[1] reaches."""
    e = example(name)

    def loss_from(a1):
        a2 = [SCALAR[name][0](z) for z in (e.W[2] @ a1 + e.b[2][:, 0]).tolist()]
        return -np.log(1 / (1 + np.exp(-(e.W[3] @ a2 + e.b[3][0]))))

    numeric = jacobian(loss_from, e.a[1][:, 0])[0]
    delta2 = e.code.delta[1][0, 0]
    terms = [[delta2[i] * e.W[2][i, k] for i in range(4)] for k in range(3)]
    np.testing.assert_allclose([sum(row) for row in terms], numeric, **NUMERIC)
    fewer = [sum(row[:3]) for row in terms]  # as many terms as there are inputs: the notes' upper index n
    assert np.abs(np.array(fewer) - numeric).max() > 1e-3
    np.testing.assert_allclose(e.code.delta[0][0, 0], numeric * [SCALAR[name][1](z) for z in e.z[1][:, 0]], **NUMERIC)


def test_an_inner_function_that_does_not_depend_on_x_adds_nothing():
    x = np.array([0.7, -0.4])
    g0, g1 = np.sin(x[0]) * x[1], np.exp(x[1])  # g1 does not depend on x[0]
    numeric = jacobian(lambda x: np.sin(x[0]) * x[1] * np.exp(x[1]) + np.exp(x[1]) ** 2, x)[0]
    df = [g1, g0 + 2 * g1]  # of f = g0 g1 + g1^2
    dg = [[np.cos(x[0]) * x[1], np.sin(x[0])], [0.0, g1]]
    np.testing.assert_allclose(numeric, [sum(df[i] * dg[i][j] for i in range(2)) for j in range(2)], **NUMERIC)


@pytest.mark.parametrize("name", HIDDEN)
def test_the_jacobian_of_a_composition_is_the_product_of_jacobians(example, name):
    e = example(name)

    def z2(x):
        return mlp.predict(e.layers[:2], e.activation, x[None, None])

    numeric = jacobian(z2, e.x[0, 0])
    outer = e.W[2] @ np.diag([SCALAR[name][1](z) for z in e.z[1][:, 0]])  # dz[2]/dz[1], (4, 3)
    np.testing.assert_allclose(numeric, outer @ e.W[1], **NUMERIC)
    # Row 2 belongs to f_2; with f_1, as printed, it would be row 1 once more.
    assert np.abs(numeric[1] - outer[0] @ e.W[1]).max() > 1e-3
    # Column n belongs to x_n: with the derivative by x_2 there, layers of more than two inputs would go wrong.
    wide = jacobian(lambda a: mlp.predict([e.layers[1]], e.activation, a[None, None]), e.a[1][:, 0])
    assert np.abs(wide[:, 2] - e.W[2][:, 1]).max() > 1e-3


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_jacobian_of_an_elementwise_function_is_diagonal(activation_named, name):
    activation, z = activation_named(name), np.array([-1.3, 0.4, 2.1, -0.2])
    numeric = jacobian(activation.g, z)
    assert (numeric[~np.eye(4, dtype=bool)] == 0).all()
    np.testing.assert_allclose(np.diag(numeric), activation.dg(z), **NUMERIC)


# 7. Breakdown


def test_layer_2_has_four_neurons_of_three_weights_and_uses_none_twice():
    """The notes print w_{1,3} and w_{3,3} twice, and a fourth weight for three inputs."""
    numbers = np.arange(30.0)[None]
    (W1, b1), (W2, b2), (W3, b3) = mlp.unflatten(numbers, SIZES)
    assert [W.shape[1:] for W in (W1, W2, W3)] == [(3, 2), (4, 3), (1, 4)]
    assert [b.shape[2] for b in (b1, b2, b3)] == [3, 4, 1]
    used = np.concatenate([part.ravel() for part in (W1, b1, W2, b2, W3, b3)])
    assert sorted(used) == list(range(30))


def test_the_second_weight_of_the_third_neuron_is_w_32(example):
    e = example()
    printed, intended = (e.W[2][2][[0, second, 2]] @ e.a[1] + e.b[2][2] for second in (2, 1))
    np.testing.assert_allclose(e.z[2][2], intended, **CLOSE)
    assert abs(e.z[2][2] - printed) > 1e-3


# 8. Backpropagation


@pytest.mark.parametrize("y", [0.0, 1.0, 0.3])
@pytest.mark.parametrize("z3", [-2.0, 0.3, 4.0])
def test_delta_of_sigmoid_with_cross_entropy_is_a3_minus_y(y, z3):
    def L(z):
        o = 1 / (1 + math.exp(-z[0]))
        return np.array(-y * math.log(o) - (1 - y) * math.log(1 - o))

    numeric = jacobian(L, np.array([z3])).item()
    assert numeric == pytest.approx(1 / (1 + math.exp(-z3)) - y, rel=1e-7, abs=1e-9)
    assert LOSSES["bce"].gradient(np.full((1, 1, 1), z3), np.full((1, 1, 1), y)).item() == pytest.approx(numeric)
    assert LOSSES["bce"].value(np.full((1, 1, 1), z3), np.full((1, 1, 1), y)).item() == pytest.approx(L([z3]))


def test_delta_of_half_the_squared_error_is_h_minus_o():
    numeric = jacobian(lambda h: 0.5 * (h - 0.7) ** 2, np.array([2.5])).item()
    assert numeric == pytest.approx(2.5 - 0.7)
    assert LOSSES["mse"].gradient(np.full((1, 1, 1), 2.5), np.full((1, 1, 1), 0.7)).item() == pytest.approx(numeric)


def test_dz3_da2_is_W3(example):
    e = example()
    numeric = jacobian(lambda a2: mlp.predict([e.layers[2]], e.activation, a2[None, None]), e.a[2][:, 0])
    assert numeric.shape == (1, 4)
    np.testing.assert_allclose(numeric, e.W[3], **NUMERIC)


def test_dz2_dWij_is_a_j_in_place_i_and_zero_elsewhere(example):
    e = example()
    start = 9  # the weights of layer 2 follow the nine parameters of layer 1
    for i, j in np.ndindex(4, 3):
        step = np.zeros_like(e.theta)
        step[0, start + 3 * i + j] = EPS
        up, down = (mlp.forward(mlp.unflatten(e.theta + s, SIZES), e.activation, e.x).z[1] for s in (step, -step))
        expected = [e.a[1][j, 0] if row == i else 0.0 for row in range(4)]
        np.testing.assert_allclose((up - down)[0, 0] / (2 * EPS), expected, **NUMERIC)


@pytest.mark.parametrize("name", HIDDEN)
def test_entry_ij_of_dW2_takes_the_slope_of_neuron_i(example, name):
    """The notes' large matrix has g'(z_j) with the index of the input; the slope of neuron i is right."""
    e = example(name)
    numeric, dg = np.array(e.numeric()[1][0]), SCALAR[name][1]
    assert numeric.shape == e.code.layers[1][0].shape[1:] == (4, 3)  # not 4 x 4
    intended, printed = (
        np.array(
            [
                [(e.a3 - e.y) * e.W[3][0, i] * dg(e.z[2][slope(i, j), 0]) * e.a[1][j, 0] for j in range(3)]
                for i in range(4)
            ]
        )
        for slope in (lambda i, j: i, lambda i, j: j)
    )
    np.testing.assert_allclose(intended, numeric, **NUMERIC)
    np.testing.assert_allclose(e.code.layers[1][0][0], intended, **CLOSE)
    assert np.abs(printed - numeric).max() > 1e-3


@pytest.mark.parametrize("name", HIDDEN)
def test_dW2_takes_the_slope_of_g_and_not_its_value(example, name):
    e = example(name)
    numeric = np.array(e.numeric()[1][0])
    g, dg = (np.array([[f(z)] for z in e.z[2][:, 0]]) for f in SCALAR[name])
    intended, printed = (((e.a3 - e.y) * e.W[3].T * column) @ e.a[1].T for column in (dg, g))
    np.testing.assert_allclose(intended, numeric, **NUMERIC)
    np.testing.assert_allclose(e.code.layers[1][0][0], intended, **CLOSE)
    assert np.abs(printed - numeric).max() > 1e-3


def test_dW2_needs_W3_as_a_column_or_samples_as_rows(example):
    """(1, 4) * (4, 1), as printed, is no elementwise product: NumPy spreads it out to (4, 4)."""
    e = example()
    dg = 1 - np.tanh(e.z[2]) ** 2
    assert ((e.a3 - e.y) * e.W[3] * dg).shape == (4, 4)
    as_columns = ((e.a3 - e.y) * e.W[3].T * dg) @ e.a[1].T
    delta2 = (e.a3 - e.y) * e.W[3] * dg.T  # a row, as in the code
    np.testing.assert_allclose(delta2.T @ e.a[1].T, as_columns, **CLOSE)
    np.testing.assert_allclose(e.code.delta[1][0], delta2, **CLOSE)
    np.testing.assert_allclose(e.code.layers[1][0][0], as_columns, **CLOSE)


@pytest.mark.parametrize("name", HIDDEN)
def test_every_gradient_of_one_example_by_hand(example, name):
    """The notes derive W[2]; here are the other layers, and dL/db = delta, which the notes leave out."""
    e = example(name)
    hand = gradients_by_hand(as_lists(e.theta[0], SIZES), *SCALAR[name], e.x[0, 0].tolist(), e.y)
    for (dW, db), (dW_hand, db_hand), (dW_numeric, db_numeric) in zip(e.code.layers, hand, e.numeric(), strict=True):
        np.testing.assert_allclose(dW[0], dW_hand, **CLOSE)
        np.testing.assert_allclose(db[0, 0], db_hand, **CLOSE)
        np.testing.assert_allclose(dW_hand, dW_numeric, **NUMERIC)
        np.testing.assert_allclose(db_hand, db_numeric, **NUMERIC)


@pytest.fixture(scope="module")
def moons(configure):
    """(*overrides) -> the problem of a small network on two classes, in float64."""

    def _moons(*overrides):
        fixed = ("data=moons", "data.samples=30", "loss=bce", "network.hidden=[3,4]", "dtype=float64")
        return prepare(configure(*fixed, "optimizer.lr=0.3", *overrides))

    return _moons


def test_algorithm_1(moons):
    """theta := theta - alpha grad J_j, j drawn uniformly, one parameter at a time in plain Python."""
    settings = ("training.batch_size=1", "training.epochs=2", "activation=tanh")
    problem = moons(*settings, "training.sampling=replacement")
    theta = initial_theta(problem, range(1))
    *_, last = train_and_record(problem, theta)
    *_, shuffled = train_and_record(moons(*settings), theta)

    x, y = problem.x_train[0].tolist(), problem.y_train[:, 0].tolist()
    layers, alpha, n_iter = as_lists(theta[0], problem.network.sizes), 0.3, 2 * len(y)
    draws = training.batches(stream(problem.config.seed, ORDER), len(y), 1, replacement=True)
    drawn = [next(draws).item() for _ in range(n_iter)]
    for j in drawn:
        for (W, b), (dW, db) in zip(layers, gradients_by_hand(layers, *SCALAR["tanh"], x[j], y[j]), strict=True):
            for i in range(len(b)):
                b[i] -= alpha * db[i]
                for k in range(len(W[i])):
                    W[i][k] -= alpha * dW[i][k]

    assert len(set(drawn)) < len(y)  # with replacement: some twice, some never
    expected = np.concatenate([np.ravel(part) for layer in layers for part in layer])
    assert last.step == n_iter
    np.testing.assert_allclose(last.theta[0], expected, rtol=1e-9, atol=1e-11)
    assert np.abs(shuffled.theta[0] - expected).max() > 1e-3


def test_the_gradient_of_a_batch_is_the_mean_over_its_examples(draw):
    tanh = ACTIVATIONS["tanh"]
    theta, x = draw(tanh, SIZES, replicas=2, batch=5)
    y = [0.0, 1.0, 1.0, 0.0, 1.0]
    layers = mlp.unflatten(theta, SIZES)
    trace = mlp.forward(layers, tanh, x)
    dh = LOSSES["bce"].gradient(trace.h, np.array(y)[None, :, None]) / 5
    gradients = mlp.backward(layers, tanh, trace, dh)
    for r in range(2):
        hand = [gradients_by_hand(as_lists(theta[r], SIZES), *SCALAR["tanh"], x[0, i].tolist(), y[i]) for i in range(5)]
        for layer, (dW, db) in enumerate(gradients.layers):
            np.testing.assert_allclose(dW[r], np.mean([one[layer][0] for one in hand], axis=0), **CLOSE)
            np.testing.assert_allclose(db[r, 0], np.mean([one[layer][1] for one in hand], axis=0), **CLOSE)


# 9. Initialization


@pytest.mark.parametrize("init", ["zeros", "constant"])
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_equal_weights_never_separate_the_units_of_a_layer(moons, init, name):
    problem = moons(f"init={init}", f"activation={name}", "training.epochs=20", "training.batch_size=8")
    *_, last = train_and_record(problem, initial_theta(problem, range(1)))
    for (W, b), (W_next, _) in itertools.pairwise(mlp.unflatten(last.theta, problem.network.sizes)):
        assert np.ptp(W, axis=1).max() == 0
        assert np.ptp(b, axis=2).max() == 0
        assert np.ptp(W_next, axis=2).max() == 0


def test_equal_weights_do_move_and_differ_between_inputs_and_layers(moons):
    """The units of a layer stay equal to each other. The notes say that of all parameters, which is wrong."""
    problem = moons("init=constant", "activation=tanh", "training.epochs=20", "training.batch_size=8")
    theta = initial_theta(problem, range(1))
    *_, last = train_and_record(problem, theta)
    (W1, _), (W2, _), (W3, _) = mlp.unflatten(last.theta, problem.network.sizes)
    assert np.ptp(mlp.unflatten(theta, problem.network.sizes)[0][0]) == 0
    assert (last.theta != theta).all()
    assert abs(W1[0, 0, 0] - W1[0, 0, 1]) > 1e-3
    assert min(abs(W1[0, 0, 0] - W2[0, 0, 0]), abs(W2[0, 0, 0] - W3[0, 0, 0])) > 1e-3


def deep(configure, init, name, depth=10, width=100, replicas=50, inputs=1.0):
    """A forward pass through `depth` equal layers, x ~ N(0, inputs^2), and the layers."""
    sizes = (width,) * (depth + 2)
    rngs = {r: np.random.default_rng([r, 7]) for r in range(replicas)}
    theta = mlp.initialize(rngs, sizes, configure(*init.split()).scheme, dtype=np.float64)
    x = np.random.default_rng(1).normal(0, inputs, (1, 20, width))
    layers = mlp.unflatten(theta, sizes)
    return mlp.forward(layers, ACTIVATIONS[name], x), layers


@pytest.mark.parametrize(("name", "ends"), [("tanh", (-1.0, 1.0)), ("sigmoid", (0.0, 1.0))])
def test_large_weights_saturate_and_stop_the_gradient(configure, name, ends):
    """The activations are at -1, 0 or 1, where g' is almost zero, so the weights do not move."""
    slopes, shares = {}, {}
    dg = {"tanh": lambda a: 1 - a**2, "sigmoid": lambda a: a * (1 - a)}[name]
    for init in ("init=normal init.scale=2", "init=xavier"):
        trace, layers = deep(configure, init, name, replicas=3)
        a = np.stack(trace.a[2:])
        near = 0.015 * (ends[1] - ends[0])
        at_an_end = (a < ends[0] + near) | (a > ends[1] - near)
        slopes[init], shares[init] = dg(a).mean() / dg(np.mean(ends)), at_an_end.mean()
        # the code's measure: g' below 0.0591 of its largest value
        dh = np.ones_like(trace.h)
        gradients = mlp.backward(layers, ACTIVATIONS[name], trace, dh)
        measured = saturated_fraction(Snapshot(ACTIVATIONS[name], layers, trace, gradients, None))
        flat = [(dg(one) < SATURATED_SLOPE * dg(np.mean(ends))).mean(axis=(1, 2)) for one in trace.a[1:]]
        np.testing.assert_allclose(measured, np.stack(flat, axis=1), atol=1e-3)
    large, small = slopes
    assert shares[large] > 0.6 > 0.1 > shares[small]
    assert slopes[large] < 0.3 < 0.6 < slopes[small]


def assert_mean_is(ratios, expected):
    """Within 4 standard errors, over the replicas."""
    relative = ratios / expected
    assert abs(relative.mean() - 1) < 4 * relative.std() / math.sqrt(len(ratios))
    assert relative.std() / math.sqrt(len(ratios)) < 0.1


@pytest.mark.parametrize(("name", "inputs"), [("identity", 1.0), ("tanh", 1e-3)])
def test_xavier_keeps_the_variance_from_layer_to_layer(configure, name, inputs):
    trace, _ = deep(configure, "init=xavier", name, inputs=inputs)
    assert_mean_is(np.square(trace.a[10]).mean(axis=(1, 2)) / np.square(trace.a[0]).mean(), 1.0)
    mean = trace.a[10].mean(axis=(1, 2)) / inputs
    assert abs(mean.mean()) < 4 * mean.std() / math.sqrt(len(mean))


def test_xavier_loses_variance_where_tanh_is_no_longer_linear(configure):
    trace, _ = deep(configure, "init=xavier", "tanh", inputs=1.0)
    variance = [np.square(a).mean() for a in trace.a]
    assert all(later < earlier for earlier, later in itertools.pairwise(variance))
    assert variance[10] < 0.2 * variance[0]


def test_he_keeps_the_mean_square_with_relu_and_xavier_halves_it(configure):
    for init, per_layer in (("init=he", 1.0), ("init=xavier", 0.5)):
        trace, _ = deep(configure, init, "relu")
        assert_mean_is(
            np.square(trace.z[10]).mean(axis=(1, 2)) / np.square(trace.z[0]).mean(axis=(1, 2)), per_layer**10
        )


# 10. Testing


@pytest.mark.parametrize("name", HIDDEN)
def test_the_total_differential(example, name):
    """dL = sum over i of dL/dtheta_i dtheta_i: one f, all its variables."""
    e = example(name)
    direction = np.random.default_rng(3).normal(size=30)
    dL = (e.loss(e.theta[0] + EPS * direction) - e.loss(e.theta[0] - EPS * direction)) / 2
    terms = [e.code.theta[0, i] * EPS * direction[i] for i in range(30)]
    assert dL == pytest.approx(sum(terms), rel=1e-6)
    assert abs(dL) > 1e-8


def test_the_gradient_check_tells_the_slope_from_the_value(moons):
    problem = moons("activation=tanh", "check_gradients=true", "training.batch_size=8")
    theta = initial_theta(problem, range(2))
    assert gradient_check.check(problem.network, problem.x_train, problem.y_train, theta).passed
    tanh = problem.config.activation
    slip = replace(problem.network, activation=replace(tanh, dg=tanh.g))  # g for g'
    report = gradient_check.check(slip, problem.x_train, problem.y_train, theta)
    assert not report.passed
    assert report.total > 0.01


# The page itself

LINK = re.compile(r"\[`([^`]+)`\]\(\.\./([^)\s#]+)\)")
CODE = re.compile(r"`([^`\n]+)`")


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "from-the-notes.md").read_text()


def without_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def top_level_names(path):
    """Functions, classes and tables that a module defines, and the rows of its tables as table["row"]."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name):
                names.add(target.id)
                if isinstance(node.value, ast.Dict):
                    names |= {f'{target.id}["{k.value}"]' for k in node.value.keys if isinstance(k, ast.Constant)}
    return names


def missing_citations(text, root):
    """Cited files that do not exist, and cited names that their file does not define."""
    missing = []
    for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
        if not target.startswith("http") and not (root / "docs" / target).exists():
            missing.append(target)
    linked = set()
    for name, target in LINK.findall(text):
        linked.add(name)
        path = root / target
        if path.suffix == ".py" and path.exists():
            module, _, rest = name.partition(".")
            own = rest if rest and module == path.stem else name
            if own != path.stem and own not in top_level_names(path):
                missing.append(name)
    return missing + [name for name in CODE.findall(text) if name.startswith("test_") and name not in linked]


def sections(text):
    """number -> text of each `## n. Title`."""
    parts = re.split(r"^## (\d+)\. .*$", text, flags=re.MULTILINE)
    return {int(n): body for n, body in zip(parts[1::2], parts[2::2], strict=True)}


def test_the_page_cites_only_what_exists(page, root):
    assert missing_citations(without_blocks(page), root) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "[`mlp.backwards`](../mlpstudy/network/mlp.py)",
        "[`mlp.forward`](../mlpstudy/no_such_file.py)",
        '[`LOSSES["hinge"]`](../mlpstudy/network/losses.py)',
        "[`test_nothing`](../tests/test_notes.py)",
        "`test_the_total_differential`",  # a test without its file
        "[a picture](images/no_such.png)",
    ],
)
def test_a_wrong_citation_is_noticed(root, wrong):
    assert len(missing_citations(wrong, root)) == 1


def test_every_section_names_its_function_and_its_test(page):
    found = sections(page)
    assert list(found) == list(range(2, 11))
    for body in found.values():
        targets = [target for _, target in LINK.findall(body)]
        assert any(target.startswith("mlpstudy/") for target in targets)
        assert any(target.startswith("tests/") for target in targets)


def test_every_claim_tested_here_is_on_the_page(page, root):
    claims = (root / "tests" / "test_notes.py").read_text().partition("# The page itself")[0]
    assert [name for name in re.findall(r"^def (test_\w+)", claims, re.MULTILINE) if f"`{name}`" not in page] == []


def test_every_setting_on_the_page_is_one(page, configure):
    settings = [
        code for code in CODE.findall(without_blocks(page)) if re.fullmatch(r"[a-z_]+(\.[a-z_]+)*=[\w.]+", code)
    ]
    assert "training.sampling=replacement" in settings
    for setting in settings:
        configure(setting)


def test_the_example_on_the_page(page):
    """The worked example is run, and prints what the page says; the same numbers by hand."""
    (block,) = re.findall(r"^```pycon\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    namespace = {}
    parsed = doctest.DocTestParser().get_doctest(block, namespace, "from-the-notes", None, None)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(parsed, clear_globs=False)
    assert (runner.summarize(verbose=False).failed, len(parsed.examples) > 5) == (0, True)
    layers = as_lists(parsed.globs["theta"][0], SIZES)
    hand = gradients_by_hand(layers, *SCALAR["relu"], [1.0, 2.0], 1.0)
    np.testing.assert_array_equal(hand[1][0], parsed.globs["gradients"].layers[1][0][0])
    assert hand[1][0] == [[-1, -2, 0], [0, 0, 0], [0.5, 1, 0], [1, 2, 0]]
