"""The result of a cell: the arrays of statistics.npz other than the statistics."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlpstudy.cells.cell import check
from mlpstudy.cells.cell_result import collect, epochs_until
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.measure import arrays, histograms
from mlpstudy.measure.jacobian import INPUTS
from mlpstudy.measure.outcomes import Yardstick
from mlpstudy.measure.statistics import STATISTICS

TINY = ("data=moons", "data.samples=60", "network.hidden=[4,3]", "training.batch_size=10", "training.epochs=3")


@pytest.fixture(scope="module")
def collected(compose):
    """(*overrides, replicas=...) -> Result, and the records it was made from."""

    def _collected(*overrides, replicas=range(3)):
        cell = check(compose(*TINY, *overrides))
        problem = prepare(cell.config)
        records = list(train_and_record(problem, initial_theta(problem, replicas)))
        return collect(cell, records), records

    return _collected


def curve(epochs, *accuracies):
    """Arrays with this accuracy per epoch (rows) and replica."""
    return {"curve_epoch": np.array(epochs, float), "curve_accuracy_test": np.array(accuracies, float)}


def test_epochs_to_accuracy_by_hand():
    nan = np.nan
    arrays = curve(
        [0, 0.5, 2, 7],
        # early, at the level exactly, falls back, never, diverged, first of all
        [0.1, 0.1, 0.1, 0.1, 0.1, 0.9],
        [0.9, 0.2, 0.81, 0.2, nan, 0.1],
        [0.9, 0.8, 0.1, 0.3, nan, 0.1],
        [0.9, 0.9, 0.1, 0.799, nan, 0.1],
    )
    seen = arrays["curve_accuracy_test"]
    np.testing.assert_array_equal(epochs_until(seen >= 0.8, arrays), [0.5, 2, 0.5, nan, nan, 0])
    np.testing.assert_array_equal(epochs_until(seen >= 0.05, arrays), [0] * 6)
    np.testing.assert_array_equal(epochs_until(seen >= 1.0, arrays), [nan] * 6)


def test_epochs_to_accuracy_of_a_run(collected):
    result, records = collected("training.accuracies=[0.9,0.3,1.0]", "optimizer.lr=0.5", "training.epochs=20")
    assert result.arrays["accuracies"].tolist() == [0.9, 0.3, 1.0]
    found = result.arrays["epochs_to_accuracy"]
    assert found.shape == (3, 3)
    assert np.isfinite(found).any()
    for level, epochs in zip((0.9, 0.3, 1.0), found, strict=True):
        for r in range(3):
            seen = [record.epoch for record in records if record.curves["accuracy_test"][r] >= level]
            np.testing.assert_equal(epochs[r], seen[0] if seen else np.nan)


def test_no_level_asked_for(collected):
    result, _ = collected("training.accuracies=[]")
    assert result.arrays["accuracies"].shape == (0,)
    assert result.arrays["epochs_to_accuracy"].shape == (0, 3)


@pytest.mark.parametrize("hidden", [(), (4, 3), (12,)])
def test_arrays_are_as_described(collected, hidden):
    result, records = collected(f"network.hidden={list(hidden)}".replace(" ", ""))
    arrays = result.arrays
    S, E, R, depth = len(arrays["step"]), len(records), 3, len(hidden)
    units = min(8, hidden[0] if hidden else 2)
    H = len([record for record in records if "histogram_step" in record.arrays])
    shapes = {
        **dict.fromkeys(STATISTICS, (S, R, depth)),
        **{f"curve_{split}": (E, R) for split in ("loss_train", "loss_test", "accuracy_train", "accuracy_test")},
        **{f"{name}_histogram": (H, R, depth, 60) for name in histograms.ARRAYS},
        **{f"{name}_edges": (61,) for name in histograms.ARRAYS},
        "sizes": (depth + 2,),
        "activation_range": (2,), "epoch": (S,), "curve_step": (E,), "curve_epoch": (E,), "histogram_step": (H,),
        "accuracies": (4,), "epochs_to_accuracy": (4, R), "epochs_to_lower_loss": (R,), "progress": (R,), "chance": (),
            "distinct_replicas": (), "gained": (R,), "linear_gain": (),
        "unit_paths": (S, units, 2),
        "jacobian_singular_values": (R, INPUTS, 2),
        "decision_regions": (R, 80, 80), "decision_axes": (2, 80),
        "decision_points": (48, 2), "decision_classes": (48,), "decision_frames": (S, 32, 32),
    }  # fmt: skip
    for name, shape in shapes.items():
        assert arrays[name].shape == shape, name
    assert (
        arrays["foreseen_step"].shape == arrays["foreseen_loss_train"].shape == arrays["foreseen_accuracy_train"].shape
    )
    assert {name for name in arrays if not name.startswith(("theory_", "foreseen_"))} == {"step", *shapes}
    assert arrays["histogram_step"].tolist() == arrays["step"].tolist()
    assert set(arrays["step"]) <= set(arrays["curve_step"])


def test_arrays_are_those_of_the_records(collected):
    result, records = collected()
    measured = [record.arrays for record in records if record.statistics is not None]
    for name in ("step", "unit_paths", "decision_frames", *STATISTICS, *(f"{n}_histogram" for n in histograms.ARRAYS)):
        np.testing.assert_array_equal(result.arrays[name], [arrays[name] for arrays in measured])
    for name in ("curve_step", "curve_epoch", "curve_loss_train", "curve_accuracy_test"):
        np.testing.assert_array_equal(result.arrays[name], [record.arrays[name] for record in records])
    assert result.arrays["jacobian_singular_values"] is records[0].arrays["jacobian_singular_values"]
    for name in ("decision_regions", "decision_axes", "decision_points", "decision_classes"):
        assert result.arrays[name] is records[-1].arrays[name]


@pytest.mark.parametrize(
    "overrides", [(), ("network.hidden=[]",), ("training.epochs=0",), ("data=teacher", "loss=mse"), ("init=zeros",)]
)
def test_every_array_is_as_the_table_says(collected, overrides):
    """Its axes, the kind of its numbers, and one length for each axis."""
    result, records = collected(*overrides)
    assert result.arrays.keys() <= arrays.ARRAYS.keys()
    arrays.check(result.arrays)
    arrays.check(collect_first(result, records).arrays)


def collect_first(result, records):
    """The result of the same cell, killed after its first record."""
    cell = SimpleNamespace(config=result.config, sizes=result.sizes, yardstick=Yardstick(1.0, 0.5, 0.3))
    return collect(cell, records[:1])


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("delta_rms", lambda a: a[0], r"delta_rms is no number by \('snapshot', 'replica', 'layer'\)"),
        ("delta_rms", lambda a: a[:, :, 1:], "places along layer"),
        ("step", lambda a: a + 0.5, "step is no count by"),
        ("curve_loss_test", lambda a: a[1:], "places along record"),
    ],
)
def test_an_array_that_is_otherwise_is_named(collected, name, change, complaint):
    result, _ = collected()
    with pytest.raises(ValueError, match=complaint):
        arrays.check({**result.arrays, name: change(result.arrays[name])})
    arrays.check({**result.arrays, "of_another_version": np.zeros((2, 3))})


def test_no_accuracies_and_no_regions_without_classes(collected):
    result, _ = collected("data=teacher", "loss=mse")
    assert not [name for name in result.arrays if "accurac" in name or name.startswith("decision_")]
    assert result.arrays["jacobian_singular_values"].shape == (3, 8, 1)


def test_an_interrupted_training_is_collected_too(compose):
    cell = check(compose(*TINY))
    problem = prepare(cell.config)
    records = list(train_and_record(problem, initial_theta(problem, range(2))))
    result = collect(cell, records[:1])
    assert result.theta_final is None
    assert result.arrays["unit_paths"].shape == (1, 4, 2)
    assert result.arrays["jacobian_singular_values"].shape == (2, 8, 2)
    assert "decision_regions" not in result.arrays


def test_a_regression_keeps_the_loss_of_the_best_constant(collected):
    result, _ = collected("data=teacher", "loss=mse")
    assert float(result.arrays["constant_loss"]) > 0
    assert "chance" not in result.arrays
