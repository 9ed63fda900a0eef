"""`network.training.train` in less time: replicas in stacks that a cache can hold, which take turns."""

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array
from mlpstudy.network.fast.stack import Stack
from mlpstudy.network.mlp import Network
from mlpstudy.network.training import Recipe, State, batches

STACKED = 2**18  # parameters that are trained together: in float32, they and their gradients fit in a cache of 2 MB
TURN = 50  # steps


def in_stacks(network: Network, recipe: Recipe, theta: Array, batch: int) -> list[Stack]:
    """The replicas theta (R, P) in stacks of at most STACKED parameters, or of one replica."""
    together = max(1, STACKED // theta.shape[1])
    parts = (theta[r : r + together] for r in range(0, len(theta), together))
    return [Stack(network, recipe.optimizer, recipe.clip_norm, part, batch) for part in parts]


def train(
    network: Network, recipe: Recipe, x: Array, y: Array, theta: Array, rng: np.random.Generator, wanted: Container[int]
) -> Iterator[State]:
    """The states of `network.training.train` whose step is in `wanted`, and the last one, up to rounding.

    Replicas too large for a cache to hold all of them take turns of TURN steps.
    """
    per_epoch = recipe.steps_per_epoch(len(y))
    last = recipe.epochs * per_epoch
    size = recipe.batch_size or len(y)
    order = batches(rng, len(y), size, recipe.replacement)
    stacks = in_stacks(network, recipe, theta, size)
    step = 0
    while step < last and not all(stack.diverged for stack in stacks):
        measured = step in wanted
        before = _rows(stack.theta for stack in stacks) if measured else None
        ahead = range(step, min(step + TURN, last))
        turn = ahead[:1] if measured else list(takewhile(lambda s: s not in wanted, ahead))
        steps = [(next(order), recipe.lr(s / per_epoch, 1 / per_epoch)) for s in turn]
        taken = [_advance(stack, x[0], y, steps) for stack in stacks]
        for stack, count in zip(stacks, taken, strict=True):
            # a stack that has diverged takes the steps of the others, so that all end with the step of the plain loop
            for batch, lr in steps[count : max(taken)]:
                stack.step(x[0][batch], y[batch], lr)
        if before is not None:
            yield State(step, step / per_epoch, before, _rows(stack.update for stack in stacks), last=False)
        step += max(taken)
    update = _rows(stack.update for stack in stacks) if step else None
    yield State(step, step / per_epoch, _rows(stack.theta for stack in stacks), update, last=True)


def _advance(stack: Stack, x: Array, y: Array, steps: Sequence[tuple[NDArray[np.int64], float]]) -> int:
    """Take these steps (examples, learning rate) until all replicas of the stack have diverged; how many were taken."""
    for count, (batch, lr) in enumerate(steps):
        if stack.diverged:
            return count
        stack.step(x[batch], y[batch], lr)
    return len(steps)


def _rows(parts: Iterable[Array]) -> Array:
    """The rows of all stacks, (R, P)."""
    return np.concatenate(list(parts))
