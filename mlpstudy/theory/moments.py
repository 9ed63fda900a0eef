"""The expectations of the maps for many variances and correlations at once, as a sweep needs them.

Moments in q are splines through quadratures; those in c are the Hermite series E[f(u1) f(u2)] = sum_k a_k(q)^2 c^k.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import hermite_e
from scipy import interpolate, optimize, special

from mlpstudy.activations import SATURATED_SLOPE, Activation
from mlpstudy.theory.quadrature import MOST, NODES, REACH, WEIGHTS, Float64, rule

PER_DECADE = 24
LOWEST, HIGHEST = -16, 10  # decades of q; beyond, moments go on as power laws
TERMS = 80
PANELS, HALVINGS = 64, 18


@dataclass(frozen=True)
class LogMoment:
    """log of an expectation E[f(z)], z ~ N(0, q), as a function of log q."""

    spline: interpolate.CubicSpline

    def __call__(self, log_q: Float64, derivative: int = 0) -> Float64:
        """The logarithm, or its first or second derivative by log q."""
        inside = np.clip(log_q, self.spline.x[0], self.spline.x[-1])
        value = self.spline(inside, derivative)
        if derivative == 0 and not np.array_equal(inside, log_q):  # a power law goes on
            value = value + self.spline(inside, 1) * (log_q - inside)
        return np.asarray(value)


@dataclass(frozen=True)
class Moments:
    """What an activation does to a Gaussian, each as a function of log q."""

    V: LogMoment  # E[g^2]
    D: LogMoment  # E[g'^2]
    D4: LogMoment  # E[g'^4]


@lru_cache(maxsize=64)
def moments(activation: Activation) -> Moments:
    """Splines through kink-split quadratures at 24 variances a decade: relative errors below 1e-6.

    A g that is not finite at large z has them as far as it is.
    """
    log_q = np.log(10) * np.linspace(LOWEST, HIGHEST, (HIGHEST - LOWEST) * PER_DECADE + 1)
    kinks = np.array(activation.kinks, dtype=np.float64)[None]
    found = []
    with np.errstate(over="ignore", under="ignore"):
        for q in np.exp(log_q):
            z, weights = rule(float(q), kinks, np.zeros((1, 1)), MOST)
            g2, dg2 = np.square(activation.g(z)), np.square(activation.dg(z))
            found.append([(weights * f).sum() for f in (g2, dg2, np.square(dg2))])
    finite = np.isfinite(found).all(axis=1)
    logs = np.log(np.maximum(np.array(found)[finite], np.finfo(np.float64).tiny))
    return Moments(*(LogMoment(interpolate.CubicSpline(log_q[finite], column)) for column in logs.T))


@lru_cache(maxsize=64)
def _flat_intervals(activation: Activation) -> Float64:
    """Where |g'| < 0.0591 sup|g'|, as (intervals, 2); what is flat at +-40 is taken to stay so."""

    def excess(z: float) -> float:
        return float(abs(activation.dg(np.array([z]))[0]) - SATURATED_SLOPE * activation.sup_dg)

    grid = np.unique(np.concatenate([np.linspace(-40, 40, 16001), activation.kinks]))
    flat = np.abs(activation.dg(grid)) < SATURATED_SLOPE * activation.sup_dg
    edges = [
        float(optimize.brentq(excess, grid[i], grid[i + 1], xtol=1e-12))
        for i in np.flatnonzero(np.diff(flat.astype(int)))
    ]
    ends = ([-np.inf] if flat[0] else []) + edges + ([np.inf] if flat[-1] else [])
    return np.array(ends).reshape(-1, 2)


def flat_share(activation: Activation, q: Float64) -> Float64:
    """P(|g'(z)| < 0.0591 sup|g'|), z ~ N(0, q): the share of saturated entries; in closed form, of g's flat parts."""
    low, high = _flat_intervals(activation).T
    deviation = np.sqrt(np.asarray(q, dtype=np.float64))[..., None]
    return np.asarray((special.ndtr(high / deviation) - special.ndtr(low / deviation)).sum(axis=-1))


@lru_cache(maxsize=1)
def _edges() -> Float64:
    """Of panels of N(0, 1): even ones, and near 0 ever smaller ones, for where a wide z has its turn."""
    even = np.linspace(-REACH, REACH, PANELS + 1)
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
    """Those of all panels."""
    return _hermite(_edges()[:-1], _edges()[1:])


def _nodes(kinks: tuple[float, ...], q: float) -> Iterator[tuple[Float64, Float64, Float64]]:
    """Nodes, what they count, their Hermite rows: of all panels but those with a kink inside, then of their parts."""
    x, rows = _everywhere()
    edges, places = _edges(), np.array(kinks) / np.sqrt(q)
    split = np.setdiff1d(places[np.abs(places) < REACH], edges)
    hit = np.unique(np.searchsorted(edges, split)) - 1
    counts = np.ones(len(edges) - 1)
    counts[hit] = 0
    yield x, np.repeat(counts, len(NODES)), rows
    if hit.size:
        parts = [np.sort([edges[i], *split[(split > edges[i]) & (split < edges[i + 1])], edges[i + 1]]) for i in hit]
        x, rows = _hermite(*(np.concatenate([part[side] for part in parts]) for side in (slice(-1), slice(1, None))))
        yield x, np.ones_like(x), rows


def series(activation: Activation, q: float) -> dict[str, Float64]:
    """Coefficients by powers of c of E[f(u1) h(u2)], (TERMS + 1,).

    "g", "dg", "g2" and "dg2" are f = h = g, g', g^2 and g'^2; "g2dg2" is f = g^2 and h = g'^2. u1, u2 ~ N(0, q) have
    correlation c. What the cut series lacks at c = 1 is its last coefficient.
    """
    f, h = [0, 1, 2, 3, 2], [0, 1, 2, 3, 3]
    hermite, whole = np.zeros((4, TERMS)), np.zeros(5)
    for x, counts, rows in _nodes(activation.kinks, q):
        z = np.sqrt(q) * x
        g, dg = activation.g(z), activation.dg(z)
        values = np.array([g, dg, np.square(g), np.square(dg)])
        hermite += (values * counts) @ rows.T
        whole += (values[f] * values[h] * counts) @ rows[0]
    coefficients = hermite[f] * hermite[h]
    found = np.column_stack([coefficients, whole - coefficients.sum(axis=1)])
    return dict(zip(("g", "dg", "g2", "dg2", "g2dg2"), found, strict=True))


def at(coefficients: Float64, c: Float64) -> Float64:
    """Series (..., TERMS + 1) at correlations c (P,): (..., P)."""
    return np.asarray(coefficients @ np.vander(c, TERMS + 1, increasing=True).T)
