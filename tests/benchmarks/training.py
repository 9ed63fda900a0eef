"""`python -m tests.benchmarks training`: what replicas save, and what measuring costs.

Five replicas stacked against one by one, and the share of a default cell's time that goes into measuring it: on
digits, and on MNIST where the folder with its IDX files is given.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from mlpstudy.cells import recording
from mlpstudy.cells.problem import Problem, initial_theta, prepare
from mlpstudy.cells.recording import Record, log_spaced, train_and_record
from mlpstudy.commands import cli
from mlpstudy.measure import histograms, statistics

ROUNDS = 5
PARTS = {  # of what is done besides the steps: the functions that do it
    "probe pass": [(recording, "snapshot")],
    "statistics": [(statistics, "measure")],
    "histograms": [(histograms, "count")],
    "measured once": [(recording, "_once"), (recording, "unit_paths"), (recording, "principal_axes")],
    "curves": [(recording, "evaluate_splits")],
    "theory": [(recording, "_predict")],
}
MEASURING = ("probe pass", "statistics", "histograms", "measured once")


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def problem(*overrides: str) -> Problem:
    """The data and settings of one cell."""
    (cell,) = cli.cells(list(overrides))
    return prepare(cell.config)


def train(given: Problem, replicas: list[int]) -> list[Record]:
    """A whole training of these replicas."""
    return list(train_and_record(given, initial_theta(given, replicas)))


def ratio(name: str, a: Callable[[], object], b: Callable[[], object]) -> dict[str, list[float]]:
    """Print the median of time(a) / time(b), measured a b a b ...; return the rounds."""
    a(), b()  # warm-up
    ratios = [seconds(a) / seconds(b) for _ in range(ROUNDS)]
    print(f"{name}: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return {name: ratios}


def shares(given: Problem, full: Problem) -> dict[str, float]:
    """Seconds of each part over those of the steps alone, in one training.

    Where `full` has more epochs than `given`, as they would be in `full`: so many times the steps, and snapshots as
    its schedule has them.
    """
    spent: Counter[str] = Counter()

    def timed(part: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            start = time.perf_counter()
            result = function(*arguments)
            spent[part] += time.perf_counter() - start
            return result

        return call

    with ExitStack() as patched:
        for part, functions in PARTS.items():
            for module, name in functions:
                patched.enter_context(patch.object(module, name, timed(part, getattr(module, name))))
        total = seconds(lambda: train(given, [0, 1, 2, 3, 4]))
    steps = (total - sum(spent.values())) * full.config.recipe.epochs / given.config.recipe.epochs
    more = len(snapshots(full)) / len(snapshots(given))
    return {part: spent[part] * (more if part in MEASURING else 1) / steps for part in PARTS}


def snapshots(given: Problem) -> list[int]:
    """The steps at which statistics are taken."""
    recipe, count = given.config.recipe, given.config.flat["training.snapshots"]
    return log_spaced(recipe.epochs * recipe.steps_per_epoch(len(given.y_train)), count)


def measuring(name: str, given: Problem, full: Problem) -> dict[str, list[dict[str, float]]]:
    """Print the median time of measuring, and of its parts, over that of the steps; return the rounds."""
    shares(given, full)  # warm-up
    rounds = [shares(given, full) for _ in range(ROUNDS)]
    sums = [sum(found[part] for part in MEASURING) for found in rounds]
    parts = ", ".join(f"{part} {median(found[part] for found in rounds):.1%}" for part in PARTS)
    print(f"{name}: {median(sums):.1%} ({min(sums):.1%} to {max(sums):.1%})\n    {parts}")
    return {name: rounds}


def main(mnist: Path | None) -> dict[str, Any]:
    """Print every ratio; return the rounds."""
    found: dict[str, Any] = {}
    # few measurements, so that the first ratio is that of the training itself
    for width in (16, 64, 256):
        few = problem("network.depth=5", f"network.width={width}", "training.epochs=3", "training.snapshots=2")
        found |= ratio(
            f"five replicas one by one / stacked, width {width}",
            lambda few=few: [train(few, [replica]) for replica in range(5)],
            lambda few=few: train(few, [0, 1, 2, 3, 4]),
        )
    default, bare = problem("training.epochs=20"), problem("training.epochs=20", "training.snapshots=2")
    found |= ratio(
        "default cell with 25 snapshots / with 2",
        lambda: train(default, [0, 1, 2, 3, 4]),
        lambda: train(bare, [0, 1, 2, 3, 4]),
    )
    name = f"measuring {len(snapshots(default))} snapshots / the steps alone, digits"
    found |= measuring(name, default, default)
    if mnist is None:
        print("measuring / the steps alone, MNIST: skipped, no folder given")
        return found
    images = "data=mnist", f"data.root={mnist}"
    epoch, full = (problem(*images, f"training.epochs={epochs}") for epochs in (1, 20))
    name = f"measuring {len(snapshots(full))} snapshots / the steps alone, MNIST"
    found |= measuring(f"{name}, 20 epochs as extrapolated from {len(snapshots(epoch))} snapshots in 1", epoch, full)
    return found
