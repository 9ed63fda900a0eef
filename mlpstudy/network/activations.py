"""Activation functions g and their derivatives g', both as functions of z.

g' is a function of z and not of the output g(z), so that non-monotone activations are possible. At a kink, g' is the
derivative from the left (ReLU: g'(0) = 0). No function branches on z: np.where costs more time than the exponential
that it would save. To add an activation: a row in ACTIVATIONS and the file `conf/activation/<name>.yaml`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from math import inf, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.floating]
Function = Callable[[Array], Array]

# A unit is saturated at z if |g'(z)| is below this share of the supremum of |g'|. For tanh this means |a| > 0.97.
SATURATED_SLOPE = 0.0591


@dataclass(frozen=True)
class Activation:
    """An elementwise function and the properties that the statistics and the theory need."""

    g: Function
    dg: Function
    range: tuple[float, float] = (-inf, inf)  # infimum and supremum of g
    sup_dg: float = 1.0  # supremum of |g'|; saturation is relative to it
    kinks: tuple[float, ...] = ()  # the z at which g is not smooth
    leak: float = 0.0  # slope of a leaky ReLU for z < 0; 0 for all other g; used by init=he

    @property
    def bounded(self) -> bool:
        """Whether g is bounded on both sides. Only then can units saturate; with one bound they can be dead."""
        return self.range[0] > -inf and self.range[1] < inf

    @property
    def inactive_side(self) -> int:
        """-1 if g is flat for all small z < 0, as ReLU is; 1 if it is so for small z > 0; 0 for all others.

        A unit there is switched off, however large or small its weights are; it is not saturated.
        """
        below, above = np.abs(self.dg(np.array([-1e-3, 1e-3]))) < SATURATED_SLOPE * self.sup_dg
        return int(above) - int(below)


def positive(z: Array) -> Array:
    """max(z, 0)."""
    return np.maximum(z, 0)


def negative(z: Array) -> Array:
    """min(z, 0)."""
    return np.minimum(z, 0)


def heaviside(z: Array) -> Array:
    """1 where z > 0, else 0, in the dtype of z."""
    return (z > 0).astype(z.dtype)


def sigmoid(z: Array) -> Array:
    """sigma(z) = 1 / (1 + exp(-z)), with full relative precision in both tails; exp cannot overflow."""
    largest = np.log(np.finfo(z.dtype).max) - 1
    return np.asarray(1 / (1 + np.exp(np.minimum(-z, largest))))


def sigmoid_slope(z: Array) -> Array:
    """sigma'(z) = e / (1 + e)^2 with e = exp(-|z|). A tiny slope stays a number; sigma (1 - sigma) would round to 0."""
    e = np.exp(-np.abs(z))
    return np.asarray(e / np.square(1 + e))


def softplus(z: Array) -> Array:
    """log(1 + exp(z)) (Dugas et al. 2001)."""
    return np.asarray(positive(z) + np.log1p(np.exp(-np.abs(z))))


@cache  # all cells of a sweep share one record, so the theory of it is computed once
def leaky_relu(slope: float) -> Activation:
    """max(z, 0) + slope min(z, 0) (Maas et al. 2013)."""
    return Activation(
        g=lambda z: positive(z) + slope * negative(z),
        dg=lambda z: heaviside(z) + slope * (1 - heaviside(z)),
        range=(-inf if slope > 0 else 0.0, inf),
        sup_dg=max(1.0, abs(slope)),
        kinks=(0.0,),
        leak=slope,
    )


def scaled_elu(z: Array, alpha: float, scale: float) -> Array:
    """scale * (max(z, 0) + alpha (exp(min(z, 0)) - 1))."""
    return scale * (positive(z) + alpha * np.expm1(negative(z)))


def clipped(low: float, top: float) -> Activation:
    """min(max(z, low), top)."""
    return Activation(
        lambda z: np.clip(z, low, top), lambda z: heaviside(z - low) - heaviside(z - top), (low, top), kinks=(low, top)
    )


@cache
def elu(alpha: float, scale: float = 1.0) -> Activation:
    """scale * (z for z > 0, else alpha (exp(z) - 1)) (Clevert et al. 2016)."""
    return Activation(
        g=partial(scaled_elu, alpha=alpha, scale=scale),
        dg=lambda z: scale * (heaviside(z) + (1 - heaviside(z)) * alpha * np.exp(negative(z))),
        range=(-scale * alpha if alpha > 0 else 0.0, inf),
        sup_dg=scale * max(1.0, abs(alpha)),
        kinks=(0.0,),
    )


def gelu(z: Array) -> Array:
    """z Phi(z) (Hendrycks & Gimpel 2016)."""
    return np.asarray(z * special.ndtr(z))


def gelu_slope(z: Array) -> Array:
    """Phi(z) + z phi(z), phi(z) = exp(-z^2 / 2) / sqrt(2 pi)."""
    return np.asarray(special.ndtr(z) + z * (np.exp(-0.5 * np.square(z)) / sqrt(2 * pi)))


