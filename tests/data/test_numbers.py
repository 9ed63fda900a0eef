"""Numbers that cannot be learned from are refused in one line that says where they stand, without a warning."""

import sys

import numpy as np
import pytest

from mlpstudy.cells.problem import prepare
from mlpstudy.errors import ConfigError

N = 24
X = np.random.default_rng(0).normal(size=(N, 3))
TARGETS = {"classification": np.arange(N) % 2, "regression": X[:, 0] + 1}


def npz(folder, arrays):
    np.savez(folder / "own.npz", **arrays)
    return ["data=npz", f"data.path={folder}/own.npz"]


def custom(folder, arrays):
    np.savez(folder / "own.npz", **arrays)
    code = f"import numpy as np\ndef load():\n    return [*np.load({str(folder / 'own.npz')!r}).values()]\n"
    (folder / "own_numbers.py").write_text(code)
    return ["data=custom", "data.function=own_numbers:load"]


def csv(folder, arrays):
    names = ["a", "b", "c", "y"]
    lines = [",".join(map(str, row)) for row in np.column_stack([arrays["x"], arrays["y"]]).tolist()]
    (folder / "own.csv").write_text("\n".join([",".join(names), *lines]))
    return ["data=csv", f"data.path={folder}/own.csv"]


@pytest.fixture
def refused(tmp_path, configure, monkeypatch):
    """(kind, task, arrays, *words) -> the line with which such data are refused."""
    monkeypatch.syspath_prepend(tmp_path)

    def _refused(kind, task, arrays, *words):
        monkeypatch.delitem(sys.modules, "own_numbers", raising=False)
        own = kind(tmp_path, arrays) if callable(kind) else kind
        loss = "mse" if task == "regression" else "cross_entropy"
        with pytest.raises(ConfigError) as error:
            prepare(configure(*own, f"data.task={task}", f"loss={loss}", "training.batch_size=4", *words))
        assert "\n" not in str(error.value)
        return str(error.value)

    return _refused


def spoiled(array, place, value):
    found = array.astype(type(value)) if isinstance(value, complex) else array.astype(float)
    found[place] = value
    return found


PLACES = [("x", (5, 1)), ("y", 7)]
VALUES = [np.inf, -np.inf, 1e300, 1 + 2j]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(("array", "place"), PLACES)
@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("kind", [npz, custom, csv])
def test_what_is_no_finite_real_number_is_named_with_its_place(refused, kind, task, array, place, value):
    if kind is csv and isinstance(value, complex):
        pytest.skip("the text of a complex number is text")
    arrays = {"x": X, "y": TARGETS[task]}
    arrays[array] = spoiled(arrays[array], place, value)
    message = refused(kind, task, arrays)
    row, column = (place, 3) if array == "y" else place
    where = f"column {'abcy'[column]!r} has {value} in line {row + 2}"
    shown = where if kind is csv else f"{array}[{row}, {column}] is" if array == "x" else f"y[{row}] is"
    assert shown in message
    assert ("real numbers" if isinstance(value, complex) else "finite numbers") in message


@pytest.mark.parametrize("kind", [npz, custom])
@pytest.mark.parametrize("task", TARGETS)
def test_the_test_split_is_looked_at_too(refused, kind, task):
    arrays = {"x": X, "y": TARGETS[task], "x_test": spoiled(X, (3, 2), np.inf), "y_test": TARGETS[task]}
    assert "x_test[3, 2] is inf" in refused(kind, task, arrays)


@pytest.mark.parametrize("kind", [npz, custom, csv])
@pytest.mark.parametrize("row", range(0, N, 5))  # in either split
def test_what_float32_cannot_hold_is_named_with_its_place(refused, kind, row):
    arrays = {"x": spoiled(X, (row, 1), 1e39), "y": TARGETS["classification"]}
    message = refused(kind, "classification", arrays, "data.standardize=none")
    assert (f"column 'b' has 1e+39 in line {row + 2}" if kind is csv else f"x[{row}, 1] is 1e+39") in message
    assert "set dtype=float64" in message


def test_float64_holds_more(configure, tmp_path):
    own = npz(tmp_path, {"x": spoiled(X, (3, 1), 1e39), "y": TARGETS["classification"]})
    data = prepare(configure(*own, "data.standardize=none", "dtype=float64", "training.batch_size=4")).data
    assert max(data.x_train.max(), data.x_test.max()) == 1e39


def test_a_test_example_far_from_the_training_split_is_named(refused):
    arrays = {"x": 1e-5 * X, "y": TARGETS["regression"], "x_test": spoiled(X, (3, 2), 1e36), "y_test": X[:, 0]}
    assert "x_test[3, 2] is 1." in refused(npz, "regression", arrays)
    arrays = {"x": X, "y": 1e-5 * X[:, 0], "x_test": X, "y_test": spoiled(X[:, 0], 4, 1e36)}
    assert "y_test[4] is " in refused(npz, "regression", arrays)


@pytest.mark.parametrize(
    ("noise", "standardize"), [("1e39", "none"), ("1e200", "none"), ("1e200", "standard"), ("1e200", "global")]
)
def test_generated_data_are_looked_at_too(configure, noise, standardize):
    config = configure("data=moons", f"data.noise={noise}", f"data.standardize={standardize}")
    with pytest.raises(
        ConfigError, match=r"^data must be numbers up to 3e\+38, .*; x_train\[\d+, \d\] is .*; got 'moons'"
    ):
        prepare(config)


@pytest.mark.parametrize("labels", [["a", 1, None], [1.5, "b", "c"]])
def test_labels_of_several_kinds_are_refused(tmp_path, configure, monkeypatch, labels):
    code = f"import numpy as np\ndef load():\n    return np.arange(6.0), np.array({labels!r} * 2, dtype=object)\n"
    (tmp_path / "own_labels.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ConfigError, match=r"^data\.function must be a function whose labels are all numbers or all text"
    ):
        prepare(configure("data=custom", "data.function=own_labels:load", "training.batch_size=2"))
