"""What a run keeps in statistics.npz: the axes, the kind and the meaning of every array, once for all who use them.

`cells` collects by this table and joins replicas by it, `tracking` checks by it what it reads and names the axes of
`run.data`, and docs/arrays.md is made from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.histograms import ARRAYS as COUNTED
from mlpstudy.measure.statistics import STATISTICS

MOMENTS = ("snapshot", "record", "histogram")  # axes that grow while a network trains: one place for each record
PLACES = ("step", "epoch", "curve_step", "curve_epoch", "histogram_step")  # arrays that say where such a place is
TYPES = {"number": "f", "count": "iu"}  # kind -> those of dtypes


class Kept(NamedTuple):
    """One array: the names of its axes, such as (snapshot, replica, layer), its kind, and what it holds."""

    axes: tuple[str, ...]
    kind: str  # number or count
    meaning: str


def _kept(axes: str, kind: str, meaning: str) -> Kept:
    return Kept(tuple(axes.split()), kind, meaning)


CURVES = {
    "loss_train": "training loss",
    "loss_test": "test loss",
    "accuracy_train": "training accuracy",
    "accuracy_test": "test accuracy",
}
ARRAYS: dict[str, Kept] = {
    "sizes": _kept("size", "count", "units of every layer: n_0, ..., n_L"),
    "activation_range": _kept("end", "number", "infimum and supremum of g"),
    "step": _kept("snapshot", "count", "updates before the snapshot"),
    "epoch": _kept("snapshot", "number", "the same in epochs"),
    **{
        name: _kept("snapshot replica layer", "number", str(statistic.__doc__).partition("\n")[0])
        for name, statistic in STATISTICS.items()
    },
    "curve_step": _kept("record", "count", "updates before the record"),
    "curve_epoch": _kept("record", "number", "the same in epochs"),
    **{f"curve_{name}": _kept("record replica", "number", meaning) for name, meaning in CURVES.items()},
    "histogram_step": _kept("histogram", "count", "updates before the histogram"),
    **{
        f"{name}_histogram": _kept("histogram replica layer bin", "count", f"values of {name} in each bin")
        for name in COUNTED
    },
    **{f"{name}_edges": _kept("edge", "number", f"edges of these bins, of {name}") for name in COUNTED},
    "accuracies": _kept("level", "number", "accuracies to be reached"),
    "epochs_to_accuracy": _kept("level replica", "number", "epochs until then; NaN if not reached"),
    "epochs_to_lower_loss": _kept("replica", "number", "epochs to a loss 5 % below that of the best constant output"),
    "chance": _kept("", "number", "training accuracy of the best constant output, of classes"),
    "gained": _kept("replica", "number", "share of what can be learned that was learned, by the last record"),
    "linear_gain": _kept("", "number", "the same share of a linear model, on examples that it was not fitted to"),
    "foreseen_step": _kept("foreseen", "count", "updates before a point of the curve that the pilot foresees"),
    "foreseen_loss_train": _kept("foreseen", "number", "training loss there"),
    "foreseen_accuracy_train": _kept("foreseen", "number", "training accuracy there, of classes"),
    "constant_loss": _kept("", "number", "training loss of the best constant output, of a regression"),
    "progress": _kept("replica", "number", "share of the error that the largest step removes at first, measured"),
    "distinct_replicas": _kept("", "count", "replicas that start with different weights"),
    "jacobian_singular_values": _kept("replica probe value", "number", "of dh/dx at the start, largest first"),
    "unit_paths": _kept("snapshot unit coordinate", "number", "weights of units of layer 1, of the first replica"),
    "decision_frames": _kept("snapshot frame_row frame_column", "count", "class by the first replica, in the plane"),
    "decision_regions": _kept("replica row column", "count", "class at the end, in the plane; -1 if not finite"),
    "decision_axes": _kept("side point", "number", "places of these columns and rows"),
    "decision_points": _kept("example feature", "number", "examples to be drawn over the regions"),
    "decision_classes": _kept("example", "count", "their classes"),
    **{f"theory_{name}": _kept("layer", "number", f"{name} of a typical network by theory") for name in STATISTICS},
    **{f"theory_mean_{name}": _kept("layer", "number", f"{name} at infinite width by theory") for name in STATISTICS},
    "theory_jacobian": _kept("moment", "number", "mean and variance of squared singular values of dh/dx by theory"),
    "theory_sigma_w": _kept("matrix", "number", "sqrt(n_in E[W^2]) of every layer, the last included"),
    "theory_sigma_b": _kept("matrix", "number", "sqrt(E[b^2])"),
}


def check(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError for the first array that is not as the table says, or whose axes have not one length."""
    lengths: dict[str, int] = {}
    for name, array in arrays.items():
        if name not in ARRAYS:  # of another version
            continue
        kept = ARRAYS[name]
        if array.dtype.kind not in TYPES[kept.kind] or array.ndim != len(kept.axes):
            raise ValueError(f"{name} is no {kept.kind} by {kept.axes}: {array.dtype} of shape {array.shape}")
        for axis, length in zip(kept.axes, array.shape, strict=True):
            if lengths.setdefault(axis, length) != length:
                raise ValueError(f"{name} has {length} places along {axis}, others have {lengths[axis]}")


def collected(records: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The arrays of a run, from those of its records: if they are measured at moments, a row for each."""
    values = {name: [record[name] for record in records if name in record] for record in records for name in record}
    return {name: np.stack(rows) if ARRAYS[name].axes[0] in MOMENTS else rows[0] for name, rows in values.items()}
