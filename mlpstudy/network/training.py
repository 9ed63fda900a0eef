"""The training loop: minibatches, gradients, steps of the optimizer, until the last step or until all have diverged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Network, backpropagate, unflatten
from mlpstudy.network.optimizers import Optimizer, clip
from mlpstudy.network.ties import find_ties, tie


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    optimizer: Optimizer
    lr: Callable[[float, float], float]  # (epoch, length of one step in epochs) -> learning rate
    epochs: int
    batch_size: int | None  # None: the full batch
    replacement: bool  # draw minibatches with replacement, instead of shuffling once per epoch
    clip_norm: float | None  # the largest gradient norm; None: any

    def steps_per_epoch(self, examples: int) -> int:
        """The number of updates in which every example is seen once; the last batch may be smaller."""
        return -(-examples // (self.batch_size or examples))


@dataclass(frozen=True)
class State:
    """The network after `step` updates."""

    step: int
    epoch: float
    theta: Array  # (R, P)
    update: Array | None  # the next step; at the end the one that was taken last; None where nothing is trained
    last: bool


def batches(rng: np.random.Generator, n: int, size: int, replacement: bool) -> Iterator[NDArray[np.int64]]:
    """Endless minibatches of indices: epochs in random order, or drawn uniformly with replacement."""
    while True:
        if replacement:
            yield rng.integers(n, size=size)
        else:
            order = rng.permutation(n)
            yield from (order[start : start + size] for start in range(0, n, size))


def train(
    network: Network, recipe: Recipe, x: Array, y: Array, theta: Array, rng: np.random.Generator
) -> Iterator[State]:
    """Train R replicas on the same minibatches and yield every state, from step 0 to the last.

    x: (1, n, n_0), y: (n, n_L), theta: (R, P), rng: for the order of the examples. A replica with a parameter that is
    not finite has diverged: its later numbers are not finite either, and the other replicas train on. Training ends
    early when all replicas have diverged.
    """
    steps_per_epoch = recipe.steps_per_epoch(len(y))
    last = recipe.epochs * steps_per_epoch
    indices = batches(rng, len(y), recipe.batch_size or len(y), recipe.replacement)
    state = recipe.optimizer.init(theta)
    ties = find_ties(theta, network.sizes)
    update: Array | None = None

    for step in range(last + 1):
        # The last output bias sums up all errors, so a value that is not finite reaches it within a few steps.
        finished = step == last or not np.isfinite(theta[:, -1]).any()
        epoch = step / steps_per_epoch
        if step < last:
            batch = next(indices)
            with np.errstate(all="ignore"):  # a number that overflows on the way to divergence is a result
                _, gradients = backpropagate(network, unflatten(theta, network.sizes), x[:, batch], y[batch])
                if ties is not None:
                    tie(gradients, ties)
                gradient = gradients.theta if recipe.clip_norm is None else clip(gradients.theta, recipe.clip_norm)
                update, state = recipe.optimizer.update(gradient, state, theta, recipe.lr(epoch, 1 / steps_per_epoch))
        yield State(step, epoch, theta, update, finished)
        if finished:
            return
        assert update is not None
        with np.errstate(all="ignore"):
            theta = theta + update
