"""`python -m tests.benchmarks growth`: time and memory of a training step against depth, width and replicas.

Slopes in log-log are shown beside those of the arithmetic: of the multiply-adds of the matrix products, and of the
numbers that have to be kept (parameters, gradients, and a and g' of every layer).
"""

import tracemalloc
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np

from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.fast.training import in_stacks
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.mlp import Network, n_parameters
from tests.benchmarks.steps import BATCH, CLASSES, INPUTS, RECIPE, ours, seconds_per_step, weights

AXES = {  # (depth, width, replicas)
    "depth": [(depth, 64, 1) for depth in (5, 10, 20, 50, 100, 200, 500, 1000)],
    "width": [(10, width, 1) for width in (16, 32, 64, 128, 256, 512, 1024)],
    "replicas": [(10, 64, replicas) for replicas in (1, 2, 4, 8, 16, 32)],
}
Row = dict[str, float]


def main(mnist: Path | None) -> dict[str, list[Row]]:
    """Print and return time, memory and slopes along every axis."""
    found = {}
    for place, (axis, points) in enumerate(AXES.items()):
        rows = []
        print(f"\ntanh, against {axis}: ms a step (range), MB, multiply-adds, numbers kept")
        for point in points:
            depth, width, replicas = point
            sizes = (INPUTS, *[width] * depth, CLASSES)
            times = seconds_per_step({"ours": ours("tanh", sizes, replicas)})["ours"]
            weighted = [n_in * n_out for n_in, n_out in pairwise(sizes)]
            row = {
                axis: point[place],
                "seconds": median(times),
                "bytes": memory(sizes, replicas),
                "multiply_adds": replicas * BATCH * (3 * sum(weighted) - weighted[0]),
                "numbers": replicas * (2 * n_parameters(sizes) + 2 * BATCH * sum(sizes[1:])),
            }
            rows.append(row)
            print(
                f"{point[place]:>6} {1e3 * row['seconds']:9.2f} ({1e3 * min(times):.2f}-{1e3 * max(times):.2f})"
                f" {row['bytes'] / 1e6:9.1f} {row['multiply_adds']:10.2e} {row['numbers']:10.2e}"
            )
        upper = rows[len(rows) // 2 :]
        slopes = {name: slope(upper, axis, name) for name in ("seconds", "multiply_adds", "bytes", "numbers")}
        print("   slope in log-log, upper half: " + ", ".join(f"{name} {value:.2f}" for name, value in slopes.items()))
        found[axis] = [*rows, {"slope": 1.0, **slopes}]
    return found


def memory(sizes: tuple[int, ...], replicas: int) -> int:
    """The largest number of bytes that the stacks of these replicas hold, from their start to the end of a step."""
    x, y = np.ones((BATCH, sizes[0]), np.float32), np.ones((BATCH, sizes[-1]), np.float32)
    theta = weights(sizes, replicas)
    tracemalloc.start()
    for stack in in_stacks(Network(sizes, ACTIVATIONS["tanh"], LOSSES["cross_entropy"]), RECIPE, theta, BATCH):
        stack.step(x, y, 0.001)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def slope(rows: list[Row], x: str, y: str) -> float:
    """The slope of log y against log x."""
    return float(np.polyfit([np.log(row[x]) for row in rows], [np.log(row[y]) for row in rows], 1)[0])
