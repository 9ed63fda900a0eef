"""What a user types, from the command line to what stands on disk afterwards."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from mlflow.tracking import MlflowClient

from mlpstudy import interrupts
from mlpstudy.commands import cli
from mlpstudy.conduct import follow
from mlpstudy.display import SweepDisplay
from mlpstudy.errors import ConfigError
from mlpstudy.tracking.reading import load_runs
from reports.drawing import words
from reports.figures import FIGURES

TINY = ["network.depth=2", "network.width=8", "training.epochs=1", "replicas=2"]


def mlpstudy(*arguments, cwd, module="mlpstudy"):
    """Run a command as a user does; returns what it printed and its exit status."""
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=240, env=environment,
    )  # fmt: skip
    return done


@pytest.mark.slow
def test_main_command_end_to_end(tmp_path):
    done = mlpstudy("-m", "init=zeros,xavier,he", *TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for expected in (
        "symmetric",
        "healthy",
        "test accuracy",
        "by theory",
        "Theory predicted the verdict of 2 of 2 cells (it does not apply to the other 1).",
        "mlflow ui",
        "viewStateShareKey=",
        "-m reports",
    ):
        assert expected in done.stdout
    assert "Traceback" not in done.stderr
    assert {p.name for p in tmp_path.iterdir()} <= {"mlflow.db", "mlflow.db-wal", "mlflow.db-shm", "mlruns"}
    runs = load_runs(f"sqlite:///{tmp_path}/mlflow.db")
    assert {run.name for run in runs} == {"zeros-tanh-d2", "xavier-tanh-d2", "he-tanh-d2"}

    drawn = mlpstudy(cwd=tmp_path, module="reports")
    assert drawn.returncode == 0, drawn.stderr
    names = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert names == set(FIGURES) - {"decision_boundary", "seeds"}, drawn.stdout  # digits are not 2-D, and of one seed
    assert "decision_boundary" in drawn.stdout
    assert (tmp_path / "figures" / "index.html").exists()


@pytest.mark.slow
def test_single_run_without_sweep(tmp_path):
    done = mlpstudy(*TINY, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [run.name for run in load_runs(f"sqlite:///{tmp_path}/mlflow.db")] == ["xavier-tanh-d2"]


BAD_SETTINGS = {
    "init=nope": ["init must be one of", "xavier_uniform", "zeros", "'nope'"],
    "activation=nope": ["activation must be one of", "leaky_relu", "'nope'"],
    "data=nope": ["data must be one of", "digits", "mnist", "moons", "'nope'"],
    "init.name=nope": ["init.name must be one of", "zeros", "'nope'"],
    "network.widht=3": ["did you mean network.width=3?", "'network.widht=3'"],
    "initt=he": ["did you mean init=he?", "'initt=he'"],
    "qwerty=he": ["activation", "init", "optimizer.lr", "'qwerty=he'"],
    "+new.key=1": ["network.depth", "'new.key'"],
    "network=3": ["network must be set by its keys", "network.depth"],
    "network.depth=-1": ["network.depth must be an integer >= 0; got -1"],
    "network.depth=2.5": ["network.depth must be an integer >= 0; got 2.5"],
    "network.width=0": ["network.width must be an integer >= 1; got 0"],
    "optimizer.lr=0": ["optimizer.lr must be a finite number > 0; got 0"],
    "optimizer.lr=.inf": ["optimizer.lr must be a finite number > 0; got"],
    "training.batch_size=100000": ["training.batch_size must be null or at most the 1437 training examples"],
    "replicas=0": ["replicas must be an integer >= 1; got 0"],
    "loss=bce": ["loss must be cross_entropy or mse for 10 classes (data=digits); got 'bce'"],
    "init=zeros,he": ["init must be one value (or add -m to sweep over several); got 'zeros,he'"],
    "~seed": ["seed must be an integer >= 0"],
    "network.depth=[": ["no viable alternative"],
    "tracking.uri=nope": ["tracking.uri must be a URI such as", "'nope'"],
    "tracking.uri=sqlite:////proc/no.db": ["tracking.uri must be a store that can be reached", "/proc/no.db"],
    "tracking.uri=http://127.0.0.1:9": ["tracking.uri must be a store that can be reached", "127.0.0.1:9"],
    "experiment=nope": ["experiment must be one of dying_relu, glorot_2010, hanin_2018,", "got 'nope'"],
}  # fmt: skip


@pytest.mark.parametrize("setting", BAD_SETTINGS)
@pytest.mark.parametrize("mode", ["one cell", "sweep"])
def test_bad_settings_end_in_one_line_before_any_training(setting, mode, tmp_path, monkeypatch, capsys):
    if mode == "sweep" and setting == "init=zeros,he":
        pytest.skip("this is how a sweep is asked for")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    flags = ["-m", "seed=0,1"] if mode == "sweep" and setting != "~seed" else ["-m"] if mode == "sweep" else []
    monkeypatch.setattr(sys, "argv", ["mlpstudy", *flags, *TINY, setting])
    monkeypatch.setattr("mlpstudy.engines.processes.run", lambda *_: pytest.fail("a cell trains"))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    message = str(stopped.value)  # Python prints it on standard error, and exits with 1
    assert message.startswith("mlpstudy: ")
    assert "\n" not in message
    for part in BAD_SETTINGS[setting]:
        assert part in message
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_shell_repeats_no_password(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["mlpstudy", "tracking.uri=postgresql://me:s3cret@host/x?a=[", *TINY])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert "s3cret" not in str(stopped.value)


def test_what_a_sweep_has_in_common_cannot_vary():
    with pytest.raises(ConfigError, match=r"tracking\.experiment must be the same for all cells of a sweep"):
        cli.cells(["-m", "tracking.experiment=a,b", *TINY])


def test_a_sweep_ends_with_what_theory_foresaw(sweep_copy, capsys):
    """Sigmoid, four layers deep, is called vanishing by a threshold that is set here."""
    network = ["network.depth=4", "network.width=32", "training.epochs=0", "replicas=2", "workers=1"]
    settings = [f"tracking.uri={sweep_copy}", "verdict.vanishing=0.2", *network]
    assert cli.run(cli.cells(["-m", "init=xavier,constant", "activation=tanh,sigmoid", *settings]))
    out = capsys.readouterr().out
    table = out[out.index("Verdict at initialization") :]
    head = next(line for line in table.splitlines() if "by theory" in line)
    rows = {tuple(line.split()[:2]): line for line in table.splitlines() if line.split()[2:3] == ["4"]}
    predicted = {cell: row[head.index("by theory") :].split()[0] for cell, row in rows.items()}
    assert predicted == {
        ("xavier", "tanh"): "healthy", ("xavier", "sigmoid"): "vanishing", ("constant", "tanh"): "-",
        ("constant", "sigmoid"): "-",
    }  # fmt: skip
    assert "evidence" in head
    assert "delta_rms first / last layer: 0.0" in rows["xavier", "sigmoid"]
    assert "Theory predicted the verdict of 2 of 2 cells (it does not apply to the other 2).\n" in table


def test_a_cell_that_is_not_to_be_trained_has_no_outcome_anywhere(new_uri, capsys):
    """Neither in the tags, the notes and the table of the runs, nor on the terminal; also if its loss is not finite."""
    network = ["network.depth=3", "network.width=8", "training.epochs=0", "replicas=2", "workers=1"]
    assert cli.run(cli.cells(["-m", f"tracking.uri={new_uri}", "init=zeros,xavier", "init.gain=1,1e38", *network]))
    out, runs = capsys.readouterr().out, load_runs(new_uri)
    described = MlflowClient(new_uri).get_experiment_by_name("mlpstudy").tags["mlflow.note.content"]
    assert "4 cells" in described
    assert {run.metrics["final/diverged_replicas"] for run in runs} == {0.0, 2.0}  # that are not finite
    for run in runs:
        assert not {"outcome", "outcomes", "outcome_predicted"} & run.tags.keys()
        for text in (*run.tags.values(), described, out):
            assert not re.search("stall|learned|diverge", text)
    assert len(re.findall("not trained", out)) == 8  # a line for each, and a row
    assert runs.table["outcome"].isna().all()
    assert words.outcomes(runs) == "Outcomes: 4 not trained."


def test_a_large_first_loss_is_told_and_the_command_that_is_printed_takes_it_away(new_uri, capsys):
    """The numbers are those of the first record of MLflow, and log(10)."""
    settings = [f"tracking.uri={new_uri}", "activation=relu", "training.epochs=1", "replicas=5", "workers=1"]
    assert cli.run(cli.cells(["-m", "init=xavier,he", *settings]))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "starts with a training loss" in line]
    (run,) = [run for run in load_runs(new_uri) if run.params["init"] == "he"]
    first = run.arrays["curve_loss_train"][0].mean()
    assert line.startswith(f"he-relu-d10 starts with a training loss of {first:.3g}. Outputs of 0")
    assert f"have 2.3; its random outputs add {first - np.log(10):.2g}. " in line
    (word,) = shlex.split(line.partition("type: ")[2])
    assert cli.run(cli.cells(["init=he", *settings, word]))
    assert "starts with" not in capsys.readouterr().out
    (small,) = [run for run in load_runs(new_uri) if run.params["init.output.name"] == "lecun"]
    assert (small.tags["verdict"], small.arrays["curve_loss_train"][0].mean()) == (
        "healthy",
        pytest.approx(2.3, abs=0.1),
    )


def test_glob_leaves_out_what_cannot_stand_alone(capsys):
    asked_for = cli.cells(["-m", "init=glob(*)", "network.width=4", "network.depth=1", "replicas=1"])
    inits = {cell.config.init_name for cell in asked_for}
    assert {"zeros", "lsuv", "sparse", "critical"} <= inits
    assert not {"file", "custom"} & inits
    assert "init=custom (init.function), init=file (init.path)" in capsys.readouterr().err


def test_names_are_short_and_tell_cells_apart(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    from mlpstudy.cells.cell import names

    grid = cli.cells(["-m", "init=he,zeros", "network.depth=1,3", "network.width=8", "training.epochs=1"])
    assert names(grid) == ["he-tanh-d1", "he-tanh-d3", "zeros-tanh-d1", "zeros-tanh-d3"]
    rates = cli.cells(["-m", "optimizer.lr=0.1,0.2", "network.width=8", "init=he"])
    assert names(rates) == ["he-tanh-d10-lr=0.1", "he-tanh-d10-lr=0.2"]


@pytest.mark.parametrize("show", [["--cfg", "job"], ["--cfg=all"], ["-c", "job"], ["--info", "all"], ["-i=all"]])
def test_settings_that_are_shown_have_no_password(show, monkeypatch, capsys):
    words = [*show, "tracking.uri='postgresql://me:s3cret@host/runs'", "network.width=7"]
    monkeypatch.setattr(sys, "argv", ["mlpstudy", *words])
    with contextlib.suppress(SystemExit):
        cli.main()
    shown = capsys.readouterr()
    assert "width" in shown.out
    assert "s3cret" not in shown.out + shown.err


def test_help_and_completion_do_not_import_mlflow():
    code = "import sys, mlpstudy.commands.cli; print('mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_interrupted_sweep_keeps_what_was_measured(tmp_path):
    command = [sys.executable, "-m", "mlpstudy", "-m", "seed=0,1", "network.depth=60", "training.epochs=100"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    database = tmp_path / "mlflow.db"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not started_runs(database):
        time.sleep(0.5)
    os.killpg(running.pid, signal.SIGINT)
    output, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted" in output
    runs = load_runs(f"sqlite:///{database}")
    assert runs
    assert {run.status for run in runs} == {"KILLED"}
    assert all(len(run.arrays["step"]) >= 1 for run in runs)


@pytest.fixture
def interrupted(monkeypatch, no_pictures):
    """Events of their own for a test that interrupts a sweep."""
    for name in ("INTERRUPTED", "TERMINATED", "ENDING"):
        monkeypatch.setattr(interrupts, name, threading.Event())
    monkeypatch.setattr(signal, "raise_signal", lambda number: None)  # SIGTERM would end the tests


def test_an_interrupt_that_a_library_swallows_ends_the_sweep(new_uri, monkeypatch, interrupted):
    """Python raises it wherever it is, which may be inside a handler that catches whatever comes."""
    record = SweepDisplay.record

    def swallowing(show, index, one):
        record(show, index, one)
        with contextlib.suppress(KeyboardInterrupt):
            interrupts.interrupt()

    monkeypatch.setattr(SweepDisplay, "record", swallowing)
    asked_for = cli.cells([*TINY, f"tracking.uri={new_uri}", "workers=1"])
    with pytest.raises(KeyboardInterrupt):
        cli.run(asked_for)
    (run,) = load_runs(new_uri)
    assert run.status == "KILLED"
    assert run.tags["outcome"] == "unfinished"
    assert len(run.arrays["step"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["collect", "ended"])
def test_an_interrupt_while_a_cell_ends_does_not_lose_it(new_uri, monkeypatch, capsys, interrupted, number, where):
    """Nor do several signals, nor one while its run is being written."""
    owner = follow if where == "collect" else SweepDisplay
    original = getattr(owner, where)

    def interrupting(*arguments):
        interrupts.interrupt(number)
        answer = original(*arguments)
        interrupts.interrupt(number)
        return answer

    monkeypatch.setattr(owner, where, interrupting)
    with pytest.raises(KeyboardInterrupt):
        cli.run(cli.cells(["-m", "seed=0,1", *TINY, f"tracking.uri={new_uri}", "workers=1"]))
    (run,) = load_runs(new_uri)
    assert (run.status, run.tags["outcome"] == "unfinished") == ("FINISHED", False)
    assert "[1/2]" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_workers_end_soon_after_the_main_process_is_killed(tmp_path):
    """Also in the middle of a cell: these take minutes, and send a record every few seconds."""
    command = [sys.executable, "-m", "mlpstudy", "-m", "seed=0,1", "network.depth=60", "training.epochs=1000"]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and not started_runs(tmp_path / "mlflow.db"):
        time.sleep(0.5)
    workers = psutil.Process(running.pid).children(recursive=True)
    assert len(workers) >= 2
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(workers, timeout=3)
    assert alive == []


def started_runs(database: Path) -> int:
    """How many runs a database holds that another process writes."""
    import sqlite3

    if not database.exists():
        return 0
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    finally:
        connection.close()
