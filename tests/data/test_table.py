"""Tables as people bring them: every kind of separator, sign, header, index, label and task, read right."""

import itertools

import numpy as np
import pytest

from mlpstudy.data.datasets import DATASETS
from mlpstudy.errors import ConfigError

N = 40
X = np.round(np.random.default_rng(1).normal(scale=30, size=(N, 3)), 3)
X[:, 2] *= 100  # large enough for thousands separators
NAMES = ("height", "weight", "income")
CLASSES = np.arange(N) % 2
LABELS = {
    "numbers": ["0", "1"],
    "text": ["no", "yes"],
    "quoted": ['"no, thanks"', '"yes; please"'],
    "truth": ["False", "True"],
    "floats": ["1.0", "2.0"],
}


def csv(path, **options):
    given = dict.fromkeys(("target", "columns", "exclude", "separator", "encode", "missing"))
    given |= {"task": "classification", "test_fraction": 0.25, "standardize": "none"}
    given |= {"standardize_target": False} | options
    return DATASETS["csv"](np.random.default_rng(0), path=str(path), **given)


def examples(data):
    """All examples in sorted order, features and target."""
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    return np.array(sorted(map(tuple, np.column_stack([x, y]))))


def expected(x=X, y=CLASSES):
    return np.array(sorted(map(tuple, np.column_stack([x, y]))))


def number(value, decimal, thousands=False):
    text = f"{value:,.3f}" if thousands else f"{value:.3f}"
    return text if decimal == "." else text.translate(str.maketrans(".,", ",."))


def lines_of(separator=",", decimal=".", header=True, index="", labels=("0", "1"), target=None, thousands=False):
    """The lines of a table with features, and classes or `target` in the last column."""
    lines = []
    for i, (row, label) in enumerate(zip(X, CLASSES, strict=True)):
        fields = [number(v, decimal, thousands) for v in row]
        fields = [f'"{f}"' if separator in f else f for f in fields]
        last = labels[label] if target is None else number(target[i], decimal)
        lines.append(separator.join([*([str(i)] if index is not None and index != "" else []), *fields, last]))
    if header:
        first = [] if index in ("", None) else ["" if index == "nameless" else index]
        lines.insert(0, separator.join([*first, *(f'"{n}"' for n in NAMES), '"group"']))
    return "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path):
    def _write(text, encoding="utf-8", name="own.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return _write


KINDS = [
    (separator, decimal, header, index, label)
    for separator, decimal, header, index, label in itertools.product(
        (",", ";", "\t", "|"), (".", ","), (True, False), ("", "nameless", "id"), LABELS
    )
    if (separator, decimal) != (",", ",") and (header or index == "")
]


@pytest.mark.parametrize(("separator", "decimal", "header", "index", "label"), KINDS)
def test_every_kind_of_table_is_read_right(write, separator, decimal, header, index, label):
    text = lines_of(separator, decimal, header, index, LABELS[label])
    data = csv(write(text))
    np.testing.assert_allclose(examples(data), expected())
    assert data.classes == 2
    assert any("no header" in remark for remark in data.remarks) != header
    assert any("only counts the rows" in remark for remark in data.remarks) == (index != "")


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ",")])
@pytest.mark.parametrize("thousands", [True, False])
def test_targets_that_are_numbers(write, separator, decimal, thousands):
    """A regression, and thousands separators."""
    target = np.round(X[:, 0] / 10, 3)
    text = lines_of(separator, decimal, target=target, thousands=thousands)
    np.testing.assert_allclose(examples(csv(write(text), task="regression")), expected(y=target))


