"""`python -m tests.benchmarks steps`: one training step beside PyTorch and beside its matrix products alone.

Shapes of MNIST (784 inputs, 10 classes, batches of 128), plain SGD, float32, one thread. PyTorch runs on the CPU,
eagerly, and trains replicas in turn. The bare products are those of all layers: three of each, two of the first.
"""

import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np

from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.fast.training import in_stacks
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.mlp import Network, n_parameters, unflatten
from mlpstudy.network.optimizers import OPTIMIZERS
from mlpstudy.network.training import Recipe

NAMES = ("relu", "tanh", "sigmoid", "gelu", "silu", "selu")
DEPTHS, WIDTHS, REPLICAS = (5, 20, 50), (32, 64, 128, 256), (1, 8)
INPUTS, CLASSES, BATCH, EXAMPLES = 784, 10, 128, 4096
ROUNDS, SECONDS, FEWEST = 5, 0.08, 8  # a contestant takes so many seconds or steps in each round
RECIPE = Recipe(
    optimizer=OPTIMIZERS["sgd"](momentum=0.0, nesterov=False, weight_decay=0.0),
    lr=lambda epoch, step: 0.001,
    epochs=1,
    batch_size=BATCH,
    replacement=False,
    clip_norm=None,
)
Step = Callable[[int], object]  # the number of steps to take


def data() -> tuple[Any, Any]:
    """Random images and labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(EXAMPLES, INPUTS)).astype(np.float32), rng.integers(CLASSES, size=EXAMPLES)


def batches(steps: int) -> Iterator[Any]:
    """Indices of minibatches."""
    rng = np.random.default_rng(1)
    return (rng.integers(EXAMPLES, size=BATCH) for _ in range(steps))


def weights(sizes: tuple[int, ...], replicas: int) -> Any:
    """Weights of variance 1 / n_in, biases 0."""
    theta = np.zeros((replicas, n_parameters(sizes)), np.float32)
    rng = np.random.default_rng(2)
    for W, _ in unflatten(theta, sizes):
        W[...] = rng.normal(size=W.shape) / np.sqrt(W.shape[2])
    return theta


def ours(activation: str, sizes: tuple[int, ...], replicas: int) -> Step:
    """The steps that `train` takes."""
    x, labels = data()
    y = np.eye(CLASSES, dtype=np.float32)[labels]
    network = Network(sizes, ACTIVATIONS[activation], LOSSES["cross_entropy"])
    stacks = in_stacks(network, RECIPE, weights(sizes, replicas), BATCH)

    def run(steps: int) -> None:
        for stack in stacks:
            for batch in batches(steps):
                stack.step(x[batch], y[batch], 0.001)

    return run


def products(sizes: tuple[int, ...], replicas: int) -> Step:
    """The matrix products alone, one replica after the other."""
    x = data()[0][:BATCH]
    rng = np.random.default_rng(3)
    orthogonal = []  # so that the numbers stay of one size through any number of layers
    for n_in, n_out in pairwise(sizes):
        u, _, v = np.linalg.svd(rng.normal(size=(n_out, n_in)), full_matrices=False)
        orthogonal.append((u @ v).astype(np.float32))
    layers = [[W.copy() for W in orthogonal] for _ in range(replicas)]
    gradients = [np.empty_like(W) for W in orthogonal]
    a = [x, *(np.empty((BATCH, n), np.float32) for n in sizes[1:])]
    delta = [np.ones((BATCH, n), np.float32) for n in sizes]

    def run(steps: int) -> None:
        for W in layers:
            for _ in range(steps):
                for i in range(len(W)):
                    np.matmul(a[i], W[i].T, out=a[i + 1])
                for i in reversed(range(len(W))):
                    np.matmul(delta[i + 1].T, a[i], out=gradients[i])
                    if i:
                        np.matmul(delta[i + 1], W[i], out=delta[i])

    return run


def pytorch(activation: str, sizes: tuple[int, ...], replicas: int) -> Step:
    """The same steps in PyTorch."""
    import torch

    torch.set_num_threads(1)
    modules = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid", "gelu": "GELU", "silu": "SiLU", "selu": "SELU"}
    x, labels = (torch.from_numpy(array) for array in data())
    models = []
    theta = weights(sizes, replicas)
    for r in range(replicas):
        layers = [torch.nn.Linear(*pair) for pair in pairwise(sizes)]
        for layer, (W, b) in zip(layers, unflatten(theta[r : r + 1], sizes), strict=True):
            layer.weight.data[:], layer.bias.data[:] = torch.from_numpy(W[0]), torch.from_numpy(b[0, 0])
        hidden = [m for layer in layers[:-1] for m in (layer, getattr(torch.nn, modules[activation])())]
        model = torch.nn.Sequential(*hidden, layers[-1])
        models.append((model, torch.optim.SGD(model.parameters(), lr=0.001)))
    loss = torch.nn.CrossEntropyLoss()

    def run(steps: int) -> None:
        for model, optimizer in models:
            for batch in batches(steps):
                index = torch.from_numpy(batch)
                optimizer.zero_grad()
                loss(model(x[index]), labels[index]).backward()
                optimizer.step()

    return run


def torch_products(sizes: tuple[int, ...]) -> Step:
    """The matrix products alone, of one replica, as PyTorch's BLAS computes them."""
    import torch

    torch.set_num_threads(1)
    a = [torch.ones(BATCH, n) for n in sizes]
    delta = [torch.ones(BATCH, n) for n in sizes]
    W = [torch.ones(n_out, n_in) / n_in for n_in, n_out in pairwise(sizes)]
    gradients = [torch.empty_like(w) for w in W]

    def run(steps: int) -> None:
        for _ in range(steps):
            for i in range(len(W)):
                torch.mm(a[i], W[i].T, out=a[i + 1])
            for i in reversed(range(len(W))):
                torch.mm(delta[i + 1].T, a[i], out=gradients[i])
                if i:
                    torch.mm(delta[i + 1], W[i], out=delta[i])

    return run


