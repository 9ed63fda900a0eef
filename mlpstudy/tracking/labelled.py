"""Arrays with named axes, for notebooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

PLACES = {"snapshot": ("step", "epoch"), "record": ("step", "epoch")}  # axis -> what is known of its places


@dataclass(frozen=True)
class Labelled:
    """What a run measured, with the names of its axes, and what the places along an axis are.

    values has the shape of axes, such as (snapshot, replica, layer). along["step"] and along["epoch"] have a number for
    each snapshot, along["layer"] for each layer, counted from 1.
    """

    name: str
    values: NDArray[Any]
    axes: tuple[str, ...]
    along: Mapping[str, NDArray[Any]]

    def mean(self, *axes: str) -> "Labelled":
        """The mean over these axes, by default over replicas; NaN is left out."""
        gone = axes or ("replica",)
        with np.errstate(all="ignore"):
            known = np.ma.masked_invalid(self.values)  # np.nanmean warns if all are NaN
            values = known.mean(axis=tuple(self.axes.index(axis) for axis in gone))
        left = tuple(axis for axis in self.axes if axis not in gone)
        return Labelled(self.name, np.ma.filled(values, np.nan), left, self.along)

    @property
    def frame(self) -> "pd.DataFrame":
        """A table with a row for each value."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for axis, place in zip(self.axes, np.indices(self.values.shape), strict=True):
            known = [name for name in PLACES.get(axis, (axis,)) if name in self.along]
            columns |= {name: self.along[name][place.ravel()] for name in known} or {axis: place.ravel()}
        return pd.DataFrame({**columns, self.name: self.values.ravel()})
