"""What a network of given widths and weight variances should measure in each layer at initialization.

The mean profile is that of infinite width, computed with the layer sizes of the network. A single network differs from
it, and more so in every further layer (Hanin & Rolnick 2018: log |a|^2 by -2.5 depth / width for ReLU). The typical
profile predicts the mean over replicas of the logarithm. To first order in 1 / width, it has three corrections:

- The mean of a log is smaller than the log of the mean, by half the relative variance of the layer's mean over units.
- V(q) and D(q) are curved, so the random variation of q changes their means.
- The same weights are used forward and backward. With z = W a, delta W points along a more than along other directions
  if z . delta is large. This starts at the output, where dJ/dh depends on h.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from mlpstudy.network.activations import Activation
from mlpstudy.theory.ensemble import Ensemble
from mlpstudy.theory.kernel import Kernel, kernel
from mlpstudy.theory.moments import LogMoment, Moments, at, dead_share, flat_share, moments, series
from mlpstudy.theory.quadrature import Float64


@dataclass(frozen=True)
class Profile:
    """Statistics at initialization by name, (depth,) each; delta_rms relative to the last hidden layer."""

    mean: Mapping[str, Float64]
    typical: Mapping[str, Float64]
    jacobian: tuple[float, float]  # mean and variance of the squared singular values of dh/dx
    kernel: Kernel  # that of infinite width
    typical_kernel: Kernel
    gates: float  # the largest relative variance of a layer's mean g'^2; above 1 few units pass a gradient on, or none


@dataclass(frozen=True)
class _Layer:
    """A hidden layer in the forward direction. Arrays (P + 1,) have the groups of pairs, then a sample with itself.

    Variances are relative to the squared mean. The variance of a mean over the n units of the layer is multiplied by n.
    """

    log_q: Float64  # (S,), of each sample
    log_V: Float64  # (S,)
    log_D: Float64
    part: float  # share of q that comes from the weights, not from the biases
    c: Float64  # (P + 1,)
    c_a: Float64  # (P + 1,): cosines of the activations
    kept: Float64  # (P + 1,): share of the covariance of z^2 that is missing because W keeps lengths
    excess: float  # E[q_s] / q - 1 in a network of this width
    covariance: Float64  # (P + 1,), of q_s and q_t
    slope: float  # of log V and log D by log q
    slope_back: float
    bend_back: float  # q^2 D'' / D
    slopes: Float64  # (P + 1,): E[g'(u1) g'(u2)] / E[g'^2]
    overlap: float  # E[g^2 g'^2] / E[g^2] E[g'^2]
    spread: Float64  # (P + 1,): covariance of the means of g(z_s)^2 and of g(z_t)^2
    spread_both: Float64  # of g(z_s)^2 and g'(z_t)^2
    squared_slopes: Float64  # E[g'(u1)^2 g'(u2)^2] / E[g'^2]^2
    shift_z: float  # E[log] - log(mean) of the batch's variance of z
    shift_a: float  # of its mean a^2

    def varies(self, n: int) -> float:
        """Half the variance of q, less the part that is missing if W keeps lengths. Times a bend it changes a mean."""
        return float(self.covariance[-1] / 2 - self.kept[-1] / n)


def _lengths(m: Moments, e: Ensemble) -> tuple[Float64, Float64, Float64]:
    """log q and log V(q) of each sample, (depth, S) each, and the share of q that comes from the weights, (depth,)."""
    signal = e.second_moment  # mean a^2 of the layer before
    log_q, log_V, part = [], [], []
    for weights, bias in zip(e.sigma_w[:-1] ** 2, e.bias_variance[:-1], strict=True):
        log_q.append(np.log(weights * signal + bias))
        part.append(weights / (weights + bias / signal.mean()))
        log_V.append(m.V(log_q[-1]))
        signal = np.exp(log_V[-1])
    return np.array(log_q), np.array(log_V), np.array(part)


def _forward(activation: Activation, e: Ensemble) -> list[_Layer]:
    m = moments(activation)
    log_q, log_V, parts = _lengths(m, e)
    log_D = m.D(log_q)
    shares_z, shares_a = special.softmax(log_q, axis=1), special.softmax(log_V, axis=1)
    ahead = _slopes_and_bends(m.V, log_q, shares_a)
    back = _slopes_and_bends(m.D, log_q, np.full_like(log_q, 1 / log_q.shape[1]))
    expectations = series(activation, np.exp(log_q.mean(axis=1)))
    coefficients, wholes = np.stack(list(expectations.values()), axis=1), _wholes(expectations)
    c = np.append(e.correlation, 1.0)  # cosines in the layer before
    excess, covariance = 0.0, np.zeros_like(c)  # of mean a^2 there
    layers = []
    for i, n in enumerate(e.sizes[1:-1]):
        part, share_z, share_a = float(parts[i]), shares_z[i], shares_a[i]
        (slope, bend), (slope_back, bend_back) = ahead[i], back[i]
        excess, covariance = part * excess, part**2 * covariance
        kept, c = e.bound(i) * np.square(part * c), part * c + 1 - part
        g, dg, g2, dg2, both = at(coefficients[i], c) / wholes[i][:, None]  # (P + 1,) each
        spread = g2 - 1 - 2 * slope**2 * kept
        layer = _Layer(
            log_q[i], log_V[i], log_D[i], part, c, np.append(g[:-1], 1.0), kept, excess, covariance,
            slope, slope_back, bend_back, dg,
            overlap=float(both[-1]),
            spread=spread,
            spread_both=both - 1 - 2 * slope * slope_back * kept,
            squared_slopes=dg2,
            shift_z=excess - _batch(covariance, share_z) / 2 - _batch(np.square(c) - kept + c, share_z) / n,
            shift_a=0.0,
        )  # fmt: skip
        excess = slope * excess + bend * layer.varies(n)
        covariance = slope**2 * covariance + spread / n
        layers.append(replace(layer, shift_a=excess - _batch(covariance, share_a) / 2))
        c = layer.c_a  # exactly 1 for a sample with itself, since any error would grow in the chaotic phase
    return layers


def _slopes_and_bends(moment: LogMoment, log_q: Float64, shares: Float64) -> list[list[float]]:
    """q M' / M and q^2 M'' / M of a moment M(q), averaged over the samples by their shares, for each layer."""
    slope = moment(log_q, 1)
    bend = moment(log_q, 2) + slope**2 - slope
    found: list[list[float]] = np.stack([(shares * slope).sum(axis=1), (shares * bend).sum(axis=1)], axis=1).tolist()
    return found


