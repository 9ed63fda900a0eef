"""More replicas of a cell: what new ones measured, joined with what earlier ones had measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.cells.cell_result import Arrays
from mlpstudy.measure import histograms
from mlpstudy.measure.statistics import STATISTICS

# array -> its axis of replicas
ONCE = {"jacobian_singular_values": 0, "decision_regions": 0, "epochs_to_accuracy": 1, "epochs_to_lower_loss": 0}
# array of steps -> the arrays that have a row for each of these steps; of replicas in their second axis
MOMENTS = {
    "step": tuple(STATISTICS),
    "curve_step": ("curve_loss_train", "curve_loss_test", "curve_accuracy_train", "curve_accuracy_test"),
    "histogram_step": tuple(f"{name}_histogram" for name in histograms.ARRAYS),
}
FIRST = ("unit_paths", "decision_frames")  # arrays of the first replica alone, with a row for each step
LOST = -1  # in a frame of decisions: not finite
EPOCHS = {"step": "epoch", "curve_step": "curve_epoch"}


def joined(earlier: Mapping[str, NDArray[Any]], new: Arrays) -> Arrays:
    """The arrays of all replicas, the earlier ones first. Both are of the same cell.

    Training ends early when all replicas have diverged. Where only one of the two did so, its missing rows are NaN,
    and 0 in histograms. Paths of units and frames of decisions are those of the first replica. Theory and progress are
    those of `new`, since they follow from the weights of all.
    """
    found = dict(new)
    for name, axis in ONCE.items():
        if name in new:
            found[name] = np.concatenate([earlier[name], new[name]], axis)
    for steps, names in MOMENTS.items():
        longer = max(earlier, new, key=lambda arrays: int(arrays[steps][-1]))
        found[steps] = longer[steps]
        if steps in EPOCHS:
            found[EPOCHS[steps]] = longer[EPOCHS[steps]]
        for name in names:
            if name in new:
                found[name] = np.concatenate([_rows(a[name], a[steps], found[steps]) for a in (earlier, new)], axis=1)
    for name in FIRST:
        if name in earlier:
            found[name] = _rows(earlier[name], earlier["step"], found["step"], LOST)
    return found


def _rows(values: NDArray[Any], steps: NDArray[Any], wanted: NDArray[Any], integer: int = 0) -> NDArray[Any]:
    """The rows of these steps; of a step that is not there, NaN, or this integer."""
    missing = np.nan if np.issubdtype(values.dtype, np.floating) else integer
    rows = np.full((len(wanted), *values.shape[1:]), missing, values.dtype)
    at = {int(step): row for row, step in enumerate(steps)}
    for row, step in enumerate(wanted):
        if int(step) in at:
            rows[row] = values[at[int(step)]]
    return rows
