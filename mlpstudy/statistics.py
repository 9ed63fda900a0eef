"""What happened in each hidden layer: one pure function per statistic, Snapshot -> (R, depth) in float64.

All are taken on a fixed probe batch. To add one: a function and a row in STATISTICS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.activations import SATURATED_SLOPE, Activation, Array
from mlpstudy.mlp import Gradients, Layers, Trace

Statistic = NDArray[np.float64]

BINS = 60


@dataclass(frozen=True)
class Snapshot:
    """One moment of training: the network, its passes on the probe batch, and a step of the optimizer."""

    activation: Activation
    layers: Layers  # W[l], b[l]
    trace: Trace
    gradients: Gradients
    dlayers: Layers | None  # the step from here (at the end: the one that led here); None without training

    @property
    def hidden(self) -> Layers:
        """Weights and biases that lead to the hidden layers."""
        return self.layers[:-1]


def rms(x: Array) -> Statistic:
    """sqrt(mean(x^2)) per replica, in float64, scaled by max|x| so that no square under- or overflows."""
    top = np.abs(x).max(axis=(1, 2)).astype(np.float64)
    scale = np.where((top > 0) & np.isfinite(top), top, 1.0)
    ratio = x.astype(np.float64) / scale[:, None, None]
    mean_square: Statistic = np.einsum("rij,rij->r", ratio, ratio) / (x.shape[1] * x.shape[2])
    return scale * np.sqrt(mean_square)


def _mean(x: Array) -> Statistic:
    return np.asarray(x.mean(axis=(1, 2), dtype=np.float64))


def _std(x: Array) -> Statistic:
    centred: Array = x.astype(np.float64) - _mean(x)[:, None, None]
    return rms(centred)


def _per_layer(function: Callable[[Array], Statistic], arrays: Sequence[Array], replicas: int) -> Statistic:
    """Column l - 1 = function of layer l's array, one value per replica; (R, 0) without hidden layers."""
    columns = [np.broadcast_to(function(array), (replicas,)) for array in arrays]
    return np.stack(columns, axis=1) if columns else np.empty((replicas, 0))


def _on_z(function: Callable[[Array], Statistic]) -> Callable[[Snapshot], Statistic]:
    return lambda s: _per_layer(function, s.trace.z[:-1], len(s.trace.h))


def _on_a(function: Callable[[Array], Statistic]) -> Callable[[Snapshot], Statistic]:
    return lambda s: _per_layer(function, s.trace.a[1:], len(s.trace.h))


def flat(s: Snapshot, z: Array) -> NDArray[np.bool_]:
    """Where g is flat: |g'(z)| < 0.0591 sup|g'|."""
    return np.abs(s.activation.dg(z)) < SATURATED_SLOPE * s.activation.sup_dg


def saturated_fraction(s: Snapshot) -> Statistic:
    """Share of entries (sample, unit) on the flat part of g; NaN where z is not finite."""
    return _per_layer(
        lambda z: np.where(np.isfinite(z).all(axis=(1, 2)), flat(s, z).mean(axis=(1, 2)), np.nan),
        s.trace.z[:-1],
        len(s.trace.h),
    )


def dead_fraction(s: Snapshot) -> Statistic:
    """Share of units on the flat part of g for every probe sample; NaN where z is not finite."""
    return _per_layer(
        lambda z: np.where(np.isfinite(z).all(axis=(1, 2)), flat(s, z).all(axis=1).mean(axis=1), np.nan),
        s.trace.z[:-1],
        len(s.trace.h),
    )


def delta_rms(s: Snapshot) -> Statistic:
    """Root mean square of delta[l] = dJ/dz[l] over batch and units."""
    return _per_layer(rms, s.gradients.delta[:-1], len(s.trace.h))


def weight_grad_rms(s: Snapshot) -> Statistic:
    """Root mean square of dJ/dW[l]."""
    return _per_layer(rms, [dW for dW, _ in s.gradients.layers[:-1]], len(s.trace.h))


