"""Train one cell and record what happened: at which steps it is looked at, and what is measured there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.cells.before import look_ahead
from mlpstudy.cells.problem import Problem
from mlpstudy.cells.streams import ORDER, SAMPLE, stream
from mlpstudy.foresight.before import Before
from mlpstudy.measure import histograms, statistics
from mlpstudy.measure.arrays import CURVES
from mlpstudy.measure.decision_regions import decision_frame, decision_regions
from mlpstudy.measure.evaluation import evaluate
from mlpstudy.measure.jacobian import jacobian_singular_values
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.statistics import STATISTICS
from mlpstudy.measure.unit_paths import principal_axes, unit_paths
from mlpstudy.network.activations import Array
from mlpstudy.network.fast.training import train
from mlpstudy.network.mlp import backpropagate, unflatten
from mlpstudy.network.training import State

EVALUATIONS = 25  # evenly spaced, besides the log-spaced snapshots, for curves on a linear axis
EVALUATION_SIZE = 4096  # examples that a curve is computed on at most; after training, the last record uses all


@dataclass(frozen=True)
class Record:
    """What was measured after `step` updates."""

    step: int
    epoch: float
    arrays: dict[str, NDArray[Any]]  # by their names in `measure.arrays`, of this moment
    before: Before | None  # at step 0
    theta: Array | None  # at step 0 and after the last, (R, P)
    done: float  # share of the training, 0 to 1
    last: bool
    advice: tuple[str, ...] = ()  # what would help, after the last step of a cell that did not learn

    @property
    def curves(self) -> dict[str, NDArray[np.float64]]:
        """loss_train, accuracy_test, ..., (R,) each."""
        return {name: self.arrays[f"curve_{name}"] for name in CURVES if f"curve_{name}" in self.arrays}

    @property
    def statistics(self) -> dict[str, NDArray[np.float64]] | None:
        """At a snapshot, (R, depth) each; None between snapshots."""
        return {name: self.arrays[name] for name in STATISTICS} if "step" in self.arrays else None


def log_spaced(last: int, count: int) -> list[int]:
    """About `count` steps from 0 to last, both included, evenly spaced in log(step + 1)."""
    return sorted({int(s) for s in np.rint(np.geomspace(1, last + 1, max(count, 2)) - 1)})


def train_and_record(problem: Problem, theta: Array, first: int = 0) -> Iterator[Record]:
    """Train the replicas theta[first:] and yield a record at step 0, at chosen steps, and after the last.

    What is known before training follows from the weights of all replicas, theta (R, P).
    """
    c = problem.config
    last = c.recipe.epochs * c.recipe.steps_per_epoch(len(problem.y_train))
    snapshots = log_spaced(last, c.flat["training.snapshots"])
    evaluations = {*snapshots, *np.linspace(0, last, EVALUATIONS + 1).astype(int).tolist()}
    axes = principal_axes(problem.probe[0][0])
    order = stream(c.seed, ORDER)
    for state in train(problem.network, c.recipe, problem.x_train, problem.y_train, theta[first:], order, evaluations):
        with np.errstate(all="ignore"):  # a diverged replica is measured too: its numbers are then not finite
            trained = state.last and state.step > 0
            curves = evaluate_splits(problem, state.theta, None if trained else EVALUATION_SIZE)
            arrays: dict[str, Any] = {f"curve_{name}": values for name, values in curves.items()}
            arrays |= {"curve_step": np.array(state.step), "curve_epoch": np.array(state.epoch)}
            if state.step in snapshots or state.last:
                arrays |= _at_snapshot(problem, state, axes)
            before = look_ahead(problem, theta) if state.step == 0 else None
        yield Record(
            step=state.step,
            epoch=state.epoch,
            arrays=arrays,
            before=before,
            theta=state.theta if state.step == 0 or state.last else None,
            done=1.0 if state.last else state.step / last,
            last=state.last,
        )


def evaluate_splits(problem: Problem, theta: Array, size: int | None = None) -> dict[str, NDArray[np.float64]]:
    """Loss and accuracy on both splits, (R,) each, in the user's units; on `size` examples of each at most, or on all.

    On the training split alone if there is no other.

    The examples are drawn at random, once for all records: the order of a data set may not be random (every second
    test image of MNIST is an easy one).
    """
    layers = unflatten(theta, problem.network.sizes)
    splits = {"train": (problem.x_train, problem.y_train), "test": (problem.x_test, problem.y_test)}
    if not len(problem.y_test):
        del splits["test"]
    curves: dict[str, NDArray[np.float64]] = {}
    for split, (x, y) in splits.items():
        if size is not None and size < len(y):
            some = stream(problem.config.seed, SAMPLE).choice(len(y), size, replace=False)
            x, y = x[:, some], y[some]
        scores = evaluate(problem.network, layers, x, y, problem.classification)
        scores["loss"] *= problem.loss_unit
        curves |= {f"{name}_{split}": values for name, values in scores.items()}
    return curves


def snapshot(problem: Problem, state: State) -> Snapshot:
    """The network in this state and its passes on the probe batch."""
    layers = unflatten(state.theta, problem.network.sizes)
    trace, gradients = backpropagate(problem.network, layers, *problem.probe)
    dlayers = None if state.update is None else unflatten(state.update, problem.network.sizes)
    return Snapshot(problem.config.activation, layers, trace, gradients, dlayers)


def _at_snapshot(problem: Problem, state: State, axes: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """What is measured at a snapshot besides curves, some of it at the start or at the end alone."""
    moment, step = snapshot(problem, state), np.array(state.step)
    arrays: dict[str, NDArray[Any]] = {"step": step, "epoch": np.array(state.epoch), "histogram_step": step}
    arrays |= {**statistics.measure(moment), "unit_paths": unit_paths(moment, axes)}
    arrays |= {f"{name}_histogram": counts for name, counts in histograms.count(moment).items()}
    if state.step == 0:
        arrays["jacobian_singular_values"] = jacobian_singular_values(moment)
    if problem.classification and problem.network.sizes[0] == 2:  # in the plane
        activation, x = problem.config.activation, problem.x_train[0]
        arrays["decision_frames"] = decision_frame(moment.layers, activation, x)
        if state.last:
            arrays |= decision_regions(moment.layers, activation, x, problem.y_train)
    return arrays
