"""Activations for the training step: g(z) is written over z, and g'(z) into a second array, in one call.

`activations.py` defines the functions. The ones here are the same up to rounding and cost a half to a seventh of the
time: g and g' share their exponential, and no array is allocated that a cache does not hold. The price: a slope far
below the largest one may round to 0 (1 - a^2 does), which a training step does not notice. The statistics do, so they
call the g' of `activations.py`. An activation without a row in IN_PLACE is trained with its g and g'.
"""

from collections.abc import Callable
from functools import partial
from math import pi, sqrt

import numpy as np
from scipy import special

from mlpstudy.network import activations
from mlpstudy.network.activations import Activation, Array

InPlace = Callable[[Array, Array], None]  # (z, slope): writes g(z) over z and g'(z) into slope

# r in erf(z / sqrt(2)) = tanh(z r(z^2)), highest power first: the minimax polynomial of degree 6 for |z| < 5.5.
# Beyond, erf is 1 in float32. In float32 the relative error of erf is at most 2.5e-7, the absolute error of
# Phi(z) = (1 + erf(z / sqrt(2))) / 2 at most 1.1e-7; tests measure both.
ERF = (
    1.5672777520e-09,
    -1.2525737247e-07,
    3.8730659071e-06,
    -5.4781776271e-05,
    -3.3911142964e-05,
    3.6334346980e-02,
    7.9788464308e-01,
)


def relu(z: Array, slope: Array) -> None:
    """a = max(z, 0), g' = 1 where z > 0."""
    np.greater(z, 0, out=slope)
    np.maximum(z, 0, out=z)


def tanh(z: Array, slope: Array) -> None:
    """g' = 1 - a^2."""
    np.tanh(z, out=z)
    np.square(z, out=slope)
    np.subtract(1, slope, out=slope)


def sigmoid(z: Array, slope: Array) -> None:
    """g' = a (1 - a)."""
    logistic(z, out=z)
    np.subtract(1, z, out=slope)
    slope *= z


def logistic(z: Array, out: Array) -> None:
    """1 / (1 + exp(-z)); where the exponential overflows, the quotient is 0."""
    np.negative(z, out=out)
    np.exp(out, out=out)
    out += 1
    np.reciprocal(out, out=out)


def silu(z: Array, slope: Array) -> None:
    """a = z s, g' = s (1 + z (1 - s)), s = sigma(z)."""
    logistic(z, out=slope)
    t = 1 - slope
    t *= z
    t += 1
    z *= slope
    slope *= t


def elu(z: Array, slope: Array, alpha: float, scale: float) -> None:
    """With e = exp(z) - 1 for z < 0 and e = 0 for z > 0: a = scale (max(z, 0) + alpha e),
    g' = scale (alpha (e + 1) + (1 - alpha) [z > 0]).
    """
    up = np.greater(z, 0).astype(z.dtype)
    np.minimum(z, 0, out=slope)
    np.expm1(slope, out=slope)
    slope *= scale * alpha
    np.maximum(z, 0, out=z)
    z *= scale
    z += slope
    slope += scale * alpha
    up *= scale * (1 - alpha)
    slope += up


def normal_erf(z: Array, square: Array) -> Array:
    """erf(z / sqrt(2)) from z and z^2; `square` is overwritten."""
    if z.dtype != np.float32:
        return np.asarray(special.erf(z / sqrt(2)))
    np.minimum(square, 5.5**2, out=square)
    r = square * ERF[0]
    for coefficient in ERF[1:-1]:
        r += coefficient
        r *= square
    r += ERF[-1]
    r *= z
    return np.asarray(np.tanh(r, out=r))


def gelu(z: Array, slope: Array) -> None:
    """a = z Phi(z), g' = Phi(z) + z phi(z)."""
    square = np.square(z)
    np.multiply(square, -0.5, out=slope)
    np.exp(slope, out=slope)
    slope *= 1 / sqrt(2 * pi)
    slope *= z
    phi = normal_erf(z, square)
    phi += 1
    phi *= 0.5
    slope += phi
    z *= phi


def erf(z: Array, slope: Array) -> None:
    """g' = 2 / sqrt(pi) exp(-z^2)."""
    np.square(z, out=slope)
    z *= sqrt(2)
    square = 2 * slope
    np.negative(slope, out=slope)
    np.exp(slope, out=slope)
    slope *= 2 / sqrt(pi)
    z[...] = normal_erf(z, square)


def gelu_tanh(z: Array, slope: Array) -> None:
    """a = z s, g' = s (1 + z (1 - s) 2u'), s = sigma(2u), 2u = sqrt(8 / pi) (z + 0.044715 z^3)."""
    near = np.clip(z, -30, 30)  # s is 0 or 1 outside, and z^3 could overflow
    square = np.square(near)
    u = square * 0.044715
    u += 1
    u *= near
    u *= sqrt(8 / pi)
    logistic(u, out=slope)
    np.subtract(1, slope, out=u)
    u *= near
    square *= 3 * 0.044715
    square += 1
    square *= sqrt(8 / pi)
    u *= square
    u += 1
    z *= slope
    slope *= u


def mish(z: Array, slope: Array) -> None:
    """a = z t, g' = t + z (1 - t^2) sigma(z), t = tanh(softplus(z)) = n / (n + 2), n = e (e + 2), e = exp(z)."""
    e = np.minimum(z, 40)  # t is 1 beyond, and e^2 could overflow
    np.exp(e, out=e)
    t = e + 2
    t *= e
    np.add(t, 2, out=slope)
    t /= slope
    np.add(e, 1, out=slope)
    e /= slope
    np.square(t, out=slope)
    np.subtract(1, slope, out=slope)
    slope *= e
    slope *= z
    slope += t
    z *= t


IN_PLACE: dict[Callable[..., Array], Callable[..., None]] = {  # g -> the same in place; of both, the same parameters
    np.tanh: tanh,
    activations.sigmoid: sigmoid,
    activations.positive: relu,
    activations.scaled_elu: elu,
    activations.gelu: gelu,
    activations.gelu_tanh: gelu_tanh,
    activations.silu: silu,
    activations.mish: mish,
    special.erf: erf,
}


def in_place(activation: Activation) -> InPlace:
    """Its row of IN_PLACE; without one, the same from g and g'."""
    g: Callable[..., Array] = activation.g
    parameters = g.keywords if isinstance(g, partial) else {}
    g = g.func if isinstance(g, partial) else g
    if g in IN_PLACE:
        return partial(IN_PLACE[g], **parameters)

    def plain(z: Array, slope: Array) -> None:
        slope[...] = activation.dg(z)
        z[...] = activation.g(z)

    return plain
