"""What is written to MLflow, and what is read back."""

import base64
import dataclasses
import json
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from mlpstudy.cells import cell_result
from mlpstudy.cells.cell import names
from mlpstudy.cells.events import Ending, Picture
from mlpstudy.commands import cli
from mlpstudy.engines import processes
from mlpstudy.errors import ConfigError
from mlpstudy.foresight.forecast import Curve
from mlpstudy.measure.outcomes import OUTCOMES
from mlpstudy.measure.statistics import STATISTICS
from mlpstudy.tracking import dashboard, files, metrics, writing
from mlpstudy.tracking.reading import load_runs
from mlpstudy.tracking.run import NotMeasured
from mlpstudy.tracking.store import open_store
from mlpstudy.tracking.uris import redact


def ask(call):
    return call()


def trained(cell):
    return [record for _, record in processes.run([cell], 1)]


@pytest.fixture
def runs(sweep_uri):
    return {run.name: run for run in load_runs(sweep_uri)}


def test_runs_are_flat_named_coloured_and_tagged(runs):
    assert set(runs) == {"zeros-tanh-d3", "identical-tanh-d3", "constant-tanh-d3", "xavier-tanh-d3"}
    for name, run in runs.items():
        assert run.status == "FINISHED"
        assert "mlflow.parentRunId" not in run.tags
        assert run.tags["mlflow.runColor"].startswith("#")
        assert len(run.tags["cell"]) == 12
        assert run.tags["outcome"] in OUTCOMES
        assert run.tags["verdict"] == ("healthy" if name.startswith("xavier") else "symmetric")
    assert len({run.tags["sweep"] for run in runs.values()}) == 1
    assert len({run.tags["cell"] for run in runs.values()}) == 4
    assert "vanishing" in runs["zeros-tanh-d3"].tags["verdicts"]


def test_params_start_with_the_short_names(runs):
    params = runs["xavier-tanh-d3"].params
    assert {
        "init": "xavier",
        "activation": "tanh",
        "depth": "3",
        "width": "8",
        "lr": "0.01",
    }.items() <= params.items()
    assert params["training.batch_size"] == "32"


def test_depth_profiles_have_step_equal_to_layer(runs, sweep_uri):
    run = runs["xavier-tanh-d3"]
    client = MlflowClient(sweep_uri)
    for name in STATISTICS:
        for when, snapshot in (("init", 0), ("final", -1)):
            history = client.get_metric_history(run.id, f"profile/{name}_{when}")
            assert [m.step for m in history] == [1, 2, 3]
            expected = run.arrays[name][snapshot].mean(axis=0)
            np.testing.assert_allclose([m.value for m in history], expected, rtol=1e-6)  # kept in float32
    logs = client.get_metric_history(run.id, "profile/log10_delta_rms_init")
    np.testing.assert_allclose([m.value for m in logs], np.log10(run.arrays["delta_rms"][0]).mean(axis=0), rtol=1e-6)


def test_curves_and_headline_numbers_agree_with_the_arrays(runs, sweep_uri):
    run = runs["xavier-tanh-d3"]
    accuracy = run.arrays["curve_accuracy_test"]  # (E, R)
    client = MlflowClient(sweep_uri)
    history = client.get_metric_history(run.id, "accuracy/test")
    assert [m.step for m in history] == run.arrays["curve_step"].tolist()
    np.testing.assert_allclose([m.value for m in history], accuracy.mean(axis=1), rtol=1e-6)
    spread = client.get_metric_history(run.id, "accuracy/test_std")
    np.testing.assert_allclose([m.value for m in spread], accuracy.std(axis=1, ddof=1), rtol=1e-6, atol=1e-7)
    assert run.metrics["final/accuracy_test"] == pytest.approx(accuracy[-1].mean())
    half = 12.706 * accuracy[-1].std(ddof=1) / np.sqrt(2)  # Student's t for two values, from a table
    assert run.metrics["final/accuracy_test_ci95"] == pytest.approx(half, rel=1e-3)
    assert f"{'delta_rms'}/layer_03" in run.metrics


def test_predictions_land_beside_what_was_measured(runs, sweep_uri):
    run, client = runs["xavier-tanh-d3"], MlflowClient(sweep_uri)
    assert run.tags["verdict_predicted"] == "healthy"
    assert run.tags["evidence_predicted"] == "no layer beyond a threshold"
    assert 0 < run.metrics["theory/discrepancy"] < 1
    assert {"theory/discrepancy_activation_rms", "theory/discrepancy_delta_rms"} <= run.metrics.keys()
    for name in ("activation_rms", "input_correlation", "saturated_fraction", "jacobian_gain", "preactivation_std"):
        history = client.get_metric_history(run.id, f"profile/{name}_theory")
        assert [m.step for m in history] == [1, 2, 3]
        np.testing.assert_allclose([m.value for m in history], run.arrays[f"theory_{name}"])
    delta = [m.value for m in client.get_metric_history(run.id, "profile/delta_rms_theory")]
    measured = [10**m.value for m in client.get_metric_history(run.id, "profile/log10_delta_rms_init")]
    assert delta[-1] == pytest.approx(measured[-1])  # predicted up to a factor
    np.testing.assert_allclose(np.array(delta) / delta[-1], run.arrays["theory_delta_rms"])
    assert "profile/weight_rms_theory" not in run.metrics


