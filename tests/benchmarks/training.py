"""`python tests/benchmarks/training.py`: ratios measured in turn in one process; nothing here is a test.

Five replicas stacked against one by one, and the share of a default cell's time that goes into measuring it.
"""

import statistics
import time
from collections.abc import Callable

from threadpoolctl import threadpool_limits

from mlpstudy import cli, training

ROUNDS = 5


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
    print(f"{name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def main() -> None:
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


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