@pytest.mark.parametrize("test_fraction", [0.0, 0.25])
def test_without_a_test_split_everything_is_trained_on(write, test_fraction):
    data = csv(write(lines_of()), test_fraction=test_fraction)
    assert len(data.x_test) == len(data.y_test) == N * test_fraction
    assert any("no test split" in remark for remark in data.remarks) == (test_fraction == 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_letters_in_every_encoding(write, encoding):
    text = lines_of(labels=["Birnen", "Äpfel"]).replace("height", "größe")
    data = csv(write(text, encoding), columns=("größe", "weight", "income"))
    np.testing.assert_allclose(examples(data), expected())


def test_columns_between_blanks(write):
    text = "".join(f"{a:9.3f}   {b:.3f} {c:.3f}  {k}\n" for (a, b, c), k in zip(X, CLASSES, strict=True))
    np.testing.assert_allclose(examples(csv(write(text))), expected())


def test_a_header_of_numbers_in_order_is_a_header(write):
    """As pandas writes a frame without names."""
    text = "0,1,2,3\n" + lines_of(header=False)
    data = csv(write(text))
    np.testing.assert_allclose(examples(data), expected())


def test_an_index_is_taken_if_it_is_asked_for(write):
    data = csv(write(lines_of(index="id")), columns=("id", "height"))
    assert sorted(np.concatenate([data.x_train, data.x_test])[:, 0]) == list(range(N))


def test_the_target_that_is_taken_is_told(write):
    assert "data.target is the last column, group" in csv(write(lines_of())).remarks
    assert not any("last column" in remark for remark in csv(write(lines_of()), target="group").remarks)


def test_columns_of_text_become_columns_of_0_and_1(write):
    text = "\n".join(["sex,age,ill", *(f"{'mf'[k]},{i},{k}" for i, k in enumerate(CLASSES))])
    data = csv(write(text), encode="onehot")
    found = np.concatenate([data.x_train, data.x_test])
    assert found.shape == (N, 3)
    labels = np.concatenate([data.y_train, data.y_test])
    np.testing.assert_array_equal(found[:, 0], labels)  # f
    np.testing.assert_array_equal(found[:, 1], 1 - labels)  # m


def with_gaps(*, target=False):
    rows = lines_of().splitlines()
    rows[3] = rows[3].replace(rows[3].split(",")[1], "", 1)
    rows[7] = rows[7].replace(rows[7].split(",")[2], "?", 1)
    if target:
        rows[9] = rows[9].rpartition(",")[0] + ","
    return "\n".join(rows)


def test_lines_with_gaps_are_left_out(write):
    data = csv(write(with_gaps(target=True)), missing="drop")
    kept = np.delete(np.arange(N), [2, 6, 8])
    np.testing.assert_allclose(examples(data), expected(X[kept], CLASSES[kept]))


def test_gaps_become_the_mean_of_the_training_split(write):
    """Not of the whole column, which would look at the test split."""
    x = X.copy()
    x[2, 1] = x[6, 2] = np.nan
    data = csv(write(with_gaps()), missing="mean")
    both = np.concatenate([data.x_train, data.x_test])
    in_training = np.isin(X[:, 0], data.x_train[:, 0])
    for column, place in ((1, 2), (2, 6)):
        at = np.argmin(np.abs(both[:, 0] - X[place, 0]))
        assert both[at, column] == pytest.approx(np.nanmean(x[in_training, column]))


def test_parquet(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(X, columns=NAMES).assign(group=CLASSES)
    frame.to_parquet(tmp_path / "own.parquet")
    np.testing.assert_allclose(examples(csv(tmp_path / "own.parquet")), expected())


REFUSED = {
    "text": (lines_of().replace(number(X[4, 1], "."), "tall"), {}, "column 'weight' has 'tall' in line 6"),
    "dates": ("day,x,y\n2024-01-02,1,0\n2024-01-03,2,1\n", {}, "column 'day' has '2024-01-02' in line 2 (leave it out"),
    "gap": (with_gaps(), {}, "column 'weight' has one in line 4 (data.missing=drop leaves such lines out, mean"),
    "gap in the target": (with_gaps(target=True), {"missing": "mean"}, "column 'group' has one in line 10"),
    "all gaps": ("a,b,y\n,1,0\n,2,1\n,3,0\n,4,1\n", {"missing": "mean"}, "column 'a' has one in line 2"),
    "gaps everywhere": ("a,b,y\n,1,0\n2,,1\n", {"missing": "drop"}, "a gap in every line"),
    "duplicate": (lines_of().replace("weight", "height"), {}, "'height' is there twice"),
    "one of a class": (lines_of() + "1,2,3,7\n", {}, "there is one of 7 (set data.test_fraction=0)"),
    "many texts": ("name,x,y\n" + "\n".join(f"n{i},{i},{i % 2}" for i in range(60)), {"encode": "onehot"},
                   "column 'name', which has 60 different texts (leave it out with data.exclude)"),
    "excluded": (lines_of(), {"exclude": ("nothing",)}, "one of height, income, weight"),
    "empty": ("", {}, "at least one line"),
    "longer line": (lines_of() + "1,2,3,4,5,6\n", {}, "readable CSV"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_wrong_is_told_in_one_line_with_the_option_that_helps(write, kind):
    text, options, told = REFUSED[kind]
    with pytest.raises(ConfigError) as error:
        csv(write(text), **options)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("cut", [1, 3, 5])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_half_a_letter_of_utf_16_is_told(tmp_path, cut, encoding):
    content = lines_of().encode(encoding)
    content = content if encoding == "utf-16" else b"\xfe\xff" + content
    (tmp_path / "own.csv").write_bytes(content[:-cut])
    with pytest.raises(ConfigError, match=r"a whole CSV file; as UTF-16 it ends or breaks at byte \d+ \(save it again"):
        csv(tmp_path / "own.csv")


def test_lines_of_any_length(write):
    """With the wrong separator, a line is one field, and Python's reader takes 131,072 letters by default."""
    names = [f"a_rather_long_name_of_a_column_{i}" for i in range(5000)]
    rows = [",".join([*(f"{i * j % 7}.5" for j in range(5000)), str(i % 2)]) for i in range(8)]
    text = "\n".join([",".join([*names, "y"]), *rows])
    assert max(map(len, text.splitlines())) > 131_072
    data = csv(write(text), target="y")
    assert data.x_train.shape[1] == 5000


@pytest.mark.parametrize("name", ["", "id", "Index", "No"])
@pytest.mark.parametrize(("start", "step"), [(0, 1), (1, 1), (1000, 1), (-3, 5), (500, -1), (2.5, 0.1)])
def test_a_first_column_that_counts_is_left_out_from_any_start_by_any_step(write, name, start, step):
    header, *rows = lines_of().splitlines()
    counted = [f"{start + step * i:.6g},{row}" for i, row in enumerate(rows)]
    np.testing.assert_allclose(examples(csv(write("\n".join([f"{name},{header}", *counted])))), expected())
    counted[5] = f"{start + step * 5.5:.6g},{rows[5]}"  # it counts no more
    assert csv(write("\n".join([f"{name},{header}", *counted]))).x_train.shape[1] == 4
    assert csv(write("\n".join([f"height_2,{header}", *counted]))).x_train.shape[1] == 4


@pytest.mark.parametrize("start", [10**15, 10**17, 2**63 - 40, 2**63, 2**64 - 80])
@pytest.mark.parametrize("step", [1, -1, 3])
def test_a_first_column_that_counts_in_large_numbers_is_left_out(write, start, step):
    header, *rows = lines_of().splitlines()
    counted = [f"{start + step * i},{row}" for i, row in enumerate(rows[:20])]
    assert csv(write("\n".join([f"id,{header}", *counted]))).x_train.shape[1] == 3
    counted[5] = f"{start + step * 5 + 100},{rows[5]}"
    assert csv(write("\n".join([f"id,{header}", *counted]))).x_train.shape[1] == 4


FEW = {  # few labels that are numbers -> whether they are taken for values
    "all different": ("1000000.0 1000001.0 1000002.0 1000003.0 1000004.0", True),
    "fractions of 0": ("1.0 1.0 1.0 2.0 2.0 2.0 3.0", True),
    "whole, all different": ("3 5 8 13 21", True),
    "whole, one rare": ("1 1 1 2 2 2 3", False),
    "text": ("a b c d e", False),
}


@pytest.mark.parametrize("case", FEW)
def test_one_example_of_a_class_is_told_with_what_helps(write, case):
    labels, values = FEW[case]
    text = "\n".join(["x,y", *(f"{i % 3},{label}" for i, label in enumerate(labels.split()))])
    with pytest.raises(ConfigError) as error:
        csv(write(text))
    helps = "for values, add data.task=regression loss=mse; or " * values + "set data.test_fraction=0"
    assert f" ({helps}); got " in str(error.value)


@pytest.mark.parametrize(("unit", "values"), [("", False), (".0", True)])
def test_a_split_without_some_class_is_told_with_what_helps(write, unit, values):
    text = "\n".join(["x,y", *(f"{i % 3},{i // 2}{unit}" for i in range(10))])
    with pytest.raises(ConfigError) as error:
        csv(write(text), test_fraction=0.2)
    hint = " (for values, add data.task=regression loss=mse)" * values
    assert f"every class in both splits{hint}; got 0.2" in str(error.value)


@pytest.mark.parametrize("digits", ["9" * 401, "1e400", "-" + "9" * 309 + ".5"])
@pytest.mark.parametrize("column", ["x", "y"])
def test_a_number_that_is_too_large_is_not_only_called_inf(write, column, digits):
    rows = [f"{i % 3},{i % 2}" for i in range(12)]
    rows[4] = f"{digits},0" if column == "x" else f"1,{digits}"
    with pytest.raises(ConfigError) as error:
        csv(write("\n".join(["x,y", *rows])))
    told = f"column {column!r} has {'-' * digits.startswith('-')}inf in line 6 (a number that is too large for 64 bits"
    assert told in str(error.value)


@pytest.mark.parametrize("unit", [1, 1000.0])
def test_numbers_that_were_meant_as_values_get_the_words_for_them(write, unit):
    header, *rows = lines_of().splitlines()
    hint = "for values, add data.task=regression loss=mse"
    text = "\n".join([header, *(f"{row.rpartition(',')[0]},{i * unit}" for i, row in enumerate(rows))])
    with pytest.raises(ConfigError, match=f"there is one of .* \\({hint}"):
        csv(write(text))
    assert any(hint in remark for remark in csv(write(text), test_fraction=0.0).remarks)
    fractions = "\n".join([header, *(f"{row.rpartition(',')[0]},{i + 0.5}" for i, row in enumerate(rows))])
    with pytest.raises(ConfigError, match=f"regression for a target with values such as .* \\({hint}"):
        csv(write(fractions))
    assert not any(hint in remark for remark in csv(write(lines_of())).remarks)
