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

from mlpstudy.activations import Activation, Array
from mlpstudy.initializers import PROVIDED, Scheme

Layers = list[tuple[Array, Array]]  # [(W[1], b[1]), ..., (W[L], b[L])]


@dataclass(frozen=True)
class Trace:
    """What a forward pass leaves behind: z = [z[1], ..., z[L]] and a = [a[0], ..., a[L-1]]."""

    z: list[Array]
    a: list[Array]

    @property
    def h(self) -> Array:
        """The network's output h = z[L], (R, batch, n_L)."""
        return self.z[-1]


@dataclass(frozen=True)
class Gradients:
    """What backpropagation leaves behind: delta[l] = dJ/dz[l] for l = 1..L, and dJ/dtheta."""

    delta: list[Array]
    theta: Array  # (R, P)
    layers: Layers  # dJ/dW[l], dJ/db[l]: views into theta


def n_parameters(sizes: Sequence[int]) -> int:
    """Number of weights and biases of one replica: sum of n_l (n_{l-1} + 1)."""
    return sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes))


def unflatten(theta: NDArray[Any], sizes: Sequence[int]) -> Layers:
    """Weights and biases as views into theta (R, P): what is written to one is written to the other."""
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
    """theta (R, P): replica r draws its weights from rngs[r], layer by layer, the last by `output` where given.

    `inputs` (1, batch, n_0) and the activation are needed by data-dependent schemes alone. Draws are made in
    float64 and rounded, so both dtypes start from the same network.
    """
    theta = np.zeros((len(rngs), n_parameters(sizes)), dtype)
    schemes = [scheme] * (len(sizes) - 2) + [output or scheme]
    asked_for = [inspect.signature(s.weights).parameters.keys() & set(PROVIDED) for s in schemes]
    for row, (replica, rng) in zip(theta, rngs.items(), strict=True):
        a = None if inputs is None else inputs[0].astype(np.float64)
        for i, (W, b) in enumerate(unflatten(row[None], sizes)):
            provided = {"layer": i + 1, "replica": replica, "inputs": a}
            drawn = schemes[i].weights(rng, W.shape[1:], **{name: provided[name] for name in asked_for[i]})
            weights, bias = drawn if isinstance(drawn, tuple) else (drawn, np.zeros(W.shape[1]))
            W[0] = schemes[i].gain * weights
            b[0] = bias + schemes[i].bias
            if schemes[i].sigma_b > 0:
                b[0] += rng.normal(0.0, schemes[i].sigma_b, W.shape[1])
            if a is not None and activation is not None and any("inputs" in asked for asked in asked_for[i:]):
                a = activation.g(a @ W[0].T.astype(np.float64) + b[0])
    return theta


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
    """H alone, (R, batch, n_L), keeping no trace."""
    for W, b in layers[:-1]:
        x = activation.g(x @ W.mT + b)
    W, b = layers[-1]
    return x @ W.mT + b


def backward(layers: Layers, activation: Activation, trace: Trace, dh: Array) -> Gradients:
    """Backpropagation from dh = dJ/dz[L]:

    delta[l] = (delta[l+1] W[l+1]) * g'(z[l]),  dJ/dW[l] = delta[l]^T a[l-1],  dJ/db[l] = sum of delta[l]
    over the batch. dh carries the 1/batch of the mean, so no later line needs it.
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


def jacobian(layers: Layers, slopes: Sequence[Array], inputs: int) -> NDArray[np.float64]:
    """dh/dx = W[L] diag(g'(z[L-1])) W[L-1] ... diag(g'(z[1])) W[1] of some inputs, (R, inputs, n_L, n_0), in float64.

    slopes: g'(z[l]) at these inputs, (R, inputs, n_l) for each hidden layer.
    """
    W, _ = layers[-1]
    product = np.repeat(W[:, None].astype(np.float64), inputs, axis=1)
    for (W, _), slope in zip(layers[-2::-1], reversed(slopes), strict=True):
        product = (product * slope[:, :, None, :]) @ W[:, None].astype(np.float64)
    return product


def ties(theta: Array, sizes: Sequence[int]) -> NDArray[np.intp] | None:
    """For each parameter the one it can never part from, as indices (R, P) into theta; None where all are free.

    Two units of a hidden layer with the same incoming row [W[l] b[l]] and the same outgoing column of
    W[l+1] can be swapped without changing theta, so J is symmetric in them, their gradients are equal and
    so is every step. That is exact in real numbers but not in a matrix product: BLAS sums the columns at
    the edge of a block in another order, by CPU, and training amplifies the difference until equal units
    part by rounding alone. `tie` puts the equality back.
    """
    index = np.tile(np.arange(theta.shape[1]), (len(theta), 1))
    tied = False
    for r in range(len(theta)):
        layers = unflatten(theta[r : r + 1], sizes)
        indices = unflatten(index[r : r + 1], sizes)
        first_inputs = np.arange(sizes[0])
        for i, ((W, b), (W_index, b_index)) in enumerate(zip(layers, indices, strict=True)):
            first_units = np.arange(sizes[i + 1])
            if i + 1 < len(layers):
                signature = np.concatenate([W[0], b[0].T, layers[i + 1][0][0].T], axis=1) + 0.0  # -0.0 is 0.0
                seen: dict[bytes, int] = {}
                first_units = np.array([seen.setdefault(s.tobytes(), j) for j, s in enumerate(signature)])
                tied = tied or len(seen) < len(signature)
            W_index[0] = W_index[0][np.ix_(first_units, first_inputs)]
            b_index[0] = b_index[0][:, first_units]
            first_inputs = first_units
    return index if tied else None


def tie(gradients: Gradients, index: NDArray[np.intp]) -> None:
    """Give every parameter the gradient of the one it is tied to, in place; see `ties`."""
    gradients.theta[...] = np.take_along_axis(gradients.theta, index, axis=1)
