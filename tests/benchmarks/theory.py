"""`python -m tests.benchmarks theory`: what a prediction costs, and how far measured profiles lie from it.

The table has, for every initializer, activation and depth, the median over layers of |log10 measured / predicted| at
initialization: of activation_rms, and of delta_rms relative to the last hidden layer. Measured is the geometric mean
over replicas. tests/cells/test_prediction.py asserts a part of the table. MNIST is among the data where
its files are given.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlpstudy import theory
from mlpstudy.cells.problem import Problem, initial_theta, prepare
from mlpstudy.cells.recording import Record, train_and_record
from mlpstudy.commands import cli
from mlpstudy.errors import ConfigError
from mlpstudy.foresight.prediction import Prediction, predict
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.statistics import activation_rms, delta_rms
from mlpstudy.network import mlp

ACTIVATIONS = ("tanh", "relu", "gelu", "sigmoid", "selu")
INITIALIZERS = ("xavier", "he", "lecun", "orthogonal", "critical")
DEPTHS = (5, 20, 50)
WIDTH = 128
REPLICAS, CHUNK = 64, 16  # in all, and at a time, so that memory does not grow with them
LOWEST = 1e-12  # what is predicted below is not compared
ROUNDS = 5


# ---------------------------------------------------------------- measured against predicted


@dataclass(frozen=True)
class Comparison:
    """One cell's initial profiles: log10 of what its replicas measure, and what theory expects."""

    prediction: Prediction
    measured: dict[str, NDArray[np.float64]]  # activation_rms (R, depth), delta_rms (R, depth - 1)
    growth: float  # d log q_L / d log q_1: how much a length that differs has come to differ at the end

    def error(self, name: str) -> float:
        """Median over layers of the standard error of the mean over replicas."""
        spread = self.measured[name][:, self._compared(name)].std(axis=0, ddof=1)
        return float(np.median(spread)) / len(self.measured[name]) ** 0.5 if spread.size else np.nan

    def discrepancy(self, name: str, kind: str = "typical") -> float:
        """Median over layers of |log10 measured / predicted|; `kind` is mean or typical."""
        predicted = getattr(self.prediction.profile, kind)[name][: self.measured[name].shape[1]]
        with np.errstate(divide="ignore"):
            off = np.abs(self.measured[name].mean(axis=0) - np.log10(predicted))[self._compared(name)]
        return float(np.median(off)) if off.size else np.nan

    def _compared(self, name: str) -> NDArray[np.bool_]:
        typical = self.prediction.profile.typical[name][: self.measured[name].shape[1]]
        return np.asarray(typical > LOWEST)


def compare(overrides: Sequence[str], replicas: int = REPLICAS) -> Comparison:
    """Measure one cell at step 0. Raises ConfigError where there is no such cell."""
    (cell,) = cli.cells(list(overrides))
    problem = prepare(cell.config)
    config, (x, y) = cell.config, problem.probe
    prediction, activations, deltas = None, [], []
    with np.errstate(all="ignore"):  # delta may underflow
        for start in range(0, replicas, CHUNK):
            theta = initial_theta(problem, range(start, min(start + CHUNK, replicas)))
            layers = mlp.unflatten(theta, problem.network.sizes)
            prediction = prediction or predict(layers, config.activation, config.loss, x[0], y, config.thresholds)
            trace, gradients = mlp.backpropagate(problem.network, layers, x, y)
            moment = Snapshot(config.activation, layers, trace, gradients, None)
            activations.append(np.log10(activation_rms(moment)))
            delta = delta_rms(moment)
            deltas.append(np.log10(delta[:, :-1] / delta[:, -1:]))
    assert prediction is not None, "mean field theory applies to every initializer here"
    log_q = 2 * np.log(prediction.profile.mean["preactivation_std"])
    slopes = theory.moments(config.activation).V(log_q[:-1], 1)
    measured = {"activation_rms": np.concatenate(activations), "delta_rms": np.concatenate(deltas)}
    return Comparison(prediction, measured, float(np.prod(slopes)))


def settings(activation: str, initializer: str, depth: int, data: Sequence[str]) -> list[str]:
    """The command line of one cell of the table."""
    network = [f"network.depth={depth}", f"network.width={WIDTH}"]
    return [f"activation={activation}", f"init={initializer}", *network, *data]


def grid() -> Iterator[tuple[str, str, int]]:
    """Every cell of the table."""
    yield from ((a, i, d) for a in ACTIVATIONS for i in INITIALIZERS for d in DEPTHS)


def table(data: Sequence[str]) -> None:
    """Print every cell."""
    print(f"\n{' '.join(data).partition(' ')[0]}, width {WIDTH}, {REPLICAS} replicas; decades")
    heads = f"{'activation_rms':^29} {'delta_rms, relative':^29}"
    print(f"{'':24}{heads}\n{'cell':<24}" + f"{'mean':>9} {'typical':>9} {'+-':>9} " * 2 + f"{'growth':>9}")
    for activation, initializer, depth in grid():
        try:
            found = compare(settings(activation, initializer, depth, data))
        except ConfigError:  # no critical point
            continue
        row = f"{f'{activation} {initializer} d{depth}':<24}"
        for name in ("activation_rms", "delta_rms"):
            kinds = [found.discrepancy(name, kind) for kind in ("mean", "typical")]
            row += "".join(f"{value:9.4f} " for value in (*kinds, found.error(name)))
        print(f"{row}{found.growth:9.3g}", flush=True)


# ---------------------------------------------------------------- what it costs


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def train(problem: Problem, theta: NDArray[np.floating]) -> list[Record]:
    """A whole training."""
    return list(train_and_record(problem, theta))


def cost() -> None:
    """Print the time of one cell's prediction, and its ratio to that of training it for one epoch, curves included."""
    for depth in DEPTHS:
        few = ("training.epochs=1", "training.snapshots=2", "data=digits")
        (cell,) = cli.cells(settings("gelu", "he", depth, few))
        problem = prepare(cell.config)
        theta = initial_theta(problem, range(cell.config.replicas))
        layers, (x, y) = mlp.unflatten(theta, problem.network.sizes), problem.probe
        predicted = partial(predict, layers, cell.config.activation, cell.config.loss, x[0], y, cell.config.thresholds)
        trained = partial(train, problem, theta)
        first = seconds(predicted)  # the splines of this activation too, in the first cell of a sweep
        trained()
        times = [(seconds(predicted), seconds(trained)) for _ in range(ROUNDS)]
        took, ratio = (statistics.median(values) for values in zip(*((p, p / t) for p, t in times), strict=True))
        print(
            f"depth {depth}, width {WIDTH}, {cell.config.replicas} replicas: {1e3 * took:.0f} ms a prediction "
            f"({1e3 * first:.0f} ms the first), {ratio:.3f} of the time of a training of one epoch"
        )


def main(mnist: Path | None) -> None:
    """Print both."""
    cost()
    table(["data=digits"])
    if mnist is not None:
        table(["data=mnist", f"data.root={mnist}"])