def test_where_theory_does_not_apply_nothing_is_logged_of_it(runs):
    for name in ("zeros-tanh-d3", "identical-tanh-d3", "constant-tanh-d3"):
        run = runs[name]
        told = [*run.metrics, *run.arrays]
        assert not any("theory" in key for key in told)
        assert "verdict_predicted" not in run.tags
        assert run.tags["outcome_predicted_reason"].startswith("stalls, by step 0: ")
        assert "profile/delta_rms_init" in run.metrics


def test_the_predicted_verdict_is_there_before_training_ends(sweep_copy):
    store = open_store(sweep_copy, "mlpstudy")
    for init, known in (("xavier", True), ("constant", False)):
        cell = [f"init={init}", "network.depth=2", "network.width=16", "training.epochs=1", "replicas=2"]
        (cell,) = cli.cells(cell)
        log = writing.RunLog(store, cell, "name", "early", 0)
        events = processes.run([cell], 1)
        log.record(next(iter(events))[1])
        log.show_curves(ask)
        (run,) = store.client.search_runs([store.experiment_id], "tags.sweep = 'early'", max_results=1)
        assert "verdict" not in run.data.tags
        assert run.data.tags.get("verdict_predicted") == ("healthy" if known else None)
        assert ("evidence_predicted" in run.data.tags) == known


def test_epochs_to_an_accuracy_are_those_of_the_median_replica(runs):
    for run in runs.values():
        assert run.arrays["accuracies"].tolist() == [0.5, 0.8, 0.9, 0.95]
        for level, epochs in zip(run.arrays["accuracies"], run.arrays["epochs_to_accuracy"], strict=True):
            value = run.metrics[f"final/epochs_to_accuracy_{level:g}"]
            np.testing.assert_equal(value, epochs.mean())  # of two replicas; NaN where one did not get there


def test_headline_metrics_arrive_first(runs, sweep_uri):
    path = sweep_uri.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT key FROM latest_metrics WHERE run_uuid = ? ORDER BY rowid", (runs["zeros-tanh-d3"].id,)
    ).fetchall()
    connection.close()
    assert rows[0][0] == "final/loss_train"


def test_no_infinity_is_logged(sweep_uri):
    connection = sqlite3.connect(sweep_uri.removeprefix("sqlite:///"))
    (largest,) = connection.execute("SELECT max(abs(value)) FROM metrics WHERE is_nan = 0").fetchone()
    connection.close()
    assert largest < 1e100


def test_weights_come_back_by_layer(runs):
    weights = runs["identical-tanh-d3"].weights("initial")
    assert set(weights) == {"W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4"}
    assert weights["W1"].shape == (2, 8, 64)
    assert (weights["W1"] == weights["W1"][:, :1]).all()
    assert not np.array_equal(weights["W1"], runs["identical-tanh-d3"].weights("final")["W1"])


def test_missing_sweep_is_one_line(sweep_uri, tmp_path):
    with pytest.raises(ConfigError, match=r"sweep must be one of \d{4}-.*; got 'nope'"):
        load_runs(sweep_uri, sweep="nope")
    with pytest.raises(ConfigError, match="sweep must be null or a name"):
        load_runs(sweep_uri, sweep="it's")
    with pytest.raises(ConfigError, match=r"make one: .*python -m mlpstudy"):
        load_runs(f"sqlite:///{tmp_path}/nope.db")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match=r"experiment must be one of .*mlpstudy.*; got 'nope'"):
        load_runs(sweep_uri, experiment="nope")


def test_older_schema_names_the_upgrade_command_and_is_left_alone(tmp_path):
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    connection.execute("INSERT INTO alembic_version VALUES ('451aebb31d03')")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"mlflow db upgrade sqlite:////.*old\.db"):
        open_store(f"sqlite:///{path}", "x")
    assert path.read_bytes() == before


def test_read_only_and_broken_databases_are_refused(sweep_uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = sweep_uri.removeprefix("sqlite:///")
    with pytest.raises(ConfigError, match="can be written"):
        open_store(f"sqlite:///file:{path}?mode=ro&uri=true", "new")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "text.db").write_text("no database")
    with pytest.raises(ConfigError, match="not a database"):
        open_store(f"sqlite:///{tmp_path}/text.db", "new")


