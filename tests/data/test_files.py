"""Data sets from the user's own files, data=npz and data=csv: what is read, and what is refused in one line."""

import gc

import numpy as np
import pytest

from mlpstudy.cells.cell import check
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.data.datasets import DATASETS
from mlpstudy.errors import ConfigError
from mlpstudy.network.losses import LOSSES


def rng(seed=0):
    return np.random.default_rng(seed)


X, CLASSES = rng(1).normal(size=(40, 3)), np.arange(40) % 2
VALUES = rng(2).normal(size=40)


def npz(path, seed=0, task="classification", test_fraction=0.25, standardize="none"):
    return DATASETS["npz"](
        rng(seed), path=path, task=task, test_fraction=test_fraction, standardize=standardize, standardize_target=False
    )


def csv(path, seed=0, target=None, columns=None, task="classification", test_fraction=0.25, standardize="none"):
    return DATASETS["csv"](
        rng(seed), path=path, target=target, columns=columns, task=task, test_fraction=test_fraction,
        standardize=standardize, exclude=None, separator=None, encode=None, missing=None, standardize_target=False,
    )  # fmt: skip


def rows(data):
    return np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])


def pairs(x, y):
    """The examples in sorted order."""
    y = np.asarray(y, float).reshape(len(x), -1)
    return np.array(sorted(map(tuple, np.concatenate([np.reshape(x, (len(x), -1)), y], axis=1))))


@pytest.fixture
def archive(tmp_path):
    """(**arrays) -> path of an .npz with x and y; arguments replace or add arrays, and None leaves one out."""

    def _archive(**changed):
        arrays = {k: v for k, v in ({"x": X, "y": CLASSES} | changed).items() if v is not None}
        np.savez(tmp_path / "own.npz", **arrays)
        return str(tmp_path / "own.npz")

    return _archive


@pytest.fixture
def table(tmp_path):
    """(text) -> path of a CSV file."""

    def _table(text, encoding="utf-8"):
        path = tmp_path / "own.csv"
        path.write_bytes(text.encode(encoding))
        return str(path)

    return _table


LINES = [f"{a:.6f},{b:.6f},{'yes' if c else 'no'},{v:.6f}" for (a, b, _), c, v in zip(X, CLASSES, VALUES, strict=True)]
HEADER = "height,weight,sick,age"
CSV = "\n".join([HEADER, *LINES]) + "\n"


def refused(key, load, path, **options):
    """The error message, which is one line."""
    with pytest.raises(ConfigError) as error:
        load(path, **options)
    message = str(error.value)
    assert message.startswith(f"{key} must be ")
    assert "\n" not in message
    return message


# --- npz: what is read


def test_npz_classes(archive):
    data = npz(archive())
    assert (data.name, data.classes) == ("npz", 2)
    assert (len(data.x_train), len(data.x_test)) == (30, 10)
    np.testing.assert_array_equal(pairs(*rows(data)), pairs(X, CLASSES))


@pytest.mark.parametrize(
    "labels",
    [["cat", "dog", "eel"], [7, -3, 12], [1.0, 2.0, 5.0], [True, False]],
    ids=["text", "any integers", "whole numbers", "truth"],
)
def test_npz_numbers_its_labels_in_their_order(archive, labels):
    labels = np.array(labels)
    data = npz(archive(y=labels[np.arange(40) % len(labels)]))
    rank = np.argsort(np.argsort(labels))
    assert data.classes == len(labels)
    np.testing.assert_array_equal(pairs(*rows(data)), pairs(X, rank[np.arange(40) % len(labels)]))
    assert set(data.y_train.tolist()) == set(range(len(labels)))