def _batch(values: Float64, share: Float64) -> float:
    """Mean over all pairs of samples, including pairs of a sample with itself, weighted by the shares of the samples.

    values (P + 1,): the groups of pairs, then a sample with itself.
    """
    alone = float(share @ share)
    return float((1 - alone) * values[:-1].mean() + alone * values[-1])


def _wholes(coefficients: Mapping[str, Float64]) -> Float64:
    """E[f^2] for g and g', and E[f] E[h] for their squares, (depth, 5)."""
    found = [k[:, 0] if name.endswith("2") else k.sum(axis=1) for name, k in coefficients.items()]
    return np.stack(found, axis=1)


def _backward(e: Ensemble, layers: list[_Layer], reach_of: Callable[[float], float]) -> tuple[Float64, Float64]:
    """log of the mean delta^2 of the batch, and its shift for a typical network, (depth,) each, up to a constant."""
    logs, shifts = np.zeros(len(layers)), np.zeros(len(layers))
    log_delta, alignment = np.zeros_like(e.second_moment), np.append(e.alignment, 1.0)
    shift = 0.0  # E[log] - log(mean) of one sample's delta^2
    covariance = np.zeros_like(alignment)  # of delta_s^2 and delta_t^2, from the random weights of the layers above
    pull = 0.0  # d log(delta^2) / d log q
    last = e.sigma_w[-1] ** 2 * np.exp(layers[-1].log_V + layers[-1].shift_a).mean()
    q = last + e.bias_variance[-1]  # of the output
    part, reach = float(last / q), reach_of(float(q))  # reach: E[(z . delta)^2] / q |delta|^2 - 1
    for i, layer in reversed(list(enumerate(layers))):
        n, bound = e.sizes[i + 1], e.bound(i + 1, backward=True)
        log_delta = log_delta + np.log(e.sizes[i + 2] * e.weight_variance[i + 1]) + layer.log_D
        # of the mean of (g' delta W)^2 over the n units, whose columns of W are independent
        spread = layer.squared_slopes * (1 + 2 * alignment) - 1 - 2 * bound * alignment
        spread = spread - 2 * layer.slope_back**2 * layer.kept
        shift += layer.slope_back * layer.excess - layer.slope_back**2 * float(layer.covariance[-1]) / 2
        shift += layer.bend_back * layer.varies(n)
        pulled = max(1 + (layer.overlap - bound) * part * reach / n, 1 / n)
        shift += float(np.log(pulled)) - spread[-1] / 2 / n
        pull *= part
        covariance = covariance + (spread + 2 * pull * layer.spread_both + pull**2 * layer.spread) / n
        ratio = layer.slope**2 * float(np.exp(layer.log_V - layer.log_D - layer.log_q).mean())
        reach = (1 + 2 * layer.slope_back + ratio * part * reach) / pulled - 1  # E[z^2 g'^2] = q D + 2 q^2 D', by parts
        pull = layer.slope_back + layer.slope * pull
        alignment = alignment + (1 - bound) * (1 + alignment - 2 * alignment**2) / n
        alignment, part = alignment * np.square(layer.slopes), layer.part
        total = covariance + pull**2 * layer.covariance
        delta = np.exp(log_delta - log_delta.max())
        logs[i] = np.log(delta.mean()) + log_delta.max()
        shifts[i] = shift + (total[-1] - _batch(total, delta / delta.sum())) / 2
    return logs, shifts


