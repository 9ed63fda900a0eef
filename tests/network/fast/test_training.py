"""The fast `train` against the plain one."""

from dataclasses import replace

import numpy as np
import pytest

from mlpstudy.network import training as plain
from mlpstudy.network.activations import ACTIVATIONS, Activation
from mlpstudy.network.fast import stack, training
from mlpstudy.network.fast.training import train
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.mlp import Network, n_parameters, unflatten
from mlpstudy.network.optimizers import OPTIMIZERS
from mlpstudy.network.ties import find_ties
from mlpstudy.network.training import Recipe, State

SGD = OPTIMIZERS["sgd"](momentum=0.0, nesterov=False, weight_decay=0.0)


def start(sizes, replicas, dtype=np.float64, seed=0, scale=0.3):
    return (scale * np.random.default_rng(seed).normal(size=(replicas, n_parameters(sizes)))).astype(dtype)


def batch_of(n, sizes, dtype=np.float64, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, sizes[0])).astype(dtype), np.eye(sizes[-1], dtype=dtype)[rng.integers(sizes[-1], size=n)]


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
    expected = list(plain.train(NET, recipe, x[None], y, theta, np.random.default_rng(4)))
    last = len(expected) - 1
    wanted = {0, 1, 2, last // 2, last - 1, last} & set(range(last + 1))
    states = list(train(NET, recipe, x[None], y, theta, np.random.default_rng(4), wanted))
    assert [state.step for state in states] == sorted(wanted)
    assert [state.last for state in states] == [False] * (len(states) - 1) + [True]
    for state in states:
        assert state.epoch == pytest.approx(state.step / recipe.steps_per_epoch(35))
        np.testing.assert_allclose(state.theta, expected[state.step].theta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.update, expected[state.step].update, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(theta, before)


@pytest.mark.parametrize("train", [plain.train, lambda *given: train(*given, {0})])
def test_a_network_that_is_not_trained_has_one_state(train):
    (x, y), theta = batch_of(35, NET.sizes), start(NET.sizes, 2)
    (state,) = train(NET, replace(RECIPE, epochs=0), x[None], y, theta, np.random.default_rng(0))
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
    index = find_ties(theta, sizes)
    *_, end = train(network, RECIPE, x[None], y, theta, np.random.default_rng(0), set())
    *_, same = plain.train(network, RECIPE, x[None], y, theta, np.random.default_rng(0))
    for one in (end.theta, same.theta):
        np.testing.assert_array_equal(np.take_along_axis(one, index, axis=1), one)
        assert np.abs(one - theta)[1].max() > 1e-3
        np.testing.assert_allclose(one[0], one[2], rtol=1e-4, atol=1e-6)


BLOWS_UP = Activation(g=lambda z: z**3, dg=lambda z: 3 * z**2)


@pytest.mark.parametrize("stacked", [1, 10**9])
def test_training_ends_at_the_step_at_which_the_last_replica_diverges(stacked, monkeypatch):
    monkeypatch.setattr(training, "STACKED", stacked)
    network = Network((4, 8, 8, 3), BLOWS_UP, LOSSES["mse"])
    x, y = batch_of(40, network.sizes)
    theta = np.concatenate([start(network.sizes, 1, scale=s) for s in (3.0, 0.8, 2.0)])
    recipe = replace(RECIPE, lr=lambda epoch, step: 0.5, epochs=40)
    expected = [state.theta for state in plain.train(network, recipe, x[None], y, theta, np.random.default_rng(2))]
    finite = [np.isfinite(parameters[:, -1]) for parameters in expected]
    ends = [next(step for step, f in enumerate(finite) if not f[r]) for r in range(3)]
    assert len(set(ends)) > 1
    states = list(train(network, recipe, x[None], y, theta, np.random.default_rng(2), range(0, 200, 7)))
    end: State = states[-1]
    assert (end.step, end.last) == (max(ends), True) == (len(expected) - 1, True)
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
