"""The pilot: one replica is trained in few steps, each of which stands for many steps of the training it foresees.

As long as the gradient hardly changes from step to step, s steps of an optimizer are one step that can be computed at
once (`optimizers.Merged`). Whether it hardly changes is measured, by how much of the expected decrease of the loss J
came true:

    rho = (J(theta) - J(theta + d)) / (-g . d).

On a quadratic with plain SGD, rho = 1 - s lr c / 2, with the curvature c along g. Where rho is small, fewer steps are
merged; where it is near 1, more. A single step is always taken as it is: a training that is unstable has to be seen as
such. This is the control of step lengths in trust-region methods (Conn, Gould & Toint 2000), applied to a training.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.forecast import AHEAD, ByPilot, Curve
from mlpstudy.foresight.lesson import Lesson
from mlpstudy.measure.evaluation import evaluate
from mlpstudy.measure.verdict import Thresholds
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Network, backward, forward, predict, unflatten
from mlpstudy.network.optimizers import Merged, clip
from mlpstudy.network.ties import find_ties

STEPS = 50  # at most, of EXAMPLES each
EXAMPLES = 256  # in a merged step, at most, unless a minibatch is larger
LARGEST = 4096  # of a minibatch, at most so many examples are used
FEWER, MORE = 0.4, 0.7  # rho below which fewer steps are merged, and above which more are
SINGLE = 0.25  # of a step, is what a step of few examples counts as
CHECKED = 4  # of single steps, rho is measured in every fourth: it only tells when merging can begin
SEEN = 512  # training examples on which the curve is computed


def fly(lesson: Lesson, thresholds: Thresholds, theta: Array, rng: np.random.Generator, whole: bool = True) -> ByPilot:
    """The forecast for a training from theta (1, P); the same one for the same rng.

    whole: otherwise the curve is its last point alone. This takes two thirds of the time, and all else is the same.
    """
    network, some = lesson.network, rng.permutation(len(lesson.y))[:SEEN]
    x, y = lesson.x[:, some], lesson.y[some]
    steps, scores = [], []
    with np.errstate(all="ignore"):  # numbers that overflow are a result
        points = path(lesson, theta, rng)
        for step, weights in points if whole else deque(points, maxlen=1):
            steps.append(step)
            scores.append(evaluate(network, unflatten(weights, network.sizes), x, y, lesson.classes))
    loss = lesson.loss_unit * np.array([score["loss"][0] for score in scores])
    accuracy = np.array([score["accuracy"][0] for score in scores]) if lesson.classes else None
    curve = Curve(np.array(steps), loss, accuracy)
    gained = lesson.yardstick.gained(loss[-1:], None if accuracy is None else accuracy[-1:])
    outcome = AHEAD[str(lesson.yardstick.outcomes(loss[-1:], gained, thresholds)[0])]
    total = lesson.recipe.epochs * lesson.recipe.steps_per_epoch(len(lesson.y))
    reason, done = _reason(curve, float(gained[0]), total), steps[-1] / total
    return ByPilot(outcome, reason, "the pilot", curve, float(gained[0]), done)


def _reason(curve: Curve, gained: float, total: int) -> str:
    """How far the pilot came."""
    where = f"after {curve.step[-1]} of {total} steps"
    if not np.isfinite(curve.loss[-1]):
        return f"{where}, the loss is not finite"
    if curve.accuracy is None:
        return f"{where}, the network explains {max(gained, 0.0) * 100:.0f} % of the variance"
    if not gained > 0:
        return f"{where}, the training accuracy is {curve.accuracy[-1]:.2f}, no better than chance"
    way = f"{gained * 100:.0f} % of the way from chance to 1"
    return f"{where}, the training accuracy is {curve.accuracy[-1]:.2f}, which is {way}"


def path(lesson: Lesson, theta: Array, rng: np.random.Generator) -> Iterator[tuple[int, Array]]:
    """Steps of the training that are done, and theta (1, P) after them: at the start, and after each step of the pilot.

    It ends after STEPS steps (those of few examples count less), where the training ends, or where a parameter is not
    finite.
    """
    network, recipe, n = lesson.network, lesson.recipe, len(lesson.y)
    per_epoch, size = recipe.steps_per_epoch(n), recipe.batch_size or n
    last, done, together = recipe.epochs * per_epoch, 0, 1
    examples, ties = _Examples(rng, n, recipe.replacement), find_ties(theta, network.sizes)
    memory = recipe.optimizer.init(theta)
    yield done, theta
    count, spent = 0, 0.0
    while spent < STEPS and done < last and np.isfinite(theta[0, -1]):
        together = min(together, last - done)
        parts = examples.parts(max(min(size * together, EXAMPLES), min(size, LARGEST)), 2 if together > 1 else 1)
        x, y = lesson.x[0, parts], lesson.y[parts]
        loss, gradients = _gradients(network, x, y, theta)
        if ties is not None:
            gradients = gradients[:, ties[0]]
        if recipe.clip_norm is not None:
            gradients = gradients * _shortened(gradients, recipe.clip_norm)
        while True:
            when = done + np.linspace(0, together - 1, min(together, 8))
            lr = float(np.mean([recipe.lr(step / per_epoch, 1 / per_epoch) for step in when]))
            merged = Merged(gradients, together, min(together, parts.size / size))
            update, after = recipe.optimizer.merged(merged, memory, theta, lr)
            if together == 1 and count % CHECKED:
                rho = np.nan
                break
            expected = -float(np.vdot(merged.gradient, update))
            rho = (loss - _loss(network, x, y, theta + update)) / expected if expected > 0 else -1.0
            if together == 1 or rho > FEWER:
                break
            together = max(1, together // (2 if rho >= 0 else 4))  # 4 also if the loss is not finite
        theta, memory, done = (theta + update).astype(theta.dtype), after, done + together
        yield done, theta
        count, spent = count + 1, spent + min(max(parts.size / EXAMPLES, SINGLE), 1.0)
        if rho > MORE:
            together *= 2


class _Examples:
    """Training examples in random order, again and again, or drawn with replacement."""

    def __init__(self, rng: np.random.Generator, number: int, replacement: bool) -> None:
        self._rng, self._number, self._replacement = rng, number, replacement
        self._queue = np.empty(0, np.int64)

    def parts(self, size: int, parts: int) -> NDArray[np.int64]:
        """The next `size` examples in parts of one size, (parts, size / parts)."""
        parts = min(parts, size)
        size -= size % parts
        if self._replacement:
            return self._rng.integers(self._number, size=(parts, size // parts))
        while len(self._queue) < size:
            self._queue = np.concatenate([self._queue, self._rng.permutation(self._number)])
        taken, self._queue = self._queue[:size], self._queue[size:]
        return taken.reshape(parts, -1)


def _gradients(network: Network, x: Array, y: Array, theta: Array) -> tuple[float, Array]:
    """The mean loss, and its gradient on each part of x (parts, batch, n_0), y (parts, batch, n_L): (parts, P)."""
    layers = unflatten(theta, network.sizes)
    trace = forward(layers, network.activation, x)
    dh = network.loss.gradient(trace.h, y) / trace.h.dtype.type(x.shape[1])
    return _mean(network, trace.h, y), backward(layers, network.activation, trace, dh).theta


def _loss(network: Network, x: Array, y: Array, theta: Array) -> float:
    return _mean(network, predict(unflatten(theta.astype(x.dtype), network.sizes), network.activation, x), y)


def _mean(network: Network, h: Array, y: Array) -> float:
    return float(network.loss.value(h, y).mean(dtype=np.float64))


def _shortened(parts: Array, largest: float) -> Array:
    """The factor by which clipping shortens the mean of these gradients."""
    mean = parts.mean(axis=0, keepdims=True)
    norm = np.linalg.norm(mean)
    return np.asarray(np.linalg.norm(clip(mean, largest)) / norm if norm > 0 else 1.0, parts.dtype)
