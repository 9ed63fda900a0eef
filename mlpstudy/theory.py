"""Mean field theory: what a wide random network should do, for any activation, by quadrature.

Weights N(0, sigma_w^2 / fan_in), biases N(0, sigma_b^2), x ~ N(0, 1) (Poole et al. 2016; Schoenholz et al. 2017):

    V(q) = E[g(sqrt(q) x)^2],  D(q) = E[g'(sqrt(q) x)^2]
    length map       q' = sigma_w^2 V(q) + sigma_b^2
    gradients        chi(q) = sigma_w^2 D(q): E[delta_l^2] = chi E[delta_{l+1}^2] for equal widths
    correlation map  c' = (sigma_w^2 E[g(u1) g(u2)] + sigma_b^2) / q'

Integrals are composite Gauss-Legendre sums with the kinks of g among the panel edges, good to 1e-6 and better.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from mlpstudy.activations import SATURATED_SLOPE, Activation, Array

Float64 = NDArray[np.float64]
Integrand = Callable[[Array], Array]

REACH = 8.5  # standard deviations: what lies beyond weighs 1e-17
PANEL = 2.0  # widest panel in z where the activations turn, which they do on a scale of 1
FEWEST = 10  # panels
MOST, MOST_OF_EACH = 512, 96  # where one variable is integrated over, and where two are
TURN = np.array([0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40])  # edges around a centre where panels are wider
NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)


def _rule(variance: float, breaks: Float64, centres: Float64, most: int) -> tuple[Float64, Float64]:
    """Nodes z and weights for E[f(z)], z ~ N(0, variance): (rows, nodes).

    breaks, centres: (rows, n), where f is not smooth, and where it turns.
    """
    deviation = float(np.sqrt(variance))
    reach = REACH * deviation
    panels = int(np.clip(np.ceil(2 * reach / PANEL), FEWEST, most))
    edges = [np.broadcast_to(np.linspace(-reach, reach, panels + 1), (len(breaks), panels + 1)), breaks]
    if 2 * reach > PANEL * panels:
        edges += [centres + side * offset for offset in TURN for side in (1, -1)]
    sorted_edges = np.sort(np.clip(np.concatenate(edges, axis=1), -reach, reach), axis=1)
    half = np.diff(sorted_edges, axis=1) / 2
    z = ((sorted_edges[:, :-1] + half)[:, :, None] + half[:, :, None] * NODES).reshape(len(breaks), -1)
    weights = (half[:, :, None] * WEIGHTS).reshape(len(breaks), -1)
    return z, weights * np.exp(-0.5 * np.square(z / deviation)) / (deviation * np.sqrt(2 * np.pi))


def expectation(f: Integrand, variance: float, kinks: tuple[float, ...] = ()) -> float:
    """E[f(z)] for z ~ N(0, variance); kinks are where f is not smooth."""
    if variance == 0:
        return float(f(np.zeros(1))[0])
    z, weights = _rule(variance, np.array(kinks, dtype=np.float64)[None], np.zeros((1, 1)), MOST)
    return float((f(z) * weights).sum())


@lru_cache(maxsize=4096)
def second_moment(activation: Activation, q: float) -> float:
    """V(q) = E[g(z)^2], z ~ N(0, q)."""
    return expectation(lambda z: np.square(activation.g(z)), q, activation.kinks)


@lru_cache(maxsize=4096)
def slope_moment(activation: Activation, q: float, power: int = 2) -> float:
    """D(q) = E[g'(z)^2], z ~ N(0, q); or another power of |g'|."""
    return expectation(lambda z: np.abs(activation.dg(z)) ** power, q, activation.kinks)


def covariance(activation: Activation, q: float, c: float, slopes: bool = False) -> float:
    """E[g(u1) g(u2)] (of g' with `slopes`) for u1, u2 ~ N(0, q) with correlation c.

    With u1 = s + t and u2 = s - t (for c < 0: u2 = t - s) s and t are independent and s is the wider of the two; the
    kinks are lines that the rule for s follows.
    """
    f = activation.dg if slopes else activation.g
    c = float(np.clip(c, -1, 1))
    if q == 0:
        return float(f(np.zeros(1))[0] ** 2)
    sign = 1 if c >= 0 else -1
    variance_s, variance_t = q * (1 + abs(c)) / 2, q * (1 - abs(c)) / 2
    kinks = np.array(activation.kinks)
    if variance_t == 0:
        return expectation(lambda z: f(z) * f(sign * z), q, (*activation.kinks, *(sign * kinks)))
    # where two kink lines cross, the integral over s is not smooth in t
    crossings = (kinks[:, None] - sign * kinks[None, :]).reshape(1, -1) / 2
    t, weights_t = (found[0, :, None] for found in _rule(variance_t, crossings, np.zeros((1, 1)), MOST_OF_EACH))
    breaks, centres = np.concatenate([kinks - t, sign * kinks + t], axis=1), np.concatenate([t, -t], axis=1)
    s, weights_s = _rule(variance_s, breaks, centres, MOST_OF_EACH)
    over_s = (f(s + t) * f(sign * (s - t)) * weights_s).sum(axis=1)
    return float(over_s @ weights_t[:, 0])


def gain(activation: Activation) -> float:
    """1 / sqrt(E[g(x)^2]), x ~ N(0, 1): the factor on LeCun's deviation that keeps unit variance (He: sqrt 2)."""
    return float(second_moment(activation, 1.0) ** -0.5)


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


def fixed_length(activation: Activation, sigma_w: float, sigma_b: float, q: float = 1.0) -> float:
    """q* that the length map reaches from q; inf where it grows without bound, 0 where it shrinks away.

    V grows with q, so the map moves one way until the first point where q' = q: that is found by bracketing, since
    an approach can be as slow as q ~ 1 / (2 l).
    """

    def off(at: float) -> float:
        return length_map(activation, sigma_w, sigma_b, at) - at

    start = off(q)
    if abs(start) <= 1e-12 * q:
        return q
    stride = STRIDE if start > 0 else 1 / STRIDE
    while SMALLEST_Q < q < LARGEST_Q:
        further = q * stride
        if off(further) * start <= 0:
            low, high = sorted((q, further))
            return float(optimize.brentq(off, low, high, xtol=1e-15, rtol=1e-14))
        q = further
    return np.inf if start > 0 else 0.0


def fixed_correlation(activation: Activation, sigma_w: float, sigma_b: float, q: float) -> float:
    """c*, which the correlation of two inputs reaches: 1 where chi <= 1, else the root of c' = c below 1."""

    def off(c: float) -> float:
        return (sigma_w**2 * covariance(activation, q, c) + sigma_b**2) / q - c

    if chi(activation, sigma_w, q) <= 1 or off(1 - 1e-7) >= 0:
        return 1.0
    return float(optimize.brentq(off, 0.0, 1 - 1e-7, xtol=1e-12)) if off(0.0) > 0 else 0.0


@dataclass(frozen=True)
class FixedPoint:
    """Where a wide network settles, and over how many layers: xi = -1 / ln(slope), inf at slope 1."""

    q: float
    chi: float
    slope: float  # dq'/dq: q is come back to only where it is below 1
    c: float
    xi_q: float
    xi_c: float
    xi_gradient: float  # negative where gradients explode


def fixed_point(activation: Activation, sigma_w: float, sigma_b: float) -> FixedPoint | None:
    """The fixed point reached from q = 1; None where the length shrinks to 0 or grows without bound."""
    q = fixed_length(activation, sigma_w, sigma_b)
    if not 0 < q < np.inf:
        return None
    slope, gradient = length_slope(activation, sigma_w, q), chi(activation, sigma_w, q)
    c = fixed_correlation(activation, sigma_w, sigma_b, q)
    parting = sigma_w**2 * covariance(activation, q, c, slopes=True)
    return FixedPoint(q, gradient, slope, c, _scale(slope), _scale(parting), _scale(gradient))


def _scale(slope: float) -> float:
    if abs(slope - 1) < 1e-9:
        return np.inf
    return float(-1 / np.log(slope)) if slope > 0 else 0.0


class NoCriticalPoint(ValueError):
    """There is no usable point with chi = 1, and why."""


@dataclass(frozen=True)
class Critical:
    """A point on the edge of chaos."""

    sigma_w: float
    sigma_b: float
    q: float  # 0 where signals slowly shrink, as for tanh with sigma_b = 0
    slope: float  # dq'/dq there


USABLE_SATURATION = 0.5  # more of g flat than this is no place to start, see the verdict `saturated`
GRID = np.geomspace(1e-6, 1e4, 400)


def critical(activation: Activation, sigma_b: float) -> Critical:
    """sigma_w with chi(q*) = 1 and a length map that is stable there (Poole et al. 2016; Schoenholz et al. 2017).

    On the edge sigma_w^2 = 1 / D(q), so sigma_b^2 = q - V(q) / D(q): one equation for q. Raises NoCriticalPoint.
    """
    at_zero = _critical_at_zero(activation)
    if sigma_b == 0 and at_zero is not None:
        return at_zero
    biases = np.array([_edge_bias(activation, q) for q in GRID]) - sigma_b**2
    roots = [
        float(optimize.brentq(lambda q: _edge_bias(activation, q) - sigma_b**2, low, high, xtol=1e-14, rtol=1e-12))
        for low, high, a, b in zip(GRID, GRID[1:], biases, biases[1:], strict=False)
        if a * b < 0
    ]
    points = [_edge_point(activation, q, sigma_b) for q in roots]
    stable = [point for point in points if point.slope < 1 and _flat(activation, point.q) <= USABLE_SATURATION]
    if stable:
        return stable[0]
    raise NoCriticalPoint(_why_not(activation, sigma_b, points, at_zero))


def _edge_bias(activation: Activation, q: float) -> float:
    bias = float(q - second_moment(activation, q) / slope_moment(activation, q))
    return bias if abs(bias) > 1e-10 * q else 0.0  # of a scale-invariant g it is rounding


def _edge_point(activation: Activation, q: float, sigma_b: float) -> Critical:
    sigma_w = slope_moment(activation, q) ** -0.5
    return Critical(sigma_w, sigma_b, q, length_slope(activation, sigma_w, q))


def _critical_at_zero(activation: Activation) -> Critical | None:
    """Without biases: a scale-invariant g (any q is a fixed point), or one whose signals slowly shrink to q = 0."""
    if abs(float(activation.g(np.zeros(1))[0])) > 0:
        return None
    small, large = 1e-6, 1.0
    if all(abs(_edge_bias(activation, q)) < 1e-9 * q for q in (small, large)):
        return _edge_point(activation, large, 0.0)
    sigma_w = float(slope_moment(activation, 1e-12) ** -0.5)
    shrinks = all(length_map(activation, sigma_w, 0.0, q) < q * (1 + 1e-9) for q in (1e-4, 1e-2, 1.0))
    return Critical(sigma_w, 0.0, 0.0, 1.0) if shrinks else None


def _flat(activation: Activation, q: float) -> float:
    """Share of a bounded g's units on its flat part; 0 for others."""
    if not activation.bounded:
        return 0.0
    return expectation(
        lambda z: (np.abs(activation.dg(z)) < SATURATED_SLOPE * activation.sup_dg).astype(float), q, activation.kinks
    )


def _why_not(activation: Activation, sigma_b: float, points: list[Critical], at_zero: Critical | None) -> str:
    """The reason in words, and what comes closest."""
    if points and points[0].slope >= 1:
        why = f"at its point with chi = 1 (sigma_w = {points[0].sigma_w:.4g}) the length map is unstable"
        why += f" (slope {points[0].slope:.4g})"
    elif points:
        why = f"its point with chi = 1 (sigma_w = {points[0].sigma_w:.4g}) has"
        why += f" {_flat(activation, points[0].q):.0%} of its units saturated"
    else:
        why = "no sigma_w has a stable point with chi = 1"
    others = [_edge_point(activation, q, float(np.sqrt(bias))) for q in GRID if (bias := _edge_bias(activation, q)) > 0]
    usable = [p for p in others if p.slope < 1 and _flat(activation, p.q) <= USABLE_SATURATION]
    usable += [at_zero] if at_zero is not None else []
    if not usable:
        return f"{why}, nor is there a usable one at any other sigma_b"
    closest = min(usable, key=lambda point: abs(point.sigma_b - sigma_b))
    return f"{why}; the closest is sigma_b = {closest.sigma_b:.4g} with sigma_w = {closest.sigma_w:.4g}"
