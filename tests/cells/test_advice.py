"""What would help: changes are those that are typed, and with the first of them a cell learns."""

import numpy as np
import pytest

from mlpstudy.cells import advice, one_cell
from mlpstudy.cells.advice import MOST, advise
from mlpstudy.cells.cell import check
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.changes import changed, pairs, retyped, singles
from mlpstudy.cells.config import parse
from mlpstudy.cells.one_cell import outcome
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.errors import ConfigError
from mlpstudy.network.mlp import unflatten

SMALL = ["replicas=3", "training.epochs=5", "network.depth=5", "training.snapshots=2"]
FAIL = {
    "too small": ["init=normal", "init.scale=0.01"],
    "too large": ["init=normal", "init.scale=3"],
    "too slow": ["optimizer.lr=0.0001"],
    "too fast": ["optimizer.lr=30", "activation=relu", "init=he"],
    "symmetric": ["init=zeros", "init.sigma_b=0.1", "optimizer=adam"],
    "sigmoid": ["activation=sigmoid", "init.gain=0.5", "network.hidden=[32,32,32,32,32]"],
}
CELLS = {
    **FAIL,
    "regression": ["data=diabetes", "loss=mse", "optimizer.lr=5", "data.standardize=none"],
    "leak": ["activation=leaky_relu", "activation.slope=0.2", "init=critical", "init.gain=2"],
}


def trained(raw):
    """Its outcome."""
    problem = prepare(parse(raw))
    return collect(problem, list(train_and_record(problem, initial_theta(problem, range(3))))).outcome


@pytest.mark.parametrize("name", CELLS)
def test_a_change_is_what_its_command_makes(compose, name):
    """The settings with a change are those that Hydra composes from the words that are printed."""
    words = [*SMALL, *CELLS[name]]
    raw, typed = compose(*words), dict(word.split("=", 1) for word in words)
    changes = list(singles(parse(raw)))
    assert len(changes) > 10
    for change in [*changes, *list(pairs(changes))[::7]]:
        assert changed(raw, change) == compose(*retyped(typed, change)), change.words


def test_a_change_leaves_the_settings_as_they_were(compose):
    raw = compose(*SMALL)
    for change in singles(parse(raw)):
        changed(raw, change)
    assert raw == compose(*SMALL)


@pytest.mark.parametrize("name", FAIL)
def test_with_the_first_advice_the_cell_learns(compose, name):
    """Independent of the pilot: the cell is trained without and with it."""
    raw = compose(*SMALL, *FAIL[name])
    assert trained(raw) != "learned"
    found = advise(raw)
    assert 1 <= len(found) <= MOST
    assert len({one.change.kind for one in found}) == len(found)
    assert [one.change.size for one in found] == sorted(one.change.size for one in found)
    assert trained(changed(raw, found[0].change)) == "learned", found[0].text


def test_a_cell_that_learns_needs_no_advice(compose):
    raw = compose(*SMALL, "optimizer.lr=0.1")
    assert trained(raw) == "learned"
    assert advise(raw) == []
    assert advise(raw, failed=True)  # had it failed, something would help


def test_the_same_cell_has_the_same_advice(compose):
    raw = compose(*SMALL, *FAIL["too small"])
    assert advise(raw) == advise(raw)


def test_two_changes_together_where_none_alone_is_enough(compose, monkeypatch):
    """Only with he and adam do these pilots learn."""

    def worst_gain(problem):
        flat = problem.config.flat
        return 0.2 * (flat["init.name"] == "he") + 0.7 * (flat["optimizer.name"] == "adam") * (
            flat["init.name"] == "he" or 0.4
        )

    monkeypatch.setattr(advice, "_worst_gain", worst_gain)
    found = advise(compose(*SMALL, "init=zeros"))
    assert found
    assert {"init=he", "optimizer=adam"} <= set(found[0].change.words)
    assert "; " in found[0].text


def test_where_nothing_helps_there_is_no_advice(compose, monkeypatch):
    monkeypatch.setattr(advice, "_worst_gain", lambda problem: -np.inf)
    assert advise(compose(*SMALL, "init=zeros")) == []


def test_a_change_that_cannot_be_is_left_out(compose, monkeypatch):
    """Without biases, gelu has no critical point."""
    raw = compose(*SMALL, "activation=gelu", "init=zeros")
    critical = next(change for change in singles(parse(raw)) if "init=critical" in change.words)
    with pytest.raises(ConfigError):
        parse(changed(raw, critical))
    assert all("init=critical" not in one.change.words for one in advise(raw))


def test_the_outcome_before_advice_is_that_of_the_result(compose):
    for words in (["optimizer.lr=0.1"], ["init=zeros"], ["training.epochs=0"]):
        problem = prepare(check(compose(*SMALL, *words)).config)
        records = list(train_and_record(problem, initial_theta(problem, range(3))))
        assert outcome(problem, records[-1]) == collect(problem, records).outcome


def test_weights_of_a_file_that_do_not_fit_a_change_leave_it_out(compose, tmp_path):
    """A file has the weights of so many layers: with half the layers, it does not fit."""
    theta = initial_theta(prepare(parse(compose(*SMALL))), [0])
    arrays = {}
    for i, (W, b) in enumerate(unflatten(theta, (64, *[64] * 5, 10)), start=1):
        arrays |= {f"W{i}": 0.01 * W[0], f"b{i}": b[0, 0]}
    np.savez(tmp_path / "w.npz", **arrays)
    raw = compose(*SMALL, "init=file", f"init.path={tmp_path / 'w.npz'}")
    found = advise(raw, failed=True)
    assert found
    assert all("depth" not in one.text for one in found)


def test_a_training_is_kept_if_advice_fails(compose, monkeypatch):
    def broken(raw, failed):
        raise RuntimeError("own function")

    monkeypatch.setattr(one_cell, "advise", broken)
    assert one_cell.advice(compose(*SMALL)) == ()
