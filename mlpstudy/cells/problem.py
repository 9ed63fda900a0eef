"""One cell as arrays: its network, its data and its initial weights, checked to fit each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from mlpstudy.cells.config import Config
from mlpstudy.cells.streams import DATA, WEIGHTS, stream
from mlpstudy.data.datasets import DATASETS, IMAGES, image_files
from mlpstudy.data.prepared import prepared
from mlpstudy.data.splits import Data
from mlpstudy.errors import DoesNotFit
from mlpstudy.network import mlp
from mlpstudy.network.activations import Array
from mlpstudy.network.losses import constant_predictor_loss
from mlpstudy.network.mlp import Network


@dataclass(frozen=True)
class Problem:
    """A network and the data it learns from, as arrays in the dtype of the cell."""

    config: Config
    network: Network
    x_train: Array  # (1, n, n_0): every replica sees the same examples
    y_train: Array  # (n, n_L)
    x_test: Array
    y_test: Array
    data: Data  # where these come from

    @property
    def classification(self) -> bool:
        """Whether the targets are classes."""
        return self.data.classes is not None

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_0, ..., n_L."""
        return self.network.sizes

    @property
    def constant_loss(self) -> float:
        """Training loss of the best constant output."""
        return constant_predictor_loss(self.network.loss, self.y_train)

    @property
    def silent_loss(self) -> float:
        """Training loss of outputs that are all 0."""
        return float(self.network.loss.value(np.zeros_like(self.y_train)[None], self.y_train[None]).mean())

    @property
    def chance(self) -> float:
        """Training accuracy of the best constant output: the share of the most frequent class. NaN without classes."""
        if not self.classification:
            return float("nan")
        counts = np.bincount(np.asarray(self.data.y_train, dtype=np.int64))
        return float(counts.max() / counts.sum())

    @property
    def probe(self) -> tuple[Array, Array]:
        """The training examples on which statistics are taken: x (1, batch, n_0) and y (batch, n_L)."""
        size = self.config.probe_size
        return self.x_train[:, :size], self.y_train[:size]


@lru_cache(maxsize=2)  # the cells of a sweep share their data
def load_data(options: tuple[tuple[str, Any], ...], seed: int, dtype: str) -> Data:
    """The data set of a cell, with features in its dtype. Raises ConfigError where it cannot be read."""
    parameters = dict(options)
    name = parameters.pop("name")

    def make() -> Data:
        data = DATASETS[name](stream(seed, DATA), **parameters)
        return replace(data, x_train=data.x_train.astype(dtype), x_test=data.x_test.astype(dtype))

    return prepared(f"{image_files(name, **parameters)} {dtype}", make) if name in IMAGES else make()


def prepare(config: Config) -> Problem:
    """Load a cell's data and check that loss, targets and batch size fit. Raises ConfigError."""
    published_split = dict(config.data)["name"] in IMAGES
    data = load_data(config.data, 0 if published_split else config.seed, np.dtype(config.dtype).name)
    n, batch_size = len(data.y_train), config.recipe.batch_size
    if batch_size is not None and batch_size > n:
        rule = f"null or at most the {n} training examples of data={data.name}"
        raise DoesNotFit("training.batch_size", rule, batch_size)
    try:
        y_train, y_test = (config.loss.targets(labels, data.classes) for labels in (data.y_train, data.y_test))
    except ValueError as rule:
        raise DoesNotFit("loss", f"{rule} (data={data.name})", config.flat["loss.name"]) from rule
    return Problem(
        config=config,
        network=Network((data.x_train.shape[1], *config.hidden, y_train.shape[1]), config.activation, config.loss),
        x_train=data.x_train[None],
        y_train=y_train.astype(config.dtype),
        x_test=data.x_test[None],
        y_test=y_test.astype(config.dtype),
        data=data,
    )


def initial_theta(problem: Problem, replicas: Sequence[int]) -> Array:
    """theta (R, P) of the given replicas, each drawn from its own random stream."""
    c = problem.config
    rngs = {r: stream(c.seed, WEIGHTS, r) for r in replicas}
    x, _ = problem.probe
    return mlp.initialize(rngs, problem.network.sizes, c.scheme, c.output_scheme, c.dtype, x, c.activation)


def weights_again(config: Config, sizes: Sequence[int]) -> Array:
    """theta (R, P) at the start of a cell that ran earlier, without its data; see Config.weights_follow_from_seed."""
    rngs = {r: stream(config.seed, WEIGHTS, r) for r in range(config.replicas)}
    return mlp.initialize(rngs, sizes, config.scheme, config.output_scheme, config.dtype)
