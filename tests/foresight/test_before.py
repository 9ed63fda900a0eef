"""What is foreseen of whole cells, against what their networks measure and how their trainings end."""

from dataclasses import replace

import numpy as np
import pytest

from mlpstudy.cells.before import before_training, look_ahead
from mlpstudy.cells.cell import check
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record


@pytest.fixture
def before(compose):
    def _before(*overrides):
        return before_training(check(compose(*overrides)).config)

    return _before


@pytest.mark.parametrize(
    "overrides",
    [
        ("activation=tanh", "init=orthogonal", "network.depth=3"),
        ("activation=tanh", "init=xavier", "network.depth=10"),
        ("activation=sigmoid", "init=he", "network.depth=3"),
        ("activation=relu", "init=he", "network.depth=5", "network.width=128"),
        ("activation=gelu", "init=xavier", "network.depth=5", "network.width=128"),
        ("activation=tanh", "optimizer=adam", "network.depth=5"),
        ("activation=relu", "init=he", "data=breast_cancer", "network.depth=3", "optimizer.momentum=0.9"),
    ],
)
def test_theory_foresees_the_progress_that_networks_measure(before, overrides):
    """The mean of log p over 24 networks, within 4 standard errors and 0.06 decades of a width that is finite."""
    found = before(*overrides, "replicas=24")
    assert found.foreseen.by == "theory"
    logs = np.log10(found.progress)
    error = logs.std(ddof=1) / np.sqrt(len(logs))
    assert abs(logs.mean() - np.log10(found.foreseen.progress)) < 4 * error + 0.06


def test_where_theory_does_not_apply_the_first_passes_decide(before):
    found = before("init=zeros", "network.depth=3")
    assert (found.prediction, found.foreseen.by, found.foreseen.outcome) == (None, "step 0", "stalls")
    assert (found.progress == 0).all()
    trained = before("init=identical", "network.depth=3")
    assert "symmetric" in trained.foreseen.reason


def test_without_training_there_is_nothing_to_foresee(before):
    found = before("training.epochs=0")
    assert found.foreseen is None
    assert np.isnan(found.progress).all()
    assert found.verdict.name == "healthy"


def test_labels_that_do_not_depend_on_the_inputs_are_learned_more_slowly(compose):
    """The forecast knows what is to be learned: shuffled labels leave errors that inputs do not explain."""
    problem = prepare(check(compose("network.depth=3")).config)
    theta = initial_theta(problem, range(3))
    honest = look_ahead(problem, theta).foreseen
    order = np.random.default_rng(0).permutation(len(problem.y_train))
    shuffled = look_ahead(replace(problem, y_train=problem.y_train[order]), theta).foreseen
    assert shuffled.progress < honest.progress / 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "outcome"),
    [
        (("activation=tanh", "network.depth=3"), "learned"),
        (("activation=sigmoid", "network.depth=20"), "stalled"),
        (("activation=relu", "network.depth=20"), "stalled"),
        (("activation=relu", "init=he", "network.depth=20", "optimizer.lr=1"), "diverged"),
        (("activation=tanh", "network.depth=20", "optimizer.lr=3"), "stalled"),
        (("activation=sigmoid", "network.depth=3", "optimizer.lr=1"), "learned"),
        (("activation=sigmoid", "network.depth=3"), "stalled"),
    ],
)
def test_trainings_end_as_foreseen(compose, overrides, outcome):
    """Healthy networks that stall, and one that is collapsed and learns with a larger learning rate."""
    cell = check(compose(*overrides, "training.epochs=4", "replicas=3"))
    problem = prepare(cell.config)
    result = collect(cell, list(train_and_record(problem, initial_theta(problem, range(3)))))
    assert result.outcome == outcome
    assert result.foreseen.outcome == {"learned": "learns", "stalled": "stalls", "diverged": "diverges"}[outcome]
    reached = np.isfinite(result.arrays["epochs_to_lower_loss"])
    assert reached.all() if outcome == "learned" else not reached.all()


@pytest.mark.parametrize(
    "words", [("init=xavier",), ("init=zeros",), ("data=diabetes", "loss=mse"), ("training.epochs=0",)]
)
def test_without_its_curve_a_forecast_is_the_same(compose, words):
    config = check(compose("network.depth=3", "training.epochs=2", *words)).config
    assert str(before_training(config, whole=False).row) == str(before_training(config).row)