def libraries() -> list[dict[str, Any]]:
    """Print the time of the products alone in NumPy's BLAS over that in PyTorch's."""
    rows = []
    for depth in DEPTHS:
        line = f"depth {depth:>3}:"
        for width in WIDTHS:
            sizes = (INPUTS, *[width] * depth, CLASSES)
            rounds = seconds_per_step({"products": products(sizes, 1), "pytorch": torch_products(sizes)})
            rows.append({"depth": depth, "width": width, **rounds})
            line += f"   width {width} {ratio(rounds, 'products', 'pytorch'):.2f}"
        print(line)
    return rows


def seconds_per_step(contestants: dict[str, Step], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of one step of each contestant, in interleaved rounds."""
    counts = {}
    for name, run in contestants.items():
        run(1)
        start = time.perf_counter()
        run(2)
        counts[name] = max(FEWEST, int(SECONDS / (time.perf_counter() - start) * 2))
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            start = time.perf_counter()
            run(counts[name])
            found[name].append((time.perf_counter() - start) / counts[name])
    return found


def contestants(activation: str, sizes: tuple[int, ...], replicas: int) -> dict[str, Step]:
    """Ours, the products, and PyTorch where it is installed."""
    found = {"ours": ours(activation, sizes, replicas), "products": products(sizes, replicas)}
    return found | ({"pytorch": pytorch(activation, sizes, replicas)} if find_spec("torch") else {})


def table() -> list[dict[str, Any]]:
    """Print all cells: milliseconds of our step, and the ratios of PyTorch and of ours to the products."""
    rows = []
    for replicas in REPLICAS:
        in_turn = " (PyTorch: in turn)" if replicas > 1 else ""
        print(
            f"\n{replicas} replica{'s' * (replicas > 1)}{in_turn}: ms a step; PyTorch / ours; ours / products (range)\n"
        )
        print("| | | " + " | ".join(f"width {width}" for width in WIDTHS) + " |\n" + "|---" * (2 + len(WIDTHS)) + "|")
        for activation in NAMES:
            for depth in DEPTHS:
                line = f"| {activation} | {depth} |"
                for width in WIDTHS:
                    sizes = (INPUTS, *[width] * depth, CLASSES)
                    rounds = seconds_per_step(contestants(activation, sizes, replicas))
                    rows.append(
                        {"activation": activation, "depth": depth, "width": width, "replicas": replicas, **rounds}
                    )
                    line += f" {cell(rounds)} |"
                print(line, flush=True)
    for replicas in REPLICAS:
        of = [row for row in rows if row["replicas"] == replicas]
        for over, under in (("pytorch", "ours"), ("ours", "products")):
            if over in of[0]:
                ratios = [ratio(row, over, under) for row in of]
                told = f"geometric mean {geometric_mean(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}"
                print(f"{replicas} replica{'s' * (replicas > 1)}, {over} / {under}: {told}")
    return rows


def ratio(rounds: dict[str, Any], over: str, under: str) -> float:
    """The median over rounds of time(over) / time(under)."""
    return median(a / b for a, b in zip(rounds[over], rounds[under], strict=True))


def cell(rounds: dict[str, list[float]]) -> str:
    """`1.19; 1.25; 1.40 (1.38-1.45)`: ms, PyTorch / ours, ours / products and its range over the rounds."""
    to_products = [a / b for a, b in zip(rounds["ours"], rounds["products"], strict=True)]
    pytorch = f"{ratio(rounds, 'pytorch', 'ours'):.2f}" if "pytorch" in rounds else "-"
    spread = f"({min(to_products):.2f}-{max(to_products):.2f})"
    return f"{1e3 * median(rounds['ours']):.2f}; {pytorch}; {median(to_products):.2f} {spread}"


def projection(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Print the hours on one core of a study of 4 activations x 8 initializers x these depths, from the table."""
    epochs, per_epoch, initializers, activations = 50, -(-60_000 // BATCH), 8, ("relu", "tanh", "sigmoid", "gelu")
    cells = [r for r in rows if r["width"] == 128 and r["replicas"] == 1 and r["activation"] in activations]
    names = [name for name in ("ours", "products", "pytorch") if name in rows[0]]
    steps = epochs * per_epoch * initializers
    hours = {name: sum(median(row[name]) for row in cells) * steps / 3600 for name in names}
    told = ", ".join(f"{name} {value:.2f}" for name, value in hours.items())
    grid = f"{', '.join(activations)} x {initializers} initializers x depths {', '.join(map(str, DEPTHS))} of width 128"
    print(f"\n{grid}, {epochs} epochs of MNIST")
    print(f"hours on one core: {told}; ours / products {hours['ours'] / hours['products']:.2f}")
    return hours


def main(mnist: Path | None) -> dict[str, Any]:
    """Print everything and return it."""
    found: dict[str, Any] = {"cells": table()}
    found["projection_hours"] = projection(found["cells"])
    if find_spec("torch"):
        print("\nproducts alone, NumPy's BLAS / PyTorch's:")
        found["libraries"] = libraries()
    return found
