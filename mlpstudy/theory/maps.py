"""Length map, correlation map, their fixed points and how fast they are reached (Poole et al. 2016)."""

from dataclasses import dataclass

import numpy as np
import scipy

from mlpstudy.network.activations import Activation
from mlpstudy.theory.quadrature import covariance, second_moment, slope_moment


def length_map(activation: Activation, sigma_w: float, sigma_b: float, q: float) -> float:
    """q' = sigma_w^2 V(q) + sigma_b^2."""
    return sigma_w**2 * second_moment(activation, q) + sigma_b**2


def length_slope(activation: Activation, sigma_w: float, q: float) -> float:
    """dq'/dq = chi + sigma_w^2 E[g'' g], by central differences of V, which is smooth whatever the kinks."""
    h = 1e-4 * q
    return sigma_w**2 * (second_moment(activation, q + h) - second_moment(activation, q - h)) / (2 * h)


def chi(activation: Activation, sigma_w: float, q: float) -> float:
    """sigma_w^2 D(q): below 1 gradients vanish on their way back, above they explode."""
    return sigma_w**2 * slope_moment(activation, q)


LARGEST_Q, SMALLEST_Q = 1e8, 1e-10
STRIDE = 10 ** (1 / 20)  # of the search for a fixed point


def fixed_length(activation: Activation, sigma_w: float, sigma_b: float) -> float:
    """q* that the length map reaches from q = 1; inf where it grows without bound, 0 where it shrinks away.

    V grows with q, so q moves in one direction until the first point with q' = q. This point is found by bracketing,
    because iterating the map can be very slow (q ~ 1 / (2 l)).
    """

    def off(at: float) -> float:
        return length_map(activation, sigma_w, sigma_b, at) - at

    q, start = 1.0, off(1.0)
    if abs(start) <= 1e-12:
        return q
    stride = STRIDE if start > 0 else 1 / STRIDE
    while SMALLEST_Q < q < LARGEST_Q:
        further = q * stride
        if off(further) * start <= 0:
            low, high = sorted((q, further))
            return float(scipy.optimize.brentq(off, low, high, xtol=1e-15, rtol=1e-14))
        q = further
    return np.inf if start > 0 else 0.0


def fixed_correlation(activation: Activation, sigma_w: float, sigma_b: float, q: float) -> float:
    """c*, the limit of the correlation of two inputs: 1 if chi <= 1, else the root of c' = c below 1."""

    def off(c: float) -> float:
        return (sigma_w**2 * covariance(activation, q, c) + sigma_b**2) / q - c

    if chi(activation, sigma_w, q) <= 1 or off(1 - 1e-7) >= 0:
        return 1.0
    return float(scipy.optimize.brentq(off, 0.0, 1 - 1e-7, xtol=1e-12)) if off(0.0) > 0 else 0.0


@dataclass(frozen=True)
class FixedPoint:
    """The fixed point of a wide network, and its depth scales xi = -1 / ln(slope of the map), inf at slope 1."""

    q: float
    chi: float
    slope: float  # dq'/dq; the fixed point is stable only if this is below 1
    c: float
    xi_c: float
    xi_gradient: float  # negative where gradients explode


def fixed_point(activation: Activation, sigma_w: float, sigma_b: float) -> FixedPoint | None:
    """The fixed point reached from q = 1; None if the length shrinks to 0 or grows without bound."""
    q = fixed_length(activation, sigma_w, sigma_b)
    if not 0 < q < np.inf:
        return None
    slope, gradient = length_slope(activation, sigma_w, q), chi(activation, sigma_w, q)
    c = fixed_correlation(activation, sigma_w, sigma_b, q)
    parting = sigma_w**2 * covariance(activation, q, c, slopes=True)
    return FixedPoint(q, gradient, slope, c, _scale(parting), _scale(gradient))


def _scale(slope: float) -> float:
    if abs(slope - 1) < 1e-9:
        return np.inf
    return float(-1 / np.log(slope)) if slope > 0 else 0.0
