"""What a run keeps: little by default, and nothing that a figure needs is missing."""

import json
import pickle
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.commands import cli
from mlpstudy.conduct import sweep
from mlpstudy.tracking import artifacts, dashboard, description, files
from mlpstudy.tracking.reading import left_out, load_runs
from mlpstudy.tracking.store import open_store
from mlpstudy.tracking.uris import without_user

TINY = ["network.depth=2", "network.width=4", "training.epochs=1", "replicas=3", "training.snapshots=3", "workers=1"]


@pytest.fixture
def trained(new_uri, no_pictures):
    """(*overrides) -> the runs of such a sweep, by name."""

    def run(*overrides):
        asked = cli.read(["-m", *TINY, f"tracking.uri={new_uri}", *overrides])
        assert sweep.run(asked.cells, asked.left_out)
        return {run.name: run for run in load_runs(new_uri)}

    return run


def database_size(uri):
    connection = sqlite3.connect(uri.removeprefix("sqlite:///"))
    connection.execute("VACUUM")
    (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    connection.close()
    return pages * size


@pytest.mark.slow
def test_a_default_cell_takes_less_than_400_kb(new_uri):
    before = database_size(new_uri)
    assert cli.run(cli.cells(["-m", "init=xavier,he", f"tracking.uri={new_uri}", "workers=1"]))
    runs = load_runs(new_uri)
    files = sum(path.stat().st_size for run in runs for path in run.local_folder.rglob("*"))
    assert (database_size(new_uri) - before + files) / len(runs) < 400_000
    for run in runs:
        shown = {name for name in run.metrics if name.startswith("profile/")}
        assert shown == {name for name in dashboard.METRICS if name.startswith("profile/")}
        assert run.metrics.keys() >= dashboard.METRICS
        assert not any("/layer_" in name for name in run.metrics)
        history = MlflowClient(new_uri).get_metric_history(run.id, "loss/train")
        assert 15 <= len(history) <= 17
        assert (history[0].step, history[-1].step) == (0, run.arrays["curve_step"][-1])
        assert {path.name for path in run.local_folder.iterdir()} == {
            "statistics.npz", "weights_final.npz", "config.yaml", "run.png",
        }  # fmt: skip


def test_initial_weights_are_drawn_again_as_they_were(trained):
    small = trained("init=xavier,he", "init.sigma_b=0.1", "init.output=zeros")
    full = trained(
        "init=xavier,he", "init.sigma_b=0.1", "init.output=zeros", "tracking.full=true", "tracking.resume=false"
    )
    for name, run in small.items():
        assert not (run.local_folder / "weights_initial.npz").exists()
        kept, again = full[name].weights("initial"), run.weights("initial")
        assert kept.keys() == again.keys()
        assert kept["W1"].shape == (3, 4, 64)
        for layer, array in kept.items():
            np.testing.assert_array_equal(again[layer], array)
        assert run.weights("final")["W1"].shape == (1, 4, 64)
        np.testing.assert_array_equal(run.weights("final")["W2"][0], full[name].weights("final")["W2"][0])


@pytest.mark.parametrize("own", [False, True])
def test_initial_weights_that_do_not_follow_from_the_seed_are_kept(trained, own, tmp_path, monkeypatch):
    chosen = ["init=lsuv"]
    if own:
        (tmp_path / "own_weights.py").write_text("def tiny(rng, shape):\n    return rng.normal(0, 0.1, shape)\n")
        monkeypatch.syspath_prepend(tmp_path)
        chosen = ["init=custom", "init.function=own_weights:tiny"]
    (run,) = trained(*chosen).values()
    (cell,) = cli.cells([*TINY, *chosen])
    expected = artifacts.named(initial_theta(prepare(cell.config), range(1)), cell.sizes)
    for layer, array in run.weights("initial").items():
        np.testing.assert_array_equal(array, expected[layer])


@pytest.mark.parametrize(
    ("values", "dtype", "kept"),
    [
        ([[0.1, np.nan], [0, np.inf]], np.float32, np.float32),
        ([[1e-60, 1]], np.float32, np.float64),  # too small for float32
        ([[1e60, 1]], np.float32, np.float64),
        ([[0.1, 1]], np.float64, np.float64),
        ([0.1, 1], np.float32, np.float64),  # steps, epochs, theory
        ([[0, 200]], np.float32, np.uint8),
        ([[0, 70000]], np.float32, np.uint32),
        ([[-1, 3]], np.float32, np.int64),
    ],
)
def test_arrays_are_kept_no_larger_than_they_have_to_be(values, dtype, kept):
    array = np.array(values)
    found = files._compact(array, dtype)
    assert found.dtype == kept
    np.testing.assert_allclose(found, array, rtol=1e-7)


def test_the_data_set_is_an_input_of_the_run(trained):
    runs = trained("data=moons,digits", "loss=cross_entropy")
    seen = {}
    for run in runs.values():
        (found,) = MlflowClient(run.uri).get_run(run.id).inputs.dataset_inputs
        seen[found.dataset.name] = found.dataset.digest
        assert json.loads(found.dataset.source)["data.name"] == run.params["data"]
        if run.params["data"] == "digits":
            assert json.loads(found.dataset.profile) == {"train": 1437, "test": 360, "features": 64, "classes": 10}
    assert len(set(seen.values())) == 2


def test_the_digest_follows_the_content():
    one, same, other = (cli.cells(["data=moons", f"seed={seed}"])[0].data.digest for seed in (0, 0, 1))
    assert one == same != other


@pytest.mark.slow
def test_runs_and_experiments_say_what_came_out(trained, new_uri):
    runs = trained("init=zeros,xavier")
    note = runs["zeros-tanh-d2"].tags["mlflow.note.content"]
    assert "**symmetric**: distinct units in layer 1: 1 (3 of 3 replicas)" in note
    assert "- Outcome **stalled**: test accuracy" in note
    store = open_store(new_uri, "mlpstudy")
    text = store.client.get_experiment(store.experiment_id).tags["mlflow.note.content"]
    assert text.startswith(description.QUESTION)
    assert "- init: zeros, xavier" in text
    assert "| symmetric | 1 |" in text
    store.client.set_experiment_tag(store.experiment_id, "mlflow.note.content", "mine")
    trained("init=he")
    assert store.client.get_experiment(store.experiment_id).tags["mlflow.note.content"] == "mine"


def test_cells_that_cannot_be_are_kept_for_reports(trained, new_uri):
    runs = list(trained("init=critical,he", "activation=gelu").values())
    assert [run.params["init"] for run in runs] == ["he"]
    (reason,) = left_out(runs).values()
    assert list(left_out(runs)) == ["critical-gelu-d2"]
    assert "stable critical point" in reason


def test_parts_of_a_sweep_keep_what_each_left_out(trained, new_uri):
    trained("init=critical,he", "activation=gelu", "tracking.sweep=whole")
    trained("init=critical,he", "activation=silu", "tracking.sweep=whole")
    assert list(left_out(load_runs(new_uri))) == ["critical-gelu-d2", "critical-silu-d2"]


def test_hundreds_of_cells_that_cannot_be_fit_into_a_tag(new_uri):
    from mlpstudy.tracking import store as stores

    store = open_store(new_uri, "mlpstudy")
    stores.save_left_out(store, "s", {f"critical-gelu-d{depth}": "a long reason, " * 30 for depth in range(25)})
    kept = json.loads(store.client.get_experiment(store.experiment_id).tags["left_out.s"])
    assert len(kept) == 25
    stores.save_left_out(
        store, "t", {f"critical-gelu-d{depth}": "a long reason, " * 30 for depth in range(500)}
    )  # no error


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "data", "outputs"), [("cross_entropy", "digits", 10), ("bce", "moons", 1)])
def test_the_trained_network_loads_without_pickle_and_hydra(trained, monkeypatch, loss, data, outputs):
    (run,) = trained(
        f"data={data}", f"loss={loss}", "tracking.log_model=true", "network.width=16", "training.epochs=5"
    ).values()
    assert not list(run.local_folder.rglob("*.pkl"))
    code = f"""
import sys, warnings
import numpy as np
warnings.simplefilter("ignore")
import mlflow
mlflow.set_tracking_uri({run.uri!r})
def refuse(*_, **__):
    raise AssertionError("pickle")
import pickle, cloudpickle
pickle.load = pickle.loads = cloudpickle.load = cloudpickle.loads = refuse
model = mlflow.pyfunc.load_model("runs:/{run.id}/model")
x = np.load("x.npy")
np.save("answer.npy", model.predict(x))
print("hydra" in sys.modules)
"""
    (cell,) = cli.cells([*TINY, f"data={data}", f"loss={loss}"])
    found = prepare(cell.config).data
    x = found.x_test * found.scale + found.shift  # raw features
    folder = run.local_folder
    np.save(folder / "x.npy", x)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "False", done.stderr
    answer = np.load(folder / "answer.npy")
    assert answer.shape == (len(x), outputs)
    right = (answer.argmax(axis=1) if outputs > 1 else answer[:, 0] > 0.5) == found.y_test
    assert right.mean() == pytest.approx(run.arrays["curve_accuracy_test"][-1, 0], abs=1e-6)
    assert pickle  # the module was replaced in the other process alone


def test_a_model_that_cannot_be_kept_loses_nothing_else(trained, monkeypatch):
    def broken(*_):
        raise RuntimeError("no model")

    monkeypatch.setattr("mlpstudy.tracking.logged_model.save", broken)
    (run,) = trained("tracking.log_model=true").values()
    assert run.status == "FINISHED"
    assert run.tags["model"] == "not kept (RuntimeError: no model)"
    assert len(run.weights("final")) > 0


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("http://me:secret@host:5000", "http://host:5000"),
        ("https://me:pass@word/@host/path", "https://host/path"),
        ("https://token@host", "https://host"),
        ("http://host:5000/path", "http://host:5000/path"),
    ],
)
def test_the_address_of_a_server_opens_as_it_is_printed(uri, address):
    assert without_user(uri) == address
