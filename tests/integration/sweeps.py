"""What the integration tests share: sweeps as a user types them, and a comparison of their numbers."""

import subprocess
import sys

import numpy as np

GRID = ("-m", "init=xavier,he,lecun,orthogonal", "activation=tanh,relu", "training.epochs=25", "replicas=2")


def started(folder, *words):
    """A sweep that runs in a folder."""
    keys = {word.partition("=")[0] for word in words}
    grid = [word for word in GRID if word.partition("=")[0] not in keys]
    command = [sys.executable, "-u", "-m", "mlpstudy", *grid, "tracking.resume=false", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process, after=0, then=lambda: None):
    """Wait for it; call `then` when so many cells have ended. What it printed."""
    lines, cells = [], 0
    with process:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("["):
                cells += 1
                if cells == after:
                    then()
    text = "".join(lines)
    assert process.returncode == 0, text
    return text


def same_numbers(folder, one, other, uri=None):
    """Every cell of two sweeps has the same statistics, curves and weights, bit for bit."""
    from mlpstudy import load_runs

    uri = uri or f"sqlite:///{folder}/mlflow.db"
    first, second = (load_runs(uri, sweep=name, experiment=name) for name in (one, other))
    assert len(first) == len(second) == 8
    assert {run.status for run in [*first, *second]} == {"FINISHED"}
    theirs = {run.name: run for run in second}
    for run in first:
        other_run = theirs[run.name]
        assert run.arrays.keys() == other_run.arrays.keys()
        for name, array in run.arrays.items():
            np.testing.assert_array_equal(array, other_run.arrays[name], err_msg=f"{run.name}: {name}")
        weights, others = run.weights("final"), other_run.weights("final")
        for name in weights:
            np.testing.assert_array_equal(weights[name], others[name])
