"""Weight initializers: (rng, shape, *, parameters) -> W of shape (fan_out, fan_in).

Row j of W is neuron j's weight vector. An initializer that declares the parameter `layer` is told the
number of its layer (1 = the first). To add one: a row in INITIALIZERS and `conf/init/<name>.yaml`. The
common `init.gain` multiplies whatever comes out, so no initializer knows of it.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, int]
Weights = NDArray[np.float64]
Initializer = Callable[..., Weights]

FANS: dict[str, Callable[[Shape], float]] = {
    "fan_in": lambda shape: shape[1],
    "fan_out": lambda shape: shape[0],
    "fan_avg": lambda shape: (shape[0] + shape[1]) / 2,
}


def normal(rng: np.random.Generator, shape: Shape, *, scale: float) -> Weights:
    """W ~ N(0, scale^2): `scale` is the standard deviation, whatever the width."""
    return rng.normal(0.0, scale, shape)


def uniform(rng: np.random.Generator, shape: Shape, *, scale: float) -> Weights:
    """W ~ U(-sqrt(3) scale, sqrt(3) scale): `scale` is the standard deviation, as for `normal`."""
    limit = np.sqrt(3.0) * scale
    return rng.uniform(-limit, limit, shape)


def variance_scaling(
    rng: np.random.Generator, shape: Shape, *, variance: float, mode: str, distribution: Initializer
) -> Weights:
    """Var(W) = variance / n, with n = n_in, n_out or their mean by `mode`.

    Xavier: 1 / fan_avg = 2 / (n_in + n_out) (Glorot & Bengio 2010). He: 2 / fan_in (He et al. 2015).
    LeCun: 1 / fan_in (LeCun et al. 1998).
    """
    return distribution(rng, shape, scale=float(np.sqrt(variance / FANS[mode](shape))))


def constant(rng: np.random.Generator, shape: Shape, *, value: float) -> Weights:
    """Every weight the same value."""
    return np.full(shape, value)


def identical(rng: np.random.Generator, shape: Shape, *, layer: int) -> Weights:
    """Each neuron of a layer the same random vector, so that no step can ever tell them apart.

    Layer 1: one vector v ~ N(0, 1/n_in) in every row. Deeper layers: their inputs are copies of one
    another, and a neuron's gradient comes through the column of weights that leave it, so those columns
    must agree too: every entry is the same draw c ~ N(0, 1) / n_in. With rows alone identical, the unequal
    columns of layer l + 1 send unequal gradients to layer l, and its neurons do separate.
    """
    fan_out, fan_in = shape
    if layer == 1:
        return np.tile(rng.normal(0.0, 1 / np.sqrt(fan_in), fan_in), (fan_out, 1))
    return np.full(shape, rng.normal() / fan_in)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": partial(constant, value=0.0),
    "constant": constant,
    "identical": identical,
    "normal": normal,
    "uniform": uniform,
    "xavier": partial(variance_scaling, variance=1.0, distribution=normal),
    "xavier_uniform": partial(variance_scaling, variance=1.0, distribution=uniform),
    "he": partial(variance_scaling, variance=2.0, distribution=normal),
    "he_uniform": partial(variance_scaling, variance=2.0, distribution=uniform),
    "lecun": partial(variance_scaling, variance=1.0, distribution=normal),
    "lecun_uniform": partial(variance_scaling, variance=1.0, distribution=uniform),
}
