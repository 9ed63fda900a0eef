"""How much of its error a network can lose: against finite differences, closed forms, and trainings near the limits."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from mlpstudy.foresight.rule import foresee, saturates
from mlpstudy.foresight.start import Start
from mlpstudy.foresight.steps import Steps
from mlpstudy.foresight.task import Task, curvature, squared_gradients
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.mlp import Network
from mlpstudy.network.optimizers import adam, sgd
from mlpstudy.network.training import Recipe, train

PLAIN = sgd(momentum=0.0, nesterov=False, weight_decay=0.0)
ADAM = adam(beta1=0.9, beta2=0.999, epsilon=1e-8)
TANH = ACTIVATIONS["tanh"]


@pytest.fixture
def thresholds(configure):
    return configure().thresholds


def constant(lr):
    return lambda epoch, one: lr


def classes(n=60, n_0=4, k=3, seed=0):
    """Inputs, and one-hot targets that depend on them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_0))
    return x, np.eye(k)[(x @ rng.normal(size=(n_0, k))).argmax(axis=1)]


def moment_of(sizes, x, y, activation=TANH, loss="cross_entropy", seed=1, replicas=2, scale=1.0):
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(replicas, mlp.n_parameters(sizes))) * scale / math.sqrt(sizes[1])
    layers = mlp.unflatten(theta, sizes)
    passes = mlp.backpropagate(Network(sizes, activation, LOSSES[loss]), layers, x[None], y)
    return Snapshot(activation, layers, *passes, None)


# ---------------------------------------------------------------- what is to be learned


@pytest.mark.parametrize(("shares", "expected"), [((0.5, 0.5), 0.5), ((1 / 3,) * 3, 1 / 3), ((0.1,) * 10, 0.1)])
def test_curvature_of_softmax(shares, expected):
    """diag(p) - p p^T has the eigenvalues 1 / k, k - 1 times, and 0."""
    y = np.eye(len(shares))
    assert curvature(LOSSES["cross_entropy"], np.log(shares)[None, None], y) == pytest.approx(expected, rel=1e-6)


def test_curvature_of_the_other_losses():
    y = np.array([[1.0], [0.0]])
    assert curvature(LOSSES["bce"], np.full((1, 1, 1), np.log(0.2 / 0.8)), y) == pytest.approx(0.16, rel=1e-6)
    assert curvature(LOSSES["mse"], np.zeros((1, 1, 1)), y) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_errors_are_those_that_the_best_constant_output_leaves(loss):
    x, y = classes()
    task = Task.of(LOSSES[loss], x, y, 1.0)
    np.testing.assert_allclose(task.errors, y.mean(axis=0) - y, atol=1e-12)  # softmax(log p) = p
    assert task.inputs == pytest.approx(np.square(np.cov(x.T, y.T, bias=True)[:4, 4:] + 0).sum(), rel=0.2)
    assert task.bounded == (loss == "cross_entropy")


def test_a_class_without_examples_leaves_finite_errors():
    x, y = classes()
    y = np.hstack([y, np.zeros((len(y), 1))])
    task = Task.of(LOSSES["cross_entropy"], x, y, 1.0)
    assert np.isfinite(task.errors).all()
    assert 0 < task.room < np.inf


@pytest.mark.parametrize(
    ("loss", "y"), [("cross_entropy", np.eye(2)[[0] * 5]), ("bce", np.ones((5, 1))), ("bce", np.zeros((5, 1)))]
)
def test_nothing_is_to_be_learned_of_one_class(loss, y):
    with np.errstate(divide="ignore"):
        assert not Task.of(LOSSES[loss], np.ones((5, 2)), y, 0.0).room > 1e-9


# ---------------------------------------------------------------- progress


def test_squared_gradients_are_those_of_finite_differences():
    """Of sum_s e_s . h_s(theta) / S, by central differences in every parameter."""
    x, y = classes(n=12)
    moment = moment_of([4, 5, 3], x, y)
    task = Task.of(LOSSES["cross_entropy"], x, y, 1.0)
    found, counts = squared_gradients(moment, task.errors)
    assert counts.tolist() == [20, 5, 15, 3]

    def value(layers):
        return (mlp.forward(layers, TANH, x[None]).h * task.errors).sum(axis=(1, 2)) / len(x)

    for i, part in enumerate(part for layer in moment.layers for part in layer):
        total = np.zeros(2)
        for place in np.ndindex(part.shape[1:]):
            here = (slice(None), *place)
            kept = part[here].copy()
            part[here] = kept + 1e-6
            above = value(moment.layers)
            part[here] = kept - 1e-6
            total += ((above - value(moment.layers)) / 2e-6) ** 2
            part[here] = kept
        np.testing.assert_allclose(found[:, i], total, rtol=1e-6, atol=1e-12)


