"""What a network of given widths and weight variances should measure in each layer at initialization.

The mean profile is that of infinite width (`signals`), computed with the layer sizes of the network. The typical
profile predicts the mean over replicas of the logarithm: the mean profile, shifted by what `finite_width` computes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mlpstudy.network.activations import Activation
from mlpstudy.theory.ensemble import Ensemble
from mlpstudy.theory.finite_width import Shifts, shifts
from mlpstudy.theory.flat import dead_share, flat_share
from mlpstudy.theory.kernel import Kernel, kernel
from mlpstudy.theory.moments import moments
from mlpstudy.theory.quadrature import Float64
from mlpstudy.theory.signals import Signals, backward, forward


@dataclass(frozen=True)
class Profile:
    """Statistics at initialization by name, (depth,) each; delta_rms relative to the last hidden layer."""

    mean: Mapping[str, Float64]
    typical: Mapping[str, Float64]
    jacobian: tuple[float, float]  # mean and variance of the squared singular values of dh/dx
    kernel: Kernel  # that of infinite width
    typical_kernel: Kernel
    gates: float  # the largest relative variance of a layer's mean g'^2; above 1 few units pass a gradient on, or none


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
    s = forward(activation, e)
    log_delta = backward(e, s)
    typical = shifts(activation, e, s, log_delta, reach)
    exact = kernel(e, s.log_V, s.log_D, s.cosines, s.pairs["dg"])
    ahead, back = np.array([[0.0, *typical.a], [*typical.delta, 0.0]])[..., None]
    shifted = Kernel(exact.of_weights * np.exp(ahead + back), exact.of_biases * np.exp(back), exact.output)
    products_of_pairs = None if products is None else products(exact.output)
    profiles = []
    for shift, tangent in ((Shifts.none(len(s.c)), exact), (typical, shifted)):
        profiles.append(_statistics(activation, e, s, log_delta, shift))
        if products_of_pairs is not None:
            profiles[-1]["weight_grad_rms"] = _weight_gradients(e, tangent, products_of_pairs)
    return Profile(
        mean=profiles[0],
        typical=profiles[1],
        jacobian=_jacobian(activation, e, s),
        kernel=exact,
        typical_kernel=shifted,
        gates=float(((s.pairs["dg2"][:, -1] - 1) / e.sizes[1:-1]).max()),
    )


def _weight_gradients(e: Ensemble, tangent: Kernel, products: Float64) -> Float64:
    """Root mean square of dJ/dW[l] of each hidden layer."""
    squares, _ = tangent.squared_gradients(products, len(e.second_moment))
    sizes = np.array(e.sizes, dtype=np.float64)
    return np.sqrt((np.maximum(squares, 0) / (sizes[1:] * sizes[:-1]))[:-1])


def _statistics(
    activation: Activation, e: Ensemble, s: Signals, log_delta: Float64, shift: Shifts
) -> dict[str, Float64]:
    m, n = moments(activation), np.array(e.sizes, dtype=np.float64)
    of_one = s.log_q + shift.q[:, None]  # log q of a sample, not of the batch
    slopes = np.concatenate([[1.0], np.exp(m.D(of_one)[:-1]).mean(axis=1)])
    q, c = np.exp(of_one), s.c[:, :-1].mean(axis=1)
    top = log_delta.max(axis=1)
    log_mean = np.log(np.exp(log_delta - top[:, None]).mean(axis=1)) + top + shift.delta  # of the batch's delta^2
    larger = np.maximum(n[1:-1], n[:-2])  # an n_l x n_{l-1} matrix has the smaller number of singular values
    return {
        "preactivation_std": np.sqrt(np.exp(s.log_q).mean(axis=1) * np.exp(shift.z)),
        "activation_rms": np.sqrt(np.exp(s.log_V).mean(axis=1) * np.exp(shift.a)),
        "delta_rms": np.exp((log_mean - log_mean[-1]) / 2),
        "input_correlation": c,
        "saturated_fraction": flat_share(activation, q).mean(axis=1),
        # 0 and not 1e-250, since a chart would scale that up to its full height
        "dead_fraction": np.round(dead_share(activation, q.mean(axis=1), c, q.shape[1]), 6),
        "jacobian_gain": larger * e.weight_variance[:-1] * slopes,
    }


def _jacobian(activation: Activation, e: Ensemble, s: Signals) -> tuple[float, float]:
    """Mean and variance of the min(n_0, n_L) squared singular values of dh/dx.

    Their relative variance is (n_L + 2) sum_l (mu_2 / mu_1^2 - 1) / n_l + (n_L + 1) sum_l s_l with mu_k = E[g'^(2k)].
    If the entries of W[l] are independent, s_l = 1 / n_{l-1}. An orthogonal W[l] adds only the directions that it
    loses, s_l = max(0, 1 / n_{l-1} - 1 / n_l). For many layers of one large width, this is Pennington et al. 2017's
    L (mu_2 / mu_1^2 - 1 - s_1), whose s_1 is -1 for independent entries and 0 for orthogonal matrices.
    """
    m, n = moments(activation), np.array(e.sizes, dtype=np.float64)
    values = min(n[0], n[-1])
    log_mean = np.log(n[:-1] * e.weight_variance).sum() + s.log_D.sum(axis=0)
    mean = n[-1] / values * np.exp(log_mean).mean()
    kurtoses = np.exp(m.D4(s.log_q) - 2 * s.log_D).mean(axis=1)
    slopes = float(((kurtoses - 1) / n[1:-1]).sum())
    orthogonal = np.maximum(0.0, 1 / n[:-1] - 1 / n[1:])
    weights = float((e.freedom / n[:-1] + (1 - e.freedom) * orthogonal).sum())
    relative = (1 + (n[-1] + 2) * slopes + (n[-1] + 1) * weights) * values / n[-1] - 1
    return float(mean), float(mean**2 * relative)
