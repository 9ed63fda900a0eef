"""The training loop: a generator of records that knows neither configuration files nor MLflow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy import closeups, histograms, mlp, statistics
from mlpstudy.activations import Array
from mlpstudy.config import Config
from mlpstudy.data import DATASETS, Data
from mlpstudy.errors import ConfigError
from mlpstudy.losses import accuracy
from mlpstudy.optimizers import clip
from mlpstudy.prediction import Prediction, predict
from mlpstudy.snapshot import Snapshot
from mlpstudy.streams import DATA, ORDER, SAMPLE, WEIGHTS, stream

EVALUATIONS = 25  # evenly spaced, besides the log-spaced snapshots, for curves on a linear axis
EVALUATION_SIZE = 4096  # examples a curve is computed on at most; the last record uses all
CHUNK = 512  # examples evaluated at a time, so that memory does not grow with the data
HISTOGRAMS = 5  # snapshots that keep histograms, first and last included


@dataclass(frozen=True)
class Problem:
    """One cell with its data as arrays in its dtype, checked to fit each other."""

    config: Config
    sizes: tuple[int, ...]  # n_0, ..., n_L
    x_train: Array  # (1, n, n_0): every replica sees the same examples
    y_train: Array  # (n, n_L)
    x_test: Array
    y_test: Array
    classification: bool
    batch_size: int

    @property
    def steps_per_epoch(self) -> int:
        """Updates that see every example once; the last batch may be smaller."""
        return -(-len(self.y_train) // self.batch_size)


@lru_cache(maxsize=2)  # the cells of a sweep share their data
def load_data(options: tuple[tuple[str, Any], ...], seed: int, dtype: str) -> Data:
    """The data set of a cell, features in its dtype; raises ConfigError where it cannot be read."""
    parameters = dict(options)
    data = DATASETS[parameters.pop("name")](stream(seed, DATA), **parameters)
    return replace(data, x_train=data.x_train.astype(dtype), x_test=data.x_test.astype(dtype))


def prepare(config: Config) -> Problem:
    """Load a cell's data and check that loss, targets and batch size fit. Raises ConfigError."""
    data = load_data(config.data, config.seed, np.dtype(config.dtype).name)
    n = len(data.y_train)
    if config.batch_size is not None and config.batch_size > n:
        rule = f"null or at most the {n} training examples of data={data.name}"
        raise ConfigError("training.batch_size", rule, config.batch_size)
    y_train, y_test = config.loss.targets(data, data.y_train), config.loss.targets(data, data.y_test)
    return Problem(
        config=config,
        sizes=(data.x_train.shape[1], *config.hidden, y_train.shape[1]),
        x_train=data.x_train[None],
        y_train=y_train.astype(config.dtype),
        x_test=data.x_test[None],
        y_test=y_test.astype(config.dtype),
        classification=data.classes is not None,
        batch_size=config.batch_size or n,
    )


def initial_theta(problem: Problem, replicas: Sequence[int]) -> Array:
    """theta (R, P) of the given replicas, each from its own stream."""
    c = problem.config
    rngs = {r: stream(c.seed, WEIGHTS, r) for r in replicas}
    probe = problem.x_train[:, : c.probe_size]
    return mlp.initialize(rngs, problem.sizes, c.scheme, c.output_scheme, c.dtype, probe, c.activation)


@dataclass(frozen=True)
class Record:
    """The state after `step` updates: curves (R,) each, and at a snapshot statistics (R, depth) each.

    What is there at some records only is None or empty at the others.
    """

    step: int
    epoch: float
    curves: dict[str, NDArray[np.float64]]
    statistics: dict[str, NDArray[np.float64]] | None
    unit_paths: NDArray[np.float64] | None  # with the statistics, (units, 2)
    histograms: dict[str, NDArray[np.int64]] | None  # (R, depth, bins) each
    prediction: Prediction | None  # at step 0, where mean field theory applies
    closeups: dict[str, NDArray[np.generic]]  # taken once, under their names in statistics.npz
    theta: Array | None  # at step 0 and after the last, (R, P)
    done: float  # share of the training, 0 to 1
    last: bool


def log_spaced(last: int, count: int) -> list[int]:
    """About `count` steps from 0 to last, both included, evenly spaced in log(step + 1)."""
    return sorted({int(s) for s in np.rint(np.geomspace(1, last + 1, max(count, 2)) - 1)})


def batches(rng: np.random.Generator, n: int, size: int, replacement: bool) -> Iterator[NDArray[np.int64]]:
    """Endless minibatches of indices: epochs in random order, or drawn uniformly with replacement."""
    while True:
        if replacement:
            yield rng.integers(n, size=size)
        else:
            order = rng.permutation(n)
            yield from (order[start : start + size] for start in range(0, n, size))


