"""The training step of a stack of replicas, in memory that is kept from one step to the next.

The gradient is that of `mlp.backpropagate`, which is the form to read; tests compare the two. Here the output of a
layer replaces its z, and the slope g'(z) is computed in the same call. Parameters are stored layer by layer, the
replicas of a layer side by side: all replicas have the same inputs, so layer 1 is one matrix product for all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array
from mlpstudy.network.fast.in_place import in_place
from mlpstudy.network.mlp import Layers, Network, unflatten
from mlpstudy.network.optimizers import Optimizer, clip
from mlpstudy.network.ties import find_ties, tie
from mlpstudy.network.training import diverged

CHUNK = 2**15  # entries that are computed together; three such arrays in float32 fit in a cache of 512 kB


def chunks(flat: Array) -> list[Array]:
    """The entries of flat in views of CHUNK entries."""
    return [flat[start : start + CHUNK] for start in range(0, len(flat), CHUNK)]


def by_layer(flat: NDArray[Any], sizes: Sequence[int], replicas: int) -> Layers:
    """[(W[1], b[1]), ...] as views into flat (R P,): W[1] of all replicas, b[1] of all replicas, W[2], ..."""
    layers, start = [], 0
    for n_in, n_out in pairwise(sizes):
        middle, end = start + replicas * n_out * n_in, start + replicas * n_out * (n_in + 1)
        layers.append((flat[start:middle].reshape(-1, n_out, n_in), flat[middle:end].reshape(-1, 1, n_out)))
        start = end
    return layers


@dataclass(frozen=True)
class StackedLayer:
    """Layer l in a step on a batch of one size; every field is a view into the memory of the stack.

    `into_z`, `W_T`, `delta_T` and `into_dW` are the operands of the two products with a[l-1]. In layer 1 they have two
    axes, with the units of all replicas side by side; in the other layers they are z, W^T, delta^T and dW.
    """

    W: Array  # (R, n_l, n_{l-1})
    b: Array  # (R, 1, n_l)
    z: Array  # z[l], then a[l]: (R, batch, n_l)
    slope: Array  # g'(z[l]), (R, batch, n_l)
    delta: Array  # (R, batch, n_l)
    db: Array  # (R, 1, n_l)
    chunks: list[tuple[Array, Array]]  # the entries of z and slope
    into_z: Array
    W_T: Array
    delta_T: Array
    into_dW: Array


class Stack:
    """R replicas that take their steps together, each with its own gradient."""

    def __init__(self, network: Network, optimizer: Optimizer, clip_norm: float | None, theta: Array, batch: int):
        """theta: (R, P), is copied; batch: the largest number of examples in a step."""
        self.network, self.optimizer, self.clip_norm, self.replicas = network, optimizer, clip_norm, len(theta)
        self._activate = in_place(network.activation)
        self._theta, self._gradient = np.empty((2, theta.size), theta.dtype)
        self._layers, self._gradients = (by_layer(f, network.sizes, len(theta)) for f in (self._theta, self._gradient))
        self._write(self._layers, theta)
        self._states = [optimizer.init(part) for part in chunks(self._theta)]
        self._tied = self._find_ties(theta)
        largest = [len(theta) * batch * n for n in network.sizes[1:]]
        self._a, self._slope = ([np.empty(size, theta.dtype) for size in largest] for _ in range(2))
        self._delta = np.empty((2, max(largest)), theta.dtype)  # of two neighbouring layers
        self._views: dict[int, list[StackedLayer]] = {}

    @property
    def theta(self) -> Array:
        """A copy of the parameters, (R, P)."""
        return self._read(self._theta)

    @property
    def update(self) -> Array:
        """A copy of what the last step added to theta, (R, P)."""
        return self._read(self._gradient)

    @property
    def diverged(self) -> bool:
        """Whether every replica has diverged."""
        return diverged(self._layers[-1][1][:, 0])  # the biases of the outputs

    def step(self, x: Array, y: Array, lr: float) -> None:
        """One update from a batch x (batch, n_0) with targets y (batch, n_L)."""
        with np.errstate(all="ignore"):  # a number that overflows on the way to divergence is a result
            self.backpropagate(x, y)
            if self._tied is not None:
                tie(self._gradient[None], self._tied)
            if self.clip_norm is not None:
                self._write(self._gradients, clip(self._read(self._gradient), self.clip_norm))
            for i, (theta, gradient) in enumerate(zip(chunks(self._theta), chunks(self._gradient), strict=True)):
                update, self._states[i] = self.optimizer.update(gradient, self._states[i], theta, lr)
                theta += update
                gradient[...] = update  # for `update`

    def backpropagate(self, x: Array, y: Array) -> None:
        """The gradient of the mean loss of a batch x (batch, n_0) with targets y (batch, n_L)."""
        if len(x) not in self._views:
            self._views[len(x)] = [self._layer(i, len(x)) for i in range(len(self._layers))]
        layers = self._views[len(x)]
        a = x
        for layer in layers:
            np.matmul(a, layer.W_T, out=layer.into_z)
            np.add(layer.z, layer.b, out=layer.z)
            if layer is not layers[-1]:
                for z, slope in layer.chunks:
                    self._activate(z, slope)
            a = layer.z
        np.divide(self.network.loss.gradient(a, y[None]), len(x), out=layers[-1].delta)
        ones = np.ones((1, len(x)), x.dtype)
        for below, layer in zip([*layers[-2::-1], None], layers[::-1], strict=True):
            np.matmul(ones, layer.delta, out=layer.db)
            np.matmul(layer.delta_T, x if below is None else below.z, out=layer.into_dW)
            if below is not None:
                np.matmul(layer.delta, layer.W, out=below.delta)
                np.multiply(below.delta, below.slope, out=below.delta)

    def _layer(self, i: int, batch: int) -> StackedLayer:
        """The views of layer l = i + 1 in a step on `batch` examples."""
        (W, b), (dW, db) = self._layers[i], self._gradients[i]
        n_in, n_out = self.network.sizes[i : i + 2]
        size = self.replicas * batch * n_out
        flat = self._a[i][:size], self._slope[i][:size], self._delta[i % 2, :size]
        products: tuple[Array, Array, Array, Array]
        if i == 0:
            z, slope, delta = (f.reshape(batch, -1, n_out).swapaxes(0, 1) for f in flat)
            all_z, all_delta = flat[0].reshape(batch, -1), flat[2].reshape(batch, -1)
            products = all_z, W.reshape(-1, n_in).T, all_delta.T, dW.reshape(-1, n_in)
        else:
            z, slope, delta = (f.reshape(-1, batch, n_out) for f in flat)
            products = z, W.mT, delta.mT, dW
        pairs = list(zip(chunks(flat[0]), chunks(flat[1]), strict=True))
        return StackedLayer(W, b, z, slope, delta, db, pairs, *products)

    def _find_ties(self, theta: Array) -> NDArray[np.intp] | None:
        """For each entry of the gradient, the entry that it always equals, (1, R P); see `find_ties`."""
        ties = find_ties(theta, self.network.sizes)
        if ties is None:
            return None
        place = self._read(np.arange(theta.size))
        index = np.empty((1, theta.size), np.intp)
        index[0, place] = np.take_along_axis(place, ties, axis=1)
        return index

    def _read(self, flat: NDArray[Any]) -> NDArray[Any]:
        """What is stored by layer, as one row for each replica: (R, P)."""
        layers = by_layer(flat, self.network.sizes, self.replicas)
        return np.concatenate([part.reshape(self.replicas, -1) for layer in layers for part in layer], axis=1)

    def _write(self, layers: Layers, rows: Array) -> None:
        """Store rows (R, P) by layer."""
        for (W, b), (W_given, b_given) in zip(layers, unflatten(rows, self.network.sizes), strict=True):
            W[...], b[...] = W_given, b_given
