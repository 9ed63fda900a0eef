"""Cells that are done are not trained again, and no run stays RUNNING when its process has gone."""

import os
import platform
import shlex
import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

import mlpstudy
from experiments import STUDIES
from experiments import __main__ as studies
from mlpstudy import interrupts
from mlpstudy.cells import one_cell
from mlpstudy.commands import cli
from mlpstudy.display import SweepDisplay
from mlpstudy.engines import processes
from mlpstudy.tracking import resume
from mlpstudy.tracking.reading import load_runs
from mlpstudy.tracking.store import open_store

TINY = ["network.depth=2", "network.width=8", "training.epochs=1", "replicas=2", "training.snapshots=3", "workers=1"]


def test_a_sweep_typed_again_trains_nothing_and_shows_the_same_table(trained, capsys):
    assert trained("init=zeros,xavier") == ["zeros 0", "xavier 0"]
    first = capsys.readouterr().out
    assert trained("init=zeros,xavier") == []
    again = capsys.readouterr().out
    assert "2 cells, 2 done before (tracking.resume=false trains them again)" in again
    table = first[first.index("Verdict at") : first.index("Look at")]
    assert table in again
    (name,) = {run.tags["sweep"] for run in load_runs(trained.uri)}
    assert f"Sweep {name}:" in again


def test_a_larger_grid_trains_the_new_cells_into_the_same_sweep(trained):
    trained("init=zeros")
    assert trained("init=zeros,xavier", "seed=0,1") == ["zeros 1", "xavier 0", "xavier 1"]
    runs = load_runs(trained.uri)
    assert len(runs) == 4
    assert len({run.tags["sweep"] for run in runs}) == 1


def test_a_named_sweep_holds_the_cells_of_others_too(trained):
    trained("init=zeros", "tracking.sweep=one")
    trained("init=xavier", "tracking.sweep=two")
    assert trained("init=zeros,xavier,he", "tracking.sweep=all") == ["he 0"]
    assert trained("init=zeros,xavier,he", "tracking.sweep=all") == []
    assert {run.params["init"] for run in load_runs(trained.uri, sweep="all")} == {"zeros", "xavier", "he"}
    assert [run.params["init"] for run in load_runs(trained.uri, sweep="one")] == ["zeros"]


def test_resume_false_trains_again(trained):
    trained("init=zeros")
    assert trained("init=zeros", "tracking.resume=false") == ["zeros 0"]


@pytest.mark.parametrize("other", ["training.epochs=2", "tracking.experiment=other"])
def test_other_settings_are_other_cells(trained, other):
    trained("init=zeros")
    assert len(trained("init=zeros", other)) == 1


def test_results_of_another_numerical_version_do_not_count(trained, monkeypatch):
    trained("init=zeros")
    monkeypatch.setattr("mlpstudy.cells.cell.NUMERICS", -1)
    assert trained("init=zeros") == ["zeros 0"]


def test_a_cell_with_a_function_of_the_user_is_trained_again(trained, tmp_path, monkeypatch):
    """What the function does may have changed."""
    (tmp_path / "own_parts.py").write_text("def tiny(rng, shape):\n    return rng.normal(0, 0.1, shape)\n")
    monkeypatch.syspath_prepend(tmp_path)
    own = ("init=custom", "init.function=own_parts:tiny")
    assert trained(*own) == trained(*own) == ["tiny 0"]


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_a_cell_that_did_not_end_well_is_trained_again(trained, status):
    trained("init=zeros")
    store = open_store(trained.uri, "mlpstudy")
    (run,) = load_runs(trained.uri)
    store.client.update_run(run.id, status)
    assert trained("init=zeros") == ["zeros 0"]


@pytest.fixture
def stopped(monkeypatch):
    """A sweep is interrupted when its first cell has ended."""
    ended = SweepDisplay.ended

    def stop(show, index, ending):
        ended(show, index, ending)
        signal.raise_signal(signal.SIGINT)  # held back until its run is closed

    monkeypatch.setattr(SweepDisplay, "ended", stop)
    yield
    monkeypatch.setattr(SweepDisplay, "ended", ended)


