"""A table of the user's own, in a CSV file."""

import warnings

import numpy as np

from mlpstudy.data.splits import Split
from mlpstudy.errors import ConfigError, one_of


def read_csv(path: str | None, target: str | None, columns: tuple[str, ...] | None) -> Split:
    """Numbers of the named columns (null: all others) and the target column (null: the last) of a CSV with a header."""
    import pandas as pd

    if path is None:
        raise ConfigError("data.path", "the path of a CSV file with a header", path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # for lines that are longer than the header
            table = pd.read_csv(path, skipinitialspace=True, index_col=False, skip_blank_lines=False)
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise ConfigError("data.path", f"a readable CSV file ({error})", path) from error
    table = table.dropna(how="all")  # drops blank lines; the index still counts them, so line numbers are right
    if not len(table):
        raise ConfigError("data.path", "a CSV file with at least one line below the header", path)
    target = str(table.columns[-1]) if target is None else target
    if target not in table:
        raise ConfigError("data.target", one_of(table.columns), target)
    names = [str(n) for n in table.columns if n != target] if columns is None else list(columns)
    for name in names:
        if name not in table or name == target:
            raise ConfigError("data.columns", one_of(set(table.columns) - {target}), name)
    if not names:
        raise ConfigError("data.path", "a CSV file with at least one column beside the target", path)
    for name in [*names, target]:
        column = table[name]
        if column.isna().any():
            line = column.index[column.isna()][0] + 2
            raise ConfigError("data.path", f"a CSV file without gaps; column {name!r} has one in line {line}", path)
        text = pd.to_numeric(column, errors="coerce").isna()
        if name != target and text.any():
            row = column.index[text][0]
            rule = f"a CSV file of numbers; column {name!r} has {column[row]!r} in line {row + 2}"
            raise ConfigError("data.path", f"{rule} (leave it out with data.columns)", path)
    x = table[names].to_numpy(dtype=np.float64)
    if not np.isfinite(x).all():
        raise ConfigError("data.path", "a CSV file of finite numbers", path)
    return x, table[target].to_numpy()