def test_one_small_step_loses_this_share_of_the_error():
    """A linear network at the best constant output: J falls by lr |dJ/dtheta|^2 = p E."""
    x, y = classes()
    loss, task = LOSSES["mse"], Task.of(LOSSES["mse"], x, y, 1.0)
    moment = moment_of([4, 3], x, y, loss="mse", replicas=1)
    squares, counts = squared_gradients(moment, task.errors)
    lr = 1e-4
    p = Steps.of(constant(lr), 1, 1, PLAIN).progress(squares, counts, task)[0] * lr
    W, b = np.zeros((3, 4)), y.mean(axis=0)
    before = loss.value(x @ W.T + b, y).mean()
    dh = (x @ W.T + b - y) / len(x)
    after = loss.value(x @ (W - lr * dh.T @ x).T + b - lr * dh.sum(axis=0), y).mean()
    assert before - after == pytest.approx(p * task.room, rel=1e-3)


def test_momentum_goes_further_and_adam_as_far_in_every_parameter():
    squares, counts, task = np.array([4.0, 1.0]), np.array([100.0, 25.0]), SimpleNamespace(room=2.0)
    heavy = sgd(momentum=0.9, nesterov=False, weight_decay=0.0)
    assert Steps(1, 1, 1, PLAIN).progress(squares, counts, task) == pytest.approx(2.5)
    assert Steps(1, 1, 1, heavy).progress(squares, counts, task) == pytest.approx(25)
    # |g|_1 of 100 normal numbers with sum of squares 4 is 100 sqrt(2 / pi) 0.2
    expected = math.sqrt(2 / math.pi) * (100 * 0.2 + 25 * 0.2) / 2
    assert Steps(1, 1, 1, ADAM).progress(squares, counts, task) == pytest.approx(expected)


def test_all_steps_follow_the_schedule():
    falling = Steps.of(lambda epoch, one: 1 - epoch / 10, 10, 7, PLAIN)
    assert falling.lr == 1
    assert falling.total == pytest.approx(35, rel=2e-3)


def test_a_network_of_unit_gain_is_one_whose_layers_are_rotations():
    """L layers of identity matrices: every layer has the gradient of x -> W x."""
    x, y = classes(n_0=3)
    task = Task.of(LOSSES["mse"], x, y, 1.0)
    moment = moment_of([3, 3, 3, 3], x, y, activation=ACTIVATIONS["identity"], loss="mse")
    for W, b in moment.layers:
        W[...], b[...] = np.eye(3), 0
    passes = mlp.backpropagate(Network([3, 3, 3, 3], moment.activation, LOSSES["mse"]), moment.layers, x[None], y)
    squares, counts = squared_gradients(Snapshot(moment.activation, moment.layers, *passes, None), task.errors)
    steps = Steps(1, 1, 1, PLAIN)
    assert steps.at_unit_gain(counts, task) == pytest.approx(steps.progress(squares, counts, task)[0], rel=1e-12)


# ---------------------------------------------------------------- the limits


def trained(p, width=256, steps=400):
    """Loss after full-batch training of a wide linear network with the learning rate that has this p, on two points."""
    x, y = np.array([[1.0], [-1.0]]), np.array([[1.0], [-1.0]])
    network = Network([1, width, 1], ACTIVATIONS["identity"], LOSSES["mse"])
    theta = np.random.default_rng(0).normal(size=(1, mlp.n_parameters(network.sizes))) / math.sqrt(width)
    layers = mlp.unflatten(theta, network.sizes)
    layers[0][0][...] *= math.sqrt(width)
    for _, b in layers:
        b[...] = 0
    moment = Snapshot(network.activation, layers, *mlp.backpropagate(network, layers, x[None], y), None)
    task = Task.of(network.loss, x, y, 0.5)
    lr = p / Steps(1, 1, 1, PLAIN).progress(*squared_gradients(moment, task.errors), task)[0]
    recipe = Recipe(PLAIN, constant(lr), steps, None, False, None)
    *_, last = train(network, recipe, x[None], y, theta, np.random.default_rng(0))
    h = mlp.predict(mlp.unflatten(last.theta, network.sizes), network.activation, x[None])
    return float(network.loss.value(h, y[None]).mean())


