"""Infinite width: signals on their way forward, and gradients on their way back. Numbers are those of docs/theory.md.

Every hidden layer has a row. Columns are samples (S), or groups of pairs of samples, then a sample with itself (P + 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mlpstudy.network.activations import Activation
from mlpstudy.theory.ensemble import Ensemble
from mlpstudy.theory.moments import at, moments, series
from mlpstudy.theory.quadrature import Float64

# the c at which E[f h] is the denominator of its ratio (4): V and D for equal z, V^2, D^2 and V D for independent z
WHOLE_AT = {"g": 1, "dg": 1, "g2": 0, "dg2": 0, "g2dg2": 0}


@dataclass(frozen=True)
class Signals:
    """The forward pass of an infinitely wide network."""

    log_q: Float64  # (depth, S): q = E[z^2] of each sample (1)
    log_V: Float64  # (depth, S): V = E[g(z)^2] (2)
    log_D: Float64  # (depth, S): D = E[g'(z)^2] (2)
    share: Float64  # (depth,): of q that comes from the weights; the rest is that of the biases
    c: Float64  # (depth, P + 1): cosines of z (3)
    pairs: Mapping[str, Float64]  # (depth, P + 1) each: the ratios (4), by the names that `moments.series` has

    @property
    def cosines(self) -> Float64:
        """Those of the activations, (depth, P + 1)."""
        return _with_itself(self.pairs["g"])


def _with_itself(cosines: Float64) -> Float64:
    """Exactly 1 for a sample with itself, since any error would grow in the chaotic phase."""
    return np.concatenate([cosines[..., :-1], np.ones((*cosines.shape[:-1], 1))], axis=-1)


def forward(activation: Activation, e: Ensemble) -> Signals:
    """Equations (1) to (4), layer by layer."""
    m = moments(activation)
    log_q, log_V, share = [], [], []
    signal = e.second_moment  # mean a^2 of each sample in the layer before
    for weights, bias in zip(e.sigma_w[:-1] ** 2, e.bias_variance[:-1], strict=True):
        log_q.append(np.log(weights * signal + bias))  # (1)
        share.append(weights / (weights + bias / signal.mean()))
        log_V.append(m.V(log_q[-1]))
        signal = np.exp(log_V[-1])
    expectations = series(activation, np.exp(np.array(log_q).mean(axis=1)))
    coefficients = np.stack(list(expectations.values()), axis=1)
    wholes = [k.sum(axis=1) if WHOLE_AT[name] else k[:, 0] for name, k in expectations.items()]
    c, ratios = [], []
    cosines = np.append(e.correlation, 1.0)  # in the layer before
    for i, p in enumerate(share):
        c.append(p * cosines + 1 - p)  # (3)
        ratios.append(at(coefficients[i], c[i]) / np.array([whole[i] for whole in wholes])[:, None])  # (4)
        cosines = _with_itself(ratios[i][0])
    pairs = dict(zip(expectations, np.stack(ratios, axis=1), strict=True))
    return Signals(np.array(log_q), np.array(log_V), m.D(np.array(log_q)), np.array(share), np.array(c), pairs)


def backward(e: Ensemble, s: Signals) -> Float64:
    """log of the mean delta^2 of each sample, (depth, S), up to a constant: equation (5) from the last layer on."""
    log_delta, rows = np.zeros_like(e.second_moment), []
    for i in reversed(range(len(s.log_D))):
        log_delta = log_delta + np.log(e.sizes[i + 2] * e.weight_variance[i + 1]) + s.log_D[i]
        rows.append(log_delta)
    return np.array(rows[::-1])
