"""The rule: what comes of a training follows from its verdict and from how much of its error its steps can remove.

Every network can do as well as the best constant output, by its last biases. Training then has to reduce the errors
e = dJ/dh that remain. `progress` is the share of them that one step removes, to first order:

    p = lr |dJ/dtheta|^2 / E,  E = mean |e|^2 / curvature,

with the gradient that these errors send back, and the largest curvature of the loss in h. So p is lr times the
curvature of the loss along its errors, a Rayleigh quotient of the tangent kernel (Jacot et al. 2018). Gradient descent
on a quadratic needs p < 2. Wide networks on the whole batch still find a flatter place at p < 4 (Lewkowycz et al.
2020), but on minibatches many do not.
"""

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.forecast import LOWER, ByRule
from mlpstudy.foresight.steps import Steps
from mlpstudy.foresight.task import FAR, Task
from mlpstudy.measure.sums import Statistic
from mlpstudy.measure.verdict import Thresholds
from mlpstudy.network.activations import SATURATED_SLOPE, Activation

TRAINS = ("healthy", "collapsed")  # verdicts with which a network may learn
RATIOS = ("exploding", "vanishing")  # and those that say nothing to an optimizer that adapts the step of every layer
# Where units saturate, the curvature falls and the loss cannot run away. Saturating networks tolerate steps up to
# 100 / layers times larger, since each layer loses gradient in its saturated units. Measured, see docs.
SATURATION_BEARS = 100


def foresee(
    squares: Statistic, counts: NDArray[np.float64], verdict: str, by: str, task: Task, steps: Steps,
    activation: Activation, thresholds: Thresholds,
) -> ByRule:  # fmt: skip
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
    return ByRule(
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
