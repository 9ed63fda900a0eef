"""The gradient check of a whole network passes right gradients and detects wrong ones."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.commands import cli
from mlpstudy.network import gradient_check
from mlpstudy.network.losses import LOSSES

RIGHT = {
    "tanh": ["activation=tanh"],
    "kinks": ["activation=relu", "init=he"],
    "all at a kink": ["activation=relu", "init=zeros"],
    "vanishing": ["activation=sigmoid", "network.depth=30"],
    "exploding": ["activation=tanh", "init=normal", "network.depth=30"],
    "regression": ["data=teacher", "loss=mse", "activation=mish"],
    "two classes": ["data=moons", "loss=bce", "activation=gelu"],
    "no hidden layer": ["network.depth=0"],
}


def report_on(*overrides, change=lambda network: network):
    (cell,) = cli.cells(["network.width=12", "network.depth=3", "replicas=2", *overrides])
    problem = prepare(cell.config)
    theta = initial_theta(problem, [0, 1])
    return gradient_check.check(change(problem.network), problem.x_train, problem.y_train, theta)


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass(name):
    report = report_on(*RIGHT[name])
    assert report.passed
    assert report.checked > 0
    if name in ("tanh", "regression", "two classes"):
        assert report.total < 1e-6


def test_a_slope_wrong_by_a_thousandth_is_caught():
    def wrong(config):
        activation = config.activation
        return replace(config, activation=replace(activation, dg=lambda z: 1.001 * activation.dg(z)))

    report = report_on(change=wrong)
    assert not report.passed
    assert report.worst > 1e-4
    assert report.total > 1e-6


def test_a_wrong_loss_gradient_is_caught():
    def wrong(config):
        loss = LOSSES["cross_entropy"]
        return replace(config, loss=replace(loss, gradient=lambda h, y: loss.gradient(h, y) + 0.01))

    assert not report_on("network.depth=0", change=wrong).passed


def test_a_wrong_backward_of_one_layer_is_named(monkeypatch):
    backward = gradient_check.mlp.backward

    def wrong(layers, *rest):
        gradients = backward(layers, *rest)
        gradients.layers[1][0][...] *= -1
        return gradients

    monkeypatch.setattr(gradient_check.mlp, "backward", wrong)
    report = report_on()
    assert not report.passed
    assert report.where.startswith("W2[")


def test_theta_is_left_alone():
    (cell,) = cli.cells(["network.width=5", "network.depth=2", "replicas=1", "dtype=float64"])
    problem = prepare(cell.config)
    theta = initial_theta(problem, [0])
    before = theta.copy()
    gradient_check.check(problem.network, problem.x_train, problem.y_train, theta)
    np.testing.assert_array_equal(theta, before)


def test_command_prints_the_errors_and_stops_a_wrong_network(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(sys, "argv", ["mlpstudy", "check_gradients=true", "network.width=4", "network.depth=2"])
    passing = gradient_check.check
    monkeypatch.setattr(gradient_check, "check", lambda *a: replace(passing(*a), worst=0.5, where="W2[0, 1]"))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert "check_gradients must be passed" in str(stopped.value)
    assert str(stopped.value).endswith("the worst of xavier-tanh-d2 is W2[0, 1]; got 0.5")
    assert list(tmp_path.iterdir()) == []
