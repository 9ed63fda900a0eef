"""The pilot: one replica is trained in few steps, each of which stands for many steps of the training it foresees.

As long as the gradient hardly changes from step to step, s steps of an optimizer are one step that can be computed at
once (`optimizers.Merged`). Whether it hardly changes is measured at every step, by how much of the expected decrease
of the loss J came true:

    rho = (J(theta) - J(theta + d)) / (-g . d).

On a quadratic with plain SGD, rho = 1 - s lr c / 2, with the curvature c along g. Where rho is small, fewer steps are
merged; where it is near 1, more. A single step is always taken as it is: a training that is unstable has to be seen as
such. This is trust-region step control (Conn, Gould & Toint 2000) of a training, not of a minimum.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.evaluation import evaluate
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Network, backward, forward, predict, unflatten
from mlpstudy.network.optimizers import Merged, clip
from mlpstudy.network.ties import find_ties
from mlpstudy.network.training import Recipe, batches

STEPS = 50  # at most, merged or single
EXAMPLES = 256  # in a step that is merged, at most, unless a minibatch is larger
FEWER, MORE = 0.4, 0.7  # rho below which fewer steps are merged, and above which more are
CHECKED = 4  # of single steps, rho is measured in every fourth: there it only tells when merging can begin again
SEEN = 512  # training examples on which the foreseen curve is computed


@dataclass(frozen=True)
class Curve:
    """A learning curve that is foreseen: a row for each step of the pilot, up to where it got."""

    step: NDArray[np.int64]  # of the training
    loss: NDArray[np.float64]  # on training examples
    accuracy: NDArray[np.float64] | None  # the same; None for a regression


def pilot(
    network: Network, recipe: Recipe, x: Array, y: Array, theta: Array, rng: np.random.Generator, classes: bool
) -> Curve:
    """The foreseen curve of a training on x (1, n, n_0), y (n, n_L) from theta (1, P). classes: are the targets classes?"""
    some = rng.permutation(len(y))[:SEEN]
    steps, scores = [], []
    with np.errstate(all="ignore"):  # numbers that overflow are a result
        for step, theta in fly(network, recipe, x[0], y, theta, rng):
            steps.append(step)
            scores.append(evaluate(network, unflatten(theta, network.sizes), x[:, some], y[some], classes))
    accuracy = np.array([score["accuracy"][0] for score in scores]) if classes else None
    return Curve(np.array(steps), np.array([score["loss"][0] for score in scores]), accuracy)


def fly(
    network: Network, recipe: Recipe, x: Array, y: Array, theta: Array, rng: np.random.Generator
) -> Iterator[tuple[int, Array]]:
    """The steps of the training that are done, and theta (1, P) after them: at the start, and after each pilot's step.

    It ends after STEPS steps, where the training ends, or where a parameter is not finite.
    """
    per_epoch, size = recipe.steps_per_epoch(len(y)), recipe.batch_size or len(y)
    last, done, together = recipe.epochs * per_epoch, 0, 1
    source, ties, memory = _Examples(rng, len(y), recipe.replacement), find_ties(theta, network.sizes), recipe.optimizer.init(theta)
    yield done, theta
    for count in range(STEPS):
        if done == last or not np.isfinite(theta[0, -1]):
            return
        together = min(together, last - done)
        halves = source.halves(max(min(size * together, EXAMPLES), min(size, len(y))), 2 if together > 1 else 1)
        batch_x, batch_y = x[halves], y[halves]
        loss, parts = _gradients(network, batch_x, batch_y, theta)
        if ties is not None:
            parts = parts[:, ties[0]]
        if recipe.clip_norm is not None:
            parts = parts * _share(parts, recipe.clip_norm)
        while True:
            rates = [recipe.lr((done + i) / per_epoch, 1 / per_epoch) for i in np.linspace(0, together - 1, min(together, 8))]
            merged = Merged(parts, together, min(together, halves.size / size))
            update, after = recipe.optimizer.merged(merged, memory, theta, float(np.mean(rates)))
            if together == 1 and count % CHECKED:
                rho = np.nan
                break
            expected = -float(np.vdot(merged.gradient, update))
            rho = (loss - _loss(network, batch_x, batch_y, theta + update)) / expected if expected > 0 else -1.0
            if together == 1 or rho > FEWER:
                break
            together = max(1, together // (2 if rho >= 0 else 4))  # also if rho is NaN
        theta, memory, done = theta + update.astype(theta.dtype), after, done + together
        yield done, theta
        if rho > MORE:
            together *= 2


class _Examples:
    """Training examples in random order, again and again, or drawn with replacement."""

    def __init__(self, rng: np.random.Generator, number: int, replacement: bool) -> None:
        self._rng, self._number, self._replacement = rng, number, replacement
        self._queue = np.empty(0, np.int64)

    def halves(self, size: int, parts: int) -> NDArray[np.int64]:
        """The next `size` examples, (parts, size / parts)."""
        size = max(size // parts, 1) * parts
        if self._replacement:
            return self._rng.integers(self._number, size=(parts, size // parts))
        while len(self._queue) < size:
            self._queue = np.concatenate([self._queue, self._rng.permutation(self._number)])
        taken, self._queue = self._queue[:size], self._queue[size:]
        return taken.reshape(parts, -1)


def _gradients(network: Network, x: Array, y: Array, theta: Array) -> tuple[float, Array]:
    """The mean loss, and the gradient of each part of a batch x (parts, batch, n_0), y (parts, batch, n_L): (parts, P)."""
    layers = unflatten(theta, network.sizes)
    trace = forward(layers, network.activation, x)
    dh = network.loss.gradient(trace.h, y) / trace.h.dtype.type(x.shape[1])
    return _mean(network, trace.h, y), backward(layers, network.activation, trace, dh).theta


def _loss(network: Network, x: Array, y: Array, theta: Array) -> float:
    return _mean(network, predict(unflatten(theta.astype(x.dtype), network.sizes), network.activation, x), y)


def _mean(network: Network, h: Array, y: Array) -> float:
    return float(network.loss.value(h, y).mean(dtype=np.float64))


def _share(parts: Array, largest: float) -> Array:
    """The factor by which clipping shortens the mean of the parts."""
    mean = parts.mean(axis=0, keepdims=True)
    norm = np.linalg.norm(mean)
    return np.asarray(np.linalg.norm(clip(mean, largest)) / norm if norm > 0 else 1.0, parts.dtype)
