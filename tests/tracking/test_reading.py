"""Which runs are chosen, and how their files are read: in place, or once and then from a cache."""

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from mlpstudy import cache
from mlpstudy.errors import ConfigError
from mlpstudy.tracking.reading import load_runs, unmeasured
from mlpstudy.tracking.run import NotMeasured
from reports.drawing import words


@pytest.fixture
def runs(sweep_uri):
    return load_runs(sweep_uri)


@pytest.fixture
def add(sweep_copy):
    """(sweep, init, cell, status, experiment) -> the id of a new run in the copy of the store; each starts later."""
    client = MlflowClient(sweep_copy)
    started = iter(range(2_000_000_000_000, 2_000_000_001_000))

    def _add(sweep, init="xavier", cell="c", status="FINISHED", experiment="mlpstudy", order=0):
        found = client.get_experiment_by_name(experiment)
        experiment_id = found.experiment_id if found else client.create_experiment(experiment)
        tags = {"sweep": sweep, "verdict": "healthy", "cell": cell, "order": str(order)}
        run = client.create_run(experiment_id, next(started), tags, f"{init}-tanh-d3")
        client.log_param(run.info.run_id, "init", init)
        client.set_terminated(run.info.run_id, status)
        return run.info.run_id

    return _add


def ids(runs):
    return [run.id for run in runs]


def test_the_latest_sweep_is_read_by_default(sweep_copy, add):
    add("first", experiment="other")
    latest = [add("second", init, init, order=i) for i, init in ((1, "he"), (0, "lecun"))]
    assert ids(load_runs(sweep_copy)) == latest[::-1]  # in the order of the grid
    assert [run.tags["sweep"] for run in load_runs(sweep_copy, experiment="other")] == ["first"]
    assert len(load_runs(sweep_copy, experiment="mlpstudy")) == 2


def test_a_filter_looks_through_all_sweeps_or_the_one_named(sweep_copy, runs, add):
    added = [add("second", cell="1"), add("third", cell="2"), add("third", "he", cell="3", experiment="other")]
    (original,) = [run.id for run in runs if run.params["init"] == "xavier"]
    xavier = "params.init = 'xavier'"
    assert ids(load_runs(sweep_copy, where=xavier)) == [original, *added[:2]]
    assert ids(load_runs(sweep_copy, "third", where=xavier)) == [added[1]]
    assert ids(load_runs(sweep_copy, experiment="other", where="params.init = 'he'")) == [added[2]]
    with pytest.raises(ConfigError, match="--where must be a filter that some run of a sweep meets"):
        load_runs(sweep_copy, experiment="other", where=xavier)
    with pytest.raises(ConfigError, match=r"a sweep meets, on params\.activation, .*params\.init, .*; got"):
        load_runs(sweep_copy, where="params.activaton = 'tanh'")


def test_of_a_cell_that_was_run_again_a_filter_finds_the_latest_that_finished(sweep_copy, add):
    add("second", cell="1")
    finished = add("third", cell="1")
    add("fourth", cell="1", status="KILLED")
    killed = add("fourth", "he", cell="2", status="KILLED")
    assert ids(load_runs(sweep_copy, where="tags.cell = '1'")) == [finished]
    assert ids(load_runs(sweep_copy, where="tags.cell = '2'")) == [killed]


def test_runs_of_several_sweeps_are_told_apart(sweep_copy, add):
    add("second", cell="1")
    add("third", cell="2")
    names = [run.name for run in load_runs(sweep_copy, where="tags.cell != ''")]
    assert names[:3] == ["zeros-tanh-d3", "identical-tanh-d3", "constant-tanh-d3"]


def with_params(run, name, **params):
    return dataclasses.replace(run, name=name, params={**run.params, **params})


def test_names_of_several_sweeps_say_all_that_differs(runs):
    first = runs[0]
    tags = {**first.tags, "sweep": "other"}
    other = dataclasses.replace(with_params(first, "zeros-tanh-d5", depth="5", data="moons"), tags=tags)
    names = [run.name for run in words.told_apart([first, other])]
    assert names == ["zeros-tanh-d3-data=digits", "zeros-tanh-d5-data=moons"]
    assert [run.name for run in words.told_apart(runs)] == [run.name for run in runs]  # of one sweep


def test_a_sweep_that_was_run_again_has_no_two_cells_of_one_name(runs):
    faster = with_params(runs[0], runs[0].name, lr="0.5")
    assert [run.name for run in words.told_apart([runs[0], faster])] == [
        "zeros-tanh-d3-lr=0.01",
        "zeros-tanh-d3-lr=0.5",
    ]
    again = [run.name for run in words.told_apart([runs[0], runs[0]])]
    assert again == ["zeros-tanh-d3-repetition=1", "zeros-tanh-d3-repetition=2"]


