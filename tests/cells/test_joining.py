"""Replicas that were trained apart, joined: the same as when they are trained together."""

import numpy as np
import pytest

from mlpstudy.cells.cell import check
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.joining import joined
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record

TINY = ("data=moons", "data.samples=60", "network.hidden=[6,5]", "training.batch_size=10", "training.epochs=3")


@pytest.fixture(scope="module")
def trained(compose):
    """(first, replicas, *overrides) -> the arrays of replicas first, ..., replicas - 1."""

    def _trained(first, replicas, *overrides):
        cell = check(compose(*TINY, *overrides, f"replicas={replicas}"))
        problem = prepare(cell.config)
        records = list(train_and_record(problem, initial_theta(problem, range(replicas)), first))
        return dict(collect(cell, records).arrays)

    return _trained


@pytest.mark.parametrize("data", [(), ("data=teacher", "loss=mse"), ("data=gaussian",)], ids=str)
def test_joined_replicas_are_those_trained_together(trained, data):
    together = trained(0, 5, *data)
    found = joined(trained(0, 2, *data), trained(2, 5, *data))
    assert found.keys() == together.keys()
    for name, array in together.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=1e-5, err_msg=name)


def test_replicas_that_all_diverged_early_have_no_later_numbers(trained):
    """Their training ends early; the others go on."""
    new = trained(2, 4)
    early = {name: array.copy() for name, array in trained(0, 2).items()}
    rows = {"step": 3, "curve_step": 4, "histogram_step": 3}
    for name, array in early.items():
        for steps, count in rows.items():
            if array.ndim and len(array) == len(trained_steps := new[steps]) and array.shape[:1] == trained_steps.shape:
                early[name] = array[:count]
                break
    for found in (joined(early, new), joined(new, early)):
        half = slice(0, 2) if found["curve_loss_train"][-1, 0] != found["curve_loss_train"][-1, 0] else slice(2, 4)
        np.testing.assert_array_equal(found["curve_step"], new["curve_step"])
        assert np.isnan(found["curve_loss_train"][4:, half]).all()
        assert np.isfinite(found["curve_loss_train"][:4]).all()
        assert np.isnan(found["delta_rms"][3:, half]).all()
        assert np.isfinite(found["delta_rms"][:3]).all()
        assert (found["delta_histogram"][3:, half] == 0).all()
        assert len(found["unit_paths"]) == len(found["step"]) == len(found["epoch"])