def silu(z: Array) -> Array:
    """z sigma(z) (Elfwing et al. 2018; Ramachandran et al. 2017)."""
    return z * sigmoid(z)


def silu_slope(z: Array) -> Array:
    """sigma(z) + z sigma'(z)."""
    return sigmoid(z) + z * sigmoid_slope(z)


def tanh_softplus(z: Array) -> tuple[Array, Array]:
    """t = tanh(softplus(z)) = n / (n + 2) and 1 - t^2 = 4 (n + 1) / (n + 2)^2, n = exp(z) (exp(z) + 2).

    For z > 0, numerator and denominator are divided by exp(2z), so that nothing overflows or cancels.
    """
    e, up = np.exp(-np.abs(z)), heaviside(z)
    n = up * (1 + 2 * e) + (1 - up) * e * (e + 2)
    unit = up * np.square(e) + (1 - up)
    return n / (n + 2 * unit), 4 * unit * (n + unit) / np.square(n + 2 * unit)


def mish(z: Array) -> Array:
    """z tanh(softplus(z)) (Misra 2020)."""
    return z * tanh_softplus(z)[0]


def mish_slope(z: Array) -> Array:
    """t + z (1 - t^2) sigma(z), t = tanh(softplus(z))."""
    t, one_minus_square = tanh_softplus(z)
    return np.asarray(t + z * one_minus_square * sigmoid(z))


def gelu_tanh_argument(z: Array) -> Array:
    """u(z) = sqrt(2 / pi) (z + 0.044715 z^3)."""
    return np.asarray(sqrt(2 / pi) * z * (1 + 0.044715 * np.square(z)))


def gelu_tanh(z: Array) -> Array:
    """z sigma(2u) = z (1 + tanh u) / 2, an approximation of gelu (Hendrycks & Gimpel 2016)."""
    return z * sigmoid(2 * gelu_tanh_argument(z))


def gelu_tanh_slope(z: Array) -> Array:
    """(1 + tanh u) / 2 + z sech^2(u) u'(z) / 2; sech^2(u) = 4 sigma'(2u)."""
    z = np.clip(z, -100, 100)  # outside, g' is 0 or 1, and z^2 could overflow
    u, du = gelu_tanh_argument(z), sqrt(2 / pi) * (1 + 3 * 0.044715 * np.square(z))
    return sigmoid(2 * u) + 2 * z * sigmoid_slope(2 * u) * du


# A row is a record, or a function that makes a record from the parameters in its YAML file. A supremum of g' without a
# closed form is g' at the root of g'' (found to 1e-12 with scipy.optimize.brentq; a test finds it again).
ACTIVATIONS: dict[str, Activation | Callable[..., Activation]] = {
    "identity": Activation(g=lambda z: z, dg=np.ones_like),
    "sigmoid": Activation(g=sigmoid, dg=sigmoid_slope, range=(0.0, 1.0), sup_dg=0.25),
    "tanh": Activation(g=np.tanh, dg=lambda z: 4 * sigmoid_slope(2 * z), range=(-1.0, 1.0)),  # 2 sigma(2z) - 1
    "relu": Activation(g=positive, dg=heaviside, range=(0.0, inf), kinks=(0.0,)),
    "leaky_relu": leaky_relu,
    "relu6": clipped(0.0, 6.0),  # Krizhevsky 2010
    "elu": elu,
    "selu": elu(alpha=1.6732632423543772, scale=1.0507009873554805),  # Klambauer et al. 2017
    "gelu": Activation(g=gelu, dg=gelu_slope, range=(-0.16997120748, inf), sup_dg=1.128904145185),  # at sqrt(2)
    "gelu_tanh": Activation(g=gelu_tanh, dg=gelu_tanh_slope, range=(-0.17004075058, inf), sup_dg=1.128993068659),
    "silu": Activation(g=silu, dg=silu_slope, range=(-0.27846454277, inf), sup_dg=1.099839320129),
    "mish": Activation(g=mish, dg=mish_slope, range=(-0.30884341302, inf), sup_dg=1.088498161252),
    "softplus": Activation(g=softplus, dg=sigmoid, range=(0.0, inf)),
    "softsign": Activation(  # z / (1 + |z|) (Bergstra et al. 2009)
        g=lambda z: z / (1 + np.abs(z)), dg=lambda z: 1 / np.square(1 + np.abs(z)), range=(-1.0, 1.0), kinks=(0.0,)
    ),
    "hard_tanh": clipped(-1.0, 1.0),
    "erf": Activation(special.erf, lambda z: 2 / sqrt(pi) * np.exp(-np.square(z)), (-1.0, 1.0), sup_dg=2 / sqrt(pi)),
    "sin": Activation(g=np.sin, dg=np.cos, range=(-1.0, 1.0)),  # Sitzmann et al. 2020
}
