"""Weight initializers: (rng, shape, *, parameters) -> W of shape (fan_out, fan_in).

Row j of W is the weight vector of neuron j. An initializer gets its keyword arguments by their names, from:

- the settings `init.<name>`, with defaults in `conf/init/<name>.yaml` (`cells.parts.chosen`)
- the activation: `leak`, its slope for z < 0 (`cells.config`)
- the network: `layer` (its number, from 1), `replica` (from 0), `inputs` (batch, fan_in), the inputs of the layer for a
  batch of training examples (`mlp.initialize`)

It may return (W, b) to set the biases too. `init.gain` later multiplies the W of every initializer. To add an
initializer: a row in INITIALIZERS and the file `conf/init/<name>.yaml`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

Shape = tuple[int, int]
Weights = NDArray[np.float64]
Initializer = Callable[..., Weights | tuple[Weights, Weights]]
PROVIDED = ("layer", "replica", "inputs")  # keyword arguments from the network
LEAK = "leak"  # keyword argument from the activation

FANS: dict[str, Callable[[Shape], float]] = {
    "fan_in": lambda shape: shape[1],
    "fan_out": lambda shape: shape[0],
    "fan_avg": lambda shape: (shape[0] + shape[1]) / 2,
}


@dataclass(frozen=True)
class Scheme:
    """How a layer starts: W = gain * weights(rng, shape), b ~ N(bias, sigma_b^2)."""

    weights: Initializer
    gain: float = 1.0
    bias: float = 0.0
    sigma_b: float = 0.0


def normal(rng: np.random.Generator, shape: Shape, *, scale: float) -> Weights:
    """W ~ N(0, scale^2): `scale` is the standard deviation, whatever the width."""
    return rng.normal(0.0, scale, shape)


def uniform(rng: np.random.Generator, shape: Shape, *, scale: float) -> Weights:
    """W ~ U(-sqrt(3) scale, sqrt(3) scale): `scale` is the standard deviation, as for `normal`."""
    limit = np.sqrt(3.0) * scale
    return rng.uniform(-limit, limit, shape)


def truncated_normal(rng: np.random.Generator, shape: Shape, *, scale: float, cut: float) -> Weights:
    """A normal distribution cut at `cut` standard deviations, then rescaled to the standard deviation `scale`.

    Keras does the same with a cut at 2. PyTorch's trunc_normal_ cuts at absolute values and does not rescale.
    """
    inside = 2 * special.ndtr(cut) - 1
    deviation = np.sqrt(1 - 2 * cut * np.exp(-(cut**2) / 2) / np.sqrt(2 * np.pi) / inside)  # after the cut
    standard = special.ndtri(rng.uniform(special.ndtr(-cut), special.ndtr(cut), shape))
    return np.asarray(standard * (scale / deviation))


def variance_scaling(
    rng: np.random.Generator, shape: Shape, *, variance: float, mode: str, distribution: Initializer
) -> Weights:
    """Var(W) = variance / n, with n = n_in, n_out or their mean by `mode`.

    Xavier: 1 / fan_avg = 2 / (n_in + n_out) (Glorot & Bengio 2010). LeCun: 1 / fan_in (LeCun et al. 1998). Their rows
    are the same, and the files `conf/init/xavier.yaml` and `conf/init/lecun.yaml` have different `mode`s.
    """
    return np.asarray(distribution(rng, shape, scale=float(np.sqrt(variance / FANS[mode](shape)))))


def he(rng: np.random.Generator, shape: Shape, *, mode: str, distribution: Initializer, leak: float) -> Weights:
    """Var(W) = 2 / (1 + leak^2) / n keeps the scale of signals where g has the slope `leak` for z < 0 and 1 for z > 0.

    There, E[g(z)^2] = (1 + leak^2) / 2 E[z^2] (He et al. 2015, equation 15). It is 2 / n for ReLU and, by custom,
    for all activations that are not leaky.
    """
    return variance_scaling(rng, shape, variance=2 / (1 + leak**2), mode=mode, distribution=distribution)


def critical(rng: np.random.Generator, shape: Shape, *, sigma_w: float) -> Weights:
    """W ~ N(0, sigma_w^2 / n_in), with sigma_w on the edge of chaos, chi = 1 (Schoenholz et al. 2017)."""
    return variance_scaling(rng, shape, variance=sigma_w**2, mode="fan_in", distribution=normal)


def constant(rng: np.random.Generator, shape: Shape, *, value: float) -> Weights:
    """Every weight the same value."""
    return np.full(shape, value)


def identical(rng: np.random.Generator, shape: Shape, *, layer: int, noise: float) -> Weights:
    """All neurons of a layer have the same random weight vector, so training can never make them different.

    noise > 0 adds an own N(0, noise^2 / n_in) to every weight; training can then enlarge the differences.

    Layer 1: every row is the same vector v ~ N(0, 1/n_in). Deeper layers: every entry is the same number
    c ~ N(0, 1) / n_in. Equal rows alone are not enough: the gradient of a neuron in layer l comes through its column
    of W[l+1], and unequal columns would send unequal gradients to layer l and separate its neurons.
    """
    fan_out, fan_in = shape
    if layer == 1:
        W = np.tile(rng.normal(0.0, 1 / np.sqrt(fan_in), fan_in), (fan_out, 1))
    else:
        W = np.full(shape, rng.normal() / fan_in)
    return W + rng.normal(0.0, noise / np.sqrt(fan_in), shape) if noise else W


def orthogonal(rng: np.random.Generator, shape: Shape) -> Weights:
    """Orthonormal rows (fan_out <= fan_in) or columns, uniform by the Haar measure (Saxe et al. 2013).

    Q of the QR decomposition of a Gaussian matrix, with signs that make the diagonal of R positive (Mezzadri 2007).
    """
    tall = (max(shape), min(shape))
    q, r = np.linalg.qr(rng.normal(size=tall))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return np.asarray(q if shape == tall else q.T)


def sparse(rng: np.random.Generator, shape: Shape, *, inputs_per_unit: int, scale: float) -> Weights:
    """Every row has `inputs_per_unit` weights N(0, scale^2); all others are 0 (Martens 2010: 15 and scale 1)."""
    fan_out, fan_in = shape
    chosen = rng.permuted(np.tile(np.arange(fan_in), (fan_out, 1)), axis=1)[:, :inputs_per_unit]
    W = np.zeros(shape)
    np.put_along_axis(W, chosen, rng.normal(0.0, scale, chosen.shape), axis=1)
    return W


def lsuv(rng: np.random.Generator, shape: Shape, *, inputs: Weights, tolerance: float, iterations: int) -> Weights:
    """An orthogonal matrix, rescaled until the variance of the layer's z on a batch is 1 (Mishkin & Matas 2016).

    W := W / sqrt(Var(inputs W^T)) while |variance - 1| >= `tolerance`, at most `iterations` times.
    """
    W = orthogonal(rng, shape)
    for _ in range(iterations):
        z = inputs @ W.T
        variance = np.var(z)
        rounding = np.square(1e-12 * z).mean()  # if all inputs are equal, the variance is rounding alone
        if abs(variance - 1) < tolerance or variance <= rounding:
            break
        W = W / np.sqrt(variance)
    return W


def identity(rng: np.random.Generator, shape: Shape) -> Weights:
    """Ones on the diagonal, zeros elsewhere, for rectangular shapes too."""
    return np.eye(*shape)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": partial(constant, value=0.0),
    "constant": constant,
    "identical": identical,
    "normal": normal,
    "uniform": uniform,
    "truncated_normal": truncated_normal,
    "xavier": partial(variance_scaling, variance=1.0, distribution=normal),
    "xavier_uniform": partial(variance_scaling, variance=1.0, distribution=uniform),
    "he": partial(he, distribution=normal),
    "he_uniform": partial(he, distribution=uniform),
    "lecun": partial(variance_scaling, variance=1.0, distribution=normal),
    "lecun_uniform": partial(variance_scaling, variance=1.0, distribution=uniform),
    "critical": critical,
    "orthogonal": orthogonal,
    "sparse": sparse,
    "lsuv": lsuv,
    "identity": identity,
}
