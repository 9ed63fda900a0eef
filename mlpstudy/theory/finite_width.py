"""What a typical network of finite width has less, or more, than an infinitely wide one, to first order in 1 / width.

A single network differs from the mean over networks, and more so in every further layer (Hanin & Rolnick 2018:
log |a|^2 by -2.5 depth / width for ReLU). The shifts E[log] - log(mean) have three causes; numbers are those of
docs/theory.md:

- E[log X] = log E[X] - Var(X) / (2 E[X]^2), for X a layer's mean over its units.
- V(q) and D(q) are curved, so the random variation of q changes their means.
- The same weights are used forward and backward. With z = W a, delta W points along a more than along other directions
  if z . delta is large. This starts at the output, where dJ/dh depends on h.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from mlpstudy.network.activations import Activation
from mlpstudy.theory.ensemble import Ensemble
from mlpstudy.theory.moments import LogMoment, moments
from mlpstudy.theory.quadrature import Float64
from mlpstudy.theory.signals import Signals


@dataclass(frozen=True)
class Shifts:
    """E[log] - log(mean) over networks, in each hidden layer, (depth,) each."""

    z: Float64  # of the batch's variance of z
    a: Float64  # of the batch's mean a^2
    q: Float64  # of q of one sample
    delta: Float64  # of the batch's mean delta^2, up to a constant

    @staticmethod
    def none(depth: int) -> "Shifts":
        """Those of infinite width."""
        return Shifts(*np.zeros((4, depth)))


@dataclass(frozen=True)
class _Layer:
    """A hidden layer on the way forward. Variances are relative to the squared mean."""

    excess: float  # e: E[q_s] / q - 1
    covariance: Float64  # C (P + 1,): of q_s and q_t
    kept: Float64  # kappa (P + 1,): how much less the z^2 vary between units because W keeps lengths
    varies: float  # v (9): bend * v is how much the variation of q changes the mean of V, or of D
    spread: Float64  # (P + 1,): n times the covariance of the layer's means of g(z_s)^2 and of g(z_t)^2 (8)
    slope: float  # k = d log V / d log q
    slope_back: float  # k' = d log D / d log q
    bend_back: float  # q^2 D'' / D
    shift_z: float
    shift_a: float


def shifts(
    activation: Activation, e: Ensemble, s: Signals, log_delta: Float64, reach: Callable[[float], float]
) -> Shifts:
    """Those of every hidden layer. log_delta (depth, S): of infinite width; reach: see `profile`."""
    layers = _forward(activation, e, s)
    return Shifts(
        z=np.array([layer.shift_z for layer in layers]),
        a=np.array([layer.shift_a for layer in layers]),
        q=np.array([layer.excess - layer.covariance[-1] / 2 for layer in layers]),
        delta=_backward(e, s, layers, log_delta, reach),
    )


def _forward(activation: Activation, e: Ensemble, s: Signals) -> list[_Layer]:
    m = moments(activation)
    shares_z, shares_a = special.softmax(s.log_q, axis=1), special.softmax(s.log_V, axis=1)
    ahead = _slopes_and_bends(m.V, s.log_q, shares_a)
    back = _slopes_and_bends(m.D, s.log_q, np.full_like(s.log_q, 1 / s.log_q.shape[1]))
    cosines = np.vstack([np.append(e.correlation, 1.0), s.cosines])  # row i: of the activations before layer i + 1
    excess, covariance = 0.0, np.zeros_like(cosines[0])  # of mean a^2 in the layer before
    layers = []
    for i, n in enumerate(e.sizes[1:-1]):
        p = float(s.share[i])
        (slope, bend), (slope_back, bend_back) = ahead[i], back[i]
        excess, covariance = p * excess, p**2 * covariance  # now of q (6)
        kept = e.bound(i) * np.square(p * cosines[i])
        varies = float(covariance[-1] / 2 - kept[-1] / n)  # (9)
        spread = s.pairs["g2"][i] - 1 - 2 * slope**2 * kept  # (8)
        of_units = np.square(s.c[i]) - kept + s.c[i]  # of z^2, and of the mean of z (13)
        excess_a = slope * excess + bend * varies  # (7)
        covariance_a = slope**2 * covariance + spread / n
        layers.append(
            _Layer(
                excess=excess,
                covariance=covariance,
                kept=kept,
                varies=varies,
                spread=spread,
                slope=slope,
                slope_back=slope_back,
                bend_back=bend_back,
                shift_z=excess - _batch(covariance, shares_z[i]) / 2 - _batch(of_units, shares_z[i]) / n,
                shift_a=excess_a - _batch(covariance_a, shares_a[i]) / 2,
            )
        )
        excess, covariance = excess_a, covariance_a
    return layers


def _slopes_and_bends(moment: LogMoment, log_q: Float64, shares: Float64) -> list[list[float]]:
    """q M' / M and q^2 M'' / M of a moment M(q), averaged over the samples by their shares, for each layer."""
    slope = moment(log_q, 1)
    bend = moment(log_q, 2) + slope**2 - slope
    both: list[list[float]] = np.stack([(shares * slope).sum(axis=1), (shares * bend).sum(axis=1)], axis=1).tolist()
    return both


