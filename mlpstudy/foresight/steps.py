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
    clip_norm: float | None = None

    @property
    def follow_errors(self) -> bool:
        """Whether steps are the longer, the larger the errors are, without end."""
        return not self.optimizer.adaptive and self.clip_norm is None

    @staticmethod
    def of(
        lr: Callable[[float, float], float], epochs: int, per_epoch: int, optimizer: Optimizer,
        clip_norm: float | None = None,
    ) -> "Steps":  # fmt: skip
        """Those of a schedule, (epoch, length of one step in epochs) -> learning rate."""
        every = np.linspace(0, epochs, 1000, endpoint=False)
        rates = [lr(float(epoch), 1 / per_epoch) for epoch in every]
        return Steps(max(rates), float(np.mean(rates)) * epochs * per_epoch, per_epoch, optimizer, clip_norm)

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

    def at_solution(self, counts: NDArray[np.float64], task: Task) -> float:
        """p of a learning rate of 1 for a linear network whose outputs are as large as the targets.

        Each of L layers then has the gain task.gain^(1/L), and gradients pass through the L - 1 others.
        """
        layers = len(counts) // 2
        return float(max(1.0, task.gain) ** (2 - 2 / layers) * self.at_unit_gain(counts, task))

    def relative(self, squares: NDArray[np.float64], lengths: NDArray[np.float64]) -> float:
        """The largest step of a layer over the length of its weights, |W[l]| = lengths, at a learning rate of 1."""
        return float(self.optimizer.boost * (np.sqrt(squares[::2]) / lengths).max())

    @property
    def stable(self) -> float:
        """The largest learning rate times curvature from which a network finds a flatter place: 4 (1 + momentum).

        Twice that at which steps leave a quadratic valley (Lewkowycz et al. 2020, for momentum 0).
        """
        return 4 * (2 - 1 / self.optimizer.boost)

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
