"""The user's own numbers: finite, real and not too large. The first that is not is named with its place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.errors import ConfigError

LARGEST = 1e140  # sums of squares of such numbers are finite in float64


@dataclass(frozen=True)
class Examples:
    """Features and targets as the user's file or function has them."""

    x: NDArray[np.floating]  # (n, n_0); NaN is a gap
    y: NDArray[Any]  # (n, ...)
    key: str  # the setting that names the file or the function
    path: str  # its value
    kind: str  # what it is, in words, such as `a CSV file`
    place: Callable[[str, int, int, object], str]  # (x or y, row, column, value) -> where it stands, in words

    def refused(self, rule: str) -> ConfigError:
        """The error that says what the file or the function must have."""
        return ConfigError(self.key, f"{self.kind} {rule}", self.path)


def check_numbers(of: Examples, array: str, values: NDArray[Any], gaps: bool = False) -> None:
    """Raise ConfigError for the first entry of x or y that is no finite real number; `gaps` allows NaN."""
    if not np.issubdtype(values.dtype, np.number):
        return
    rows = values.reshape(len(values), -1)
    if np.iscomplexobj(rows):
        raise of.refused(f"of real numbers; {of.place(array, *_first(rows.imag != 0, rows))}")
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(rows) <= LARGEST) & ~(np.isnan(rows) & gaps)
    if bad.any():
        raise of.refused(f"of finite numbers up to {LARGEST:g}; {of.place(array, *_first(bad, rows))}")


def _first(bad: NDArray[np.bool_], rows: NDArray[Any]) -> tuple[int, int, object]:
    """Row, column and value of the first entry that is bad."""
    row, column = (int(i) for i in np.unravel_index(bad.argmax(), bad.shape))
    return row, column, rows[row, column]
