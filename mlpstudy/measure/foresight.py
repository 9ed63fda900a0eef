"""The outcome before training: how much of its error a network can lose in one step, and in all of its steps.

Every network can do as well as the best constant output, by its last biases. What it learns beyond that starts at the
errors e = dJ/dh that this output leaves. `progress` is the share of them that one step removes, to first order:

    p = lr |dJ/dtheta|^2 / E,  E = mean |e|^2 / curvature,

with the gradient that these errors send back, and the largest curvature of the loss in h. So p is lr times the
curvature of the loss along its errors, a Rayleigh quotient of the tangent kernel (Jacot et al. 2018). Gradient descent
on a quadratic needs p < 2. Wide networks on the whole batch still find a flatter place at p < 4 (Lewkowycz et al.
2020), but on minibatches many do not.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.sums import Statistic
from mlpstudy.measure.verdict import Thresholds
from mlpstudy.network.activations import SATURATED_SLOPE, Activation, Array
from mlpstudy.network.losses import Loss
from mlpstudy.network.mlp import backward
from mlpstudy.network.optimizers import Optimizer

TRAINS = ("healthy", "collapsed")  # verdicts with which a network may learn
RATIOS = ("exploding", "vanishing")  # and those that say nothing to an optimizer that adapts the step of every layer
# Where units saturate, the curvature falls and the loss cannot run away: a network bears so many times as large steps,
# divided by its number of layers, since each layer loses gradient in its saturated units. Measured, see docs.
SATURATION_BEARS = 100
LOWER = 0.05  # a loss lower by this share than that of the best constant output is told of
LARGEST_OUTPUT = 30.0  # of the best constant output; that of a class without examples would be infinite
STEP = 1e-4  # of a central difference
FAR = 1e6  # an output far from all targets


@dataclass(frozen=True)
class Task:
    """What is to be learned beyond the best constant output."""

    errors: NDArray[np.float64]  # (S, n_L): dJ/dh of each example at that output, of mean 0
    room: float  # E = mean |e|^2 / curvature
    inputs: float  # |X^T errors / S|^2: the squared gradient of a network that is x -> W x
    constant_loss: float
    bounded: bool  # whether errors stay small when the output grows, so that they cannot drive it further and further

    @staticmethod
    def of(loss: Loss, x: Array, y: Array, constant_loss: float) -> "Task":
        """That of inputs x (S, n_0) with targets y (S, n_L)."""
        x, y = x.astype(np.float64), y.astype(np.float64)
        best = np.clip(loss.best_constant(y), -LARGEST_OUTPUT, LARGEST_OUTPUT)[None, None, :]
        errors = loss.gradient(best, y[None])[0]
        errors = errors - errors.mean(axis=0)
        # the curvature can round to 0 where all examples are of one class; then there are no errors either
        room = float(np.square(errors).sum(axis=1).mean()) / max(curvature(loss, best, y), np.finfo(float).tiny)
        bounded = float(np.abs(loss.gradient(best + FAR, y[None])).max()) < FAR / 2
        return Task(errors, room, float(np.square(x.T @ errors / len(x)).sum()), constant_loss, bounded)


def curvature(loss: Loss, h: Array, y: Array) -> float:
    """The largest eigenvalue of d2J/dh2 at the output h (1, 1, n_L), by central differences."""
    columns = [
        (loss.gradient(h + STEP * unit, y[:1][None]) - loss.gradient(h - STEP * unit, y[:1][None]))[0, 0] / (2 * STEP)
        for unit in np.eye(y.shape[1])
    ]
    return float(np.linalg.eigvalsh(np.array(columns)).max())


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


@dataclass(frozen=True)
class Foreseen:
    """What will come of a training, before it."""

    outcome: str  # learns, stalls or diverges
    reason: str
    by: str  # theory, or step 0 where theory does not apply
    progress: float  # p of the largest step, as the network starts
    progress_at_unit_gain: float  # and where every layer keeps all lengths
    epochs_to_lower_loss: float  # to a loss 5 % below that of the best constant output, to first order
    largest_lr: float  # the learning rate at which the larger of both p is at its limit
    distances: tuple[float, float]  # from both limits: 1 at the limit, larger where it is passed by a factor

    @property
    def text(self) -> str:
        """One sentence for people."""
        return f"{self.outcome}, by {self.by}: {self.reason}"


def foresee(
    squares: Statistic, counts: NDArray[np.float64], verdict: str, by: str, task: Task, steps: Steps,
    activation: Activation, thresholds: Thresholds,
) -> Foreseen:  # fmt: skip
    """The outcome, from |dJ/dtheta|^2 of the parts of theta, (2L,), and the verdict, as the network starts."""
    start, unit_gain = float(steps.progress(squares, counts, task)), steps.at_unit_gain(counts, task)
    start = np.inf if np.isnan(start) else start  # numbers beyond all limits
    largest = max(start, unit_gain)
    held_back = saturates(activation) and task.bounded
    limit = thresholds.too_fast * (max(1.0, SATURATION_BEARS / (len(counts) // 2)) if held_back else 1.0)
    adapts = steps.find_unit_gain(squares, counts)
    in_all, fastest = steps.total * (largest if adapts else start), steps.lr * largest
    may_learn = verdict in TRAINS or (steps.optimizer.adaptive and verdict in RATIOS)
    reason = f"all steps together could remove {in_all:.2g} times the error, one step {fastest:.2g} times"
    if not in_all > thresholds.too_slow:
        outcome = "stalls"
        cause = "too slow" if may_learn else verdict
        reason = f"{cause}: all steps together remove {in_all:.2g} of the error (too little: {thresholds.too_slow:g})"
    elif not may_learn and verdict != "exploding":
        outcome, reason = "stalls", f"{verdict}, although {reason}"
    elif fastest >= limit:
        outcome = "stalls" if steps.optimizer.adaptive or held_back else "diverges"
        reason = f"too fast: one step could remove {fastest:.2g} times the error (too much: {limit:g})"
    elif not may_learn:
        outcome, reason = "stalls", f"exploding, although {reason}"
    else:
        outcome = "learns"
    one_epoch = steps.lr * start * task.room * steps.per_epoch
    return Foreseen(
        outcome, reason, by,
        progress=steps.lr * start,
        progress_at_unit_gain=steps.lr * unit_gain,
        epochs_to_lower_loss=max(LOWER * task.constant_loss / one_epoch, 1 / steps.per_epoch) if one_epoch else np.inf,
        largest_lr=limit / largest if largest > 0 else np.inf,
        distances=(in_all / thresholds.too_slow if thresholds.too_slow else np.inf, fastest / limit),
    )  # fmt: skip


def saturates(activation: Activation) -> bool:
    """Whether g is flat far out on both sides, so that no gradient passes when signals have grown."""
    return activation.bounded and not np.abs(activation.dg(np.array([-FAR, FAR]))).max() > SATURATED_SLOPE


def squared_gradients(moment: Snapshot, task: Task) -> tuple[Statistic, NDArray[np.float64]]:
    """|dJ/dW[l]|^2 and |dJ/db[l]|^2 of the errors of the best constant output, (R, 2L), and their numbers, (2L,)."""
    dh = (task.errors / len(task.errors)).astype(moment.trace.h.dtype)
    dh = np.broadcast_to(dh, moment.trace.h.shape)
    gradients = backward(moment.layers, moment.activation, moment.trace, dh)
    parts = [part for layer in gradients.layers for part in layer]
    squares = [np.square(part, dtype=np.float64).sum(axis=(1, 2)) for part in parts]
    return np.stack(squares, axis=1), np.array([part[0].size for part in parts], dtype=np.float64)
