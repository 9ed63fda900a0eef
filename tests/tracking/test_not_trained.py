"""`training.only=learns`: cells that are expected not to learn are never measured, and trained when asked for.

By hand: networks of zeros are symmetric and stall at any learning rate; a shallow tanh network learns digits quickly.
"""

import pytest
from mlflow.tracking import MlflowClient

from mlpstudy.commands import cli
from mlpstudy.conduct import ahead, plan
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import cleaning
from mlpstudy.tracking.reading import left_out, load_runs, not_trained, unmeasured
from mlpstudy.tracking.store import open_store

TINY = [
    "network.depth=2", "network.width=16", "training.epochs=4", "optimizer.lr=0.1", "replicas=2",
    "training.snapshots=3", "workers=1",
]  # fmt: skip
ONLY = "training.only=learns"


def cells(*words):
    return cli.cells(["-m", *TINY, *words])


def test_the_setting_counts_for_nothing_in_the_identity_of_a_cell():
    (one,), (other,) = cells("init=he"), cells("init=he", ONLY)
    assert one.hash == other.hash
    with pytest.raises(ConfigError, match="null or one of learns"):
        cells("init=he", "training.only=stalls")
    with pytest.raises(ConfigError, match="the same for all cells of a sweep"):
        cells("init=he", "training.only=learns,null")


def test_only_what_is_expected_to_learn_is_trained_and_the_rest_later(trained, new_uri, capsys):
    grid = ["init=zeros,xavier", "activation=tanh"]
    assert trained(*grid, ONLY) == ["xavier 0"]
    out = capsys.readouterr().out
    assert "1 cell is expected not to learn and was not trained: zeros-tanh-d2 (stalls)." in out
    assert "1 of 2 cells are done" not in out  # it is not to be done
    runs = load_runs(new_uri)
    assert [run.name for run in runs] == ["xavier-tanh-d2"]
    assert (left_out(runs), unmeasured(runs)) == ({}, [])
    (cell,) = not_trained(runs)
    assert (cell.name, cell.outcome) == ("zeros-tanh-d2", "stalls")
    assert cell.reason.startswith("expected to stall, by the pilot: after ")
    client = MlflowClient(new_uri)
    assert len(client.search_runs([runs[0].experiment_id])) == 1  # nothing measured, and no run that seems so

    assert trained(*grid) == ["zeros 0"]
    runs = load_runs(new_uri)
    assert [run.name for run in runs] == ["zeros-tanh-d2", "xavier-tanh-d2"]  # in the order of the grid
    assert not_trained(runs) == []
    assert trained(*grid, ONLY) == []  # both have been measured


def test_a_cell_that_was_measured_with_fewer_replicas_grows_whatever_is_foreseen(trained):
    assert trained("init=zeros") == ["zeros 0"]
    assert trained("init=zeros", "replicas=3", ONLY) == ["zeros 0 from 2"]


def test_if_no_cell_is_expected_to_learn_it_is_said_in_one_line(trained, new_uri):
    with pytest.raises(ConfigError) as error:
        trained("init=zeros", "activation=tanh,relu", ONLY)
    assert str(error.value) == (
        "training.only must be null, since no cell is expected to learn (zeros-tanh-d2 (stalls), zeros-relu-d2 "
        "(stalls)); got 'learns'"
    )
    store = open_store(new_uri, "mlpstudy")
    assert not store.client.search_runs([store.experiment_id])


def test_cells_of_which_nothing_is_foreseen_are_measured(trained):
    assert trained("init=zeros", "training.epochs=0", ONLY) == ["zeros 0"]


def test_without_a_pilot_theorys_rule_decides(monkeypatch):
    known = {"outcome": "-", "by_theory": "diverges", "reason": "-", "reason_by_theory": "too fast (by theory)"}
    told = [ahead.Foreseen(ahead.UNKNOWN | known | {"by_theory": outcome}, None) for outcome in ("diverges", "learns")]
    monkeypatch.setattr(ahead, "foresee", lambda cells: [*told, ahead.Failure("it broke")])
    assert ahead.unpromising([None] * 3) == {
        0: ahead.Unpromising("diverges", "expected to diverge, by theory's rule: too fast (by theory)")
    }


def test_many_names_are_counted():
    cells = [plan.NotTrained("", f"cell{i}", "stalls", "") for i in range(12)]
    assert plan.listed(cells).endswith("cell7 (stalls), 4 more")


def test_reports_name_them_and_removing_the_sweep_removes_them(trained, new_uri, tmp_path, capsys):
    from reports import __main__ as reports

    trained("init=zeros,xavier", ONLY, "tracking.sweep=one")
    trained("init=he", "tracking.sweep=two")
    assert reports.main(["--uri", new_uri, "--sweep", "one", "--figures", "grid", "--out", str(tmp_path / "out")]) == 0
    sentence = "zeros-tanh-d2 was not trained: expected to stall, by the pilot: "
    assert f"left out: {sentence}" in capsys.readouterr().out
    assert sentence in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    store = open_store(new_uri, "mlpstudy")
    kept = [tag for tag in store.client.get_experiment(store.experiment_id).tags if tag.startswith("not_trained.")]
    assert len(kept) == 1
    cleaning.remove(cleaning.of_sweep(new_uri, "one"), lambda runs: runs)
    kept = [tag for tag in store.client.get_experiment(store.experiment_id).tags if tag.startswith("not_trained.")]
    assert kept == []
