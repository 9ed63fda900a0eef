"""Activation functions g and their derivatives g', both as functions of z.

g' is a function of z, not of the output, so that non-monotone activations fit too. At a kink g' is the
derivative from the left (ReLU: g'(0) = 0). To add one: a row in ACTIVATIONS and `conf/activation/<name>.yaml`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Activation:
    """An elementwise function and what the statistics and the theory need to know of it."""

    g: Callable[[Array], Array]
    dg: Callable[[Array], Array]
    range: tuple[float, float] = (-inf, inf)  # infimum and supremum of g
    sup_dg: float = 1.0  # supremum of |g'|: saturation is measured relative to it
    kinks: tuple[float, ...] = ()  # where g' jumps

    @property
    def bounded(self) -> bool:
        """Only a function bounded on both sides can saturate (one-sided floors make units dead instead)."""
        return self.range[0] > -inf and self.range[1] < inf


def sigmoid(z: Array) -> Array:
    """sigma(z) = 1 / (1 + exp(-z)), through tanh: never overflows and is faster than scipy's expit."""
    s: Array = 0.5 * np.tanh(0.5 * z) + 0.5
    return s


def sigmoid_slope(z: Array) -> Array:
    """sigma'(z) = e / (1 + e)^2 with e = exp(-|z|): exact to the last digits where 1 - sigma would round to 0."""
    e: Array = np.exp(-np.abs(z))
    return np.asarray(e / np.square(1 + e))


def leaky_relu(slope: float) -> Activation:
    """max(z, 0) + slope min(z, 0) (Maas et al. 2013)."""
    return Activation(
        g=lambda z: np.where(z > 0, z, slope * z),
        dg=lambda z: np.where(z > 0, z.dtype.type(1), z.dtype.type(slope)),
        range=(-inf if slope > 0 else 0.0, inf),
        sup_dg=max(1.0, abs(slope)),
        kinks=(0.0,),
    )


# A row is a record, or a function of the parameters in its YAML that returns one.
ACTIVATIONS: dict[str, Activation | Callable[..., Activation]] = {
    "identity": Activation(g=lambda z: z, dg=np.ones_like),
    "sigmoid": Activation(g=sigmoid, dg=sigmoid_slope, range=(0.0, 1.0), sup_dg=0.25),
    # tanh(z) = 2 sigma(2z) - 1
    "tanh": Activation(g=np.tanh, dg=lambda z: 4 * sigmoid_slope(2 * z), range=(-1.0, 1.0)),
    "relu": Activation(
        g=lambda z: np.maximum(z, 0), dg=lambda z: (z > 0).astype(z.dtype), range=(0.0, inf), kinks=(0.0,)
    ),
    "leaky_relu": leaky_relu,
}
