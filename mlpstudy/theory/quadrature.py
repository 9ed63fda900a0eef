"""Expectations over Gaussian variables by composite Gauss-Legendre sums, with errors below 1e-6.

The kinks of g are among the panel edges: plain Gauss-Hermite is wrong by up to 1e-2 on ReLU.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Activation, Array

Float64 = NDArray[np.float64]
Integrand = Callable[[Array], Array]

DEVIATIONS = 8.5  # standard deviations on each side; the weight outside is 1e-17
PANEL = 1.6  # widest panel in z near the centres, where activations change on a scale of 1
FEWEST = 10  # number of panels
MOST, MOST_OF_EACH = 512, 96  # most panels for one variable, and for each of two
# extra edges around a centre if panels are wider; the last ones are for tails that fall as a power of z
TURN = np.array([0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 80, 160, 320, 640, 1280])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)


def rule(variance: float, breaks: Float64, centres: Float64, most: int) -> tuple[Float64, Float64]:
    """Nodes z and weights for E[f(z)], z ~ N(0, variance): (rows, nodes).

    breaks, centres: (rows, n), the z at which f is not smooth, and around which it changes most.
    """
    deviation = float(np.sqrt(variance))
    end = DEVIATIONS * deviation
    panels = int(np.clip(np.ceil(2 * end / PANEL), FEWEST, most))
    edges = [np.broadcast_to(np.linspace(-end, end, panels + 1), (len(breaks), panels + 1)), breaks]
    if 2 * end > PANEL * panels:
        edges += [centres + side * offset for offset in TURN for side in (1, -1)]
    sorted_edges = np.sort(np.clip(np.concatenate(edges, axis=1), -end, end), axis=1)
    half = np.diff(sorted_edges, axis=1) / 2
    z = ((sorted_edges[:, :-1] + half)[:, :, None] + half[:, :, None] * NODES).reshape(len(breaks), -1)
    weights = (half[:, :, None] * WEIGHTS).reshape(len(breaks), -1)
    return z, weights * np.exp(-0.5 * np.square(z / deviation)) / (deviation * np.sqrt(2 * np.pi))


def expectation(f: Integrand, variance: float, kinks: tuple[float, ...] = ()) -> float:
    """E[f(z)] for z ~ N(0, variance); kinks are where f is not smooth."""
    if variance == 0:
        return float(f(np.zeros(1))[0])
    z, weights = rule(variance, np.array(kinks, dtype=np.float64)[None], np.zeros((1, 1)), MOST)
    return float((f(z) * weights).sum())


@lru_cache(maxsize=4096)
def second_moment(activation: Activation, q: float) -> float:
    """V(q) = E[g(z)^2], z ~ N(0, q)."""
    return expectation(lambda z: np.square(activation.g(z)), q, activation.kinks)


@lru_cache(maxsize=4096)
def slope_moment(activation: Activation, q: float) -> float:
    """D(q) = E[g'(z)^2], z ~ N(0, q)."""
    return expectation(lambda z: np.square(activation.dg(z)), q, activation.kinks)


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
    t, weights_t = (nodes[0, :, None] for nodes in rule(variance_t, crossings, np.zeros((1, 1)), MOST_OF_EACH))
    breaks, centres = np.concatenate([kinks - t, sign * kinks + t], axis=1), np.concatenate([t, -t], axis=1)
    s, weights_s = rule(variance_s, breaks, centres, MOST_OF_EACH)
    over_s = (f(s + t) * f(sign * (s - t)) * weights_s).sum(axis=1)
    return float(over_s @ weights_t[:, 0])


def gain(activation: Activation) -> float:
    """1 / sqrt(E[g(x)^2]), x ~ N(0, 1): the factor on LeCun's deviation that keeps unit variance (He: sqrt 2)."""
    return float(second_moment(activation, 1.0) ** -0.5)