def weight_rms(s: Snapshot) -> Statistic:
    """Root mean square of W[l]."""
    return _per_layer(rms, [W for W, _ in s.hidden], len(s.trace.h))


def update_ratio(s: Snapshot) -> Statistic:
    """rms(step taken in W[l]) / rms(W[l]), healthy near 1e-3; NaN where no step is taken or W = 0."""
    weights = weight_rms(s)
    if s.dlayers is None:
        return np.full_like(weights, np.nan)
    steps = _per_layer(rms, [dW for dW, _ in s.dlayers[:-1]], len(s.trace.h))
    return np.divide(steps, weights, out=np.full_like(weights, np.nan), where=weights > 0)


def distinct_units(s: Snapshot) -> Statistic:
    """Number of distinct neurons of a layer over its width; rows of [W b] that agree to 1e-6 are one.

    Rows are sorted by their projection on a fixed direction, so that equal ones become neighbours, and
    neighbours are compared entry by entry, relative to the largest entry of the layer.
    """
    return _per_layer(_distinct_rows, [np.concatenate([W, b.mT], axis=2) for W, b in s.hidden], len(s.trace.h))


def _distinct_rows(rows: Array) -> Statistic:
    direction = np.cos(np.arange(1, rows.shape[2] + 1) ** 2)  # no two of its entries agree
    order = np.argsort(rows.astype(np.float64) @ direction, axis=1)
    sorted_rows = np.take_along_axis(rows, order[:, :, None], axis=1).astype(np.float64)
    gaps = np.abs(np.diff(sorted_rows, axis=1)).max(axis=2, initial=0.0)
    largest = np.abs(sorted_rows).max(axis=(1, 2))
    distinct = (1 + (gaps > 1e-6 * largest[:, None]).sum(axis=1)) / rows.shape[1]
    return np.where(np.isfinite(largest), distinct, np.nan)


STATISTICS: dict[str, Callable[[Snapshot], Statistic]] = {
    "preactivation_mean": _on_z(_mean),
    "preactivation_std": _on_z(_std),
    "activation_mean": _on_a(_mean),
    "activation_std": _on_a(_std),
    "activation_rms": _on_a(rms),
    "saturated_fraction": saturated_fraction,
    "dead_fraction": dead_fraction,
    "delta_rms": delta_rms,
    "weight_grad_rms": weight_grad_rms,
    "update_ratio": update_ratio,
    "weight_rms": weight_rms,
    "distinct_units": distinct_units,
}

# Read on a logarithmic axis: products over layers, so a straight line there is an exponential.
LOG_SCALED = (
    "preactivation_std", "activation_std", "activation_rms", "delta_rms", "weight_grad_rms", "update_ratio"
)  # fmt: skip


def measure(snapshot: Snapshot) -> dict[str, Statistic]:
    """Every statistic of one moment, by its public name."""
    with np.errstate(all="ignore"):  # a diverged replica yields NaN, which is its result
        return {name: statistic(snapshot) for name, statistic in STATISTICS.items()}


def histogram_edges(activation: Activation) -> NDArray[np.float64]:
    """Bin edges for activations, (BINS + 1,): the range of g, cut at +-4 where it is unbounded."""
    low, high = activation.range
    return np.linspace(max(low, -4.0), min(high, 4.0), BINS + 1)


def activation_histograms(snapshot: Snapshot) -> NDArray[np.int64]:
    """Counts of the activations per replica, layer and bin, (R, depth, BINS); the end bins hold the rest."""
    edges = histogram_edges(snapshot.activation)
    replicas, depth = len(snapshot.trace.h), len(snapshot.trace.z) - 1
    counts = np.zeros((replicas, depth, BINS), np.int64)
    for layer, a in enumerate(snapshot.trace.a[1:]):
        for r in range(replicas):
            inside = np.clip(a[r], edges[0], edges[-1])
            counts[r, layer] = np.histogram(inside, edges)[0]  # NaN falls in no bin
    return counts