def profile(
    activation: Activation,
    e: Ensemble,
    reach: Callable[[float], float] = lambda q: 0.0,
    products: Callable[[Float64], Float64] | None = None,
) -> Profile:
    """The predicted statistics of every hidden layer. There must be at least one, with weights that are not all 0.

    reach(q) is E[(h . dJ/dh)^2 / q |dJ/dh|^2] - 1 of an output h ~ N(0, q); it is 0 if dJ/dh does not depend on h.
    products(E[h h']) is the mean dJ/dh . dJ'/dh' of two samples, (P + 1,) both; without it no weight_grad_rms is
    predicted.
    """
    layers = _forward(activation, e)
    log_delta, delta_shift = _backward(e, layers, reach)
    values = {
        name: np.array([getattr(layer, name) for layer in layers]) for name in ("log_V", "log_D", "c_a", "slopes")
    }
    exact = kernel(e, *values.values())
    forward, backward = np.array([[0.0, *(layer.shift_a for layer in layers)], [*delta_shift, 0.0]])[..., None]
    weights, biases = exact.of_weights * np.exp(forward + backward), exact.of_biases * np.exp(backward)
    typical = Kernel(weights, biases, exact.output)
    mean_statistics = _statistics(activation, e, layers, log_delta, typical=0.0)
    typical_statistics = _statistics(activation, e, layers, log_delta + delta_shift, typical=1.0)
    if products is not None:
        found = products(exact.output)
        for statistics, of in ((mean_statistics, exact), (typical_statistics, typical)):
            statistics["weight_grad_rms"] = _weight_gradients(e, of, found)
    gates = max(float(layer.squared_slopes[-1] - 1) / n for layer, n in zip(layers, e.sizes[1:-1], strict=True))
    return Profile(mean_statistics, typical_statistics, _jacobian(activation, e, layers), exact, typical, gates)


