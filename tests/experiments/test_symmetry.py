"""Studies: their sweeps compose, their claims hold on real runs, and fail on sabotaged ones."""

import dataclasses

import numpy as np
import pytest

from experiments import STUDIES
from experiments import __main__ as experiments
from experiments.study import NOT_REPRODUCED, REPRODUCED, check
from mlpstudy import cli
from mlpstudy.tracking.reading import load_runs


@pytest.fixture(scope="session")
def runs(sweep_uri):
    return load_runs(sweep_uri)


def sabotaged(run, **arrays):
    """The run with other numbers in its arrays."""
    broken = dataclasses.replace(run)
    broken.__dict__["arrays"] = {**run.arrays, **arrays}
    return broken


def test_names_of_studies_and_of_their_sweeps_are_the_same(root):
    assert set(STUDIES) == {path.stem for path in (root / "conf" / "experiment").glob("*.yaml")}
    assert all(name == study.name for name, study in STUDIES.items())


@pytest.mark.parametrize("name", STUDIES)
def test_sweeps_compose(name):
    assert len(cli.cells(["-m", f"experiment={name}"])) > 1


def test_symmetry_claims_hold_on_real_runs(runs):
    assert [finding.verdict for finding in check(STUDIES["symmetry"], runs)] == [REPRODUCED] * 2


def test_symmetry_claims_fail_on_sabotaged_runs(runs):
    share = {run.params["init"]: run.arrays["distinct_units"].copy() for run in runs}
    share["constant"][-1, 1, 2] = 2 / 8  # one layer of one replica has two distinct units
    share["xavier"][-1, 0, 1] = 7 / 8  # two units of one layer have become one
    broken = [sabotaged(run, distinct_units=share[run.params["init"]]) for run in runs]
    assert [finding.verdict for finding in check(STUDIES["symmetry"], broken)] == [NOT_REPRODUCED] * 2
    share["xavier"][-1, 0, 1] = np.nan
    broken = [sabotaged(run, distinct_units=share[run.params["init"]]) for run in runs]
    assert check(STUDIES["symmetry"], broken)[1].verdict == NOT_REPRODUCED


def test_missing_runs_are_an_error_not_a_pass(runs):
    with pytest.raises(ValueError, match="no run with init=zeros"):
        check(STUDIES["symmetry"], [run for run in runs if run.params["init"] != "zeros"])


def test_unknown_study_lists_the_known(capsys):
    assert experiments.main(["nope"]) == 2
    error = capsys.readouterr().err
    assert "NAME must be one of all, dying_relu, " in error
    assert all(name in error for name in STUDIES)


@pytest.mark.slow
def test_study_command_reports_its_claims(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tiny = ["network.width=5", "network.depth=2", "training.epochs=1", "replicas=2", "workers=1"]
    assert experiments.main(["symmetry", *tiny]) == 0
    output = capsys.readouterr().out
    assert "reproduced" in output
    assert "12 networks" in output
    assert (tmp_path / "studies" / "index.html").exists()
    assert (tmp_path / "studies" / "symmetry.png").exists()
