"""The plane of (sigma_w, sigma_b): its fixed points, chi, and the largest depth at which a network can train."""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.polynomial import polyval

from mlpstudy.network.activations import Activation
from mlpstudy.theory.moments import moments, series
from mlpstudy.theory.quadrature import Float64

TRAINABLE = 6  # inputs can be told apart through so many depth scales (Schoenholz et al. 2017)
LOG_Q = np.log(10) * np.linspace(-10, 8, 18 * 24 + 1)
CHUNK = 256  # series of so many points are computed at a time, to limit memory
STEPS = 300  # iterations of the correlation map to reach c*


@dataclass(frozen=True)
class Plane:
    """Fixed points on a grid; a row for each sigma_b, a column for each sigma_w."""

    sigma_w: Float64  # (columns,)
    sigma_b: Float64  # (rows,)
    q: Float64  # the limit from q = 1; 0 if q shrinks to 0, inf if it grows without bound
    chi: Float64
    depth: Float64  # trainable depth: 6 times the shorter depth scale of correlations and gradients; inf on the edge


def plane(activation: Activation, sigma_w: Float64, sigma_b: Float64) -> Plane:
    """Fixed points on a grid, accurate enough for a picture."""
    m = moments(activation)
    weights, biases = np.square(sigma_w)[None, :, None], np.square(sigma_b)[:, None, None]
    grows = np.log(weights * np.exp(m.V(LOG_Q)) + biases) - LOG_Q  # log q'/q: (rows, columns, q)
    # From q = 1 the length moves in one direction, up or down, to the first q at which it stops: `place` in LOG_Q. It
    # `settles` if there is one.
    start = int(np.argmin(np.abs(LOG_Q)))
    up = grows[..., start] > 0
    stops_above, stops_below = grows[..., start:] <= 0, grows[..., start::-1] >= 0
    place = np.where(up, start + stops_above.argmax(axis=2), start - stops_below.argmax(axis=2))
    settles = np.where(up, stops_above.any(axis=2), stops_below.any(axis=2))
    # The fixed point is between this q and the neighbour before it, where log q'/q is taken as a straight line.
    neighbour = np.clip(np.where(up, place - 1, place + 1), 0, len(LOG_Q) - 1)
    at_place, at_neighbour = (np.take_along_axis(grows, k[..., None], axis=2)[..., 0] for k in (place, neighbour))
    share = np.divide(at_place, at_place - at_neighbour, out=np.zeros_like(at_place), where=at_place != at_neighbour)
    log_q = LOG_Q[place] + share * (LOG_Q[neighbour] - LOG_Q[place])
    log_q = np.where(settles, log_q, np.where(up, LOG_Q[-1], LOG_Q[0]))
    chi = weights[..., 0] * np.exp(m.D(log_q))
    chaotic = settles & (chi > 1)
    parting = chi.copy()  # slope of the correlation map at its fixed point, which is c* = 1 where chi <= 1
    grid = np.broadcast_arrays(weights[..., 0], biases[..., 0])
    parting[chaotic] = _parting(activation, *(values[chaotic] for values in (*grid, np.exp(log_q))))
    with np.errstate(divide="ignore"):
        scale = np.minimum(1 / np.abs(np.log(parting)), 1 / np.abs(np.log(chi)))
    q = np.where(settles, np.exp(log_q), np.where(up, np.inf, 0.0))
    return Plane(sigma_w, sigma_b, q, chi, TRAINABLE * scale)


def _parting(activation: Activation, weights: Float64, biases: Float64, q: Float64) -> Float64:
    """Slopes of the correlation maps at c* < 1. All arguments and the result are (points,)."""
    chunks = [series(activation, some) for some in np.array_split(q, 1 + len(q) // CHUNK)]
    g, dg = (np.concatenate([coefficients[name] for coefficients in chunks]).T for name in ("g", "dg"))
    total = weights * g.sum(axis=0) + biases
    c = np.full(len(q), 0.5)
    for _ in range(STEPS):
        c = (weights * polyval(c, g, tensor=False) + biases) / total
    return np.asarray(weights * polyval(c, dg, tensor=False))