@pytest.mark.parametrize(("p", "ends_well"), [(0.5, True), (1.9, True), (3.0, True), (6.0, False)])
def test_the_largest_stable_learning_rate_of_wide_networks_is_that_of_p_4(p, ends_well):
    """Lewkowycz et al. 2020: beyond 2 the network is thrown to a flatter place, and beyond 4 it diverges."""
    loss = trained(p)
    assert (loss < 1e-3) if ends_well else not np.isfinite(loss)


COUNTS = np.array([100.0, 10.0, 100.0, 10.0])  # W and b of two layers of 10 units


def forecast(thresholds, start=0.1, verdict="healthy", unit_gain=0.2, total=100.0, lr=1.0, activation="tanh",
             optimizer=PLAIN, bounded=True, room=2.0, clip=None, finite=True, **more):  # fmt: skip
    """Squared gradients of four parts that give SGD this p, with a learning rate of 1, and weights of length 100."""
    given = {"gain": 1.0, "unscaled": "", "uncentred": 0.0, "size": 1.0, "mean": 0.0, "length": 100.0, **more}
    task = SimpleNamespace(
        room=room, constant_loss=4.0, bounded=bounded, inputs=unit_gain * room / 2, mean_errors=np.ones((5, 1)), **given
    )
    squares, mean = np.full(4, start * room / 4), np.full(4, given["mean"] / 4)
    begin = Start(verdict, "theory", squares, mean, COUNTS, np.full(2, given["length"]), finite)
    return foresee(begin, task, Steps(lr, total, 10, optimizer, clip), ACTIVATIONS[activation], thresholds)


