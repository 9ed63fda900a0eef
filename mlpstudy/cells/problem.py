"""One cell as arrays: its network, its data and its initial weights, checked to fit each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from mlpstudy.cells import custom
from mlpstudy.cells.config import Config
from mlpstudy.cells.streams import DATA, WEIGHTS, stream
from mlpstudy.data.datasets import DATASETS
from mlpstudy.data.images import IMAGES, image_files
from mlpstudy.data.prepared import prepared
from mlpstudy.data.splits import Data
from mlpstudy.errors import ConfigError, DoesNotFit
from mlpstudy.measure.outcomes import Yardstick
from mlpstudy.network import mlp
from mlpstudy.network.activations import Array
from mlpstudy.network.losses import constant_predictor_loss
from mlpstudy.network.mlp import Network

FROM_FILES = (*IMAGES, "npz", "csv")  # data sets whose content the settings do not tell
SMALL = ("digits", "breast_cancer", "iris", "wine", "diabetes")  # come with scikit-learn, below 1 MB each
LARGEST_TARGET = 0.4  # power of the largest number of a dtype, so that a sum of squared errors is finite


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
    def loss_unit(self) -> float:
        """A loss in the user's units over the loss that is learned, whose targets may be standardized."""
        return self.data.target_scale**2

    @property
    def learned_constant_loss(self) -> float:
        """Training loss of the best constant output, of the targets as they are learned."""
        return constant_predictor_loss(self.network.loss, self.y_train)

    @cached_property
    def yardstick(self) -> Yardstick:
        """What the training examples allow, with losses in the user's units."""
        constant_loss, chance = self.loss_unit * self.learned_constant_loss, float("nan")
        if self.classification:
            counts = np.bincount(np.asarray(self.data.y_train, dtype=np.int64))
            chance = float(counts.max() / counts.sum())
        return Yardstick(constant_loss, chance, self.data.linear_gain)

    @property
    def silent_loss(self) -> float:
        """Training loss of outputs that are all 0, in the user's units."""
        learned = self.network.loss.value(np.zeros_like(self.y_train)[None], self.y_train[None])
        return self.loss_unit * float(learned.mean())

    @property
    def probe(self) -> tuple[Array, Array]:
        """The training examples on which statistics are taken: x (1, batch, n_0) and y (batch, n_L)."""
        size = self.config.flat["training.probe_size"]
        return self.x_train[:, :size], self.y_train[:size]

    @property
    def content(self) -> dict[str, str]:
        """Digests of what comes from files or downloads; under the same names, other content may come tomorrow."""
        flat = self.config.flat
        digests = {"data.digest": self.data.digest} if self.data.name in FROM_FILES else {}
        for group in ("init", "init.output"):
            if flat.get(f"{group}.name") == "file":
                digests[f"{group}.digest"] = custom.weights_digest(flat[f"{group}.path"])
        return digests


@lru_cache(maxsize=2)  # the cells of a sweep share their data
def load_data(options: tuple[tuple[str, Any], ...], seed: int, dtype: str) -> Data:
    """The data set of a cell, with features in its dtype. Raises ConfigError where it cannot be read."""
    parameters = dict(options)
    name = parameters.pop("name")

    def make() -> Data:
        return in_dtype(DATASETS[name](stream(seed, DATA), **parameters), dtype)

    return prepared(f"{image_files(name, **parameters)} {dtype}", make) if name in IMAGES else make()


_load_small = lru_cache(maxsize=32)(load_data.__wrapped__)  # a grid over seeds comes back to each of them


def in_dtype(data: Data, dtype: str) -> Data:
    """The data with features in this dtype. Raises ConfigError for the first number that it cannot hold."""
    largest = float(np.finfo(dtype).max)
    limits = {"x": largest} if data.classes is not None else {"x": largest, "y": largest**LARGEST_TARGET}
    for array, limit in limits.items():
        for split in ("train", "test"):
            values: Array = getattr(data, f"{array}_{split}")
            if (bad := ~(np.abs(values) <= limit)).any():
                row, column = (int(i) for i in np.unravel_index(bad.argmax(), bad.shape))
                after = " after it was standardized" if data.shift.any() or data.target_scale != 1 else ""
                place = data.place(split, array, row, column, f"{values[row, column]:.4g}{after}")
                rule = f"numbers up to {limit:.1g}, the most that dtype={dtype} can learn from; {place}"
                help_ = "scale them down" + ", or set dtype=float64" * (dtype == "float32")
                raise ConfigError("data", f"{rule} ({help_})", data.name)
    return replace(data, x_train=data.x_train.astype(dtype), x_test=data.x_test.astype(dtype))


def read_anew() -> None:
    """Files may have changed since this process read them."""
    load_data.cache_clear()
    custom.archive.cache_clear()
    custom.weights_digest.cache_clear()


def prepare_same(config: Config, content: Mapping[str, str]) -> Problem:
    """As `prepare`. Raises ConfigError if a file has other content than when the sweep began."""
    problem = prepare(config)
    for name, digest in problem.content.items():
        if content.get(name) != digest:
            key = next(key for key in (name.replace("digest", "path"), "data.root") if key in config.flat)
            rule = "a file with the content that it had when the sweep began (type the sweep again)"
            raise ConfigError(key, rule, config.flat[key])
    return problem


def prepare(config: Config) -> Problem:
    """Load a cell's data and check that loss, targets and batch size fit. Raises ConfigError."""
    published_split = dict(config.data)["name"] in IMAGES
    load = _load_small if dict(config.data)["name"] in SMALL else load_data
    data = load(config.data, 0 if published_split else config.seed, np.dtype(config.dtype).name)
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
