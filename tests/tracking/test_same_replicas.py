"""Replicas that start with the same weights are one network: it is said, and there is no interval over them."""

import math
import sys

import numpy as np
import pytest

from mlpstudy.cells.cell import check
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.display import accuracy_text
from mlpstudy.measure.intervals import without_interval
from mlpstudy.network.initializers import INITIALIZERS
from mlpstudy.tracking import metrics
from mlpstudy.tracking.run import Run
from reports.drawing import layout, marks, words

TINY = ["data=moons", "network.hidden=[3]", "training.epochs=1", "training.snapshots=2", "replicas=4"]
CODE = """
import numpy as np

def ignores(rng, shape):
    return np.ones(shape)

def two(rng, shape, *, replica):
    return np.full(shape, 1.0 + replica % 2)

def signs(rng, shape):
    return rng.choice([-1, 1], shape) * 0.0  # 0 and -0 are the same
"""
# settings -> how many of four replicas are different
CASES = {
    **{(f"init={name}",): 1 if name in ("zeros", "constant", "identity") else 4 for name in INITIALIZERS},
    ("init=zeros", "init.sigma_b=0.1"): 4,
    ("init=zeros", "init.output=xavier"): 4,
    ("init=xavier", "init.gain=0"): 1,
    ("init=xavier", "init.output=zeros"): 4,
    **{
        ("init=custom", f"init.function=own_replicas:{name}"): different
        for name, different in (("ignores", 1), ("two", 2), ("signs", 1))
    },
    ("init=file", "init.path=one.npz"): 1,
    ("init=file", "init.path=four.npz"): 4,
    ("init=xavier", "replicas=1"): 1,
}


@pytest.fixture
def result_of(compose, tmp_path, monkeypatch):
    """(*words) -> the run of such a cell as it is read back, without a store."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_replicas.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_replicas", raising=False)
    arrays = {f"W{i}": np.random.default_rng(i).normal(size=(4, *shape)) for i, shape in ((1, (3, 2)), (2, (2, 3)))}
    np.savez(tmp_path / "four.npz", **arrays)
    np.savez(tmp_path / "one.npz", **{name: array[0] for name, array in arrays.items()})

    def _result_of(*typed):
        cell = check(compose(*TINY, *typed))
        problem = prepare(cell.config)
        theta = initial_theta(problem, range(cell.config.replicas))
        result = collect(cell, list(train_and_record(problem, theta)))
        headline = {name: value for (name, _), value in metrics.headline(result).items()}
        run = Run("", "cell", "FINISHED", metrics.parameters(cell.config), metrics.tags(result), headline, "", "", "")
        vars(run)["arrays"] = result.arrays
        return result, run

    return _result_of


@pytest.mark.parametrize("typed", CASES, ids=" ".join)
def test_replicas_that_are_the_same_have_no_interval(result_of, typed):
    different, replicas = CASES[typed], 1 if "replicas=1" in typed else 4
    result, run = result_of(*typed)
    assert int(result.arrays["distinct_replicas"]) == different
    has = different == replicas > 1
    kinds = [name for name in run.metrics if name.endswith("_ci95")]
    assert len(kinds) == 5  # four curves, and what was gained
    assert all(math.isfinite(run.metrics[name]) == has for name in kinds)
    assert math.isfinite(layout.score(run)[2]) == has
    note = run.tags["mlflow.note.content"]
    results = [line for line in note.splitlines() if line.startswith(("- Outcome", "- Gained"))]
    assert len(results) == 2
    assert has or "±" not in note
    for text in (accuracy_text(run), words.score(run)[1], *results):
        assert has or ("±" not in text and " to " not in text)
    reason = {1: f"all {replicas} replicas start with the same weights and are one network"}
    reason |= {2: f"{replicas} replicas start with only 2 different sets of weights"}
    told = [run.tags["mlflow.note.content"], words.outcome_in_full(run), marks.no_interval([run])]
    told.append(without_interval([("cell", run.tags.get("same_replicas"))]))
    for text in told:
        assert (reason.get(different, "start with") in text) == (different < replicas)
    assert ("same_replicas" in run.tags) == (different < replicas)


def test_many_cells_without_an_interval_are_one_line():
    names = [f"cell {i}" for i in range(20)]
    line = without_interval([*((name, "a reason") for name in names), ("other", None)])
    assert line == f"No interval for {', '.join(names[:8])} and 12 more: a reason."
    assert without_interval([("other", None)]) == ""
