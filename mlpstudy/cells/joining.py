"""More replicas of a cell: what new ones measured, joined with what earlier ones had measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.cells.cell_result import Arrays
from mlpstudy.measure.arrays import ARRAYS, MOMENTS, PLACES

STEPS = dict(zip(MOMENTS, ("step", "curve_step", "histogram_step"), strict=True))  # axis -> the steps of its places
LOST = -1  # in a frame of decisions: not finite


def joined(earlier: Mapping[str, NDArray[Any]], new: Arrays) -> Arrays:
    """The arrays of all replicas, the earlier ones first. Both are of the same cell.

    Training ends early when all replicas have diverged. Where only one of the two did so, its missing rows are NaN,
    and 0 in histograms. Paths of units and frames of decisions are those of the first replica. Theory and progress are
    those of `new`, since they follow from the weights of all.
    """
    longer = {axis: max(earlier, new, key=lambda arrays: int(arrays[at][-1])) for axis, at in STEPS.items()}

    def rows(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
        """The values at the steps of the longer training."""
        values, axis = arrays[name], ARRAYS[name].axes[0]
        if axis not in STEPS:
            return values
        _, here, there = np.intersect1d(arrays[STEPS[axis]], longer[axis][STEPS[axis]], return_indices=True)
        missing = np.nan if values.dtype.kind == "f" else LOST if name == "decision_frames" else 0
        filled = np.full((len(longer[axis][STEPS[axis]]), *values.shape[1:]), missing, values.dtype)
        filled[there] = values[here]
        return filled

    result = dict(new)
    for name in new:
        axes = ARRAYS[name].axes
        if name in PLACES:
            result[name] = longer[axes[0]][name]
        elif "replica" in axes and name != "progress":
            result[name] = np.concatenate([rows(earlier, name), rows(new, name)], axes.index("replica"))
        elif axes and axes[0] in MOMENTS and name in earlier:
            result[name] = rows(earlier, name)
    return result
