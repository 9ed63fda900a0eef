"""The edge of chaos: where chi = 1, so that gradients neither vanish nor explode."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import NDArray

from mlpstudy.network.activations import Activation
from mlpstudy.theory.flat import flat_share
from mlpstudy.theory.maps import length_map, length_slope
from mlpstudy.theory.quadrature import Float64, second_moment, slope_moment


class NoCriticalPoint(ValueError):
    """There is no usable point with chi = 1; the message says why."""


@dataclass(frozen=True)
class Critical:
    """A point on the edge of chaos."""

    sigma_w: float
    sigma_b: float
    q: float  # 0 if signals slowly shrink, as for tanh with sigma_b = 0
    slope: float  # dq'/dq there


USABLE_SATURATION = 0.5  # with a larger share of flat units a network starts `saturated`, for bounded g
GRID = np.geomspace(1e-6, 1e4, 400)
LARGEST = 1e150  # in place of infinity: a product of two is finite


def critical(activation: Activation, sigma_b: float) -> Critical:
    """sigma_w with chi(q*) = 1 and a length map that is stable there (Poole et al. 2016; Schoenholz et al. 2017).

    On the edge sigma_w^2 = 1 / D(q), so sigma_b^2 = q - V(q) / D(q): one equation for q. Raises NoCriticalPoint.
    """
    at_zero = _critical_at_zero(activation)
    if sigma_b == 0 and at_zero is not None:
        return at_zero
    points = [_edge_point(activation, q, sigma_b) for q in _crossings(activation, sigma_b)]
    usable = [point for point in points if _usable(activation, point)]
    if usable:
        return usable[0]
    raise NoCriticalPoint(_why_not(activation, sigma_b, points, at_zero))


@dataclass(frozen=True)
class Edge:
    """The curve sigma_w(sigma_b) on which chi = 1, by its length q: arrays of equal size."""

    q: Float64
    sigma_w: Float64
    sigma_b: Float64
    stable: NDArray[np.bool_]  # the length map returns to q, and a bounded g is not mostly flat there


@lru_cache(maxsize=64)
def edge_of_chaos(activation: Activation) -> Edge:
    """The whole edge: sigma_w^2 = 1 / D(q) and sigma_b^2 = q - V(q) / D(q) for all q with sigma_b^2 >= 0.

    The edge of a scale-invariant g is a single point, at which every q is a fixed point.
    """
    single = _scale_invariant(activation)
    q = np.ones(1)
    if not single:
        ends = _crossings(activation, 0.0)  # exact, so that the curve reaches the axis sigma_b = 0
        q = np.sort([*(q for q in GRID if _bias_variance(activation, q) >= 0), *ends])
    points = [_edge_point(activation, at, float(np.sqrt(max(_bias_variance(activation, at), 0.0)))) for at in q]
    sigma_w, sigma_b = np.array([(point.sigma_w, point.sigma_b) for point in points]).reshape(-1, 2).T
    return Edge(q, sigma_w, sigma_b, np.array([single or _usable(activation, point) for point in points], dtype=bool))


def _crossings(activation: Activation, sigma_b: float) -> list[float]:
    """Every q at which the edge has this sigma_b."""

    def off(q: float) -> float:
        return _bias_variance(activation, q) - sigma_b**2

    below = [(low, high) for low, high in pairwise(GRID) if off(low) * off(high) < 0]
    return [float(scipy.optimize.brentq(off, low, high, xtol=1e-14, rtol=1e-12)) for low, high in below]


def _usable(activation: Activation, point: Critical) -> bool:
    """Does the length map return to this point, and is g not mostly flat there?"""
    return point.slope < 1 and _flat(activation, point.q) <= USABLE_SATURATION


def _bias_variance(activation: Activation, q: float) -> float:
    """sigma_b^2 = q - V(q) / D(q) of the edge at this q; below 0 there is no such point."""
    D = slope_moment(activation, q)
    if D == 0:  # g is flat, and no sigma_w gives chi = 1; -inf would stop the search for roots
        return -LARGEST
    variance = float(q - second_moment(activation, q) / D)
    return variance if abs(variance) > 1e-10 * q else 0.0  # for a scale-invariant g, the rest is rounding


def _edge_point(activation: Activation, q: float, sigma_b: float) -> Critical:
    sigma_w = slope_moment(activation, q) ** -0.5
    return Critical(sigma_w, sigma_b, q, length_slope(activation, sigma_w, q))


def _critical_at_zero(activation: Activation) -> Critical | None:
    """Without biases: a scale-invariant g (any q is a fixed point), or one whose signals slowly shrink to q = 0."""
    if abs(float(activation.g(np.zeros(1))[0])) > 0:
        return None
    if _scale_invariant(activation):
        return _edge_point(activation, 1.0, 0.0)
    slope = slope_moment(activation, 1e-12)
    if slope == 0:
        return None
    sigma_w = float(slope**-0.5)
    shrinks = all(length_map(activation, sigma_w, 0.0, q) < q * (1 + 1e-9) for q in (1e-4, 1e-2, 1.0))
    return Critical(sigma_w, 0.0, 0.0, 1.0) if shrinks else None


def _scale_invariant(activation: Activation) -> bool:
    """g(s z) = s g(z), s > 0: every q is a fixed point on the edge."""
    return all(_bias_variance(activation, q) == 0 for q in (1e-6, 1.0, 1e4))


def _flat(activation: Activation, q: float) -> float:
    """The share of units on the flat part of a bounded g; 0 for other g."""
    return float(flat_share(activation, np.array(q))) if activation.bounded else 0.0


def _why_not(activation: Activation, sigma_b: float, points: list[Critical], at_zero: Critical | None) -> str:
    """The reason in words, and the closest point that is usable."""
    why = "no sigma_w has a stable point with chi = 1"
    if points:
        sigma_w, slope, flat = points[0].sigma_w, points[0].slope, _flat(activation, points[0].q)
        unstable = f"at its point with chi = 1 (sigma_w = {sigma_w:.4g}) the length map is unstable (slope {slope:.4g})"
        saturated = f"its point with chi = 1 (sigma_w = {sigma_w:.4g}) has {flat:.0%} of its units saturated"
        why = unstable if slope >= 1 else saturated
    variances = [(q, _bias_variance(activation, q)) for q in GRID]
    others = [_edge_point(activation, q, float(np.sqrt(variance))) for q, variance in variances if variance > 0]
    usable = [point for point in others if _usable(activation, point)]
    usable += [at_zero] if at_zero is not None else []
    if not usable:
        return f"{why}, nor is there a usable one at any other sigma_b"
    closest = min(usable, key=lambda point: abs(point.sigma_b - sigma_b))
    return f"{why}; the closest is sigma_b = {closest.sigma_b:.4g} with sigma_w = {closest.sigma_w:.4g}"
