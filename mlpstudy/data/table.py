"""A table of the user's own, as a file brings it: separator, header, decimal sign and encoding are found."""

import csv
import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from mlpstudy.errors import ConfigError

ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")  # latin-1 reads any bytes
SEPARATORS = (";", "\t", "|", ",", " ")  # a decimal comma is in every line, too, so the comma comes late
SAMPLE = 200  # lines from which separator, header and decimal sign are found
MISSING = ["?"]  # and what pandas takes for missing: an empty field, NA, NaN, null, ...
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+\s*([eE][-+]?\d+\s*)?")
THOUSANDS = {",": re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d*)?"), ".": re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")}
csv.field_size_limit(2**31 - 1)  # with the wrong separator, a long line is one field


def read_table(path: str | None, separator: str | None) -> tuple[Any, list[str], int]:
    """A pandas table of a CSV or Parquet file, remarks on how it was read, and the line of the file with its first row.

    Columns of numbers with a decimal comma or with thousands separators are numbers.
    """
    import pandas as pd

    if path is None:
        raise ConfigError("data.path", "the path of a CSV or Parquet file", path)
    if Path(path).suffix == ".parquet":
        try:
            return pd.read_parquet(path).reset_index(drop=True), [], 1
        except Exception as error:  # each engine raises its own errors
            raise ConfigError("data.path", f"a readable Parquet file ({error})", path) from error
    text, encoding = _decoded(path)
    lines = [line for line in text.splitlines()[:SAMPLE] if line.strip()]
    if not lines:
        raise ConfigError("data.path", "a readable CSV file with at least one line", path)
    try:
        sign = separator or _separator(lines)
        first = [field.strip() for field in next(csv.reader(lines[:1], delimiter=sign, skipinitialspace=True))]
    except csv.Error as error:
        raise ConfigError("data.path", f"a readable CSV file ({error})", path) from error
    named = not _is_row_of_values(first)
    repeated = [name for name, count in Counter(first).items() if named and name and count > 1]
    if repeated:
        rule = f"a CSV file whose columns have different names; {repeated[0]!r} is there twice"
        raise ConfigError("data.path", rule, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # for lines that are longer than the header
            table = pd.read_csv(
                path, sep=sign, encoding=encoding, header=0 if named else None, skipinitialspace=True,
                index_col=False, skip_blank_lines=False, na_values=MISSING,
            )  # fmt: skip
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise ConfigError("data.path", f"a readable CSV file ({error})", path) from error
    remarks = []
    if named:
        table.columns = [str(name).strip() for name in table.columns]
    else:
        table.columns = [f"column_{i + 1}" for i in range(table.shape[1])]
        remarks.append("the file has no header, so its columns are column_1, column_2, ...")
    table = table.dropna(how="all")  # drops blank lines; the index still counts them, so line numbers are right
    decimal = "," if sign != "," and _has_decimal_commas(table) else "."
    for name in table.columns:
        column = table[name]
        if (numbers := _numbers(column, decimal)) is not column:
            table[name] = numbers
    return table, remarks, 2 if named else 1


def _decoded(path: str) -> tuple[str, str]:
    """The text of a file, and its encoding."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError("data.path", f"a readable CSV file ({error})", path) from error
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ENCODINGS:
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError as error:
            broken = error
    rule = f"a whole CSV file; as UTF-16 it ends or breaks at byte {broken.start} (save it again, as UTF-8)"
    raise ConfigError("data.path", rule, path) from broken


def _separator(lines: list[str]) -> str:
    """The one that splits most lines into the same number of fields, at least two; the earlier of two equally good."""

    def agreement(sign: str) -> float:
        counts = [len(fields) for fields in csv.reader(lines, delimiter=sign, skipinitialspace=True)]
        number, times = Counter(counts).most_common(1)[0]
        return times / len(counts) if number > 1 else 0.0

    return max(SEPARATORS, key=agreement)


def _is_row_of_values(fields: list[str]) -> bool:
    """Whether the first line of a file is already an example: some field is a number, and they do not count columns."""
    numbers = [field for field in fields if re.fullmatch(r"[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?", field)]
    counting = [str(i + start) for start in (0, 1) for i in range(len(fields))]
    return bool(numbers) and fields not in (counting[: len(fields)], counting[len(fields) :])


def _is_text(column: Any) -> bool:
    import pandas as pd

    return not pd.api.types.is_numeric_dtype(column)


def _has_decimal_commas(table: Any) -> bool:
    """Whether some column of text has decimal commas in most of its values."""
    columns = (table[name].dropna() for name in table.columns if _is_text(table[name]))
    return any(values.astype(str).str.fullmatch(DECIMAL_COMMA).mean() > 0.5 for values in columns if len(values))


def _numbers(column: Any, decimal: str) -> Any:
    """The column as numbers, if all its values are numbers with this decimal sign, or true and false; else as it is."""
    import pandas as pd

    if column.dtype == bool:
        return column.astype(float)
    if not _is_text(column):
        return column
    text = column.where(column.isna(), column.astype(str).str.strip())
    low = text.where(column.isna(), text.str.lower())
    if set(low.dropna()) == {"true", "false"}:
        return low.map({"true": 1.0, "false": 0.0})
    thousands = "." if decimal == "," else ","

    def plain(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        grouped = THOUSANDS[decimal].fullmatch(value)
        return (value.replace(thousands, "") if grouped else value).replace(decimal, ".")

    numbers = pd.to_numeric(text.map(plain), errors="coerce")
    return numbers if (numbers.isna() == column.isna()).all() else text
