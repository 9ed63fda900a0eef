"""`python -m tests.benchmarks steps`: one training step beside PyTorch and beside its bare matrix products.

Shapes of MNIST (784 inputs, 10 classes, batches of 128), plain SGD, float32, one thread. PyTorch runs on the CPU,
eagerly, and trains replicas in turn. The bare products are those of all layers: three of each, two of the first.
"""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.mlp import Network, n_parameters, unflatten
from mlpstudy.network.optimizers import OPTIMIZERS
from mlpstudy.network.training import Recipe, in_stacks

NAMES = ("relu", "tanh", "sigmoid", "gelu", "silu", "selu")
DEPTHS, WIDTHS, REPLICAS = (5, 20, 50), (32, 64, 128, 256), (1, 8)
INPUTS, CLASSES, BATCH, EXAMPLES = 784, 10, 128, 4096
ROUNDS, SECONDS = 5, 0.08  # of each contestant in each round
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


def products(activation: str, sizes: tuple[int, ...], replicas: int) -> Step:
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
    for _ in range(replicas):
        layers = [torch.nn.Linear(*pair) for pair in pairwise(sizes)]
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


def seconds_per_step(contestants: list[Step]) -> list[list[float]]:
    """Seconds of one step of each contestant, in ROUNDS interleaved rounds."""
    counts = []
    for run in contestants:
        run(1)
        start = time.perf_counter()
        run(2)
        counts.append(max(2, int(SECONDS / (time.perf_counter() - start) * 2)))
    rounds: list[list[float]] = [[] for _ in contestants]
    for _ in range(ROUNDS):
        for found, run, count in zip(rounds, contestants, counts, strict=True):
            start = time.perf_counter()
            run(count)
            found.append((time.perf_counter() - start) / count)
    return rounds
