"""The tangent kernel of a wide network, and the gradients that follow from it (Jacot et al. 2018).

Theta(x, x') = sum over all parameters of dh/dtheta dh'/dtheta, of one output h. Layer l contributes
(inner product of the activations) x (inner product of the returning gradients):

    Theta = sum_l (a[l-1] . a'[l-1] + 1) (delta[l] . delta'[l]),  delta[l] = dh/dz[l]

The 1 is that of the biases. The kernels of two different outputs are independent.
"""

from dataclasses import dataclass

import numpy as np

from mlpstudy.theory.ensemble import Ensemble
from mlpstudy.theory.quadrature import Float64


@dataclass(frozen=True)
class Kernel:
    """The tangent kernel, for groups of pairs of inputs, then for an input with itself."""

    of_weights: Float64  # (L, P + 1): (a[l-1] . a'[l-1]) (delta[l] . delta'[l]), of the layers l = 1..L
    of_biases: Float64  # (L, P + 1): delta[l] . delta'[l]
    output: Float64  # (P + 1,): E[h h']

    @property
    def tangent(self) -> Float64:
        """Theta of each group, (P + 1,)."""
        return np.asarray((self.of_weights + self.of_biases).sum(axis=0))

    def squared_gradients(self, products: Float64, samples: int) -> tuple[Float64, Float64]:
        """|dJ/dW[l]|^2 and |dJ/db[l]|^2 of the layers l = 1..L, (L,) each; J is the mean loss of so many samples.

        products (P + 1,): the mean in each group of e . e', with e = dJ/dh of one sample.
        """
        return _over_pairs(self.of_weights * products, samples), _over_pairs(self.of_biases * products, samples)


def kernel(e: Ensemble, log_V: Float64, log_D: Float64, cosines: Float64, slopes: Float64) -> Kernel:
    """The kernel of samples whose lengths are taken to be independent of the angles between them.

    log_V, log_D (depth, S): the logarithms of V = E[g^2] and D = E[g'^2] in the hidden layers. cosines, slopes
    (depth, P + 1): E[g(z) g(z')] / V and E[g'(z) g'(z')] / D of pairs.
    """
    n, groups = np.array(e.sizes, dtype=np.float64), cosines.shape[1]
    log_a2 = np.vstack([np.log(e.second_moment), log_V])  # (L, S): log of the mean a^2 of each sample, layers 0..L-1
    factor = np.log(n[1:-1] * e.weight_variance[1:])[:, None] + log_D  # delta[l] = (delta[l+1] W[l+1]) * g'(z[l])
    log_delta2 = np.vstack([np.cumsum(factor[::-1], axis=0)[::-1], np.zeros(log_a2.shape[1])])  # (L, S): log |delta|^2
    of_a = np.vstack([np.append(e.correlation, 1.0), cosines])  # (L, P + 1): cosines of the activations
    of_delta = np.vstack([np.cumprod(slopes[::-1], axis=0)[::-1], np.ones(groups)])  # and of the returning gradients
    return Kernel(
        of_weights=n[:-1, None] * _lengths(log_a2 + log_delta2, groups) * of_a * of_delta,
        of_biases=_lengths(log_delta2, groups) * of_delta,
        output=e.weight_variance[-1] * n[-2] * (_lengths(log_a2, groups) * of_a)[-1] + e.bias_variance[-1],
    )


def _lengths(log_squares: Float64, groups: int) -> Float64:
    """The mean product of the lengths of two samples, for each group of pairs, and of a sample with itself."""
    pairs = np.square(np.exp(log_squares / 2).mean(axis=1, keepdims=True))
    return np.hstack([np.repeat(pairs, groups - 1, axis=1), np.exp(log_squares).mean(axis=1, keepdims=True)])


def _over_pairs(values: Float64, samples: int) -> Float64:
    """The mean over all pairs of samples, those of a sample with itself included; the groups are equally large."""
    return np.asarray((1 - 1 / samples) * values[..., :-1].mean(axis=-1) + values[..., -1] / samples)
