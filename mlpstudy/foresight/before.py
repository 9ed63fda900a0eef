"""What is known before a training: theory, what first passes measure, and the forecast that follows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.forecast import Forecast
from mlpstudy.foresight.prediction import Prediction, predict
from mlpstudy.foresight.rule import foresee
from mlpstudy.foresight.start import Start
from mlpstudy.foresight.steps import Steps
from mlpstudy.foresight.task import Task, squared_gradients
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.verdict import Thresholds, Verdict
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Network, backpropagate, unflatten
from mlpstudy.network.training import Recipe


@dataclass(frozen=True)
class Before:
    """What is known before training."""

    prediction: Prediction | None  # None if mean field theory does not apply
    foreseen: Forecast | None  # None if no training is to be done, or nothing can be learned
    progress: NDArray[np.float64]  # (R,): measured, that of the largest step; NaN if nothing is foreseen
    distinct: int  # how many replicas start with different weights
    why: str = ""  # nothing is foreseen

    @property
    def verdict(self) -> Verdict | None:
        """The predicted verdict."""
        return None if self.prediction is None else self.prediction.verdict

    @property
    def row(self) -> dict[str, str | float]:
        """The verdict by theory, the outcome and its numbers; a dash or NaN for what is not known."""
        f = self.foreseen
        return {
            "verdict": "-" if self.verdict is None else self.verdict.name,
            "outcome": "-" if f is None else f.outcome,
            "epochs": np.nan if f is None else f.epochs_to_lower_loss,
            "largest_lr": np.nan if f is None else f.largest_lr,
            "reason": f"cannot be foreseen, because {self.why}" if f is None else f"{f.reason} (by {f.by})",
        }


@dataclass(frozen=True)
class Given:
    """What is known of the data: a batch x (1, batch, n_0), y (batch, n_L), and two numbers of the training split."""

    x: Array
    y: Array
    examples: int
    constant_loss: float  # of the best constant output


def look_ahead(
    network: Network, recipe: Recipe, thresholds: Thresholds, theta: Array, data: Given, drawn: bool = True
) -> Before:
    """The prediction and the forecast for initial weights theta (R, P).

    The forecast follows from theory where it applies, else from what is measured at step 0. drawn: whether these are
    random weights; those of a file may have been trained.
    """
    layers, activation = unflatten(theta, network.sizes), network.activation
    x, y = data.x, data.y
    distinct = len({(replica + 0.0).tobytes() for replica in theta})  # + 0.0 makes -0.0 the same as 0.0
    prediction = predict(layers, activation, network.loss, x[0], y, thresholds) if drawn else None
    task = Task.of(network.loss, x[0], y, data.constant_loss)
    if recipe.epochs == 0 or not task.room > 0:
        why = (
            "there are no epochs"
            if recipe.epochs == 0
            else "no constant output can be improved on: all targets are one"
        )
        return Before(prediction, None, np.full(len(theta), np.nan), distinct, why)
    per_epoch = recipe.steps_per_epoch(data.examples)
    steps = Steps.of(recipe.lr, recipe.epochs, per_epoch, recipe.optimizer, recipe.clip_norm)
    with np.errstate(all="ignore"):
        moment = Snapshot(activation, layers, *backpropagate(network, layers, x, y), None)
        measured = steps.progress(*squared_gradients(moment, task.errors), task)
        forecast = foresee(Start.of(moment, prediction, task, thresholds), task, steps, activation, thresholds)
    return Before(prediction, forecast, steps.lr * measured, distinct)
