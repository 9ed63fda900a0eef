"""What happened in each hidden layer: one pure function per statistic, Snapshot -> (R, depth) in float64.

All are measured on a fixed probe batch. To add a statistic: a function and a row in STATISTICS.
"""

from collections.abc import Callable, Iterable

import numpy as np

from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.sums import Statistic, exact, lengths, rms, squares, stack
from mlpstudy.network.activations import Array


def preactivation_mean(s: Snapshot) -> Statistic:
    """Mean of z over batch and units."""
    return s.z_moments[0]


def preactivation_std(s: Snapshot) -> Statistic:
    """Standard deviation of z over batch and units."""
    return s.z_moments[1]


def activation_mean(s: Snapshot) -> Statistic:
    """Mean of a over batch and units."""
    return s.a_moments[0]


def activation_std(s: Snapshot) -> Statistic:
    """Standard deviation of a over batch and units."""
    return s.a_moments[1]


def activation_rms(s: Snapshot) -> Statistic:
    """Root mean square of a: rms^2 = mean^2 + std^2."""
    return np.hypot(*s.a_moments)


def _where_finite(s: Snapshot, layers: Iterable[Statistic]) -> Statistic:
    """One array (R,) for each layer as (R, depth), NaN where z is not finite."""
    return np.where(np.isfinite(s.z_moments[1]), stack(list(layers), s.replicas), np.nan)


def saturated_fraction(s: Snapshot) -> Statistic:
    """Share of entries (sample, unit) on the flat part of g; NaN where z is not finite."""
    return _where_finite(s, (flat.mean(axis=(1, 2)) for flat in s.flat))


def inactive_fraction(s: Snapshot) -> Statistic:
    """Share of entries that are switched off: on the flat part of g that begins at 0, as of ReLU for z < 0.

    0 if g has none; NaN where z is not finite.
    """
    side, layers = s.activation.inactive_side, zip(s.flat, s.trace.z[:-1], strict=True)
    return _where_finite(s, ((flat & (side * z > 0)).mean(axis=(1, 2)) if side else np.zeros(1) for flat, z in layers))


def dead_fraction(s: Snapshot) -> Statistic:
    """Share of units that are on the flat part of g for every probe sample; NaN where z is not finite."""
    return _where_finite(s, (flat.all(axis=1).mean(axis=1) for flat in s.flat))


def delta_rms(s: Snapshot) -> Statistic:
    """Root mean square of delta[l] = dJ/dz[l] over batch and units."""
    layers = zip(s.delta_norms, s.gradients.delta[:-1], strict=True)
    return stack([rms(length) / np.sqrt(delta.shape[2]) for length, delta in layers], s.replicas)


def weight_grad_rms(s: Snapshot) -> Statistic:
    """Root mean square of dJ/dW[l]."""
    return stack([rms(dW) for dW, _ in s.gradients.layers[:-1]], s.replicas)


def weight_rms(s: Snapshot) -> Statistic:
    """Root mean square of W[l]."""
    return stack([rms(W) for W, _ in s.hidden], s.replicas)


def update_ratio(s: Snapshot) -> Statistic:
    """rms(step in W[l]) / rms(W[l]), healthy near 1e-3; NaN if no step is taken or W = 0."""
    weights = weight_rms(s)
    unknown = np.full_like(weights, np.nan)
    if s.dlayers is None:
        return unknown
    steps = stack([rms(dW) for dW, _ in s.dlayers[:-1]], s.replicas)
    return np.divide(steps, weights, out=unknown, where=weights > 0)


def effective_rank(s: Snapshot) -> Statistic:
    """(sum s_i^2)^2 / sum s_i^4 over the width, s_i the singular values of a[l] as a (batch, n_l) matrix.

    This is the participation ratio of Gao et al. 2017 without centring. It is 1/n_l if all samples are on one line, and
    1 if all singular values are equal. NaN if a = 0.
    """

    def rank(a: Array) -> Statistic:
        values, _ = exact(a)
        gram = values.mT @ values if a.shape[2] <= a.shape[1] else values @ values.mT
        total = np.trace(gram, axis1=1, axis2=2)
        return np.asarray(np.square(total) / squares(gram) / a.shape[2])

    return stack([rank(a) for a in s.trace.a[1:]], s.replicas)


def input_correlation(s: Snapshot) -> Statistic:
    """Mean cosine of the angle between z[l] of two different samples; NaN if a z[l] is 0, or with one sample."""

    def correlation(z: Array) -> Statistic:
        values, _ = exact(z)
        total = np.squeeze((1 / lengths(values))[:, None, :] @ values, axis=1)  # sum of the unit vectors
        batch = z.shape[1]
        pairs = batch * (batch - 1) if batch > 1 else np.nan
        return np.asarray((np.square(total).sum(axis=1) - batch) / pairs)

    return stack([correlation(z) for z in s.trace.z[:-1]], s.replicas)


