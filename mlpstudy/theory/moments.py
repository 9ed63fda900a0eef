"""The expectations of the maps for whole arrays of variances q and correlations c: fast, with errors below 1e-6.

Moments are splines in q through quadratures. Covariances are Hermite series in c, E[f(u1) f(u2)] = sum_k a_k(q)^2 c^k.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.polynomial import hermite_e
from scipy import special

from mlpstudy.network.activations import Activation
from mlpstudy.theory.quadrature import DEVIATIONS, MOST, NODES, WEIGHTS, Float64, rule

PER_DECADE = 24
LOWEST, HIGHEST = -16, 10  # decades of q; outside, moments continue as power laws
TERMS = 80
PANELS, HALVINGS = 64, 18
F, H = [0, 1, 2, 3, 2], [0, 1, 2, 3, 3]  # the functions of each series, among g, g', g^2 and g'^2


@dataclass(frozen=True)
class LogMoment:
    """log of an expectation E[f(z)], z ~ N(0, q), as a function of log q."""

    spline: "scipy.interpolate.CubicSpline"  # in quotes: scipy imports interpolate when it is first used

    def __call__(self, log_q: Float64, derivative: int = 0) -> Float64:
        """The logarithm, or its first or second derivative by log q."""
        inside = np.clip(log_q, self.spline.x[0], self.spline.x[-1])
        value = self.spline(inside, derivative)
        if derivative == 0 and not np.array_equal(inside, log_q):  # outside the spline: a power law
            value = value + self.spline(inside, 1) * (log_q - inside)
        return np.asarray(value)


@dataclass(frozen=True)
class Moments:
    """Moments of an activation of a Gaussian variable, each as a function of log q."""

    V: LogMoment  # E[g^2]
    D: LogMoment  # E[g'^2]
    D4: LogMoment  # E[g'^4]


@lru_cache(maxsize=64)
def moments(activation: Activation) -> Moments:
    """Splines through kink-split quadratures at 24 variances a decade: relative errors below 1e-6.

    If g is not finite at large z, the splines end where it stops being finite.
    """
    log_q = np.log(10) * np.linspace(LOWEST, HIGHEST, (HIGHEST - LOWEST) * PER_DECADE + 1)
    kinks = np.array(activation.kinks, dtype=np.float64)[None]
    expectations = []
    with np.errstate(over="ignore", under="ignore"):
        for q in np.exp(log_q):
            z, weights = rule(float(q), kinks, np.zeros((1, 1)), MOST)
            g2, dg2 = np.square(activation.g(z)), np.square(activation.dg(z))
            expectations.append([(weights * f).sum() for f in (g2, dg2, np.square(dg2))])
    finite = np.isfinite(expectations).all(axis=1)
    logs = np.log(np.maximum(np.array(expectations)[finite], np.finfo(np.float64).tiny))
    return Moments(*(LogMoment(scipy.interpolate.CubicSpline(log_q[finite], column)) for column in logs.T))


@lru_cache(maxsize=1)
def _edges() -> Float64:
    """Edges of panels of N(0, 1): even panels, and smaller and smaller panels near 0, where g turns if q is large."""
    even = np.linspace(-DEVIATIONS, DEVIATIONS, PANELS + 1)
    near = (even[1] - even[0]) * 0.5 ** np.arange(1, HALVINGS + 1)
    return np.sort([*even, *near, *-near])


def _hermite(low: Float64, high: Float64) -> tuple[Float64, Float64]:
    """Nodes x of panels and h_k(x) times the weights of N(0, 1), (TERMS, nodes); orthonormal Hermite polynomials."""
    half = (high - low) / 2
    x = ((low + half)[:, None] + half[:, None] * NODES).ravel()
    weights = (half[:, None] * WEIGHTS).ravel() * np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi)
    lengths = np.sqrt(special.factorial(np.arange(TERMS)))
    return x, (hermite_e.hermevander(x, TERMS - 1) / lengths).T * weights


@lru_cache(maxsize=1)
def _everywhere() -> tuple[Float64, Float64]:
    """The nodes and Hermite rows of all panels."""
    return _hermite(_edges()[:-1], _edges()[1:])


def series(activation: Activation, q: Float64) -> dict[str, Float64]:
    """Coefficients by powers of c of E[f(u1) h(u2)] at each q, (n, TERMS + 1).

    "g", "dg", "g2" and "dg2" are f = h = g, g', g^2 and g'^2; "g2dg2" is f = g^2 and h = g'^2. u1, u2 ~ N(0, q) have
    correlation c. The last coefficient is what the finite series lacks at c = 1.
    """
    edges, places = _edges(), np.array(activation.kinks) / np.sqrt(q)[:, None]  # (n, kinks)
    inside = (np.abs(places) < DEVIATIONS) & ~np.isin(places, edges)
    panel = np.searchsorted(edges, places) - 1
    counts = np.ones((len(q), len(edges) - 1))
    counts[np.nonzero(inside)[0], panel[inside]] = 0  # a panel with a kink is replaced by its parts below
    x, rows = _everywhere()
    hermite, whole = _sums(activation, np.sqrt(q)[:, None] * x, np.repeat(counts, len(NODES), axis=1), rows)
    for i in np.flatnonzero(inside.any(axis=1)):
        hit = panel[i, inside[i]]
        ends = np.unique([places[i, inside[i]], edges[hit], edges[hit + 1]])
        parts = np.isin(np.searchsorted(edges, ends[1:]) - 1, hit)  # not the panels between two that have kinks
        x, rows = _hermite(ends[:-1][parts], ends[1:][parts])
        of_parts = _sums(activation, np.sqrt(q[i]) * x, np.ones_like(x), rows)
        hermite[:, i] += of_parts[0]
        whole[:, i] += of_parts[1]
    coefficients = hermite[F] * hermite[H]
    complete = np.concatenate([coefficients, (whole - coefficients.sum(axis=2))[:, :, None]], axis=2)
    return dict(zip(("g", "dg", "g2", "dg2", "g2dg2"), complete, strict=True))


def _sums(activation: Activation, z: Float64, counts: Float64, rows: Float64) -> tuple[Float64, Float64]:
    """Hermite coefficients of g, g', g^2 and g'^2, (4, ..., TERMS), and the E[f h], (5, ...), over nodes z."""
    g, dg = activation.g(z), activation.dg(z)
    values = np.array([g, dg, np.square(g), np.square(dg)])
    return (values * counts) @ rows.T, (values[F] * values[H] * counts) @ rows[0]


def at(coefficients: Float64, c: Float64) -> Float64:
    """Series (..., TERMS + 1) at correlations c (P,): (..., P)."""
    return np.asarray(coefficients @ np.vander(c, TERMS + 1, increasing=True).T)
