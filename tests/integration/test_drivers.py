"""Several processes that sweep parts of one grid at the same time, into one store, under the name of one sweep."""

import numpy as np
import pytest

from mlpstudy import load_runs
from tests.integration.sweeps import ended, started

pytestmark = pytest.mark.slow


def test_two_drivers_share_a_sweep(tmp_path):
    """Each has a part of the grid; the sweep has the cells of both, once each, with the numbers of one driver."""
    both = ("network.depth=2", "seed=0,1", "training.epochs=2", "tracking.sweep=both", "tracking.experiment=parts")
    parts = [started(tmp_path, "init=xavier,lecun", *both), started(tmp_path, "init=he,orthogonal", *both)]
    for part in parts:
        assert "8 cells" in ended(part)
    ended(started(tmp_path, *both, "tracking.sweep=one", "tracking.experiment=alone"))
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    one, two = (load_runs(uri, experiment=name) for name in ("alone", "parts"))
    assert sorted(run.name for run in one) == sorted(run.name for run in two)
    assert len(two) == 16
    theirs = {run.name: run for run in two}
    for run in one:
        for name, array in run.arrays.items():
            np.testing.assert_array_equal(array, theirs[run.name].arrays[name])