def to_go_on(printed, done):
    return printed.partition(f"{done} cells are done. To go on:  ")[2].splitlines()[0]


WORDS = ["-m", "init=zeros,xavier,he", "tracking.sweep='a b'", *TINY]


def test_an_interrupted_sweep_prints_the_command_that_goes_on(new_uri, monkeypatch, capsys, no_pictures, stopped):
    words = [*WORDS, f"tracking.uri={new_uri}"]
    monkeypatch.setattr(sys, "argv", ["mlpstudy", *words])
    monkeypatch.setattr(cli, "_end", sys.exit)
    with pytest.raises(SystemExit, match="130"):
        cli.main()
    assert shlex.split(to_go_on(capsys.readouterr().out, "1 of 3"))[1:] == ["-m", "mlpstudy", *words]


def test_an_interrupted_study_prints_its_own_command(new_uri, tmp_path, monkeypatch, capsys, no_pictures, stopped):
    """Also if it is the first of many, and whatever Hydra was given last."""
    words = ["all", "--quick", f"tracking.uri={new_uri}", "replicas=3", "workers=1", "training.epochs=1"]
    prepared = studies.prepare(STUDIES["zero_output"], True, words[2:])
    monkeypatch.setattr(studies, "prepare", lambda *_: prepared)
    monkeypatch.chdir(tmp_path)
    assert studies.main(words) == 130
    printed = to_go_on(capsys.readouterr().out, f"1 of {len(prepared.cells)}")
    assert shlex.split(printed)[1:] == ["-m", "experiments", *words]


def test_from_python_no_command_is_printed(new_uri, monkeypatch, capsys, no_pictures, stopped):
    settings = {"tracking.uri": new_uri, "depth": 2, "width": 8, "epochs": 1, "replicas": 2, "workers": 1}
    with pytest.raises(KeyboardInterrupt):
        mlpstudy.run(init=["zeros", "he"], **settings)
    assert to_go_on(capsys.readouterr().out, "1 of 2") == "call mlpstudy.run again with the same settings"
    monkeypatch.undo()
    assert [run.status for run in mlpstudy.run(init=["zeros", "he"], **settings)] == ["FINISHED"] * 2


@pytest.mark.parametrize("before", [signal.SIG_IGN, signal.default_int_handler])
def test_ctrl_c_is_held_back_while_a_run_is_closed_and_then_as_before(trained, stopped, before, monkeypatch):
    at_first = signal.signal(signal.SIGINT, before)
    try:
        with pytest.raises(KeyboardInterrupt):
            trained("init=zeros,he")
        assert signal.getsignal(signal.SIGINT) is before
    finally:
        signal.signal(signal.SIGINT, at_first)
    (run,) = load_runs(trained.uri)
    assert (run.name, run.status) == ("zeros-tanh-d2", "FINISHED")
    assert not interrupts.INTERRUPTED.is_set()  # the next sweep of the notebook begins anew


def test_a_sweep_in_another_thread_does_without_signals(trained):
    done = []
    thread = threading.Thread(target=lambda: done.extend(trained("init=zeros,he")))
    thread.start()
    thread.join()
    assert done == ["zeros 0", "he 0"]


