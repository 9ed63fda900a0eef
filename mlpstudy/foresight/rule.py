"""The rule: what comes of a training follows from its verdict and from how much of its error its steps can remove.

Every network can do as well as the best constant output, by its last biases. Training then has to reduce the errors
e = dJ/dh that remain. `progress` is the share of them that one step removes, to first order:

    p = lr |dJ/dtheta|^2 / E,  E = mean |e|^2 / curvature,

with the gradient that these errors send back, and the largest curvature of the loss in h. So p is lr times the
curvature of the loss along its errors, a Rayleigh quotient of the tangent kernel (Jacot et al. 2018). Gradient descent
on a quadratic needs p < 2. Wide networks on the whole batch still find a flatter place at p < 4 (Lewkowycz et al.
2020), but on minibatches many do not.

Where errors grow with the targets (mse), the curvature does not stay, since steps of SGD grow with the errors. A step
is then too fast if it is longer than the weights of a layer, |dW[l]| > |W[l]|, or if p reaches its limit in a network
whose outputs are as large as the targets.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.forecast import LOWER, ByRule
from mlpstudy.foresight.start import Start
from mlpstudy.foresight.steps import Steps
from mlpstudy.foresight.task import FAR, Task
from mlpstudy.measure.verdict import Thresholds
from mlpstudy.network.activations import SATURATED_SLOPE, Activation

TRAINS = ("healthy", "collapsed")  # verdicts with which a network may learn
RATIOS = ("exploding", "vanishing")  # and those that say nothing to an optimizer that adapts the step of every layer
# Where units saturate, the curvature falls and the loss cannot run away. Saturating networks tolerate steps up to
# 100 / layers times larger, since each layer loses gradient in its saturated units. Measured, see docs.
SATURATION_BEARS = 100
# Saturated units are random features. The last layer learns from them if its steps alone remove so much of the error.
LAST_LAYER = 0.2
CENTRED = 0.5  # largest share of the mean in the mean square of the inputs of which units do not die together


@dataclass(frozen=True)
class _Case:
    """A network as it starts, its task and its steps, and the numbers that decide, all at a learning rate of 1."""

    start: Start
    task: Task
    steps: Steps
    activation: Activation
    thresholds: Thresholds

    @property
    def saturated(self) -> bool:
        """Whether only the last layer learns, since the units before it are saturated."""
        return self.start.verdict == "saturated"

    @property
    def grows(self) -> bool:
        """Whether larger targets make longer steps, without end."""
        return not self.task.bounded and self.steps.follow_errors

    @property
    def p(self) -> float:
        """As the network starts, of the layers that learn; infinite for numbers beyond all limits."""
        return self.progress(self.start.squares[-2:] if self.saturated else self.start.squares)

    def progress(self, squares: NDArray[np.float64]) -> float:
        """That of these parts, which are the last ones."""
        p = float(self.steps.progress(squares, self.start.counts[-len(squares) :], self.task))
        return np.inf if np.isnan(p) else p

    @property
    def unit_gain(self) -> float:
        """p where every layer keeps all lengths."""
        return 0.0 if self.saturated else self.steps.at_unit_gain(self.start.counts, self.task)

    @property
    def solution(self) -> float:
        """p where outputs are as large as the targets, unless units saturate on the way."""
        apart = self.grows and not self.saturated and not saturates(self.activation)
        return self.steps.at_solution(self.start.counts, self.task) if apart else 0.0

    @property
    def largest(self) -> float:
        """The largest p."""
        return max(self.p, self.unit_gain, self.solution)

    @property
    def limit(self) -> float:
        """The p of one step that is too much."""
        return self.thresholds.too_fast * (max(1.0, SATURATION_BEARS / self.start.layers) if self.held_back else 1.0)

    @property
    def held_back(self) -> bool:
        """Whether saturation keeps the loss from running away."""
        return saturates(self.activation) and self.task.bounded

    @property
    def in_all(self) -> float:
        """How much of the error all steps together remove."""
        adapts = not self.saturated and self.steps.find_unit_gain(self.start.squares, self.start.counts)
        return self.steps.total * (max(self.p, self.unit_gain) if adapts else self.p)

    @property
    def needed(self) -> float:
        """How much they have to remove: more where one layer alone learns, since its gradients do not grow."""
        if self.saturated:
            return LAST_LAYER
        straight = self.start.layers == 1 and not self.task.bounded
        gained = self.thresholds.stalled * self.task.constant_loss / self.task.room if straight else 0.0
        return max(self.thresholds.too_slow, gained)

    @property
    def relative(self) -> float:
        """The longest step of a layer over its weights; 0 where errors do not grow."""
        return max(self.steps.relative(s, self.start.lengths) for s in self.start.of_errors) if self.grows else 0.0

    @property
    def one_way(self) -> bool:
        """Whether the longest steps are those towards the mean of the targets, which push all units the same way."""
        centred, mean = (self.steps.relative(s, self.start.lengths) for s in self.start.of_errors)
        return mean > 2 * centred

    @property
    def runaway(self) -> float:
        """The curvature along the mean error over the largest that these steps bear; 0 where errors do not grow."""
        size = np.square(self.task.mean_errors[0]).sum()
        if not self.grows or not size > 0:
            return 0.0
        return float(self.start.mean_squares.sum() / size / self.steps.stable)


def foresee(start: Start, task: Task, steps: Steps, activation: Activation, thresholds: Thresholds) -> ByRule:
    """The outcome of a network that starts like this."""
    case = _Case(start, task, steps, activation, thresholds)
    with np.errstate(all="ignore"):
        p, largest, unit_gain = case.progress(start.squares), case.largest, case.unit_gain
        outcome, reason = _outcome(case)
        one_epoch = steps.lr * p * task.room * steps.per_epoch
        bounds = (case.limit, largest), (1.0, case.relative), (1.0, case.runaway)
        fastest = max(steps.lr * number / most for most, number in bounds)
        if start.expected is not None:
            reason += f"; theory, which does not hold for these inputs and weights, expects {_times(start.expected)}"
    return ByRule(
        outcome, reason, start.by,
        progress=steps.lr * p,
        progress_at_unit_gain=steps.lr * unit_gain,
        epochs_to_lower_loss=max(LOWER * task.constant_loss / one_epoch, 1 / steps.per_epoch) if one_epoch else np.inf,
        largest_lr=min(most / number if number > 0 else np.inf for most, number in bounds),
        distances=(case.in_all / case.needed if case.needed else np.inf, fastest),
    )  # fmt: skip


def _times(ratio: float) -> str:
    """A ratio of progresses in words, since extreme ones are but rounding."""
    if 1e-3 < ratio < 1e3:
        return f"{ratio:.2g} times the progress"
    return "far more progress" if ratio > 1 else "far less progress"


def _outcome(case: _Case) -> tuple[str, str]:
    """The outcome, and why."""
    outcome, cause, reason = _judged(case)
    named = case.task.unscaled and outcome != "learns" and cause != "symmetric"
    if named and not (cause == "too slow" and case.task.size > 1):
        cause, reason = f"unscaled inputs: {case.task.unscaled}; {cause}", reason
    return outcome, f"{cause}{reason}"


def _judged(case: _Case) -> tuple[str, str, str]:
    """The outcome, its cause, and the numbers."""
    start, steps, verdict = case.start, case.steps, case.start.verdict
    in_all, fastest, relative = case.in_all, steps.lr * case.largest, steps.lr * case.relative
    may_learn = verdict in (*TRAINS, "saturated") or (steps.optimizer.adaptive and verdict in RATIOS)
    could = f"all steps together could remove {in_all:.2g} times the error, one step {fastest:.2g} times"
    carried = steps.total * case.relative >= 1 and fastest >= case.limit  # weights go far, to where steps are too long
    if not start.finite:
        return "diverges", "exploding", ": the first outputs or gradients are not finite"
    if (times := steps.lr * case.runaway) >= 1:
        return (
            _grown(case, False),
            "too fast",
            f": one step is {times:.2g} times as long as the mean of the outputs bears",
        )
    if relative >= 1 and not _learns_saturated(case):
        return (
            _grown(case, saturates(case.activation)),
            "too fast",
            f": one step is {relative:.2g} times as long as the weights of a layer",
        )
    if not in_all > case.needed and not carried:
        cause = "too slow" if verdict != "saturated" and may_learn else verdict
        return "stalls", cause, f": all steps together remove {in_all:.2g} of the error (too little: {case.needed:.2g})"
    if not may_learn and verdict != "exploding" and not carried:
        return "stalls", verdict, f", although {could}"
    if fastest >= case.limit:
        numbers = f"one step could remove {fastest:.2g} times the error (too much: {case.limit:.3g})"
        return _grown(case, case.held_back), "too fast", f": {numbers}"
    return ("learns", "", could) if may_learn else ("stalls", "exploding", f", although {could}")


def _learns_saturated(case: _Case) -> bool:
    """Whether steps longer than the weights leave random features: units that saturate, some on either side."""
    last = case.steps.total * case.progress(case.start.squares[-2:])
    return saturates(case.activation) and not case.one_way and last > LAST_LAYER


def _grown(case: _Case, held: bool) -> str:
    """What comes of steps that are too fast, unless saturation holds the loss back.

    Those of adaptive optimizers have a length of their own. Units that can be 0 for all inputs become so if the inputs
    have a common sign. All others grow without end.
    """
    low, high = case.activation.range
    dies = low == 0 and high == np.inf and case.task.uncentred > CENTRED
    return "stalls" if case.steps.optimizer.adaptive or held or dies else "diverges"


def saturates(activation: Activation) -> bool:
    """Whether g is flat far out on both sides, so that no gradient passes when signals have grown."""
    return activation.bounded and not np.abs(activation.dg(np.array([-FAR, FAR]))).max() > SATURATED_SLOPE
