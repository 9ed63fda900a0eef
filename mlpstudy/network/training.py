"""The training loop: the gradient of a minibatch, a step against it, again and again (Algorithm 1 of the notes).

`fast.training` takes the same steps in less time and is what a sweep runs; tests compare the two.
"""

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
    # what the step after this state adds to theta; in the last state, what the last step added; None if there is none
    update: Array | None
    last: bool


def batches(rng: np.random.Generator, n: int, size: int, replacement: bool) -> Iterator[NDArray[np.int64]]:
    """Endless minibatches of indices: epochs in random order, or drawn uniformly with replacement."""
    while True:
        if replacement:
            yield rng.integers(n, size=size)
        else:
            order = rng.permutation(n)
            yield from (order[start : start + size] for start in range(0, n, size))


def diverged(theta: Array) -> bool:
    """Whether every replica of theta (R, P) has diverged: its last parameter, the last output bias, is not finite.

    This bias sums up all errors, so any value that is not finite reaches it within a few steps.
    """
    return not np.isfinite(theta[:, -1]).any()


def train(
    network: Network, recipe: Recipe, x: Array, y: Array, theta: Array, rng: np.random.Generator
) -> Iterator[State]:
    """Train R replicas on the same minibatches; yield the state before every step, and the last one.

    x: (1, n, n_0), y: (n, n_L), theta: (R, P), rng: for the order of the examples. Training ends early when all
    replicas have `diverged`; until then all of them take each step, so they end together.
    """
    per_epoch = recipe.steps_per_epoch(len(y))
    order = batches(rng, len(y), recipe.batch_size or len(y), recipe.replacement)
    ties, memory, update, step = find_ties(theta, network.sizes), recipe.optimizer.init(theta), None, 0
    while step < recipe.epochs * per_epoch and not diverged(theta):
        examples, lr = next(order), recipe.lr(step / per_epoch, 1 / per_epoch)
        with np.errstate(all="ignore"):  # a number that overflows on the way to divergence is a result
            _, gradients = backpropagate(network, unflatten(theta, network.sizes), x[:, examples], y[examples])
            gradient = gradients.theta
            if ties is not None:
                tie(gradient, ties)
            if recipe.clip_norm is not None:
                gradient = clip(gradient, recipe.clip_norm)
            update, memory = recipe.optimizer.update(gradient, memory, theta, lr)
            after = theta + update
        yield State(step, step / per_epoch, theta, update, last=False)
        theta, step = after, step + 1
    yield State(step, step / per_epoch, theta, update, last=True)
