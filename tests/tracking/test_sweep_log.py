"""Runs are written beside the training: a store that is away costs nothing but time, and nothing is lost."""

import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, TEMPORARILY_UNAVAILABLE

from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.events import Ending
from mlpstudy.commands import cli
from mlpstudy.conduct import sweep
from mlpstudy.engines import processes
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import metrics, moving, parcel, patience, sweep_log, writing
from mlpstudy.tracking.patience import Patience, StoreGone
from mlpstudy.tracking.reading import load_runs
from mlpstudy.tracking.store import open_store

TINY = ["network.depth=1", "network.width=4", "training.epochs=1", "replicas=2", "training.snapshots=3"]
AWAY = MlflowException("the database is locked", error_code=TEMPORARILY_UNAVAILABLE)


@pytest.fixture
def cell():
    (cell,) = cli.cells(TINY)
    return cell


@pytest.fixture
def store(new_uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return open_store(new_uri, "mlpstudy")


def trained(cell):
    return [event for _, event in processes.run([cell], 1)]


def logged(store, cell, said, seconds=float("inf")):
    """Train the cell and write its run."""
    log = sweep_log.SweepLog(lambda index: writing.RunLog(store, cell, "name", "sweep", index), said.append)
    records = trained(cell)
    for record in records:
        log.record(0, record)
    log.ended(0, Ending("FINISHED", collect(cell, records)))
    log.close(seconds)
    return log


def failing(monkeypatch, store, name, error, times):
    """Let the first so many calls of a method of the client fail."""
    original, calls = getattr(store.client, name), []

    def fails(*arguments, **named):
        calls.append(arguments)
        if len(calls) <= times:
            raise error
        return original(*arguments, **named)

    monkeypatch.setattr(store.client, name, fails)
    return calls


@pytest.mark.parametrize("name", ["create_run", "log_batch", "log_artifacts", "set_terminated"])
def test_a_store_that_is_away_for_a_while_costs_nothing(store, cell, monkeypatch, name):
    said = []
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(sweep_log, "QUICK_SECONDS", 30)  # a machine that is busy says nothing about the store
    calls = failing(monkeypatch, store, name, AWAY, times=1)
    log = logged(store, cell, said)
    assert len(calls) >= 2
    assert log.rescued == {}
    assert said[0].startswith("The store does not answer (MlflowException: the database is locked)")
    assert said[-1] == "The store answers again."
    (run,) = load_runs(store.uri)
    assert run.status == "FINISHED"
    assert run.arrays["delta_rms"].shape[1:] == (2, 1)


def test_training_and_display_do_not_wait_for_the_store(store, cell, monkeypatch):
    hold = threading.Event()
    create = store.client.create_run
    monkeypatch.setattr(store.client, "create_run", lambda *a, **k: (hold.wait(20), create(*a, **k))[1])
    log = sweep_log.SweepLog(lambda index: writing.RunLog(store, cell, "name", "sweep", index), print)
    records = trained(cell)
    start = time.monotonic()
    for record in records:
        log.record(0, record)
    log.ended(0, Ending("FINISHED", collect(cell, records)))
    assert time.monotonic() - start < 1
    hold.set()
    log.close(float("inf"))
    assert [run.status for run in load_runs(store.uri)] == ["FINISHED"]


def test_a_run_that_the_store_does_not_take_in_time_is_kept_and_brought_back(store, cell, monkeypatch):
    """It hangs, as a server does whose machine has gone."""
    hold, said = threading.Event(), []
    original = store.client.log_artifacts
    monkeypatch.setattr(store.client, "log_artifacts", lambda *_: hold.wait(30))
    start = time.monotonic()
    log = logged(store, cell, said, seconds=0.5)
    assert time.monotonic() - start < 10
    assert log.rescued == {0: Path("mlpstudy-rescued")}
    assert any("name: not in MLflow but in mlpstudy-rescued/sweep/name" in line for line in said)
    monkeypatch.setattr(store.client, "log_artifacts", original)
    assert moving.bring_back(store, "other", print) == ([], [])
    assert moving.bring_back(store, "mlpstudy", print) == (["name"], [])
    assert not Path("mlpstudy-rescued").exists()
    (run,) = load_runs(store.uri)  # one run: the same that was begun
    assert run.status == "FINISHED"
    assert run.params["depth"] == "1"
    assert "final/accuracy_test" in run.metrics
    history = store.client.get_metric_history(run.id, "loss/train")
    assert history[0].step == 0
    np.testing.assert_allclose(history[-1].value, run.arrays["curve_loss_train"][-1].mean())
    hold.set()


def test_a_sweep_brings_in_what_was_kept_and_does_not_train_it_again(
    new_uri, tmp_path, monkeypatch, capsys, no_pictures
):
    monkeypatch.chdir(tmp_path)
    typed = ["-m", "init=zeros,he", *TINY, f"tracking.uri={new_uri}", "workers=1"]
    with monkeypatch.context() as patch:
        patch.setattr(parcel, "fill", lambda *_: (_ for _ in ()).throw(OSError("no such server")))
        assert not cli.run(cli.cells(typed))
    out = capsys.readouterr().out
    assert out.count("not in MLflow but in mlpstudy-rescued/") == 2  # as it happens
    assert "2 runs are not in MLflow but in mlpstudy-rescued." in out
    assert "-m mlpstudy.upload mlpstudy-rescued" in out
    assert "0 of 2 cells are done. To go on:" in out
    assert cli.run(cli.cells(typed))
    out = capsys.readouterr().out
    assert "Brought into the store, which was away: he-tanh-d1, zeros-tanh-d1" in out
    assert "2 cells, 2 done before" in out
    assert [run.status for run in load_runs(new_uri)] == ["FINISHED"] * 2


def test_a_store_that_stays_away_is_given_up_and_asked_again_later(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(patience.time, "monotonic", lambda: clock[0])
    said, asked = [], []
    patient = Patience(said.append)
    monkeypatch.setattr(patient.stop, "wait", lambda seconds: clock.__setitem__(0, clock[0] + seconds))

    def away():
        asked.append(clock[0])
        raise AWAY

    with pytest.raises(MlflowException):
        patient.call(away)
    assert patience.PATIENCE_SECONDS <= clock[0] <= patience.PATIENCE_SECONDS + 3
    assert len(said) == 2
    count = len(asked)
    with pytest.raises(StoreGone):  # at once
        patient.call(away)
    assert len(asked) == count
    clock[0] += patience.AGAIN_SECONDS + 1
    assert patient.call(lambda: "here") == "here"
    assert said[-1] == "The store answers again."
    assert patient.call(lambda: "here") == "here"
    assert len(said) == 3


def test_an_error_that_is_not_the_stores_is_not_repeated():
    asked = []

    def wrong():
        asked.append(1)
        raise MlflowException("Invalid metric name", error_code=INVALID_PARAMETER_VALUE)

    with pytest.raises(MlflowException):
        Patience(print).call(wrong)
    assert asked == [1]


def test_slow_answers_are_spoken_of(monkeypatch):
    monkeypatch.setattr(patience, "SLOW_SECONDS", 0.05)
    said = []
    assert Patience(said.append).call(lambda: time.sleep(0.3)) is None
    assert "no answer for 0.05 s" in said[0]
    assert said[1] == "The store answers again."


def test_more_replicas_join_those_that_are_there(new_uri, capsys, monkeypatch, no_pictures):
    monkeypatch.setattr(writing, "FLUSH_SECONDS", 0)  # curves of the new replicas alone are never written
    typed = ["-m", "init=he,xavier", *TINY[:3], "network.depth=2", f"tracking.uri={new_uri}", "workers=1"]
    assert sweep.run(cli.cells([*typed, "replicas=2"]))
    assert sweep.run(cli.cells([*typed, "replicas=5"]))
    assert "2 cells, 2 done with fewer replicas (6 more are trained)" in capsys.readouterr().out
    (alone,) = cli.cells([*TINY[:3], "network.depth=2", "init=he", "replicas=5"])
    expected = collect(alone, trained(alone))
    run, _ = load_runs(new_uri)  # those with two replicas are part of these
    assert run.replicas == 5
    assert run.tags["verdict"] == expected.verdict.name
    assert run.tags["outcomes"] == metrics.tags(expected)["outcomes"]
    for name in ("delta_rms", "curve_loss_test", "activation_histogram", "jacobian_singular_values", "unit_paths"):
        np.testing.assert_allclose(run.arrays[name], expected.arrays[name], rtol=2e-3, atol=1e-5)
    accuracy = run.arrays["curve_accuracy_test"]
    assert run.metrics["final/accuracy_test"] == pytest.approx(accuracy[-1].mean())
    assert run.metrics["accuracy/test"] == pytest.approx(accuracy[-1].mean())
    history = MlflowClient(new_uri).get_metric_history(run.id, "accuracy/test")
    assert len({row.step for row in history}) == len(history) >= 2
    first = expected.theta_final[:1]
    found = np.concatenate([w.ravel() for w in run.weights("final").values()])
    np.testing.assert_allclose(found, first[0], rtol=1e-3, atol=1e-5)
    assert run.local_folder is not None
    assert (run.local_folder / "run.png").exists()


def test_while_a_cell_trains_its_folder_has_what_it_measured_and_no_other_sweep_takes_it(store, cell, monkeypatch):
    """If its process is killed, the next sweep brings this into the run that was begun."""
    monkeypatch.setattr(writing, "SAVE_SECONDS", 0)
    log, records = writing.RunLog(store, cell, "name", "sweep", 0), trained(cell)
    for record in records[:2]:
        log.record(record)
        log.show_curves(lambda ask: ask())
    log.record(records[2])
    (folder,) = parcel.folders(Path("mlpstudy-rescued"))
    with np.load(folder / "artifacts" / "statistics.npz") as kept:
        np.testing.assert_array_equal(kept["curve_step"], [record.step for record in records[:3]])
    assert moving.bring_back(store, "mlpstudy", print) == ([], [])
    with pytest.raises(ConfigError, match=r"a folder or \.zip with runs"):
        list(moving.bring_in(Path("mlpstudy-rescued"), store.uri, None, print))
    monkeypatch.setattr("mlpstudy.tracking.environment.started", lambda pid: "")  # the process has gone
    assert moving.bring_back(store, "mlpstudy", print) == ([], ["name"])
    assert not Path("mlpstudy-rescued").exists()
    (run,) = load_runs(store.uri)
    assert (run.status, run.tags["error"], run.tags["outcome"]) == ("KILLED", parcel.GONE, "unfinished")
    assert len(run.arrays["curve_step"]) == 3


def test_of_a_killed_process_of_another_computer_nothing_is_taken_unless_it_is_asked_for(store, cell, monkeypatch):
    log = writing.RunLog(store, cell, "name", "sweep", 0)
    log.finish(Ending("FINISHED", collect(cell, trained(cell))))
    monkeypatch.setattr(parcel.socket, "gethostname", lambda: "elsewhere")
    assert moving.bring_back(store, "mlpstudy", print) == ([], [])
    assert list(moving.bring_in(Path("mlpstudy-rescued"), store.uri, None, print)) == [
        "name: brought in (experiment mlpstudy)"
    ]


def test_where_no_folder_can_be_made_a_run_goes_to_the_store_all_the_same(store, cell, monkeypatch, tmp_path):
    """Nothing can be written beside the store, here or at home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mlpstudy-rescued").touch()
    assert logged(store, cell, []).rescued == {}
    assert [run.status for run in load_runs(store.uri)] == ["FINISHED"]
    assert list(Path(tempfile.gettempdir()).glob("mlpstudy-rescued*")) == []


def test_after_a_good_end_no_folder_is_left(store, cell, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SAVE_SECONDS", 0)
    assert logged(store, cell, []).rescued == {}
    store.close()
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "mlruns"}


def test_a_sweep_waits_for_a_store_that_is_far_behind(store, cell, monkeypatch):
    gate, records = threading.Event(), trained(cell)
    monkeypatch.setattr(sweep_log, "BEHIND", 1)
    monkeypatch.setattr(writing.RunLog, "send", lambda *_: gate.wait(60))
    log = sweep_log.SweepLog(lambda index: writing.RunLog(store, cell, f"run {index}", "sweep", index), print)
    log.ended(0, Ending("FINISHED", collect(cell, records)))
    log.keep_up()  # one may wait
    log.ended(1, Ending("FINISHED", collect(cell, records)))
    waits = threading.Thread(target=log.keep_up)
    waits.start()
    waits.join(0.3)
    assert waits.is_alive()
    gate.set()
    waits.join(60)
    assert not waits.is_alive()
    log.close(float("inf"))
