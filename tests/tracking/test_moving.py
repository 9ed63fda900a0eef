"""A sweep is written into a file, brought in elsewhere, and removed."""

import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from mlpstudy import clean, export, upload
from mlpstudy.commands import cli
from mlpstudy.tracking.reading import load_runs
from mlpstudy.tracking.store import open_store, save_left_out

TINY = ["network.depth=2", "network.width=4", "training.epochs=1", "replicas=2", "training.snapshots=3", "workers=1"]


def trained(uri, sweep, *overrides):
    assert cli.run(cli.cells(["-m", *TINY, f"tracking.uri={uri}", f"tracking.sweep={sweep}", *overrides]))


@pytest.fixture
def two_sweeps(new_uri, no_pictures):
    """Sweep one has zeros and xavier; sweep two has these and he."""
    trained(new_uri, "one", "init=zeros,xavier")
    trained(new_uri, "two", "init=zeros,xavier,he")
    save_left_out(open_store(new_uri, "mlpstudy"), "two", {"critical-gelu-d2": "it has no critical point"})
    return new_uri


@pytest.fixture
def other_uri(_empty_database, tmp_path):
    (tmp_path / "other").mkdir()
    path = tmp_path / "other" / "mlflow.db"
    with sqlite3.connect(_empty_database) as source, sqlite3.connect(path) as copy:
        source.backup(copy)
    return f"sqlite:///{path}"


def test_an_exported_sweep_is_the_same_elsewhere(two_sweeps, other_uri, tmp_path, capsys):
    target = tmp_path / "two.zip"
    assert export.main(["two", str(target), "--uri", two_sweeps]) == 0
    assert f"3 runs in {target}" in capsys.readouterr().out
    assert upload.main([str(target), "--uri", other_uri]) == 0
    assert capsys.readouterr().out.count("brought in (experiment mlpstudy)") == 3
    assert upload.main([str(target), "--uri", other_uri]) == 0  # twice
    assert capsys.readouterr().out.count("is there already") == 3
    here, there = load_runs(two_sweeps, sweep="two"), load_runs(other_uri)
    assert [run.name for run in there] == [run.name for run in here]
    for ours, theirs in zip(here, there, strict=True):
        assert theirs.status == "FINISHED"
        assert theirs.tags["sweep"] == "two"
        assert theirs.params == ours.params
        assert theirs.metrics.keys() == ours.metrics.keys()
        np.testing.assert_equal(dict(theirs.metrics), dict(ours.metrics))
        for name, array in ours.arrays.items():
            np.testing.assert_array_equal(theirs.arrays[name], array)
        np.testing.assert_array_equal(theirs.weights("final")["W1"], ours.weights("final")["W1"])
        assert {p.name for p in theirs.local_folder.iterdir()} == {p.name for p in ours.local_folder.iterdir()}
        assert other_uri.removeprefix("sqlite:///").removesuffix("/mlflow.db") in str(theirs.local_folder)


def test_cells_that_were_brought_in_are_done(two_sweeps, other_uri, tmp_path, capsys):
    assert export.main(["one", str(tmp_path / "one.zip"), "--uri", two_sweeps]) == 0
    assert upload.main([str(tmp_path / "one.zip"), "--uri", other_uri]) == 0
    capsys.readouterr()
    trained(other_uri, "one", "init=zeros,xavier,he")
    assert "3 cells, 2 done before" in capsys.readouterr().out


def test_a_run_that_was_killed_is_brought_in_once_too(two_sweeps, other_uri, tmp_path, capsys):
    MlflowClient(two_sweeps).update_run(load_runs(two_sweeps, sweep="one")[0].id, "KILLED")
    assert export.main(["one", str(tmp_path / "one.zip"), "--uri", two_sweeps]) == 0
    for told in ("brought in", "is there already"):
        assert upload.main([str(tmp_path / "one.zip"), "--uri", other_uri]) == 0
        assert capsys.readouterr().out.count(told) == 2
    assert [run.status for run in load_runs(other_uri)] == ["KILLED", "FINISHED"]


@pytest.mark.parametrize("what", ["missing", "text", "empty", "zip"])
def test_what_holds_no_runs_is_refused_in_one_line(tmp_path, capsys, what, new_uri):
    path = tmp_path / what
    if what == "text":
        path.write_text("no run")
    elif what == "empty":
        path.mkdir()
    elif what == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("run.txt", "{}")
    assert upload.main([str(path), "--uri", new_uri]) == 1
    assert "FOLDER must be a folder or .zip with runs" in capsys.readouterr().err


def test_an_export_that_fails_leaves_nothing(two_sweeps, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mlpstudy.tracking.moving.parcel.write", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    assert export.main(["two", str(tmp_path / "two.zip"), "--uri", two_sweeps]) == 1
    assert "disk full" in capsys.readouterr().err
    assert list(tmp_path.glob("*.zip*")) == list(tmp_path.glob(".*.part")) == []


@pytest.mark.slow
def test_clean_removes_what_the_sweep_has_alone(two_sweeps, capsys):
    kept = load_runs(two_sweeps, sweep="one")
    (gone,) = [run for run in load_runs(two_sweeps, sweep="two") if run.params["init"] == "he"]
    assert clean.main(["two", "--yes", "--uri", two_sweeps]) == 0
    assert "Removed: 1 run." in capsys.readouterr().out
    assert not Path(gone.artifact_uri.removeprefix("file://")).parent.exists()
    with sqlite3.connect(two_sweeps.removeprefix("sqlite:///")) as connection:
        for table in ("runs", "metrics", "params", "tags", "latest_metrics"):
            found = connection.execute(f"SELECT count(*) FROM {table} WHERE run_uuid = ?", (gone.id,)).fetchone()
            assert found == (0,), table
    assert [run.id for run in load_runs(two_sweeps)] == [run.id for run in kept]
    tags = MlflowClient(two_sweeps).get_experiment_by_name("mlpstudy").tags
    assert not {"left_out.two", "mlflow.sharedViewState.two"} & tags.keys()
    assert "mlflow.sharedViewState.one" in tags
    assert clean.main(["two", "--yes", "--uri", two_sweeps]) == 1
    assert "SWEEP must be one of one; got 'two'" in capsys.readouterr().err


def test_clean_of_the_sweep_that_trained_leaves_the_runs_to_the_other(two_sweeps):
    assert clean.main(["one", "--yes", "--uri", two_sweeps]) == 0
    runs = load_runs(two_sweeps)
    assert len(runs) == 3
    assert {run.tags["sweep"] for run in runs} == {"two"}


@pytest.mark.parametrize("answer", ["n", "", None])
def test_clean_asks_first(two_sweeps, monkeypatch, capsys, answer):
    def asked(question):
        assert "Remove 1 run of sweep two" in question
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)
    assert clean.main(["two", "--uri", two_sweeps]) == 1
    assert "Nothing was removed." in capsys.readouterr().out
    assert len(load_runs(two_sweeps)) == 3


def test_reports_start_with_the_sweep_that_was_asked_for_last(two_sweeps):
    trained(two_sweeps, "three", "init=lecun")
    trained(two_sweeps, "one", "init=zeros,xavier")  # trains nothing
    assert {run.params["init"] for run in load_runs(two_sweeps)} == {"zeros", "xavier"}
