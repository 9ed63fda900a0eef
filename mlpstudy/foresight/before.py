"""What is known before a training: theory, what first passes measure, and the forecasts that follow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.forecast import ByPilot, ByRule
from mlpstudy.foresight.lesson import Lesson
from mlpstudy.foresight.pilot import fly
from mlpstudy.foresight.prediction import Prediction, predict
from mlpstudy.foresight.rule import foresee
from mlpstudy.foresight.start import Start
from mlpstudy.foresight.steps import Steps
from mlpstudy.foresight.task import Task, squared_gradients
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.verdict import Thresholds, Verdict
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import backpropagate, unflatten
from mlpstudy.network.training import Recipe


@dataclass(frozen=True)
class Before:
    """What is known before training."""

    prediction: Prediction | None  # None if mean field theory does not apply
    foreseen: ByRule | None  # None if no training is to be done, or nothing can be learned
    pilot: ByPilot | None  # the same
    progress: NDArray[np.float64]  # (R,): measured, that of the largest step; NaN if nothing is foreseen
    distinct: int  # how many replicas start with different weights
    why: str = ""  # nothing is foreseen

    @property
    def verdict(self) -> Verdict | None:
        """The predicted verdict."""
        return None if self.prediction is None else self.prediction.verdict

    @property
    def row(self) -> dict[str, str | float]:
        """The verdict by theory, both forecasts and their numbers; a dash or NaN for what is not known."""
        rule, pilot = self.foreseen, self.pilot
        return {
            "verdict": "-" if self.verdict is None else self.verdict.name,
            "outcome": "-" if pilot is None else pilot.outcome,
            "by_theory": "-" if rule is None else rule.outcome,
            "gained": np.nan if pilot is None else pilot.gained,
            "epochs": np.nan if rule is None else rule.epochs_to_lower_loss,
            "largest_lr": np.nan if rule is None else rule.largest_lr,
            "reason": f"cannot be foreseen, because {self.why}" if pilot is None else pilot.reason,
            "reason_by_theory": "-" if rule is None else f"{rule.reason} (by {rule.by})",
        }


def look_ahead(
    lesson: Lesson, thresholds: Thresholds, theta: Array, probe: int, rng: np.random.Generator, drawn: bool = True,
    whole: bool = True,
) -> Before:  # fmt: skip
    """The prediction and the forecasts for initial weights theta (R, P); theory's follows from `probe` examples.

    Theory's rule follows from theory where it applies, else from what is measured at step 0. rng: for the pilot.
    drawn: whether these are random weights; those of a file may have been trained. whole: otherwise the curve of the
    pilot is its last point alone; the forecasts are the same.
    """
    network, recipe = lesson.network, lesson.recipe
    layers, activation = unflatten(theta, network.sizes), network.activation
    x, y = lesson.x[:, :probe], lesson.y[:probe]
    distinct = len({(replica + 0.0).tobytes() for replica in theta})  # + 0.0 makes -0.0 the same as 0.0
    prediction = predict(layers, activation, network.loss, x[0], y, thresholds) if drawn else None
    task = Task.of(network.loss, x[0], y, lesson.constant_loss)
    if recipe.epochs == 0 or not task.room > 0:
        return Before(prediction, None, None, np.full(len(theta), np.nan), distinct, _why(recipe))
    per_epoch = recipe.steps_per_epoch(len(lesson.y))
    steps = Steps.of(recipe.lr, recipe.epochs, per_epoch, recipe.optimizer, recipe.clip_norm)
    with np.errstate(all="ignore"):
        moment = Snapshot(activation, layers, *backpropagate(network, layers, x, y), None)
        measured = steps.progress(*squared_gradients(moment, task.errors), task)
        forecast = foresee(Start.of(moment, prediction, task, thresholds), task, steps, activation, thresholds)
        pilot = fly(lesson, thresholds, theta[:1], rng, whole)
    return Before(prediction, forecast, pilot, steps.lr * measured, distinct)


def _why(recipe: Recipe) -> str:
    if recipe.epochs == 0:
        return "there are no epochs"
    return "no constant output can be improved on: all targets are one"