def _batch(values: Float64, share: Float64) -> float:
    """Mean over all pairs of samples, including pairs of a sample with itself, weighted by the shares of the samples.

    values (P + 1,): the groups of pairs, then a sample with itself.
    """
    alone = float(share @ share)
    return float((1 - alone) * values[:-1].mean() + alone * values[-1])


def _backward(
    e: Ensemble, s: Signals, layers: list[_Layer], log_delta: Float64, reach_of: Callable[[float], float]
) -> Float64:
    """The shift of the batch's mean delta^2, (depth,), up to a constant: equations (10) to (12) from the output on."""
    shifts = np.zeros(len(layers))
    alignment = np.append(e.alignment, 1.0)
    shift = 0.0  # E[log] - log(mean) of one sample's delta^2
    covariance = np.zeros_like(alignment)  # of delta_s^2 and delta_t^2, from the random weights of the layers above
    pull = 0.0  # d log(delta^2) / d log q
    last = e.sigma_w[-1] ** 2 * np.exp(s.log_V[-1] + layers[-1].shift_a).mean()
    q = last + e.bias_variance[-1]  # of the output
    p, reach = float(last / q), reach_of(float(q))  # reach: E[(z . delta)^2] / q |delta|^2 - 1
    for i, layer in reversed(list(enumerate(layers))):
        n, bound = e.sizes[i + 1], e.bound(i + 1, backward=True)
        squared_slopes, both = s.pairs["dg2"][i], s.pairs["g2dg2"][i]
        # of the mean of (g' delta W)^2 over the n units, whose columns of W are independent (10)
        spread = squared_slopes * (1 + 2 * alignment) - 1 - 2 * bound * alignment
        spread = spread - 2 * layer.slope_back**2 * layer.kept
        spread_both = both - 1 - 2 * layer.slope * layer.slope_back * layer.kept
        shift += layer.slope_back * layer.excess - layer.slope_back**2 * float(layer.covariance[-1]) / 2
        shift += layer.bend_back * layer.varies
        pulled = max(1 + (float(both[-1]) - bound) * p * reach / n, 1 / n)  # (11)
        shift += float(np.log(pulled)) - spread[-1] / 2 / n
        pull *= p
        covariance = covariance + (spread + 2 * pull * spread_both + pull**2 * layer.spread) / n
        ratio = layer.slope**2 * float(np.exp(s.log_V[i] - s.log_D[i] - s.log_q[i]).mean())
        reach = (1 + 2 * layer.slope_back + ratio * p * reach) / pulled - 1  # E[z^2 g'^2] = q D + 2 q^2 D', by parts
        pull = layer.slope_back + layer.slope * pull
        alignment = alignment + (1 - bound) * (1 + alignment - 2 * alignment**2) / n  # (12)
        alignment, p = alignment * np.square(s.pairs["dg"][i]), float(s.share[i])
        total = covariance + pull**2 * layer.covariance
        # `shift` is that of one sample, -C / 2 with its own variance; the batch's mean has that of all pairs instead
        shifts[i] = shift + (total[-1] - _batch(total, special.softmax(log_delta[i]))) / 2
    return shifts
