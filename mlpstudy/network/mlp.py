"""The network: its parameters, the forward pass and backpropagation, for R replicas at once.

Layers l = 1..L, samples are rows, every array has a leading replica axis:
x = a[0] (R or 1, batch, n_0), W[l] (R, n_l, n_{l-1}), b[l] (R, 1, n_l), z[l], a[l], delta[l] (R, batch, n_l).
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Activation, Array
from mlpstudy.network.initializers import PROVIDED, Scheme
from mlpstudy.network.losses import Loss

Layers = list[tuple[Array, Array]]  # [(W[1], b[1]), ..., (W[L], b[L])]


@dataclass(frozen=True)
class Network:
    """What is trained, without its parameters."""

    sizes: tuple[int, ...]  # n_0, ..., n_L
    activation: Activation  # of the hidden layers
    loss: Loss


@dataclass(frozen=True)
class Trace:
    """All values of a forward pass: z = [z[1], ..., z[L]] and a = [a[0], ..., a[L-1]]."""

    z: list[Array]
    a: list[Array]

    @property
    def h(self) -> Array:
        """The network's output h = z[L], (R, batch, n_L)."""
        return self.z[-1]


@dataclass(frozen=True)
class Gradients:
    """All gradients of a backward pass: delta[l] = dJ/dz[l] for l = 1..L, and dJ/dtheta."""

    delta: list[Array]
    theta: Array  # (R, P)
    layers: Layers  # dJ/dW[l], dJ/db[l]: views into theta


def n_parameters(sizes: Sequence[int]) -> int:
    """The number of weights and biases of one replica: the sum of n_l (n_{l-1} + 1) over the layers."""
    return sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes))


def unflatten(theta: NDArray[Any], sizes: Sequence[int]) -> Layers:
    """Weights and biases of each layer as views into theta (R, P): writing to one changes the other."""
    layers, start = [], 0
    for n_in, n_out in pairwise(sizes):
        middle, end = start + n_out * n_in, start + n_out * (n_in + 1)
        layers.append((theta[:, start:middle].reshape(-1, n_out, n_in), theta[:, None, middle:end]))
        start = end
    return layers


def initialize(
    rngs: Mapping[int, np.random.Generator],
    sizes: Sequence[int],
    scheme: Scheme,
    output: Scheme | None = None,
    dtype: type[np.floating] = np.float32,
    inputs: Array | None = None,
    activation: Activation | None = None,
) -> Array:
    """theta (R, P): replica r draws its weights from rngs[r], layer by layer.

    `output` is the scheme of the last layer; None means `scheme`. Only data-dependent schemes need `inputs`
    (1, batch, n_0) and the activation. Weights are drawn in float64 and rounded, so both dtypes start from the same
    network.
    """
    theta = np.zeros((len(rngs), n_parameters(sizes)), dtype)
    schemes = [scheme] * (len(sizes) - 2) + [output or scheme]
    takes = [inspect.signature(s.weights).parameters.keys() & set(PROVIDED) for s in schemes]
    for row, (replica, rng) in zip(theta, rngs.items(), strict=True):
        a = None if inputs is None else inputs[0].astype(np.float64)
        for i, (W, b) in enumerate(unflatten(row[None], sizes)):
            provided = {"layer": i + 1, "replica": replica, "inputs": a}
            _draw_layer(schemes[i], rng, W[0], b[0, 0], {name: provided[name] for name in takes[i]})
            if a is not None and activation is not None and any("inputs" in names for names in takes[i + 1 :]):
                a = activation.g(a @ W[0].T.astype(np.float64) + b[0])
    return theta


def _draw_layer(scheme: Scheme, rng: np.random.Generator, W: Array, b: Array, provided: Mapping[str, Any]) -> None:
    """Draw the weights and biases of one layer into W (n_l, n_{l-1}) and b (n_l,)."""
    drawn = scheme.weights(rng, W.shape, **provided)
    weights, bias = drawn if isinstance(drawn, tuple) else (drawn, np.zeros(len(b)))
    W[...] = scheme.gain * weights
    b[...] = bias + scheme.bias
    if scheme.sigma_b > 0:
        b += rng.normal(0.0, scheme.sigma_b, len(b))


def forward(layers: Layers, activation: Activation, x: Array) -> Trace:
    """z[l] = W[l] a[l-1] + b[l], a[l] = g(z[l]), h = z[L]; with samples as rows, z = a W^T + b."""
    z: list[Array] = []
    a = [x]
    for W, b in layers:
        if z:
            a.append(activation.g(z[-1]))
        z.append(a[-1] @ W.mT + b)
    return Trace(z=z, a=a)


def predict(layers: Layers, activation: Activation, x: Array) -> Array:
    """The output h alone, (R, batch, n_L), without a trace."""
    for W, b in layers[:-1]:
        x = activation.g(x @ W.mT + b)
    W, b = layers[-1]
    return x @ W.mT + b


def backward(layers: Layers, activation: Activation, trace: Trace, dh: Array) -> Gradients:
    """Backpropagation from dh = dJ/dz[L]:

    delta[l] = (delta[l+1] W[l+1]) * g'(z[l]),  dJ/dW[l] = delta[l]^T a[l-1],  dJ/db[l] = sum of delta[l]
    over the batch. dh already has the factor 1/batch of the mean.
    """
    sizes = [W.shape[2] for W, _ in layers] + [dh.shape[2]]
    theta = np.empty((dh.shape[0], n_parameters(sizes)), dh.dtype)
    gradient = unflatten(theta, sizes)
    delta = [dh] * len(layers)
    for i in reversed(range(len(layers))):  # i = l - 1
        dW, db = gradient[i]
        np.matmul(delta[i].mT, trace.a[i], out=dW)
        np.sum(delta[i], axis=1, keepdims=True, out=db)
        if i > 0:
            W, _ = layers[i]
            delta[i - 1] = (delta[i] @ W) * activation.dg(trace.z[i - 1])
    return Gradients(delta=delta, theta=theta, layers=gradient)


def backpropagate(network: Network, layers: Layers, x: Array, y: Array) -> tuple[Trace, Gradients]:
    """Both passes on one batch x (1, batch, n_0) with targets y (batch, n_L); J is the mean loss over the batch."""
    trace = forward(layers, network.activation, x)
    dh = network.loss.gradient(trace.h, y[None]) / trace.h.dtype.type(len(y))
    return trace, backward(layers, network.activation, trace, dh)