@pytest.mark.parametrize("y", [VALUES, VALUES[:, None], rng(3).normal(size=(40, 2)), CLASSES])
def test_npz_values(archive, y):
    data = npz(archive(y=y), task="regression")
    assert data.classes is None
    assert data.y_train.shape == (30, y.size // 40)
    np.testing.assert_array_equal(pairs(*rows(data)), pairs(X, y))


def test_npz_with_a_split_of_its_own_keeps_it(archive):
    x_test, y_test = rng(5).normal(size=(7, 3)), np.array([1, 1, 0, 1, 0, 1, 1])
    for seed in (0, 1):
        data = npz(archive(x_test=x_test, y_test=y_test), seed)
        np.testing.assert_array_equal(data.x_train, X)
        np.testing.assert_array_equal(data.y_train, CLASSES)
        np.testing.assert_array_equal(data.x_test, x_test)
        np.testing.assert_array_equal(data.y_test, y_test)


def test_npz_test_labels_are_numbered_as_those_of_training(archive):
    data = npz(archive(y=np.array(["b", "d"])[CLASSES], x_test=X[:3], y_test=np.array(["d", "d", "b"])))
    assert data.y_test.tolist() == [1, 1, 0]


def test_npz_images_become_rows(archive):
    images = rng(6).integers(0, 256, (40, 4, 2)).astype(np.uint8)
    x, y = rows(npz(archive(x=images)))
    assert x.shape == (40, 8)
    assert np.issubdtype(x.dtype, np.floating)
    np.testing.assert_array_equal(pairs(x, y), pairs(images, CLASSES))


def test_npz_may_hold_more_than_we_read(archive):
    assert npz(archive(names=np.array(["a", "b", "c"]))).classes == 2


# --- npz: what is refused


EMPTY = {"x": np.zeros((0, 3)), "y": np.zeros(0, int)}
BAD_NPZ = {
    "no x": ({"x": None}, "data.path", "or x_train, y_train, x_test and y_test; it has y"),
    "no y": ({"y": None}, "data.path", "it has x"),
    "nothing": ({"x": None, "y": None, "z": X}, "data.path", "it has z"),
    "x_test alone": ({"x_test": X}, "data.path", "it has x, x_test, y"),
    "y_test alone": ({"y_test": X}, "data.path", "it has x, y, y_test"),
    "text": ({"x": np.full((40, 3), "a")}, "data.path", "one row of numbers in x for each y, not <U1 (40, 3)"),
    "objects": (
        {"x": np.full((40, 3), None)}, "data.path", "without Python objects; x holds them (save it as numbers"
    ),
    "lengths": ({"y": CLASSES[:39]}, "data.path", "one row of numbers in x for each y, not float64 (40, 3) for (39,)"),
    "no array y": ({"y": np.array(3)}, "data.path", "one row of numbers in x for each y"),
    "no array x": ({"x": np.array(3.0)}, "data.path", "one row of numbers in x for each y"),
    "columns": (
        {"x_test": X[:, :2], "y_test": CLASSES}, "data.path", "x and x_test have the same number of columns"
    ),
    "test lengths": (
        {"x_test": X, "y_test": CLASSES[:3]}, "data.path", "one row of numbers in x_test for each y_test"
    ),
    "nan": ({"x": np.where(np.arange(120).reshape(40, 3) == 50, np.nan, X)}, "data.path", "x[16, 2] is nan"),
    "inf": ({"x": np.where(np.arange(120).reshape(40, 3) == 50, np.inf, X)}, "data.path", "x[16, 2] is inf"),
    "nan label": ({"y": np.where(np.arange(40) == 7, np.nan, CLASSES)}, "data.path", "y[7] is nan"),
    "nan in test": (
        {"x_test": np.full((2, 3), np.nan), "y_test": CLASSES[:2]}, "data.path", "x_test[0, 0] is nan"
    ),
    "label in test only": (
        {"x_test": X[:3], "y_test": np.array([0, 5, 1])}, "data.path", "whose test labels occur in training; "
    ),
    "text label in test only": (
        {"y": np.array(["a", "b"])[CLASSES], "x_test": X[:2], "y_test": np.array(["a", "q"])},
        "data.path", "whose test labels occur in training; ",
    ),
    "one class": ({"y": np.full(40, 3)}, "data.path", "at least two classes; all targets are "),
    "fractions": ({"y": VALUES}, "data.task", f"regression for a target with values such as {VALUES[0]}"),
    "columns of labels": ({"y": np.eye(2)[CLASSES] + 1}, "data.task", "regression for a target with values such as "),
    "empty": (EMPTY, "data.path", ""),
    "empty test": ({"x_test": np.zeros((0, 3)), "y_test": np.zeros(0, int)}, "data.path", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_NPZ)
def test_npz_that_is_no_data_set_is_refused_in_one_line(archive, case):
    changed, key, what = BAD_NPZ[case]
    path = archive(**changed)
    message = refused(key, npz, path)
    assert what in message
    assert message.endswith(f"; got {path!r}" if key == "data.path" else "; got 'classification'")


def test_npz_with_text_for_values_is_refused(archive):
    message = refused("data.task", npz, archive(y=np.array(["b", "d"])[CLASSES]), task="regression")
    assert "classification for a target that is text" in message
    assert message.endswith("; got 'regression'")


@pytest.mark.parametrize("load", [npz, csv])
def test_no_path_is_refused(load):
    assert refused("data.path", load, None).endswith("; got None")


def broken_files(tmp_path, good):
    content = good.read_bytes()
    yield "absent", None
    yield "empty", b""
    yield "text", b"x,y\n1,2\n"
    yield "half", content[: len(content) // 2]
    yield "damaged", content[:100] + b"\xff" * 20 + content[120:]


@pytest.mark.parametrize("case", ["absent", "empty", "text", "half", "damaged", "folder", "one array"])
def test_npz_that_cannot_be_read_is_refused_in_one_line(tmp_path, case):
    np.savez_compressed(tmp_path / "good.npz", x=X, y=CLASSES)
    path = tmp_path / "broken.npz"
    if case == "folder":
        path.mkdir()
    elif case == "one array":
        with path.open("wb") as file:
            np.save(file, X)
    else:
        content = dict(broken_files(tmp_path, tmp_path / "good.npz"))[case]
        if content is not None:
            path.write_bytes(content)
    message = refused("data.path", npz, str(path))
    assert message.endswith(f"; got {str(path)!r}")
    if case == "half":
        gc.collect()  # a file left open is noticed here


# --- csv: what is read


COLUMNS = {"height": X[:, 0].round(6), "weight": X[:, 1].round(6), "age": VALUES.round(6)}


def test_csv_classes_in_the_named_column(table):
    data = csv(table(CSV), target="sick")
    assert (data.name, data.classes) == ("csv", 2)
    assert (len(data.x_train), len(data.x_test)) == (30, 10)
    np.testing.assert_array_equal(pairs(*rows(data)), pairs(np.column_stack([*COLUMNS.values()]), CLASSES))


def test_csv_values_in_the_last_column_by_default(table):
    data = csv(table(CSV), columns=("weight", "height"), task="regression")
    assert data.classes is None
    x = np.column_stack([COLUMNS["weight"], COLUMNS["height"]])
    np.testing.assert_array_equal(pairs(*rows(data)), pairs(x, COLUMNS["age"]))


def test_csv_with_spaces_quotes_and_blank_lines(table):
    lines = [line.replace(",", ", ").replace("yes", '"yes"') for line in LINES]
    lines[3:3] = [""]
    path = table("\r\n".join([HEADER.replace(",", ", "), *lines, "", ""]))
    np.testing.assert_array_equal(
        pairs(*rows(csv(path, target="sick"))), pairs(np.column_stack([*COLUMNS.values()]), CLASSES)
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
def test_csv_with_a_byte_order_mark_and_names_beyond_ascii(table, encoding):
    data = csv(table(CSV.replace("height", "größe"), encoding), columns=("größe",), task="regression")
    np.testing.assert_array_equal(pairs(*rows(data)), pairs(COLUMNS["height"], COLUMNS["age"]))


def test_csv_of_integers_and_truths(table):
    lines = [f"{i},{'True' if i % 3 else 'False'},{i % 4 * 10}" for i in range(40)]
    data = csv(table("\n".join(["n,t,label", *lines])))
    expected = [(i, float(bool(i % 3)), i % 4) for i in range(40)]
    assert data.classes == 4
    np.testing.assert_array_equal(pairs(*rows(data)), sorted(expected))


# --- csv: what is refused


def changed_line(index, old, new):
    """CSV with one line changed; data line i is line i + 2 of the file, whose header is line 1."""
    lines = list(LINES)
    assert old in lines[index]
    lines[index] = lines[index].replace(old, new)
    return "\n".join([HEADER, *lines]) + "\n"


FIRST = LINES[5].split(",")[0]  # on line 7
SICK = {"target": "sick"}
BAD_CSV = {
    "gap": (changed_line(5, FIRST, ""), SICK, "data.path", "without gaps; column 'height' has one in line 7"),
    "nan": (changed_line(5, FIRST, "nan"), SICK, "data.path", "column 'height' has one in line 7"),
    "gap in target": (changed_line(4, "no", ""), SICK, "data.path", "column 'sick' has one in line 6"),
    "gap after a blank line": (
        changed_line(5, FIRST, "").replace(HEADER, HEADER + "\n"), SICK, "data.path", "'height' has one in line 8"
    ),
    "text": (
        changed_line(5, FIRST, "tall"), SICK, "data.path",
        "of numbers; column 'height' has 'tall' in line 7 (leave it out with data.exclude, or ",
    ),
    "text after a blank line": (
        changed_line(5, FIRST, "tall").replace(HEADER, HEADER + "\n"), SICK, "data.path", "'tall' in line 8"
    ),
    "text column": (CSV, {}, "data.path", "column 'sick' has 'no' in line 2 (leave it out with data.exclude, or "),
    "infinite": (changed_line(5, FIRST, "inf"), SICK, "data.path", "column 'height' has inf in line 7"),
    "unknown target": (CSV, {"target": "ill"}, "data.target", "one of age, height, sick, weight; got 'ill'"),
    "unknown column": (
        CSV, SICK | {"columns": ("age", "size")}, "data.columns", "one of age, height, weight; got 'size'"
    ),
    "target among columns": (
        CSV, SICK | {"columns": ("age", "sick")}, "data.columns", "one of age, height, weight; got 'sick'"
    ),
    "no column": (CSV, SICK | {"columns": ()}, "data.path", "at least one column beside the target"),
    "target alone": ("y\n1\n2\n1\n2\n", {}, "data.path", "at least one column beside the target"),
    "one class": (CSV.replace("yes", "no"), SICK, "data.path", "at least two classes; all targets are 'no'"),
    "classes of fractions": (
        CSV, {"columns": ("height",)}, "data.task", "regression for a target with values such as "
    ),
    "values of text": (
        CSV, SICK | {"task": "regression"}, "data.task", "classification for a target that is text ('"
    ),
    "empty": ("", {}, "data.path", "a readable CSV file"),
    "header alone": (HEADER + "\n", SICK, "data.path", ""),
    "longer line": (changed_line(5, FIRST, f"{FIRST},3"), SICK, "data.path", "line 7"),
    "every line longer": ("a,b,y\n" + "1,2,3,0\n4,5,6,1\n" * 20, {}, "data.path", ""),  # which column is a?
    "shorter line": (changed_line(5, FIRST + ",", ""), SICK, "data.path", "line 7"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CSV)
def test_csv_that_is_no_data_set_is_refused_in_one_line(table, case):
    text, options, key, what = BAD_CSV[case]
    assert what in refused(key, csv, table(text), **options)


def test_csv_that_cannot_be_read_is_refused_in_one_line(tmp_path):
    for path in (str(tmp_path / "nowhere.csv"), str(tmp_path)):
        message = refused("data.path", csv, path)
        assert "a readable CSV file" in message
        assert message.endswith(f"; got {path!r}")


# --- both, through the settings


@pytest.mark.parametrize("fraction", [0.1, 0.5])
def test_split_is_seeded_and_of_the_size_asked_for(archive, table, fraction):
    for load, path, options in ((npz, archive(), {}), (csv, table(CSV), SICK)):
        one, same, other = (load(path, seed, test_fraction=fraction, **options) for seed in (3, 3, 4))
        assert len(one.x_test) == fraction * 40
        np.testing.assert_array_equal(one.x_test, same.x_test)
        np.testing.assert_array_equal(one.y_test, same.y_test)
        assert not np.array_equal(one.x_test, other.x_test)
        assert np.bincount(one.y_test).tolist() == [fraction * 20] * 2  # half of each class, as in the file


def test_a_split_that_leaves_a_class_out_is_refused(archive):
    many = np.arange(40) // 2
    assert "every class in both splits" in refused("data.test_fraction", npz, archive(y=many), test_fraction=0.1)
    one_of_its_kind = np.where(np.arange(40) == 3, 2, CLASSES)
    assert "there is one of 2 (set data.test_fraction=0)" in refused("data.path", npz, archive(y=one_of_its_kind))
    assert len(npz(archive(y=one_of_its_kind), test_fraction=0.0).x_test) == 0


def test_a_cell_trains_on_the_users_own_files(compose, archive, table):
    for data in ({"path": archive()}, {"path": table(CSV), "target": "sick", "columns": ["age", "height", "weight"]}):
        name = "csv" if "columns" in data else "npz"
        raw = compose(f"data={name}", "network.hidden=[4]", "training.epochs=1", "training.batch_size=10")
        raw["data"] |= data
        cell = check(raw)
        assert cell.sizes == (3, 4, 2)
        problem = prepare(cell.config)
        *_, last = train_and_record(problem, initial_theta(problem, range(2)))
        assert np.isfinite(last.theta).all()


def test_a_cell_regresses_with_mse_alone(compose, archive):
    for loss in LOSSES:
        raw = compose("data=npz", f"loss={loss}", "network.hidden=[4]", "training.batch_size=10")
        raw["data"] |= {"path": archive(y=rng(3).normal(size=(40, 2))), "task": "regression"}
        if loss == "mse":
            assert check(raw).sizes == (3, 4, 2)
            assert not prepare(check(raw).config).classification
        else:
            with pytest.raises(ConfigError, match=r"^loss must be mse for targets that are numbers \(data=npz\); got "):
                check(raw)


def test_data_that_do_not_hold_are_refused_before_training(compose, archive):
    raw = compose("data=npz")
    raw["data"]["path"] = archive(y=np.zeros(40))
    with pytest.raises(ConfigError, match=r"^data\.path must be .* at least two classes"):
        check(raw)
