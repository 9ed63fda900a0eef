"""From the nested dict that Hydra composes to a checked and typed Config.

A setting that cannot be honoured raises ConfigError, which names the key, the rule and the value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mlpstudy import theory
from mlpstudy.cells.parts import DTYPES, TABLES, chosen, takes
from mlpstudy.errors import ConfigError, DoesNotFit
from mlpstudy.measure.verdict import Thresholds
from mlpstudy.network.activations import Activation
from mlpstudy.network.initializers import LEAK, Scheme
from mlpstudy.network.losses import Loss
from mlpstudy.network.optimizers import warmed_up
from mlpstudy.network.training import Recipe
from mlpstudy.settings.checks import checked
from mlpstudy.settings.files import flatten
from mlpstudy.settings.keys import declared


@dataclass(frozen=True)
class Config:
    """One cell of the grid, ready to run."""

    activation: Activation
    scheme: Scheme  # how the weights of the layers are drawn
    output_scheme: Scheme  # the same for the last layer
    loss: Loss
    recipe: Recipe
    data: tuple[tuple[str, Any], ...]  # name and parameters of a row of DATASETS, hashable
    hidden: tuple[int, ...]  # units of each hidden layer
    replicas: int
    seed: int
    dtype: type[np.floating]
    thresholds: Thresholds
    flat: Mapping[str, Any]  # every key with its value, such as network.depth

    @property
    def init_name(self) -> str:
        """The name of the initializer, such as xavier; for init=custom the name of the function."""
        return _own_name(self.flat, "init")

    @property
    def activation_name(self) -> str:
        """The name of the activation, such as tanh; for activation=custom the name of the function."""
        return _own_name(self.flat, "activation")

    @property
    def own_functions(self) -> bool:
        """Whether a function of the user is a part of it: what it does can change under its name, also by random."""
        return any(key.endswith(".function") for key in self.flat)

    @property
    def standard_targets(self) -> bool:
        """Whether the values of a regression are learned with mean 0, so that an output of 0 says their mean."""
        return self.flat.get("data.task") == "regression" and bool(self.flat["data.standardize_target"])

    @property
    def weights_follow_from_seed(self) -> bool:
        """Whether the weights before training are the same in any process, whatever the data are."""
        schemes = (self.scheme, self.output_scheme)
        own = self.own_functions or any(key.startswith("init.") and _identity_is(key, "content") for key in self.flat)
        return not own and not any(takes(scheme.weights, "inputs") for scheme in schemes)

    @property
    def identity(self) -> dict[str, Any]:
        """The keys that define the result of a cell, without its files. Layer sizes are always network.hidden."""
        rest = {k: v for k, v in self.flat.items() if _identity_is(k, "value") and not k.startswith("network.")}
        return rest | {"network.hidden": list(self.hidden)}


def _identity_is(key: str, what: str) -> bool:
    setting = declared(key)
    return setting is not None and setting.identity == what


def _own_name(flat: Mapping[str, Any], group: str) -> str:
    name = str(flat[f"{group}.name"])
    return str(flat[f"{group}.function"]).partition(":")[2] if name == "custom" else name


def _scheme(init: Mapping[str, Any], where: str, activation: Activation) -> Scheme:
    row, parameters = chosen("init", init)
    if init["name"] == "critical" and parameters["sigma_w"] is None:
        try:
            parameters["sigma_w"] = theory.critical(activation, init["sigma_b"]).sigma_w
        except theory.NoCriticalPoint as reason:
            rule = f"one with a stable critical point for this activation: {reason}"
            raise DoesNotFit(f"{where}.sigma_b", rule, init["sigma_b"]) from reason
    if takes(row, LEAK):
        parameters[LEAK] = activation.leak
    if init["name"] == "file" and parameters["path"] is None:
        raise ConfigError(f"{where}.path", "the path of an .npz of W1, b1, W2, ...", None)
    weights = row(**parameters) if init["name"] == "custom" else partial(row, **parameters)
    return Scheme(weights, init["gain"], init["bias"], init["sigma_b"])


def parse(raw: Mapping[str, Any]) -> Config:
    """Check every key and make the Config. Raises ConfigError for the first key that breaks its rule."""
    raw = checked(raw)
    training, init = raw["training"], raw["init"]
    activation, parameters = chosen("activation", raw["activation"])
    if not isinstance(activation, Activation):
        activation = activation(**parameters)
    scheme = _scheme(init, "init", activation)
    data = {"name": raw["data"]["name"], **chosen("data", raw["data"])[1]}
    hidden, depth, width = (raw["network"][key] for key in ("hidden", "depth", "width"))
    return Config(
        activation=activation,
        scheme=scheme,
        output_scheme=scheme if init["output"] is None else _scheme(init["output"], "init.output", activation),
        loss=TABLES["loss"][raw["loss"]["name"]],
        recipe=_recipe(training, raw["optimizer"], raw["schedule"]),
        data=tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in data.items()),
        hidden=tuple(hidden) if hidden is not None else (width,) * depth,
        replicas=raw["replicas"],
        seed=raw["seed"],
        dtype=DTYPES[raw["dtype"]],
        thresholds=Thresholds(**raw["verdict"]),
        flat=flatten(raw),
    )


def _recipe(training: Mapping[str, Any], optimizer: Mapping[str, Any], schedule: Mapping[str, Any]) -> Recipe:
    row, parameters = chosen("optimizer", optimizer)
    shape, its_own = chosen("schedule", schedule)
    rate, shape = optimizer["lr"], partial(shape, **its_own)
    warmup, epochs = schedule["warmup"], training["epochs"]
    return Recipe(
        optimizer=row(**parameters),
        lr=lambda epoch, one: rate * warmed_up(shape, warmup, epoch, epochs, one),
        epochs=epochs,
        batch_size=training["batch_size"],
        replacement=training["sampling"] == "replacement",
        clip_norm=training["clip_norm"],
    )
