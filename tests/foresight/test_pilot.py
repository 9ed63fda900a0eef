"""The pilot: merged steps are the steps that they stand for, and what it foresees comes."""

import numpy as np
import pytest

from mlpstudy.cells.before import before_training
from mlpstudy.cells.cell import check
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.foresight import pilot
from mlpstudy.foresight.forecast import AHEAD
from mlpstudy.network.optimizers import Merged, adam, adamw, rmsprop, sgd
from mlpstudy.tracking import metrics

ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
EVERY = {
    "plain": sgd(momentum=0.0, nesterov=False, weight_decay=0.0),
    "momentum": sgd(momentum=0.9, nesterov=False, weight_decay=0.0),
    "nesterov": sgd(momentum=0.9, nesterov=True, weight_decay=0.0),
    "rmsprop": rmsprop(decay=0.9, epsilon=1e-8),
    "adam": adam(**ADAM),
    "adamw": adamw(**ADAM, weight_decay=0.0),
}


def one_by_one(optimizer, gradient, state, theta, lr, steps):
    total = np.zeros_like(theta)
    for _ in range(steps):
        update, state = optimizer.update(gradient, state, theta, lr)
        total += update
    return total, state


def memory(state):
    """The arrays and numbers of the memory of an optimizer, side by side."""
    parts = state if isinstance(state, tuple) else () if state is None else (state,)
    return np.concatenate([np.ravel(part) for part in (*parts, ())])


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("steps", [1, 2, 7, 64])
def test_merged_steps_are_the_steps_that_they_stand_for(name, steps):
    """With a gradient that stays: the memory is exactly theirs, and so is the sum of the steps of SGD."""
    rng, optimizer = np.random.default_rng(0), EVERY[name]
    theta, first, gradient = rng.normal(size=(3, 1, 40))
    _, state = one_by_one(optimizer, first, optimizer.init(theta), theta, 0.1, 5)
    expected, after = one_by_one(optimizer, gradient, state, theta, 0.1, steps)
    step, merged = optimizer.merged(Merged(gradient, steps, 1.0), state, theta, 0.1)
    np.testing.assert_allclose(memory(merged), memory(after), rtol=1e-10)
    if steps == 1 or not optimizer.adaptive:
        np.testing.assert_allclose(step, expected, rtol=1e-10)


@pytest.mark.parametrize("name", ["rmsprop", "adam", "adamw"])
def test_adaptive_steps_are_merged_exactly_once_the_memory_has_settled(name):
    """After many steps of one gradient, each step has the length lr in every parameter."""
    optimizer, gradient = EVERY[name], np.random.default_rng(0).normal(size=(1, 40))
    _, state = one_by_one(optimizer, gradient, optimizer.init(gradient), gradient, 0.1, 5000)
    step, _ = optimizer.merged(Merged(gradient, 20, 1.0), state, gradient, 0.1)
    np.testing.assert_allclose(step, -20 * 0.1 * np.sign(gradient), rtol=1e-2)


@pytest.mark.parametrize("name", ["plain", "momentum", "nesterov", "adamw"])
def test_weights_decay_in_merged_steps(name):
    """Without a gradient, s steps shorten the weights by about lr times decay in each."""
    kwargs = {"momentum": 0.0 if name == "plain" else 0.9, "nesterov": name == "nesterov"}
    optimizer = adamw(**ADAM, weight_decay=0.01) if name == "adamw" else sgd(**kwargs, weight_decay=0.01)
    theta = np.ones((1, 3))
    nothing, state = np.zeros((1, 3)), optimizer.init(theta)
    step, _ = optimizer.merged(Merged(nothing, 4, 1.0), state, theta, 0.01)
    now, expected = theta, state
    for _ in range(4):
        update, expected = optimizer.update(nothing, expected, now, 0.01)
        now = now + update
    np.testing.assert_allclose(step, now - theta, rtol=1e-2)


def test_the_square_is_that_of_one_minibatch():
    """Monte Carlo: gradients of minibatches of 8 examples, from two halves of 64."""
    examples = 0.3 + np.random.default_rng(0).normal(size=(4000, 2, 32, 3))
    squares = [Merged(parts, 4, 8.0).square for parts in examples.mean(axis=2)]
    error = np.std(squares, axis=0) / np.sqrt(len(squares))
    np.testing.assert_array_less(np.abs(np.mean(squares, axis=0) - (0.3**2 + 1 / 8)), 4 * error)