def evaluate(problem: Problem, theta: Array, size: int | None = None) -> dict[str, NDArray[np.float64]]:
    """Loss and accuracy on both splits, (R,); on `size` examples of each at most, or on all.

    They are drawn at random, once for all records: data may have an order (every second image of MNIST is an easy one).
    """
    c = problem.config
    layers = mlp.unflatten(theta, problem.sizes)
    splits = {"train": (problem.x_train, problem.y_train), "test": (problem.x_test, problem.y_test)}
    curves = {}
    for split, (x, y) in splits.items():
        if size is not None and size < len(y):
            some = stream(c.seed, SAMPLE).choice(len(y), size, replace=False)
            x, y = x[:, some], y[some]
        chunks = range(0, len(y), CHUNK)
        h = np.concatenate([mlp.predict(layers, c.activation, x[:, i : i + CHUNK]) for i in chunks], axis=1)
        curves[f"loss_{split}"] = c.loss.value(h, y[None]).mean(axis=1, dtype=np.float64)
        if problem.classification:
            curves[f"accuracy_{split}"] = accuracy(h, y)
    return curves


def train(problem: Problem, theta: Array) -> Iterator[Record]:
    """Train from theta (R, P), yielding a record at step 0, at chosen steps in between, and after the last.

    A replica whose parameters are no longer finite has diverged: its numbers are no longer finite either and
    the others train on; once all have diverged, training ends.
    """
    c = problem.config
    last = c.epochs * problem.steps_per_epoch
    snapshots = log_spaced(last, c.snapshots)
    counted = {snapshots[i] for i in np.linspace(0, len(snapshots) - 1, HISTOGRAMS).astype(int)}
    axes = closeups.principal_axes(problem.x_train[0, : c.probe_size])
    evaluations = {*snapshots, *np.linspace(0, last, EVALUATIONS + 1).astype(int).tolist()}
    indices = batches(stream(c.seed, ORDER), len(problem.y_train), problem.batch_size, c.replacement)
    state = c.optimizer.init(theta)
    ties = mlp.ties(theta, problem.sizes)
    step_taken: Array | None = None

    with np.errstate(all="ignore"):  # overflow on the way to divergence is a result, not a warning
        for step in range(last + 1):
            before = theta
            if step < last:
                batch = next(indices)
                layers = mlp.unflatten(theta, problem.sizes)
                _, gradients = _passes(problem, layers, problem.x_train[:, batch], problem.y_train[batch])
                if ties is not None:
                    mlp.tie(gradients, ties)
                gradient = gradients.theta if c.clip_norm is None else clip(gradients.theta, c.clip_norm)
                lr = c.lr(step / problem.steps_per_epoch, 1 / problem.steps_per_epoch)
                step_taken, state = c.optimizer.update(gradient, state, theta, lr)
                theta = theta + step_taken
            # The last output bias collects every error, so whatever is not finite soon shows there.
            finished = step == last or not np.isfinite(before[:, -1]).any()
            if step in evaluations or finished:
                measured, paths, counts, once = None, None, None, {}
                if step in snapshots or finished:
                    moment = _snapshot(problem, before, step_taken)
                    measured, paths = statistics.measure(moment), closeups.unit_paths(moment, axes)
                    counts = histograms.count(moment) if step in counted or finished else None
                    once = _once(problem, moment, step == 0, finished)
                yield Record(
                    step=step,
                    epoch=step / problem.steps_per_epoch,
                    curves=evaluate(problem, before, None if finished else EVALUATION_SIZE),
                    statistics=measured,
                    unit_paths=paths,
                    histograms=counts,
                    prediction=_predict(problem, before) if step == 0 else None,
                    closeups=once,
                    theta=before if step == 0 or finished else None,
                    done=1.0 if finished else step / last,
                    last=finished,
                )
            if finished:
                return


def _passes(problem: Problem, layers: mlp.Layers, x: Array, y: Array) -> tuple[mlp.Trace, mlp.Gradients]:
    """Forward and backward on one batch, J being the mean over it."""
    trace = mlp.forward(layers, problem.config.activation, x)
    dh = problem.config.loss.gradient(trace.h, y[None]) / trace.h.dtype.type(len(y))
    return trace, mlp.backward(layers, problem.config.activation, trace, dh)


def _snapshot(problem: Problem, theta: Array, step_taken: Array | None) -> Snapshot:
    layers = mlp.unflatten(theta, problem.sizes)
    probe = slice(problem.config.probe_size)
    trace, gradients = _passes(problem, layers, problem.x_train[:, probe], problem.y_train[probe])
    dlayers = None if step_taken is None else mlp.unflatten(step_taken, problem.sizes)
    return Snapshot(problem.config.activation, layers, trace, gradients, dlayers)


def _predict(problem: Problem, theta: Array) -> Prediction | None:
    c, layers = problem.config, mlp.unflatten(theta, problem.sizes)
    if "file" in (c.flat["init.name"], c.flat.get("init.output.name")):  # weights that may have been trained
        return None
    x, y = problem.x_train[0, : c.probe_size], problem.y_train[: c.probe_size]
    return predict(layers, c.activation, c.loss, x, y, c.thresholds)


def _once(problem: Problem, moment: Snapshot, first: bool, last: bool) -> dict[str, NDArray[np.generic]]:
    """What is looked at closely at the start or at the end alone."""
    once: dict[str, NDArray[np.generic]] = {}
    if first:
        once["jacobian_singular_values"] = closeups.jacobian_singular_values(moment)
    if last and problem.classification and problem.sizes[0] == 2:
        c, x, y = problem.config, problem.x_train[0], problem.y_train
        once |= closeups.decision_regions(moment.layers, c.activation, x, y)
    return once
