"""Targets of the user's own regressions are learned with mean 0 and variance 1, and told of in the user's units."""

import warnings

import numpy as np
import pytest

from mlpstudy.cells.cell import check
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.tracking import logged_model
from mlpstudy.tracking.reading import load_runs

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 3))
ONE = np.tanh(X @ RNG.normal(size=(3, 1)))
TWO = np.column_stack([ONE, 30 * X[:, 1] + RNG.normal(size=60)])
WORDS = ["network.hidden=[6]", "training.epochs=4", "training.batch_size=8", "replicas=3", "loss=mse", "dtype=float64"]


@pytest.fixture
def trained(tmp_path, compose):
    """(y, *words) -> cell, problem and result of a regression on y."""

    def _trained(y, *words):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.npz"
        np.savez(path, x=X[:45], y=y[:45], x_test=X[45:], y_test=y[45:])
        raw = compose("data=npz", f"data.path={path}", "data.task=regression", *WORDS, *words)
        cell = check(raw)
        problem = prepare(cell.config)
        return cell, problem, collect(cell, list(train_and_record(problem, initial_theta(problem, range(3)))))

    return _trained


def answer(problem, theta, x):
    """The network of replica 0 layer by layer, in the user's units."""
    n0, n1, n2 = problem.sizes
    W1, b1, W2, b2 = np.split(theta[0], np.cumsum([n0 * n1, n1, n1 * n2]))
    x = (x - X[:45].mean(axis=0)) / X[:45].std(axis=0)
    return np.tanh(x @ W1.reshape(n1, n0).T + b1) @ W2.reshape(n2, n1).T + b2


@pytest.mark.parametrize("y", [ONE, TWO], ids=["one column", "two columns"])
@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (1e6, 1e6), (-3, 1e-4)])
def test_losses_are_those_of_the_users_values(trained, y, shift, scale):
    y = shift + scale * y
    cell, problem, result = trained(y)
    low, deviation = y[:45].mean(axis=0), np.sqrt(y[:45].var(axis=0).mean())
    told = low + deviation * answer(problem, result.theta_final, X)
    for split, part in (("train", slice(45)), ("test", slice(45, None))):
        expected = 0.5 * np.square(told[part] - y[part]).sum(axis=1).mean()
        assert result.arrays[f"curve_loss_{split}"][-1, 0] == pytest.approx(expected, rel=1e-9)
    assert float(result.arrays["constant_loss"]) == pytest.approx(0.5 * y[:45].var(axis=0).sum(), rel=1e-9)
    assert cell.yardstick.constant_loss == float(result.arrays["constant_loss"])


@pytest.mark.parametrize("y", [ONE, TWO], ids=["one column", "two columns"])
def test_the_units_of_the_targets_change_nothing_else(trained, y):
    (_, _, one), (_, _, other) = trained(y), trained(1e6 + 1e6 * y)
    np.testing.assert_allclose(one.theta_final, other.theta_final, rtol=1e-6)
    np.testing.assert_allclose(one.arrays["curve_loss_train"] * 1e12, other.arrays["curve_loss_train"], rtol=1e-6)
    np.testing.assert_allclose(one.arrays["delta_rms"], other.arrays["delta_rms"], rtol=1e-6)
    assert one.outcome == other.outcome
    assert one.foreseen.outcome == other.foreseen.outcome
    assert one.foreseen.epochs_to_lower_loss == pytest.approx(other.foreseen.epochs_to_lower_loss)


def test_it_is_told(trained):
    cell, _, _ = trained(1e6 + 1e6 * ONE)
    (remark,) = cell.data.remarks
    assert remark.startswith(f"targets have mean {1e6 * (1 + ONE[:45].mean()):.4g} and standard deviation ")
    assert remark.endswith("the network learns them standardized, and losses stay in the units of the targets")


def test_many_columns_are_told_in_short(trained):
    y = np.arange(1.0, 11) * (1 + ONE)
    cell, _, _ = trained(y)
    low, high = (f"{v:.4g}" for v in (y[:45, 0].std(), y[:45, -1].std()))
    assert f"and standard deviation {low} to {high};" in cell.data.remarks[0]


@pytest.mark.parametrize(("shift", "scale", "remarks"), [(0.0, 1.0, 0), (0.0, 1e3, 1), (1e6, 1.0, 1), (-20.0, 0.0, 1)])
def test_without_it_the_values_are_learned_as_they_are(trained, shift, scale, remarks):
    y = shift + scale * ONE
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cell, problem, _ = trained(y, "data.standardize_target=false")
    np.testing.assert_array_equal(problem.y_train, y[:45])
    assert problem.loss_unit == 1
    assert len(cell.data.remarks) == remarks
    assert all("a likely reason (data.standardize_target=true)" in remark for remark in cell.data.remarks)


@pytest.mark.parametrize("standard", [True, False])
def test_what_an_output_of_0_is_in_the_users_units(trained, standard):
    y = 1e3 + ONE
    cell, _, _ = trained(y, f"data.standardize_target={str(standard).lower()}")
    assert cell.config.standard_targets is standard
    constant = y[:45].mean() if standard else 0
    assert cell.silent_loss == pytest.approx(0.5 * np.square(y[:45] - constant).mean(), rel=1e-9)


def test_only_values_of_the_users_own_have_standard_targets(configure):
    assert not any(configure(*words).standard_targets for words in (["data=digits"], ["data=diabetes", "loss=mse"]))
    own = ["data=npz", "data.path=own.npz"]
    assert not configure(*own).standard_targets
    assert configure(*own, "data.task=regression", "loss=mse").standard_targets


def test_targets_that_are_all_the_same_stay_so(trained):
    cell, problem, result = trained(np.full((60, 1), 7e6))
    assert problem.data.target_scale == 1
    assert cell.yardstick.constant_loss == 0
    assert result.foreseen is None


@pytest.mark.slow
@pytest.mark.parametrize("y", [ONE, TWO], ids=["one column", "two columns"])
def test_the_kept_model_answers_in_the_users_units(tmp_path, new_uri, monkeypatch, y):
    import mlflow

    from mlpstudy.commands import cli

    y = 1e3 + 50 * y
    monkeypatch.setattr("mlpstudy.run_picture.draw", lambda *_: b"")
    np.savez(tmp_path / "own.npz", x=X[:45], y=y[:45], x_test=X[45:], y_test=y[45:])
    words = ["data=npz", f"data.path={tmp_path}/own.npz", "data.task=regression", *WORDS, "workers=1"]
    assert cli.run(cli.cells([*words, f"tracking.uri={new_uri}", "tracking.log_model=true"]))
    (run,) = load_runs(new_uri)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = mlflow.pyfunc.load_model(str(run.local_folder / logged_model.FOLDER)).predict(X[45:])
    loss = 0.5 * np.square(told - y[45:]).sum(axis=1).mean()
    assert run.arrays["curve_loss_test"][-1, 0] == pytest.approx(loss, rel=1e-6)