def test_a_cell_that_was_run_again_in_the_same_sweep_is_read_once(sweep_copy, add):
    add("twice", cell="1")
    latest = add("twice", cell="1")
    assert ids(load_runs(sweep_copy, "twice")) == [latest]


def test_cells_that_measured_nothing_are_named(sweep_copy, runs):
    assert unmeasured(runs) == []
    client = MlflowClient(sweep_copy)
    tags = {"sweep": runs[0].tags["sweep"]}
    run = client.create_run(runs[0].experiment_id, tags=tags, run_name="he-tanh-d9")
    assert unmeasured(load_runs(sweep_copy)) == ["he-tanh-d9 (running)"]
    client.set_terminated(run.info.run_id, "FAILED")
    assert unmeasured(load_runs(sweep_copy)) == ["he-tanh-d9 (failed)"]


def test_an_experiment_without_sweeps_names_those_with_some(sweep_copy):
    MlflowClient(sweep_copy).create_experiment("empty")
    with pytest.raises(ConfigError, match="--experiment must be one of mlpstudy; got 'empty'"):
        load_runs(sweep_copy, experiment="empty")


def test_a_filter_that_is_none_is_told_in_mlflows_words(sweep_uri):
    with pytest.raises(ConfigError) as error:
        load_runs(sweep_uri, where="color = blue")
    assert str(error.value).startswith("--where must be an MLflow filter such as \"params.activation = 'tanh'\" (")
    assert str(error.value).endswith("; got 'color = blue'")
    assert "\n" not in str(error.value)


@pytest.fixture
def remote(runs, tmp_path, monkeypatch):
    """A run of a remote store, and the names of the files that were downloaded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    here = Path(runs[0].artifact_uri.removeprefix("file://"))
    downloaded = []

    def download(_, run_id, name, folder):
        downloaded.append(name)
        if not (here / name).exists():
            raise OSError("no such artifact")
        return shutil.copy(here / name, folder)

    monkeypatch.setattr(MlflowClient, "download_artifacts", download)
    return dataclasses.replace(runs[0], artifact_uri="mlflow-artifacts:/1/artifacts"), downloaded


def afresh(run):
    """The run as another process reads it."""
    return dataclasses.replace(run)


def test_files_of_a_local_store_are_read_in_place(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert afresh(runs[0]).arrays["delta_rms"].shape[2] == 3
    assert not (tmp_path / "cache").exists()


def test_a_remote_file_is_downloaded_once(remote, runs, tmp_path):
    run, downloaded = remote
    for _ in range(2):
        np.testing.assert_array_equal(afresh(run).arrays["delta_rms"], runs[0].arrays["delta_rms"])
    assert downloaded == ["statistics.npz"]
    kept = tmp_path / "cache" / "mlpstudy" / run.id
    assert [path.name for path in kept.iterdir()] == ["statistics.npz"]


def test_a_run_that_has_not_ended_is_read_anew(remote, tmp_path):
    run, downloaded = remote
    for _ in range(2):
        _ = dataclasses.replace(run, status="RUNNING").arrays
    assert downloaded == ["statistics.npz"] * 2
    assert not (tmp_path / "cache").exists()


def test_a_damaged_file_in_the_cache_is_replaced(remote, tmp_path):
    run, downloaded = remote
    _ = afresh(run).arrays
    kept = tmp_path / "cache" / "mlpstudy" / run.id / "statistics.npz"
    kept.write_bytes(kept.read_bytes()[:100])
    assert afresh(run).arrays["delta_rms"].shape[2] == 3
    _ = afresh(run).arrays
    assert len(downloaded) == 2


def test_a_cache_that_cannot_be_written_only_costs_time(remote, tmp_path, monkeypatch):
    run, _ = remote
    (tmp_path / "cache").write_text("no folder")
    assert afresh(run).arrays["delta_rms"].shape[2] == 3


def test_what_is_not_there_is_not_measured(remote):
    run, _ = remote
    with pytest.raises(NotMeasured, match=r"zeros-tanh-d3 \(finished\) has no weights_nope\.npz"):
        run.weights("nope")


def test_the_cache_forgets_what_was_not_used_for_longest(remote, tmp_path):
    run, downloaded = remote
    for i in range(3):
        _ = dataclasses.replace(run, id=f"run{i}").arrays
    folder = tmp_path / "cache" / "mlpstudy"
    files = [folder / f"run{i}" / "statistics.npz" for i in range(3)]
    for age, file in enumerate(files):
        os.utime(file, (1000 + age, 1000 + age))
    _ = dataclasses.replace(run, id="run0").arrays  # used again
    cache.trim(2 * files[0].stat().st_size)
    assert [file.exists() for file in files] == [True, False, True]
    assert not files[1].parent.exists()
    cache.trim()
    assert files[0].exists()
    assert len(downloaded) == 3
