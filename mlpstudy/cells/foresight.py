"""What is known of a cell before it is trained: theory, what its first passes measure, and the outcome to expect."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.cells.config import Config
from mlpstudy.cells.prediction import Prediction, predict
from mlpstudy.cells.problem import Problem, initial_theta, prepare
from mlpstudy.measure import foresight, statistics, verdict
from mlpstudy.measure.foresight import Foreseen, Steps, Task
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.verdict import Verdict
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import backpropagate, unflatten


@dataclass(frozen=True)
class Before:
    """What is known before training."""

    prediction: Prediction | None  # None if mean field theory does not apply
    foreseen: Foreseen | None  # None if no training is to be done, or nothing can be learned
    progress: NDArray[np.float64]  # (R,): measured, that of the largest step; NaN if nothing is foreseen
    distinct: int  # how many replicas start with different weights

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
            "reason": "nothing to foresee" if f is None else f"{f.reason} (by {f.by})",
        }


def before_training(config: Config) -> Before:
    """What is known of a cell with these settings, which is not trained."""
    problem = prepare(config)
    return look_ahead(problem, initial_theta(problem, range(config.replicas)))


def look_ahead(problem: Problem, theta: Array) -> Before:
    """The prediction and the outcome to expect of a problem with these initial weights, theta (R, P).

    The outcome follows from theory where it applies, else from what is measured at step 0.
    """
    c, network = problem.config, problem.network
    layers = unflatten(theta, network.sizes)
    x, y = problem.probe
    distinct = len({(replica + 0.0).tobytes() for replica in theta})  # + 0.0 makes -0.0 the same as 0.0
    own = "file" in (c.flat["init.name"], c.flat.get("init.output.name"))  # weights that may have been trained
    prediction = None if own else predict(layers, c.activation, c.loss, x[0], y, c.thresholds)
    task = Task.of(c.loss, x[0], y, problem.learned_constant_loss)
    if c.recipe.epochs == 0 or not task.room > 0:
        return Before(prediction, None, np.full(len(theta), np.nan), distinct)
    steps = Steps.of(c.recipe.lr, c.recipe.epochs, c.recipe.steps_per_epoch(len(problem.y_train)), c.recipe.optimizer)
    with np.errstate(all="ignore"):
        moment = Snapshot(c.activation, layers, *backpropagate(network, layers, x, y), None)
        squares, counts = foresight.squared_gradients(moment, task)
        measured = steps.progress(squares, counts, task)
        if prediction is not None:
            by, found, expected = "theory", prediction.verdict, prediction.squared_gradients(task.errors)
        else:
            by, expected = "step 0", np.median(squares, axis=0)
            found = verdict.judge(statistics.measure(moment), c.hidden, c.activation, c.thresholds)
        foreseen = foresight.foresee(expected, counts, found.name, by, task, steps, c.activation, c.thresholds)
    return Before(prediction, foreseen, steps.lr * measured, distinct)