def test_password_is_never_stored(tmp_path, monkeypatch):
    (cell,) = cli.cells(["tracking.uri=postgresql://me:s3cret@127.0.0.1:9/runs", "network.width=4"])
    assert "s3cret" not in str(metrics.parameters(cell.config))
    with pytest.raises(ConfigError) as refused:
        open_store("postgresql://me:s3cret@127.0.0.1:9/runs", "x")
    assert "s3cret" not in str(refused.value)


SECRETS = {
    "x http://u:s3cret@h/?token=s3cret&b=1 y": "x http://u:***@h/?token=***&b=1 y",
    "postgresql://u:pa/s3cret@h/db": "postgresql://u:***@h/db",
    "postgresql://u:my s3cret@h/db": "postgresql://u:***@h/db",
    "https://s3cret@host/path": "https://***@host/path",
    "mssql+pyodbc:///?odbc_connect=DRIVER=x;PWD=s3cret;UID=me": "mssql+pyodbc:///?odbc_connect=DRIVER=x;PWD=***;UID=me",
    "sqlite:////home/me/mlflow.db": "sqlite:////home/me/mlflow.db",
    "uri: http://127.0.0.1:5000\nseed: 3\nroot: me@work": "uri: http://127.0.0.1:5000\nseed: 3\nroot: me@work",
    "http://127.0.0.1:5000/#/experiments/1": "http://127.0.0.1:5000/#/experiments/1",
}


@pytest.mark.parametrize("text", SECRETS)
def test_redact(text):
    assert redact(text) == SECRETS[text]


def test_password_is_in_no_artifact_and_no_name(tmp_path):
    uri = "postgresql://me:s3cret@127.0.0.1:9/runs"
    (cell,) = cli.cells([f"tracking.uri={uri}", "network.width=4", "training.epochs=0", "replicas=1"])
    assert "s3cret" not in names([cell])[0]
    records = trained(cell)
    files.write_artifacts(cell, cell_result.collect(cell, records), tmp_path)
    config = (tmp_path / "config.yaml").read_text()
    assert "me:***@127.0.0.1" in config
    assert "s3cret" not in config


def test_params_survive_a_store_that_fails_once(sweep_copy, monkeypatch):
    store = open_store(sweep_copy, "mlpstudy")
    (cell,) = cli.cells(["network.depth=1", "network.width=4", "training.epochs=0", "replicas=1"])
    log = writing.RunLog(store, cell, "name", "blip", 0)
    log_batch, calls = store.client.log_batch, []

    def fails_once(*arguments, **rows):
        calls.append(rows)
        if len(calls) == 1:
            raise ConnectionError("a blip")
        return log_batch(*arguments, **rows)

    monkeypatch.setattr(store.client, "log_batch", fails_once)
    records = trained(cell)
    for record in records:
        log.record(record)
        log.show_curves(ask)
    log.finish(Ending("FINISHED", cell_result.collect(cell, records)))
    log.send(ask)
    (run,) = load_runs(sweep_copy, sweep="blip")
    assert run.params["depth"] == "1"


def test_a_run_without_a_page_says_why(sweep_copy):
    store = open_store(sweep_copy, "mlpstudy")
    (cell,) = cli.cells(["network.depth=1", "network.width=4", "training.epochs=0", "replicas=1"])
    for name, drawn in (("without", Picture(b"", "OSError: no ink")), ("with", Picture(b"a picture"))):
        log = writing.RunLog(store, cell, "name", name, 0)
        records = trained(cell)
        log.finish(Ending("FINISHED", cell_result.collect(cell, records), picture=drawn))
        log.send(ask)
        (run,) = load_runs(sweep_copy, sweep=name)
        picture = Path(run.artifact_uri.removeprefix("file://"), "run.png")
        if name == "with":
            assert picture.read_bytes() == b"a picture"
            assert "page" not in run.tags
        else:
            assert run.tags["page"] == "not drawn (OSError: no ink)"
            assert not picture.exists()
            assert run.arrays["delta_rms"].shape == (1, 1, 1)


def test_runs_come_back_in_the_order_of_the_grid(runs):
    assert [run.params["init"] for run in runs.values()] == ["zeros", "identical", "constant", "xavier"]
    assert [run.tags["order"] for run in runs.values()] == ["0", "1", "2", "3"]


def test_a_run_without_final_weights_says_so(runs):
    broken = dataclasses.replace(runs["zeros-tanh-d3"], status="KILLED")
    with pytest.raises(NotMeasured, match=r"zeros-tanh-d3 \(killed\) has no weights_nope\.npz"):
        broken.weights("nope")


