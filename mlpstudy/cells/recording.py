"""Train one cell and record what happened: at which steps it is looked at, and what is measured there."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.cells.foresight import Before, look_ahead
from mlpstudy.cells.problem import Problem
from mlpstudy.cells.streams import ORDER, SAMPLE, stream
from mlpstudy.measure import histograms, statistics
from mlpstudy.measure.decision_regions import decision_frame, decision_regions
from mlpstudy.measure.evaluation import evaluate
from mlpstudy.measure.jacobian import jacobian_singular_values
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.unit_paths import principal_axes, unit_paths
from mlpstudy.network.activations import Array
from mlpstudy.network.fast.training import train
from mlpstudy.network.mlp import backpropagate, unflatten
from mlpstudy.network.training import State

EVALUATIONS = 25  # evenly spaced, besides the log-spaced snapshots, for curves on a linear axis
EVALUATION_SIZE = 4096  # examples that a curve is computed on at most; after training, the last record uses all


@dataclass(frozen=True)
class Record:
    """What was measured after `step` updates: curves (R,) each, and at a snapshot statistics (R, depth) each.

    A field that is measured at some records only is None or empty at the others.
    """

    step: int
    epoch: float
    curves: dict[str, NDArray[np.float64]]
    statistics: dict[str, NDArray[np.float64]] | None
    unit_paths: NDArray[np.float64] | None  # with the statistics, (units, 2)
    histograms: dict[str, NDArray[np.int64]] | None  # with the statistics, (R, depth, bins) each
    decision_frame: NDArray[np.int16] | None  # with the statistics, if the data are classes of two inputs
    before: Before | None  # at step 0
    once: dict[str, NDArray[np.generic]]  # what is measured at the first or the last record alone
    theta: Array | None  # at step 0 and after the last, (R, P)
    done: float  # share of the training, 0 to 1
    last: bool


def log_spaced(last: int, count: int) -> list[int]:
    """About `count` steps from 0 to last, both included, evenly spaced in log(step + 1)."""
    return sorted({int(s) for s in np.rint(np.geomspace(1, last + 1, max(count, 2)) - 1)})


def train_and_record(problem: Problem, theta: Array, first: int = 0) -> Iterator[Record]:
    """Train the replicas theta[first:] and yield a record at step 0, at chosen steps, and after the last.

    What is known before training follows from the weights of all replicas, theta (R, P).
    """
    c = problem.config
    last = c.recipe.epochs * c.recipe.steps_per_epoch(len(problem.y_train))
    snapshots = log_spaced(last, c.snapshots)
    evaluations = {*snapshots, *np.linspace(0, last, EVALUATIONS + 1).astype(int).tolist()}
    axes = principal_axes(problem.probe[0][0])
    order = stream(c.seed, ORDER)
    for state in train(problem.network, c.recipe, problem.x_train, problem.y_train, theta[first:], order, evaluations):
        measured, paths, counts, frame, once = None, None, None, None, {}
        with np.errstate(all="ignore"):  # a diverged replica is measured too: its numbers are then not finite
            if state.step in snapshots or state.last:
                moment = snapshot(problem, state)
                measured, paths = statistics.measure(moment), unit_paths(moment, axes)
                counts = histograms.count(moment)
                frame = decision_frame(moment.layers, c.activation, problem.x_train[0]) if in_plane(problem) else None
                once = _once(problem, moment, state)
            trained = state.last and state.step > 0
            curves = evaluate_splits(problem, state.theta, None if trained else EVALUATION_SIZE)
            before = look_ahead(problem, theta) if state.step == 0 else None
        yield Record(
            step=state.step,
            epoch=state.epoch,
            curves=curves,
            statistics=measured,
            unit_paths=paths,
            histograms=counts,
            decision_frame=frame,
            before=before,
            once=once,
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
        found = evaluate(problem.network, layers, x, y, problem.classification)
        found["loss"] *= problem.loss_unit
        curves |= {f"{name}_{split}": values for name, values in found.items()}
    return curves


def snapshot(problem: Problem, state: State) -> Snapshot:
    """The network in this state and its passes on the probe batch."""
    layers = unflatten(state.theta, problem.network.sizes)
    trace, gradients = backpropagate(problem.network, layers, *problem.probe)
    dlayers = None if state.update is None else unflatten(state.update, problem.network.sizes)
    return Snapshot(problem.config.activation, layers, trace, gradients, dlayers)


def _once(problem: Problem, moment: Snapshot, state: State) -> dict[str, NDArray[np.generic]]:
    """What is measured at the start or at the end alone."""
    once: dict[str, NDArray[np.generic]] = {}
    if state.step == 0:
        once["jacobian_singular_values"] = jacobian_singular_values(moment)
    if state.last and in_plane(problem):
        c, x, y = problem.config, problem.x_train[0], problem.y_train
        once |= decision_regions(moment.layers, c.activation, x, y)
    return once


def in_plane(problem: Problem) -> bool:
    """Are the data classes of two inputs?"""
    return problem.classification and problem.network.sizes[0] == 2
