"""What the steps of an optimizer can do: how much of the error they remove, to first order."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.task import Task
from mlpstudy.measure.sums import Statistic
from mlpstudy.network.optimizers import Optimizer


@dataclass(frozen=True)
class Steps:
    """What the steps of a training can do."""

    lr: float  # that of the largest step
    total: float  # the sum of the learning rates of all steps
    per_epoch: int
    optimizer: Optimizer

    @staticmethod
    def of(lr: Callable[[float, float], float], epochs: int, per_epoch: int, optimizer: Optimizer) -> "Steps":
        """Those of a schedule, (epoch, length of one step in epochs) -> learning rate."""
        every = np.linspace(0, epochs, 1000, endpoint=False)
        rates = [lr(float(epoch), 1 / per_epoch) for epoch in every]
        return Steps(max(rates), float(np.mean(rates)) * epochs * per_epoch, per_epoch, optimizer)

    def progress(self, squared_gradients: Statistic, counts: NDArray[np.float64], task: Task) -> Statistic:
        """p of a learning rate of 1, from |dJ/dtheta|^2 of the parts of theta, (..., parts), of so many parameters.

        A step of Adam or RMSprop has the length lr in every parameter, so that |dJ/dtheta|^2 becomes the sum of
        |dJ/dtheta_i|, which is sqrt(2 / pi) rms for normal ones.
        """
        if self.optimizer.adaptive:
            return np.asarray(np.sqrt(2 / np.pi * counts * squared_gradients).sum(axis=-1) / task.room)
        return np.asarray(self.optimizer.boost * squared_gradients.sum(axis=-1) / task.room)

    def at_unit_gain(self, counts: NDArray[np.float64], task: Task) -> float:
        """p of a learning rate of 1 for a network in which every layer keeps all lengths, as training may bring it to.

        counts: of the parts of theta, which are W and b of each layer in turn.
        """
        return float(self.progress(np.full(len(counts) // 2, task.inputs), counts[::2], task))

    def find_unit_gain(self, squared_gradients: Statistic, counts: NDArray[np.float64]) -> bool:
        """Whether the steps of an adaptive optimizer, which do not depend on the size of gradients, lead to unit gain.

        Weights of unit gain are about 1 / sqrt(n_in), and all steps together have to be as long. Gradients have to be
        larger than epsilon, below which steps are shorter.
        """
        if not self.optimizer.adaptive:
            return False
        weights, biases = counts[::2], counts[1::2]
        large_enough = np.sqrt(squared_gradients[::2] / weights) > self.optimizer.epsilon
        return bool(large_enough.all() and (self.total * np.sqrt(weights / biases) >= 1).all())
