"""Features and targets from a table of the user's own, in a CSV or Parquet file."""

from typing import Any

import numpy as np

from mlpstudy.data.numbers import Examples, check_numbers
from mlpstudy.data.table import read_table
from mlpstudy.errors import ConfigError, one_of

MOST_TEXTS = 50  # different texts in a column that is encoded


def read_csv(
    path: str | None, target: str | None, columns: tuple[str, ...] | None, exclude: tuple[str, ...] | None,
    separator: str | None, encode: str | None, missing: str | None,
) -> tuple[Examples, list[str]]:  # fmt: skip
    """Features and target of a table, and remarks on how it was read; with missing=mean, gaps of features are NaN.

    target: null is the last column. columns: null is all others, without `exclude` and without a first column that only
    counts the rows.
    """
    table, remarks, first_line = read_table(path, separator)
    if not len(table):
        raise ConfigError("data.path", "a CSV file with at least one line below the header", path)
    given = list(table.columns)
    if target is None:
        target = given[-1]
        remarks.append(f"data.target is the last column, {target}")
    if target not in given:
        raise ConfigError("data.target", one_of(given), target)
    others = set(given) - {target}
    for key, typed in (("data.exclude", exclude), ("data.columns", columns)):
        for name in typed or ():
            if name not in others:
                raise ConfigError(key, one_of(others), name)
    taken = others.difference(exclude or ())
    names = [name for name in given if name in taken] if columns is None else list(columns)
    if columns is None and names[:1] == given[:1] and counts_rows(given[0], table[given[0]]):
        remarks.append(f"column {given[0]!r} only counts the rows and is left out (data.columns takes it)")
        names = names[1:]
    if not names:
        raise ConfigError("data.path", "a CSV file with at least one column beside the target", path)
    table = without_gaps(path, table[[*names, target]], target, missing, first_line)
    parts = [features(path, table[name], encode, first_line) for name in names]
    owners = [name for name, part in zip(names, parts, strict=True) for _ in range(part.shape[1])]

    def place(array: str, row: int, column: int, value: object) -> str:
        name = owners[column] if array == "x" else target
        note = " (a number that is too large for 64 bits is read as inf)" * (str(value) in ("inf", "-inf"))
        return f"column {name!r} has {value} in line {table.index[row] + first_line}{note}"

    x, y = np.concatenate(parts, axis=1), table[target].to_numpy()
    examples = Examples(x, y, "data.path", str(path), "a CSV file", place)
    check_numbers(examples, "x", x, gaps=True)
    check_numbers(examples, "y", y)
    return examples, remarks


def counts_rows(name: str, column: Any) -> bool:
    """Whether a first column without a name, or called id or index, counts: from any number, by any step."""
    nameless = name.startswith("Unnamed: ") or name.strip().lower() in ("", "id", "index", "row", "rownames", "no")
    values = column.to_numpy()
    if not nameless or not np.issubdtype(values.dtype, np.number) or len(values) < 2:
        return False
    whole = np.issubdtype(values.dtype, np.integer)  # as float64, 1e17 and 1e17 + 1 are the same
    steps = np.diff(values.astype(np.int64 if whole else np.float64))
    return bool(steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=0))


def without_gaps(path: str | None, table: Any, target: str, missing: str | None, first_line: int) -> Any:
    """The table after what `missing` says; the target has no gaps then, and features have none unless it is mean."""
    for name in table.columns:
        gaps = table[name].isna()
        if not gaps.any() or missing == "drop" or (missing == "mean" and name != target and not gaps.all()):
            continue
        help_ = "data.missing=drop leaves such lines out" + ", mean fills in the mean of the column" * (name != target)
        line = table.index[gaps][0] + first_line
        rule = f"a CSV file without gaps; column {name!r} has one in line {line} ({help_})"
        raise ConfigError("data.path", rule, path)
    table = table.dropna() if missing == "drop" else table
    if not len(table):
        raise ConfigError("data.missing", "mean or null for a file that has a gap in every line", missing)
    return table


def features(path: str | None, column: Any, encode: str | None, first_line: int) -> Any:
    """A column as numbers (n, 1); one of text as a column of 0 and 1 for each text (n, texts), if it is encoded."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64)[:, None]
    row = column.index[pd.to_numeric(column, errors="coerce").isna() & column.notna()][0]
    where = f"column {column.name!r} has {column[row]!r} in line {row + first_line}"
    options = "leave it out with data.exclude, or make it numbers with data.encode=onehot"
    if encode is None:
        raise ConfigError("data.path", f"a CSV file of numbers; {where} ({options})", path)
    if column.nunique() > MOST_TEXTS:
        many = f"null for column {column.name!r}, which has {column.nunique()} different texts"
        raise ConfigError("data.encode", f"{many} (leave it out with data.exclude)", encode)
    return pd.get_dummies(column).to_numpy(dtype=np.float64)