def test_dashboard_shows_what_is_logged(runs, sweep_uri):
    client = MlflowClient(sweep_uri)
    experiment = client.get_experiment_by_name("mlpstudy")
    run = runs["xavier-tanh-d3"]
    for key, search in ((dashboard.KEY, ""), (run.tags["sweep"], f"tags.sweep = '{run.tags['sweep']}'")):
        packed = experiment.tags[f"mlflow.sharedViewState.{key}"].removeprefix("deflate;")
        state = json.loads(zlib.decompress(base64.b64decode(packed)))
        assert state["searchFilter"] == search
        charts = state["compareRunCharts"]
        assert len(charts) == 12
        assert {chart["metricKey"] for chart in charts} <= run.metrics.keys()
        assert {metric for chart in charts for metric in chart.get("selectedMetricKeys", [])} <= run.metrics.keys()
        assert {c["metricSectionId"] for c in charts} == {s["uuid"] for s in state["compareRunSections"]}
        log_axes = {chart["metricKey"] for chart in charts if chart.get("scaleType") == "log"}
        assert "loss/train" in log_axes


def test_the_curve_that_the_pilot_foresees_is_logged_with_its_steps(runs, sweep_uri):
    run, client = runs["xavier-tanh-d3"], MlflowClient(sweep_uri)
    for curve in ("loss_train", "accuracy_train"):
        history = client.get_metric_history(run.id, f"foreseen/{curve}")
        assert [point.step for point in history] == run.arrays["foreseen_step"].tolist()  # all, with tracking.full=true
        np.testing.assert_allclose([point.value for point in history], run.foreseen[curve], rtol=1e-6)
    assert run.foreseen.index.tolist() == run.arrays["foreseen_step"].tolist()
    curve = Curve(np.arange(200), np.ones(200), None)
    before = SimpleNamespace(pilot=SimpleNamespace(curve=curve))
    some = metrics.foreseen_curves(before, full=False)
    assert len(some) == metrics.POINTS + 1
    assert {("foreseen/loss_train", 0), ("foreseen/loss_train", 199)} <= some.keys()
    assert metrics.foreseen_curves(SimpleNamespace(pilot=None), full=True) == {}


def test_a_description_says_where_both_forecasts_disagree_and_what_was_gained(runs):
    note = runs["xavier-tanh-d3"].tags["mlflow.note.content"]
    assert ", by theory: " in note
    assert ", by the pilot: after " in note
    gained, linear = runs["xavier-tanh-d3"].arrays["gained"].mean(), runs["xavier-tanh-d3"].arrays["linear_gain"]
    assert f"- Gained **{gained:.2f}** of what can be learned; a linear model gains {linear:.2f}." in note
    for run in runs.values():
        differ = run.tags["outcome_by_pilot"] != run.tags["outcome_predicted"]
        assert ("These two disagree: near a border." in run.tags["mlflow.note.content"]) == differ


def test_at_most_a_dozen_series_per_statistic():
    layers = [name for name, _ in metrics.layers(0, {"delta_rms": np.ones((2, 40))})]
    assert len(layers) == 12
    assert {"delta_rms/layer_01", "delta_rms/layer_40"} <= set(layers)


@pytest.mark.slow
def test_a_database_is_made_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", no_links)
    store = open_store(f"sqlite:///{tmp_path}/new.db", "x")
    assert store.client.get_experiment(store.experiment_id).name == "x"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_a_store_cannot_take_is_kept_in_a_folder(sweep_copy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store(sweep_copy, "mlpstudy")
    (cell,) = cli.cells(["network.depth=1", "network.width=4", "training.epochs=1", "replicas=2"])
    log = writing.RunLog(store, cell, "name", "lost", 0)
    records = trained(cell)
    for record in records:
        log.record(record)
        log.show_curves(ask)

    def gone(*_, **__):
        raise ConnectionError("the server went away")

    monkeypatch.setattr(store.client, "log_artifacts", gone)
    result = cell_result.collect(cell, records)
    log.finish(Ending("FINISHED", result))
    with pytest.raises(ConnectionError) as reason:
        log.send(ask)
    assert "went away" in log.keep(reason.value)[1]
    folder = tmp_path / "mlpstudy-rescued" / "lost" / "name"
    with np.load(folder / "artifacts" / "statistics.npz") as kept:
        np.testing.assert_allclose(kept["delta_rms"], result.arrays["delta_rms"], rtol=1e-6)
    second = writing.RunLog(store, cell, "name", "lost", 0)
    second.finish(Ending("FINISHED", result))
    _, again = second.keep("again")  # does not overwrite the first
    assert "mlpstudy-rescued/lost/name-2 (" in again
    assert (folder.parent / "name-2" / "run.json").exists()


@pytest.mark.slow
def test_processes_that_open_a_missing_database_at_once_all_succeed(tmp_path):
    code = f"from mlpstudy.tracking.store import open_store; print(open_store('sqlite:///{tmp_path}/new.db', 'x').uri)"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ends = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ends
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
