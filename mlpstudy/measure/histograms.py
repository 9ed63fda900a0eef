"""Histograms of z, a and delta in each hidden layer, with the same bins in all runs."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.network.activations import Activation, Array

BINS = 60
REACH = 8.0  # of z; for larger |z| every bounded activation is flat
WIDEST = 4.0  # of a, for an unbounded g
DECADES = (-24.0, 6.0)  # of |delta|


def edges(activation: Activation) -> dict[str, NDArray[np.float64]]:
    """Bin edges, (BINS + 1,) each: of z, of a over the range of g, and of log10|delta|."""
    low, high = activation.range
    return {
        "preactivation": np.linspace(-REACH, REACH, BINS + 1),
        "activation": np.linspace(max(low, -WIDEST), min(high, WIDEST), BINS + 1),
        "delta": np.linspace(*DECADES, BINS + 1),
    }


ARRAYS: dict[str, Callable[[Snapshot], list[Array]]] = {
    "preactivation": lambda s: s.trace.z[:-1],
    "activation": lambda s: s.trace.a[1:],
    "delta": lambda s: [np.log10(np.abs(delta)) for delta in s.gradients.delta[:-1]],
}


def count(snapshot: Snapshot) -> dict[str, NDArray[np.int64]]:
    """Counts per replica, layer and bin, (R, depth, BINS) each. The end bins also count all values beyond them."""
    bins = edges(snapshot.activation)
    with np.errstate(all="ignore"):
        counts = {name: [_counts(x, bins[name]) for x in arrays(snapshot)] for name, arrays in ARRAYS.items()}
    shape = (snapshot.replicas, len(snapshot.hidden), BINS)
    return {name: np.stack(layers, axis=1) if layers else np.zeros(shape, np.int64) for name, layers in counts.items()}


def _counts(x: Array, bins: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts (R, BINS). All bins have the same width, so one division finds the bin of a value. NaN is not counted."""
    place = (x.reshape(len(x), -1) - x.dtype.type(bins[0])) * x.dtype.type(BINS / (bins[-1] - bins[0]))
    np.clip(place, 0, BINS - 1, out=place)
    place[np.isnan(place)] = BINS  # in an extra bin, which is dropped
    return np.stack([np.bincount(row, minlength=BINS + 1)[:BINS] for row in place.astype(np.int64)])
