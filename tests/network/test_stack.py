"""The fast training step against the plain one in `mlp`, and `train` against a loop of plain steps."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from mlpstudy.network import stack, training
from mlpstudy.network.activations import ACTIVATIONS, Activation
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.mlp import Network, backpropagate, n_parameters, unflatten
from mlpstudy.network.optimizers import OPTIMIZERS, clip
from mlpstudy.network.stack import CHUNK, Stack
from mlpstudy.network.ties import find_ties
from mlpstudy.network.training import Recipe, State, batches, train

SIZES = [(7, 5, 6, 3), (4, 3), (6, 40, 40, 40, 2), (3, 1, 1, 1)]
SGD = OPTIMIZERS["sgd"](momentum=0.0, nesterov=False, weight_decay=0.0)
CLOSE = {np.float32: 1e-5, np.float64: 1e-13}  # of the largest entry


def start(sizes, replicas, dtype=np.float64, seed=0, scale=0.3):
    return (scale * np.random.default_rng(seed).normal(size=(replicas, n_parameters(sizes)))).astype(dtype)


def batch_of(n, sizes, dtype=np.float64, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, sizes[0])).astype(dtype), np.eye(sizes[-1], dtype=dtype)[rng.integers(sizes[-1], size=n)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_gradient_is_that_of_mlp(name, sizes, dtype, activation_named):
    """For batches of several sizes in turn, which share their memory."""
    network = Network(sizes, activation_named(name), LOSSES["cross_entropy"])
    theta = start(sizes, 3, dtype)
    one = Stack(network, SGD, None, theta, batch=9)
    for step, n in enumerate((9, 4, 1, 9)):
        x, y = batch_of(n, sizes, dtype, seed=step)
        _, expected = backpropagate(network, unflatten(theta, sizes), x[None], y)
        with np.errstate(over="ignore"):
            one.backpropagate(x, y)
        limit = CLOSE[dtype] * np.abs(expected.theta).max(axis=1, keepdims=True)
        assert (np.abs(one.update - expected.theta) <= limit).all()
    np.testing.assert_array_equal(one.theta, theta)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_is_that_of_mlp_for_every_loss(loss):
    sizes = (5, 4, 3, 1 if loss == "bce" else 3)
    network, theta, (x, y) = Network(sizes, ACTIVATIONS["tanh"], LOSSES[loss]), start(sizes, 2), batch_of(6, sizes)
    one = Stack(network, SGD, None, theta, batch=6)
    one.backpropagate(x, y)
    _, expected = backpropagate(network, unflatten(theta, sizes), x[None], y)
    np.testing.assert_allclose(one.update, expected.theta, rtol=1e-12, atol=1e-15)


def test_layers_larger_than_a_chunk():
    sizes = (3, 200, 200, 2)
    network, theta, (x, y) = Network(sizes, ACTIVATIONS["gelu"], LOSSES["mse"]), start(sizes, 2), batch_of(150, sizes)
    assert min(2 * 150 * 200, theta.size) > CHUNK
    one = Stack(network, SGD, None, theta, batch=150)
    one.step(x, y, 0.1)
    _, expected = backpropagate(network, unflatten(theta, sizes), x[None], y)
    np.testing.assert_allclose(one.theta, theta - 0.1 * expected.theta, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(one.update, -0.1 * expected.theta, rtol=1e-10, atol=1e-12)


def plain_training(network, recipe, x, y, theta, rng):
    """Every state of `train`, by its definition."""
    per_epoch = recipe.steps_per_epoch(len(y))
    order, state = batches(rng, len(y), recipe.batch_size or len(y), recipe.replacement), recipe.optimizer.init(theta)
    for step in range(recipe.epochs * per_epoch):
        batch = next(order)
        with np.errstate(all="ignore"):
            _, found = backpropagate(network, unflatten(theta, network.sizes), x[:, batch], y[batch])
            gradient = found.theta if recipe.clip_norm is None else clip(found.theta, recipe.clip_norm)
            update, state = recipe.optimizer.update(gradient, state, theta, recipe.lr(step / per_epoch, 1 / per_epoch))
            yield theta, update
            theta = theta + update
    yield theta, update


NET = Network((6, 8, 8, 3), ACTIVATIONS["tanh"], LOSSES["cross_entropy"])
RECIPE = Recipe(SGD, lambda epoch, step: 0.1 / (1 + epoch), 4, 8, replacement=False, clip_norm=None)
RECIPES = {
    "sgd": RECIPE,
    "momentum": replace(RECIPE, optimizer=OPTIMIZERS["sgd"](momentum=0.9, nesterov=True, weight_decay=0.01)),
    "rmsprop": replace(RECIPE, optimizer=OPTIMIZERS["rmsprop"](decay=0.99, epsilon=1e-8)),
    "adamw": replace(RECIPE, optimizer=OPTIMIZERS["adamw"](beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.1)),
    "clipped": replace(RECIPE, clip_norm=0.05),
    "full batch": replace(RECIPE, batch_size=None),
    "with replacement": replace(RECIPE, replacement=True, batch_size=50),
}


@pytest.mark.parametrize("stacked", [1, 500, 10**9])
@pytest.mark.parametrize("name", RECIPES)
def test_train_yields_the_states_of_a_loop_of_plain_steps(name, stacked, monkeypatch):
    """However many replicas make a stack, and also if an optimizer works on the parameters in several chunks."""
    monkeypatch.setattr(training, "STACKED", stacked)
    monkeypatch.setattr(stack, "CHUNK", 50)
    monkeypatch.setattr(training, "TURN", 3)
    recipe, (x, y), theta = RECIPES[name], batch_of(35, NET.sizes), start(NET.sizes, 5)
    before = theta.copy()
    expected = list(plain_training(NET, recipe, x[None], y, theta, np.random.default_rng(4)))
    last = len(expected) - 1
    wanted = {0, 1, 2, last // 2, last - 1, last} & set(range(last + 1))
    states = list(train(NET, recipe, x[None], y, theta, np.random.default_rng(4), wanted))
    assert [state.step for state in states] == sorted(wanted)
    assert [state.last for state in states] == [False] * (len(states) - 1) + [True]
    for state in states:
        assert state.epoch == pytest.approx(state.step / recipe.steps_per_epoch(35))
        np.testing.assert_allclose(state.theta, expected[state.step][0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.update, expected[state.step][1], rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(theta, before)


def test_a_network_that_is_not_trained_has_one_state():
    (x, y), theta = batch_of(35, NET.sizes), start(NET.sizes, 2)
    (state,) = train(NET, replace(RECIPE, epochs=0), x[None], y, theta, np.random.default_rng(0), {0})
    assert (state.step, state.update, state.last) == (0, None, True)
    np.testing.assert_array_equal(state.theta, theta)


@pytest.mark.parametrize("stacked", [1, 10**9])
def test_equal_units_stay_equal_in_every_stack(stacked, monkeypatch):
    """Of three replicas, the second has layers of equal units."""
    monkeypatch.setattr(training, "STACKED", stacked)
    sizes = (20, 37, 17, 3)
    free = start(sizes, 1, np.float32)
    tied = free.copy()
    for layer, (W, b) in enumerate(unflatten(tied, sizes)):
        if layer < 2:
            W[...], b[...] = W[:, :1], b[:, :, :1]
        if layer > 0:
            W[...] = W[:, :, :1]
    theta = np.concatenate([free, tied, free])
    network = Network(sizes, ACTIVATIONS["tanh"], LOSSES["cross_entropy"])
    x, y = batch_of(64, sizes, np.float32)
    *_, end = train(network, RECIPE, x[None], y, theta, np.random.default_rng(0), set())
    index = find_ties(theta, sizes)
    np.testing.assert_array_equal(np.take_along_axis(end.theta, index, axis=1), end.theta)
    assert np.abs(end.theta - theta)[1].max() > 1e-3
    np.testing.assert_allclose(end.theta[0], end.theta[2], rtol=1e-4, atol=1e-6)


def test_an_error_of_a_gradient_cannot_part_equal_units():
    """Of two replicas the second has equal units; the error stands for the rounding of a matrix product."""
    sizes = (4, 6, 5, 3)
    theta = np.concatenate([start(sizes, 1), np.full((1, n_parameters(sizes)), 0.3)])
    index = find_ties(theta, sizes)
    one = Stack(Network(sizes, ACTIVATIONS["tanh"], LOSSES["cross_entropy"]), SGD, None, theta, batch=4)
    exact, rng = one.backpropagate, np.random.default_rng(3)

    def with_error(x, y):
        exact(x, y)
        one._gradient *= 1 + 0.1 * rng.normal(size=theta.size)

    one.backpropagate = with_error
    for step in range(3):
        one.step(*batch_of(4, sizes, seed=step), 0.1)
    np.testing.assert_array_equal(np.take_along_axis(one.theta, index, axis=1), one.theta)
    assert len(np.unique(one.theta[0])) > 0.9 * n_parameters(sizes)


BLOWS_UP = Activation(g=lambda z: z**3, dg=lambda z: 3 * z**2)


@pytest.mark.parametrize("stacked", [1, 10**9])
def test_training_ends_at_the_step_at_which_the_last_replica_diverges(stacked, monkeypatch):
    monkeypatch.setattr(training, "STACKED", stacked)
    network = Network((4, 8, 8, 3), BLOWS_UP, LOSSES["mse"])
    x, y = batch_of(40, network.sizes)
    theta = np.concatenate([start(network.sizes, 1, scale=s) for s in (3.0, 0.8, 2.0)])
    recipe = replace(RECIPE, lr=lambda epoch, step: 0.5, epochs=40)
    plain = plain_training(network, recipe, x[None], y, theta, np.random.default_rng(2))
    expected = [parameters for parameters, _ in islice(plain, 200)]
    finite = [np.isfinite(parameters[:, -1]) for parameters in expected]
    ends = [next(step for step, f in enumerate(finite) if not f[r]) for r in range(3)]
    assert len(set(ends)) > 1
    states = list(train(network, recipe, x[None], y, theta, np.random.default_rng(2), range(0, 200, 7)))
    end: State = states[-1]
    assert (end.step, end.last) == (max(ends), True)
    assert not np.isfinite(end.theta[:, -1]).any()
    np.testing.assert_array_equal(np.isfinite(end.theta), np.isfinite(expected[end.step]))
    assert [state.step for state in states[:-1]] == [*range(0, max(ends), 7)]


def test_a_replica_that_does_not_diverge_trains_on_beside_those_that_do(monkeypatch):
    monkeypatch.setattr(training, "STACKED", 1)
    network = Network((4, 8, 8, 3), BLOWS_UP, LOSSES["mse"])
    x, y = batch_of(40, network.sizes)
    theta = np.concatenate([start(network.sizes, 1, scale=s) for s in (3.0, 0.1)])
    *_, together = train(network, RECIPE, x[None], y, theta, np.random.default_rng(2), {5})
    *_, alone = train(network, RECIPE, x[None], y, theta[1:], np.random.default_rng(2), {5})
    assert together.step == alone.step == 20
    assert not np.isfinite(together.theta[0]).all()
    np.testing.assert_allclose(together.theta[1], alone.theta[0], rtol=1e-12)


# ---------------------------------------------------------------- activations in place
FAST = [name for name, row in ACTIVATIONS.items() if getattr(row, "in_place", None) or name == "elu"]
Z = np.concatenate([np.linspace(-30, 30, 40001), *(s * np.geomspace(1e-30, 1e8, 2000) for s in (-1, 1))])
# The largest errors of a and of g' in units of eps: of max(1, |z|) for a, absolute for g', whose terms reach |z|.
LIMITS = {"gelu": (2, 3), "erf": (3, 3), "gelu_tanh": (2, 30), "silu": (2, 20), "mish": (2, 20)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FAST)
def test_in_place_is_the_activation_to_rounding(name, dtype, activation_named):
    activation, eps = activation_named(name), float(np.finfo(dtype).eps)
    assert activation.in_place is not None
    z = Z.astype(dtype)
    a, slope = z.copy(), np.full_like(z, np.nan)
    with np.errstate(all="ignore"):
        activation.overwrite(a, slope)
    exact = z.astype(np.longdouble) if name in ("relu", "tanh") else z.astype(float)
    of_a, of_slope = LIMITS.get(name, (2, 2)) if dtype == np.float32 else (8, 60)
    assert (np.abs(a - activation.g(exact)) <= of_a * eps * np.maximum(1, np.abs(exact))).all()
    assert (np.abs(slope - activation.dg(exact)) <= of_slope * eps).all()


@pytest.mark.parametrize("name", [name for name in FAST if name != "sigmoid"])
def test_in_place_keeps_tiny_signals(name, activation_named):
    """g(z) - g(0) of a z of 1e-20 has full relative precision: a vanishing signal is not rounded away."""
    z = np.array([-1e-20, 1e-20], np.float32)
    a, expected = z.copy(), activation_named(name).g(z.astype(float))
    activation_named(name).overwrite(a, np.empty_like(z))
    np.testing.assert_allclose(a, expected, rtol=1e-6)


def test_the_polynomial_of_erf_is_as_good_as_stated():
    """Relative error of erf at most 2.5e-7, absolute error of Phi at most 1.1e-7, in float32."""
    from scipy import special

    from mlpstudy.network.in_place import normal_erf

    z = np.concatenate([np.linspace(-9, 9, 400_001), np.geomspace(1e-30, 1e30, 4000)]).astype(np.float32)
    with np.errstate(over="ignore"):
        found = normal_erf(z, np.square(z)).astype(float)
    exact = special.erf(z.astype(float) / np.sqrt(2))
    nonzero = z != 0
    assert np.abs(found[nonzero] / exact[nonzero] - 1).max() <= 2.5e-7
    assert np.abs((1 + found) / 2 - (1 + exact) / 2).max() <= 1.1e-7


def test_an_activation_without_a_fast_form_is_trained_with_g_and_dg():
    z = np.linspace(-2, 2, 9)
    a, slope = z.copy(), np.empty_like(z)
    Activation(g=lambda z: z**2, dg=lambda z: 2 * z).overwrite(a, slope)
    np.testing.assert_array_equal(a, z**2)
    np.testing.assert_array_equal(slope, 2 * z)