def gradient_snr(s: Snapshot) -> Statistic:
    """|mean| / spread of the gradients G_i of the single samples by W[l], spread^2 = mean_i |G_i|^2 - |mean|^2.

    G_i = batch * delta_i a_i^T, so |G_i| is a product of two norms, and no further pass is needed. NaN if all G_i are
    0, or so similar that rounding hides the spread (with one sample, for instance).
    """

    def snr(delta_norm: Statistic, a_norm: Statistic, dW: Array) -> Statistic:
        batch = delta_norm.shape[1]
        per_sample = batch * delta_norm * a_norm
        top = per_sample.max(axis=1)
        signal = np.square(rms(dW) * np.sqrt(dW[0].size) / top)
        total = np.square(per_sample / top[:, None]).mean(axis=1)
        noise = total - signal
        lost = noise <= 4 * batch * np.finfo(dW.dtype).eps * total
        return np.asarray(np.sqrt(signal / np.where(lost, np.nan, noise)))

    layers = zip(s.delta_norms, s.a_norms, s.gradients.layers[:-1], strict=False)
    return stack([snr(delta_norm, a_norm, dW) for delta_norm, a_norm, (dW, _) in layers], s.replicas)


def jacobian_gain(s: Snapshot) -> Statistic:
    """Mean squared singular value of dz[l]/dz[l-1] = W[l] diag(g'(z[l-1])); theory: chi max(1, n_l / n_{l-1}).

    In layer 1 the matrix is W[1]. There are min(n_l, n_{l-1}) singular values. NaN where z is not finite.
    """

    def gain(W: Array, slope: Array | None) -> Statistic:
        values, scale = exact(W)
        columns = np.square(scale)[:, None] * lengths(values.mT) ** 2
        if slope is not None:
            columns = columns * lengths(slope.astype(np.float64).mT) ** 2 / slope.shape[1]
        return np.asarray(columns.sum(axis=1) / min(W.shape[1:]))

    return _where_finite(s, (gain(W, slope) for (W, _), slope in zip(s.hidden, [None, *s.slopes], strict=False)))


def distinct_units(s: Snapshot) -> Statistic:
    """The number of distinct neurons of a layer over its width; rows of [W b] that agree to 1e-6 count as one.

    Rows are sorted by their projection on a fixed direction, so that equal rows become neighbours. Neighbours are
    compared entry by entry, relative to the largest entry of the layer.
    """
    return stack([_distinct_rows(np.concatenate([W, b.mT], axis=2)) for W, b in s.hidden], s.replicas)


def _distinct_rows(rows: Array) -> Statistic:
    rows = rows.astype(np.float64)
    direction = np.cos(np.arange(1, rows.shape[2] + 1) ** 2)  # all its entries are different
    order = np.argsort(rows @ direction, axis=1)
    rows = rows[np.arange(len(rows))[:, None], order]
    gaps = np.abs(np.diff(rows, axis=1)).max(axis=2, initial=0.0)
    largest = np.abs(rows).max(axis=(1, 2))
    distinct = (1 + (gaps > 1e-6 * largest[:, None]).sum(axis=1)) / rows.shape[1]
    return np.where(np.isfinite(largest), distinct, np.nan)


STATISTICS: dict[str, Callable[[Snapshot], Statistic]] = {
    "preactivation_mean": preactivation_mean,
    "preactivation_std": preactivation_std,
    "activation_mean": activation_mean,
    "activation_std": activation_std,
    "activation_rms": activation_rms,
    "saturated_fraction": saturated_fraction,
    "inactive_fraction": inactive_fraction,
    "dead_fraction": dead_fraction,
    "delta_rms": delta_rms,
    "weight_grad_rms": weight_grad_rms,
    "update_ratio": update_ratio,
    "weight_rms": weight_rms,
    "distinct_units": distinct_units,
    "effective_rank": effective_rank,
    "input_correlation": input_correlation,
    "gradient_snr": gradient_snr,
    "jacobian_gain": jacobian_gain,
}

# Shown on a logarithmic axis: these are products over layers, and an exponential is a straight line there.
LOG_SCALED = ("preactivation_std", "activation_std", "activation_rms", "delta_rms", "weight_grad_rms", "update_ratio")


def measure(snapshot: Snapshot) -> dict[str, Statistic]:
    """Every statistic of one moment, by its public name."""
    with np.errstate(all="ignore"):  # the statistics of a diverged replica are NaN, which is a result
        return {name: statistic(snapshot) for name, statistic in STATISTICS.items()}