def _weight_gradients(e: Ensemble, of: Kernel, products: Float64) -> Float64:
    """Root mean square of dJ/dW[l] of each hidden layer."""
    squares, _ = of.squared_gradients(products, len(e.second_moment))
    sizes = np.array(e.sizes, dtype=np.float64)
    return np.sqrt((np.maximum(squares, 0) / (sizes[1:] * sizes[:-1]))[:-1])


def _statistics(
    activation: Activation, e: Ensemble, layers: list[_Layer], log_delta: Float64, typical: float
) -> dict[str, Float64]:
    m, n = moments(activation), np.array(e.sizes, dtype=np.float64)
    log_q, log_V = (np.array([getattr(layer, name) for layer in layers]) for name in ("log_q", "log_V"))  # (depth, S)
    of_z = typical * np.array([layer.shift_z for layer in layers])
    of_a = typical * np.array([layer.shift_a for layer in layers])
    of_q = typical * np.array([[layer.excess - layer.covariance[-1] / 2] for layer in layers])
    of_one = log_q + of_q  # log q of a sample, not of the batch
    slopes = np.concatenate([[1.0], np.exp(m.D(of_one)[:-1]).mean(axis=1)])
    q = np.exp(of_one)
    c = np.array([layer.c[:-1].mean() for layer in layers])
    larger = np.maximum(n[1:-1], n[:-2])  # an n_l x n_{l-1} matrix has the smaller number of singular values
    return {
        "preactivation_std": np.sqrt(np.exp(log_q).mean(axis=1) * np.exp(of_z)),
        "activation_rms": np.sqrt(np.exp(log_V).mean(axis=1) * np.exp(of_a)),
        "delta_rms": np.exp((log_delta - log_delta[-1]) / 2),
        "input_correlation": c,
        "saturated_fraction": flat_share(activation, q).mean(axis=1),
        # 0 and not 1e-250, since a chart would scale that up to its full height
        "dead_fraction": np.round(dead_share(activation, q.mean(axis=1), c, log_q.shape[1]), 6),
        "jacobian_gain": larger * e.weight_variance[:-1] * slopes,
    }


def _jacobian(activation: Activation, e: Ensemble, layers: list[_Layer]) -> tuple[float, float]:
    """Mean and variance of the min(n_0, n_L) squared singular values of dh/dx.

    Relative variance (n_L + 2) sum_l (mu_2 / mu_1^2 - 1) / n_l + (n_L + 1) sum_l s_l, of many outputs and at equal
    widths Pennington et al. 2017's L (mu_2 / mu_1^2 - 1 - s_1), mu_k = E[g'^(2k)]; a free W[l] spreads by
    s_l = 1 / n_{l-1}, an orthogonal one by the directions it has to lose, max(0, 1 / n_{l-1} - 1 / n_l).
    """
    m, n = moments(activation), np.array(e.sizes, dtype=np.float64)
    values = min(n[0], n[-1])
    log_q, log_D = (np.array([getattr(layer, name) for layer in layers]) for name in ("log_q", "log_D"))
    log_mean = np.log(n[:-1] * e.weight_variance).sum() + log_D.sum(axis=0)
    mean = n[-1] / values * np.exp(log_mean).mean()
    kurtoses = np.exp(m.D4(log_q) - 2 * log_D).mean(axis=1)
    gates = float(((kurtoses - 1) / n[1:-1]).sum())
    orthogonal = np.maximum(0.0, 1 / n[:-1] - 1 / n[1:])
    weights = float((e.freedom / n[:-1] + (1 - e.freedom) * orthogonal).sum())
    relative = (1 + (n[-1] + 2) * gates + (n[-1] + 1) * weights) * values / n[-1] - 1
    return float(mean), float(mean**2 * relative)