@pytest.mark.parametrize(
    ("given", "outcome", "reason"),
    [
        ({}, "learns", "all steps together could remove 10 times the error, one step 0.2 times"),
        ({"verdict": "collapsed"}, "learns", ""),
        ({"verdict": "dead"}, "stalls", "dead, although"),
        ({"start": 1e-6}, "stalls", "too slow: all steps together remove 0.0001 of the error"),
        ({"start": 0.0, "verdict": "symmetric"}, "stalls", "symmetric: all steps together remove 0 "),
        ({"start": 101.0}, "stalls", "too fast: one step could remove 1e+02 times the error (too much: 100)"),
        ({"unit_gain": 101.0}, "stalls", "too fast"),
        ({"unit_gain": 99.0}, "learns", ""),
        ({"unit_gain": 1.9, "activation": "relu"}, "learns", ""),
        ({"unit_gain": 2.1, "activation": "relu"}, "diverges", "too fast: one step could remove 2.1 times the error"),
        ({"unit_gain": 2.1, "activation": "relu", "verdict": "vanishing"}, "stalls", "vanishing, although"),
        ({"unit_gain": 2.1, "activation": "relu", "verdict": "exploding"}, "diverges", "too fast"),
        ({"unit_gain": 1.9, "activation": "relu", "verdict": "exploding"}, "stalls", "exploding, although"),
        ({"start": 0.01, "unit_gain": 0.01, "verdict": "vanishing", "optimizer": ADAM}, "learns", ""),
        ({"start": 0.01, "unit_gain": 0.01, "verdict": "symmetric", "optimizer": ADAM}, "stalls", "symmetric"),
        ({"start": 5.0, "activation": "relu"}, "diverges", "too fast"),
        ({"start": 5.0, "activation": "sin"}, "diverges", "too fast"),
        ({"start": 5.0, "bounded": False}, "diverges", "too fast"),
        ({"start": 5.0, "activation": "relu", "optimizer": ADAM}, "stalls", "too fast"),
        ({"start": math.nan, "activation": "relu"}, "diverges", "too fast"),
        ({"finite": False}, "diverges", "exploding: the first outputs or gradients are not finite"),
        ({"finite": False, "optimizer": ADAM}, "diverges", "not finite"),
        # saturated: the last of two layers has half of the squared gradients
        ({"start": 0.1, "verdict": "saturated"}, "learns", "all steps together could remove 5 times"),
        ({"start": 0.003, "verdict": "saturated"}, "stalls", "saturated: all steps together remove 0.15 of the error"),
        # gradients of length 10 in each layer, and weights of length 10
        (
            {"start": 2.0, "unit_gain": 0.0, "bounded": False, "activation": "relu", "room": 200.0, "length": 10.0},
            "diverges",
            "too fast: one step is 1 times as long as the weights of a layer",
        ),
        (
            {
                "start": 2.0,
                "unit_gain": 0.0,
                "bounded": False,
                "activation": "relu",
                "room": 200.0,
                "length": 10.0,
                "uncentred": 0.8,
            },
            "stalls",
            "too fast: one step is 1 times as long",
        ),
        (
            {"start": 1.0, "unit_gain": 0.0, "bounded": False, "activation": "tanh", "room": 200.0, "length": 5.0},
            "learns",
            "",
        ),  # random features, and the last layer has 50 times its error to go
        ({"start": 1.0, "bounded": False, "activation": "relu", "gain": 3.0}, "learns", ""),
        ({"start": 1.0, "bounded": False, "activation": "relu", "gain": 11.0}, "diverges", "could remove 2.2 times"),
        ({"start": 1.0, "bounded": False, "activation": "relu", "gain": 11.0, "clip": 1.0}, "learns", ""),
        ({"bounded": False, "mean": 4.1}, "diverges", "one step is 1 times as long as the mean of the outputs bears"),
        (
            {"unit_gain": 2.1, "activation": "relu", "unscaled": "up to 255"},
            "diverges",
            "unscaled inputs: up to 255; too fast: one step",
        ),
        ({"unscaled": "up to 255"}, "learns", "all steps together"),
        ({"start": 1e-6, "unscaled": "up to 255", "size": 99.0}, "stalls", "too slow: "),
        ({"start": 1e-6, "unscaled": "0.01", "size": 0.01}, "stalls", "unscaled inputs: 0.01; too slow: "),
    ],
)
def test_outcomes_and_their_reasons(given, outcome, reason, thresholds):
    found = forecast(thresholds, **given)
    assert found.outcome == outcome
    assert reason in found.reason
    assert found.text.startswith(f"{outcome}, by theory: ")


def test_adam_finds_the_scale_of_weights_that_are_too_small():
    """Its steps have the length lr, so they lead from tiny weights to 1 / sqrt(n_in), unless gradients are tiny."""
    squares = np.full(4, 1e-12)
    assert Steps(0.001, 1.0, 10, ADAM).find_unit_gain(squares, COUNTS)
    assert not Steps(0.001, 0.1, 10, ADAM).find_unit_gain(squares, COUNTS)  # 0.1 is less than 1 / sqrt(10)
    assert not Steps(0.001, 1.0, 10, ADAM).find_unit_gain(squares * 1e-12, COUNTS)
    assert not Steps(0.001, 1.0, 10, PLAIN).find_unit_gain(squares, COUNTS)


def test_the_numbers_that_are_told(thresholds):
    """room 2, p 0.1 a step, 10 steps an epoch: the loss falls by 2 an epoch, and 5 % of 4 takes a tenth of one."""
    found = forecast(thresholds)
    assert found.epochs_to_lower_loss == pytest.approx(0.1)
    assert found.largest_lr == pytest.approx(500)  # p at unit gain, 0.2, would be 2 * 100 / 2 layers
    assert found.distances == pytest.approx((2000, 0.002))
    assert forecast(thresholds, activation="relu").largest_lr == pytest.approx(10)
    assert forecast(thresholds, start=0.0).epochs_to_lower_loss == math.inf
    assert forecast(thresholds, start=1e3).epochs_to_lower_loss == pytest.approx(0.1)  # one step at least


@pytest.mark.parametrize(
    ("name", "does"), [("tanh", True), ("sigmoid", True), ("sin", False), ("relu", False), ("relu6", True)]
)
def test_which_functions_hold_signals_back(name, does):
    assert saturates(ACTIVATIONS[name]) == does
