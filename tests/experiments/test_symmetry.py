"""Studies: their sweeps compose, their claims hold on real runs, and fail on sabotaged ones."""

import dataclasses

import numpy as np
import pytest

from experiments import STUDIES
from experiments import __main__ as experiments
from experiments.study import NOT_REPRODUCED, REPRODUCED, findings
from mlpstudy.tracking.reading import load_runs


@pytest.fixture(scope="session")
def runs(sweep_uri):
    return load_runs(sweep_uri)


STUDY = dataclasses.replace(STUDIES["symmetry"], claims=STUDIES["symmetry"].claims[:2])  # those of the sweep here


def sabotaged(run, **arrays):
    """The run with other numbers in its arrays."""
    broken = dataclasses.replace(run)
    broken.__dict__["arrays"] = {**run.arrays, **arrays}
    return broken


def test_names_of_studies_and_of_their_sweeps_are_the_same(root):
    assert set(STUDIES) == {path.stem for path in (root / "conf" / "experiment").glob("*.yaml")}
    assert all(name == study.name for name, study in STUDIES.items())


@pytest.mark.parametrize("name", STUDIES)
def test_quick_sweeps_have_the_cells_of_their_claims(name, offline):
    prepared = experiments.prepare(STUDIES[name], True, [])
    assert len(prepared.cells) > 1
    assert {cell.raw["tracking"]["experiment"] for cell in prepared.cells} == {"studies"}  # so they share runs
    assert bool(prepared.instead) == experiments.on_images(STUDIES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_full_sweeps_have_the_cells_of_their_claims(name, offline):
    assert experiments.prepare(STUDIES[name], False, []).cells


def test_studies_share_cells(offline):
    prepared = [experiments.prepare(STUDIES[name], True, []) for name in ("mnist_grid", "too_small_too_large")]
    grid, starts = ({cell.hash_any_replicas for cell in one.cells} for one in prepared)
    assert len(grid & starts) == 2  # zeros and he with five layers


@pytest.fixture
def offline(monkeypatch):
    """MNIST cannot be downloaded."""
    monkeypatch.setattr(experiments, "without_mnist", lambda: "no network")


def test_a_study_without_mnist_says_so_and_uses_digits(offline, monkeypatch, capsys):
    monkeypatch.setattr("mlpstudy.conduct.sweep.run", lambda cells, again: False)
    prepared = experiments.prepare(STUDIES["symmetry"], True, [])
    assert {cell.data.name for cell in prepared.cells} == {"digits"}
    with pytest.raises(ValueError, match="did not end well"):
        experiments.run(prepared, "python -m experiments symmetry --quick")
    assert "On digits, since MNIST is not here (no network)" in capsys.readouterr().out


def test_data_root_is_for_the_grids_on_mnist(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert experiments.main(["all", "--quick", f"data.root={tmp_path}"]) == 2
    assert "data.root must be a folder that holds train-images-idx3-ubyte" in capsys.readouterr().err
    assert experiments.main(["he_2015", f"data.root={tmp_path}"]) == 2
    assert "data.root" in capsys.readouterr().err


def test_symmetry_claims_hold_on_real_runs(runs):
    assert [finding.verdict for finding in findings(STUDY, runs)] == [REPRODUCED] * 2


def test_symmetry_claims_fail_on_sabotaged_runs(runs):
    share = {run.params["init"]: run.arrays["distinct_units"].copy() for run in runs}
    share["constant"][-1, 1, 2] = 2 / 8  # one layer of one replica has two distinct units
    share["xavier"][-1, 0, 1] = 7 / 8  # two units of one layer have become one
    broken = [sabotaged(run, distinct_units=share[run.params["init"]]) for run in runs]
    assert [finding.verdict for finding in findings(STUDY, broken)] == [NOT_REPRODUCED] * 2
    share["xavier"][-1, 0, 1] = np.nan
    broken = [sabotaged(run, distinct_units=share[run.params["init"]]) for run in runs]
    assert findings(STUDY, broken)[1].verdict == NOT_REPRODUCED


def test_missing_runs_are_an_error_not_a_pass(runs):
    with pytest.raises(ValueError, match="no run with init=zeros"):
        findings(STUDY, [run for run in runs if run.params["init"] != "zeros"])


def test_unknown_study_lists_the_known(capsys):
    assert experiments.main(["nope"]) == 2
    error = capsys.readouterr().err
    assert "NAME must be one of all, dying_relu, " in error
    assert all(name in error for name in STUDIES)


@pytest.mark.slow
def test_study_command_reports_its_claims(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert experiments.main(["optimizers", "--quick", "network.width=8", "training.epochs=1", "replicas=3"]) == 1
    output = capsys.readouterr().out
    assert "reproduced" in output
    assert "3 networks" in output
    assert (tmp_path / "studies" / "index.html").exists()
    assert (tmp_path / "studies" / "studies.md").read_text().startswith("## optimizers")
    assert (tmp_path / "studies" / "optimizers.png").exists()
