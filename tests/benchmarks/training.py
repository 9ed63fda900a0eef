"""`python tests/benchmarks/training.py [MNIST]`: ratios measured in turn in one process; nothing here is a test.

Five replicas stacked against one by one, and the share of a default cell's time that goes into measuring it: on
digits, and on MNIST where the folder with its IDX files is given.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from unittest.mock import patch

from threadpoolctl import threadpool_limits

from mlpstudy import cli, closeups, histograms, statistics, training

ROUNDS = 5
PARTS = {  # of what is done besides the steps: the functions that do it
    "probe pass": [(training, "_snapshot")],
    "statistics": [(statistics, "measure")],
    "histograms": [(histograms, "count")],
    "closeups": [(training, "_once"), (closeups, "unit_paths"), (closeups, "principal_axes")],
    "curves": [(training, "evaluate")],
    "theory": [(training, "_predict")],
}
MEASURING = ("probe pass", "statistics", "histograms", "closeups")


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def problem(*overrides: str) -> training.Problem:
    """The data and settings of one cell."""
    (cell,) = cli.cells(list(overrides))
    return training.prepare(cell.config)


def train(given: training.Problem, replicas: list[int]) -> list[training.Record]:
    """A whole training of these replicas."""
    return list(training.train(given, training.initial_theta(given, replicas)))


def ratio(name: str, a: Callable[[], object], b: Callable[[], object]) -> None:
    """Print the median of time(a) / time(b), measured a b a b ..."""
    a(), b()  # warm-up
    ratios = [seconds(a) / seconds(b) for _ in range(ROUNDS)]
    print(f"{name}: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def shares(given: training.Problem, full: training.Problem) -> dict[str, float]:
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
    steps = (total - sum(spent.values())) * full.config.epochs / given.config.epochs
    more = len(snapshots(full)) / len(snapshots(given))
    return {part: spent[part] * (more if part in MEASURING else 1) / steps for part in PARTS}


def snapshots(given: training.Problem) -> list[int]:
    """The steps at which statistics are taken."""
    return training.log_spaced(given.config.epochs * given.steps_per_epoch, given.config.snapshots)


def measuring(name: str, given: training.Problem, full: training.Problem) -> None:
    """Print the median time of measuring, and of its parts, over that of the steps."""
    shares(given, full)  # warm-up
    rounds = [shares(given, full) for _ in range(ROUNDS)]
    sums = [sum(found[part] for part in MEASURING) for found in rounds]
    parts = ", ".join(f"{part} {median(found[part] for found in rounds):.1%}" for part in PARTS)
    print(f"{name}: {median(sums):.1%} ({min(sums):.1%} to {max(sums):.1%})\n    {parts}")


def main(mnist: Path | None) -> None:
    """Print every ratio."""
    # few measurements, so that the first ratio is that of the training itself
    for width in (16, 64, 256):
        few = problem("network.depth=5", f"network.width={width}", "training.epochs=3", "training.snapshots=2")
        ratio(
            f"five replicas one by one / stacked, width {width}",
            lambda few=few: [train(few, [replica]) for replica in range(5)],
            lambda few=few: train(few, [0, 1, 2, 3, 4]),
        )
    default, bare = problem("training.epochs=20"), problem("training.epochs=20", "training.snapshots=2")
    ratio(
        "default cell with 25 snapshots / with 2",
        lambda: train(default, [0, 1, 2, 3, 4]),
        lambda: train(bare, [0, 1, 2, 3, 4]),
    )
    name = f"measuring {len(snapshots(default))} snapshots / the steps alone, digits"
    measuring(name, default, default)
    if mnist is None or not mnist.is_dir():
        print("measuring / the steps alone, MNIST: skipped, no folder given")
        return
    images = "data=mnist", f"data.root={mnist}"
    epoch, full = (problem(*images, f"training.epochs={epochs}") for epochs in (1, 20))
    name = f"measuring {len(snapshots(full))} snapshots / the steps alone, MNIST"
    measuring(f"{name}, 20 epochs as extrapolated from {len(snapshots(epoch))} snapshots in 1", epoch, full)


if __name__ == "__main__":
    with threadpool_limits(1):
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