@pytest.fixture
def trained(compose):
    def _trained(*overrides):
        problem = prepare(check(compose("replicas=3", "training.snapshots=2", *overrides)).config)
        return collect(problem, list(train_and_record(problem, initial_theta(problem, range(3)))))

    return _trained


CASES = {
    "learned": ["training.epochs=10", "network.depth=3"],
    "stalled": ["training.epochs=10", "init=normal", "init.scale=0.01"],
    "diverged": ["training.epochs=3", "activation=relu", "init=he", "optimizer.lr=100"],
    "slow": ["training.epochs=1", "network.depth=3", "optimizer.lr=0.003"],
}


@pytest.mark.parametrize("outcome", CASES)
def test_what_it_foresees_comes(trained, outcome):
    result = trained(*CASES[outcome])
    assert result.outcome == outcome
    assert result.pilot.outcome == AHEAD[outcome]
    tags = metrics.tags(result)
    assert (tags["outcome_by_pilot"], tags["outcome_by_pilot_reason"]) == (result.pilot.outcome, result.pilot.text)
    assert result.pilot.by == "the pilot"


@pytest.mark.parametrize(
    "words",
    [
        ["optimizer=adam"], ["optimizer=rmsprop", "schedule=cosine"], ["optimizer=adamw", "training.batch_size=null"],
        ["optimizer.momentum=0.9", "optimizer.nesterov=true", "training.clip_norm=1"], ["data=diabetes", "loss=mse"],
        ["optimizer.weight_decay=0.01", "training.sampling=replacement"], ["data=moons", "loss=bce", "schedule=step"],
        ["training.batch_size=1", "data=iris"], ["data=xor", "data.samples=4", "data.noise=0", "data.test_fraction=0"],
    ],
)  # fmt: skip
def test_every_kind_of_training_has_a_curve_that_starts_where_it_starts(trained, words):
    batch = [] if any("batch_size" in word for word in words) else ["training.batch_size=4"]
    result = trained("network.depth=2", "training.epochs=3", *batch, *words)
    curve, last = result.pilot.curve, int(result.arrays["curve_step"][-1])
    assert curve.step[0] == 0
    assert (np.diff(curve.step) >= 1).all()
    assert curve.step[-1] <= last
    assert curve.loss[0] == pytest.approx(result.arrays["curve_loss_train"][0, 0], rel=0.2)  # on 512 examples


def test_the_same_settings_give_the_same_answer(compose):
    config = check(compose("network.depth=3")).config
    one, other = before_training(config).pilot, before_training(config).pilot
    np.testing.assert_array_equal(one.curve.loss, other.curve.loss)
    assert one.reason == other.reason


def test_identical_units_stay_identical(compose):
    """Rounding must not part them: merged steps are large enough to show it."""
    foreseen = before_training(check(compose("init=identical", "init.noise=0", "training.epochs=100")).config).pilot
    assert foreseen.outcome != "learns"


def test_the_first_steps_of_the_whole_batch_are_those_of_the_training(trained):
    result = trained("data=moons", "training.batch_size=null", "training.epochs=10", "network.depth=2", "dtype=float64",
                     "data.samples=300")  # fmt: skip
    curve = result.pilot.curve
    measured = dict(zip(result.arrays["curve_step"], result.arrays["curve_loss_train"][:, 0], strict=True))
    assert curve.step[:2].tolist() == [0, 1]
    assert curve.step[-1] == 10
    np.testing.assert_allclose(curve.loss[:2], [measured[0], measured[1]])
    assert curve.loss[-1] == pytest.approx(measured[10], rel=0.01)


def test_a_large_batch_is_foreseen_to_its_end_with_some_of_its_examples(trained, monkeypatch):
    monkeypatch.setattr(pilot, "LARGEST", 100)
    result = trained("training.batch_size=null", "training.epochs=20", "network.depth=2", "optimizer.lr=0.5")
    curve = result.pilot.curve
    assert curve.step[-1] == 20
    assert curve.loss[-1] == pytest.approx(result.arrays["curve_loss_train"][-1, 0], rel=0.3)
