"""Probabilities that z ~ N(0, q) is on a flat part of g: the shares of saturated and of dead units."""

from functools import lru_cache

import numpy as np
import scipy
from scipy import special

from mlpstudy.network.activations import SATURATED_SLOPE, Activation
from mlpstudy.theory.quadrature import Float64

UNITS = special.ndtri((np.arange(256) + 0.5) / 256)  # 256 equally likely values of N(0, 1)


@lru_cache(maxsize=64)
def _flat_intervals(activation: Activation) -> Float64:
    """Where |g'| < 0.0591 sup|g'|, as (intervals, 2); g is assumed to stay flat beyond |z| = 40 if it is flat there."""

    def excess(z: float) -> float:
        return float(abs(activation.dg(np.array([z]))[0]) - SATURATED_SLOPE * activation.sup_dg)

    grid = np.unique(np.concatenate([np.linspace(-40, 40, 16001), activation.kinks]))
    flat = np.abs(activation.dg(grid)) < SATURATED_SLOPE * activation.sup_dg
    edges = [
        float(scipy.optimize.brentq(excess, grid[i], grid[i + 1], xtol=1e-12))
        for i in np.flatnonzero(np.diff(flat.astype(int)))
    ]
    ends = ([-np.inf] if flat[0] else []) + edges + ([np.inf] if flat[-1] else [])
    return np.array(ends).reshape(-1, 2)


def flat_share(activation: Activation, q: Float64) -> Float64:
    """P(|g'(z)| < 0.0591 sup|g'|), z ~ N(0, q): the share of saturated entries, in closed form."""
    low, high = _flat_intervals(activation).T
    deviation = np.sqrt(np.asarray(q, dtype=np.float64))[..., None]
    return np.asarray((special.ndtr(high / deviation) - special.ndtr(low / deviation)).sum(axis=-1))


def dead_share(activation: Activation, q: Float64, c: Float64, batch: int) -> Float64:
    """P(|g'(z_s)| < 0.0591 sup|g'| for all s of a batch), z_s ~ N(0, q), of correlation c: the share of dead units.

    With z_s = sqrt(q) (sqrt(c) u + sqrt(1 - c) v_s), u the unit's and v_s its sample's, E[P(flat | u)^batch] over u,
    with an error of at most 1/512 for each end of a flat interval. A negative c counts as 0. q, c and the result: (n,).
    """
    q, c = (np.asarray(given)[:, None, None, None] for given in (q, np.clip(c, 0, 1 - 1e-12)))
    ends = _flat_intervals(activation) / np.sqrt(q)  # (n, 1, intervals, 2)
    below = special.ndtr((ends - np.sqrt(c) * UNITS[:, None, None]) / np.sqrt(1 - c))  # (n, units, intervals, 2)
    return np.asarray((np.diff(below)[..., 0].sum(axis=-1) ** batch).mean(axis=-1))