def test_sigterm_ends_the_program_of_a_sweep_once_its_runs_are_closed():
    """The program is a script or a study: only the command has a line of its own for it."""
    code = (
        "import signal\n"
        "from mlpstudy import interrupts\n"
        "with interrupts.heeded():\n"
        "    with interrupts.uninterrupted():\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "        print('closed')\n"
        "    interrupts.go_on()\n"
        "print('never')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "closed\n")


def test_a_run_says_where_it_was_made(trained, root):
    trained("init=zeros")
    (run,) = load_runs(trained.uri)
    assert run.tags["host"] == socket.gethostname()
    assert run.tags["pid"] == str(os.getpid())
    assert run.tags["version_numpy"] == np.__version__
    assert run.tags["python"] == platform.python_version()
    assert run.tags["blas"]
    assert run.tags["blas_threads"] == "1"
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        head = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        assert run.tags["git_commit"] == head


@pytest.fixture
def he_fails(monkeypatch, no_pictures):
    """A sweep whose cells with init=he fail."""
    original = one_cell.train_and_record

    def train(problem, *arguments):
        if problem.config.init_name == "he":
            raise MemoryError("no room")
        return original(problem, *arguments)

    monkeypatch.setattr(one_cell, "train_and_record", train)
    return cli.cells


def test_failures_are_told_again_at_the_end_and_a_sweep_typed_again_trains_just_those(new_uri, he_fails, capsys):
    asked_for = ["-m", *TINY, f"tracking.uri={new_uri}", "init=he,xavier"]
    assert not cli.run(he_fails(asked_for))
    out = capsys.readouterr().out
    assert out.count("failed: MemoryError: no room") == 2
    assert out.index("Draw the figures") < out.rindex("he-tanh-d2: failed: MemoryError: no room")
    assert "1 of 2 cells are done. To go on:  " in out
    assert not cli.run(he_fails(asked_for))
    assert "2 cells, 1 done before" in capsys.readouterr().out


def test_fail_fast_ends_at_the_first_failure(new_uri, he_fails, capsys):
    assert not cli.run(he_fails(["-m", *TINY, f"tracking.uri={new_uri}", "init=he,xavier,lecun", "fail_fast=true"]))
    out = capsys.readouterr().out
    assert "[1/3] he-tanh-d2" in out
    assert "[2/3]" not in out
    assert "0 of 3 cells are done" in out


@pytest.fixture
def left_open(trained):
    """A run with the status RUNNING, and a function that gives it tags."""
    trained("init=zeros")
    store = open_store(trained.uri, "mlpstudy")
    (run,) = load_runs(trained.uri)
    store.client.update_run(run.id, "RUNNING")

    def tag(**tags):
        for key, value in tags.items():
            store.client.set_tag(run.id, key, value)
        return store, lambda: store.client.get_run(run.id)

    return tag


def test_a_run_whose_process_has_gone_is_killed(left_open, trained, capsys):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    _, now = left_open(pid=str(gone.pid))
    trained("init=xavier")
    assert now().info.status == "KILLED"
    assert now().data.tags["error"] == resume.GONE
    assert "Runs of a process that has gone, now KILLED: zeros-tanh-d2" in capsys.readouterr().out


def test_a_process_with_the_same_number_that_started_later_is_another_one(left_open):
    store, now = left_open(pid=str(os.getpid()), pid_started="1.00")
    assert resume.close_lost_runs(store) == ["zeros-tanh-d2"]
    assert now().info.status == "KILLED"


@pytest.mark.parametrize("tags", [{}, {"host": "elsewhere", "pid": "1"}])
def test_runs_of_this_process_and_of_other_hosts_are_left_alone(left_open, tags):
    store, now = left_open(**tags)
    assert resume.close_lost_runs(store) == []
    assert now().info.status == "RUNNING"


def test_a_run_without_such_tags_is_left_alone(left_open):
    store, now = left_open()
    store.client.delete_tag(now().info.run_id, "host")
    assert resume.close_lost_runs(store) == []


@pytest.mark.slow
def test_fail_fast_keeps_what_the_other_workers_measured(new_uri, monkeypatch, capsys):
    """Theirs is the status KILLED, and nothing is left open."""
    fails = ["init=zeros", "network.depth=20", "training.epochs=200", "replicas=2", "seed=0,1", "fail_fast=true"]
    start = processes._start_worker
    started = []

    def one_dies_later(draw):
        pipe, process = start(draw)
        started.append(process)
        if len(started) == 2:
            threading.Timer(8, process.kill).start()
        return pipe, process

    monkeypatch.setattr(processes, "_start_worker", one_dies_later)
    assert not cli.run(cli.cells(["-m", *fails, f"tracking.uri={new_uri}", "workers=2"]))
    out = capsys.readouterr().out
    assert "the worker process was lost" in out
    assert "not in MLflow" not in out
    store = open_store(new_uri, "mlpstudy")
    statuses = [run.info.status for run in store.client.search_runs([store.experiment_id])]
    assert sorted(statuses) == ["FAILED", "KILLED"]
