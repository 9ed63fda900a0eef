"""From a plain nested dict (what Hydra composes) to a checked, typed Config with its parts looked up.

A setting that cannot be honoured raises ConfigError, which names the key, the rule and the value.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mlpstudy.activations import ACTIVATIONS, Activation
from mlpstudy.data import DATASETS, STANDARDIZERS
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.initializers import FANS, INITIALIZERS, Initializer
from mlpstudy.losses import LOSSES, Loss
from mlpstudy.optimizers import OPTIMIZERS, Optimizer
from mlpstudy.verdict import Thresholds

DTYPES: dict[str, type[np.floating]] = {"float32": np.float32, "float64": np.float64}
SAMPLINGS = ("shuffle", "replacement")
NOT_SCIENCE = ("tracking.", "workers", "data.root")  # where and how a cell ran does not define it
GROUPS = (
    "activation",
    "init",
    "loss",
    "optimizer",
    "data",
)  # an option's file may bring parameters of its own


@dataclass(frozen=True)
class Config:
    """One cell of the grid, ready to run."""

    activation: Activation
    initializer: Initializer
    gain: float
    loss: Loss
    optimizer: Optimizer
    data: tuple[tuple[str, Any], ...]  # name and parameters of a row of DATASETS, hashable
    hidden: tuple[int, ...]  # units of each hidden layer
    epochs: int
    batch_size: int | None
    replacement: bool
    snapshots: int
    probe_size: int
    replicas: int
    seed: int
    dtype: type[np.floating]
    thresholds: Thresholds
    flat: Mapping[str, Any]  # every key as given, dotted

    @property
    def science(self) -> dict[str, Any]:
        """The keys that define the cell, without where and how it ran; sizes in one spelling."""
        rest = {k: v for k, v in self.flat.items() if not k.startswith((*NOT_SCIENCE, "network."))}
        return rest | {"network.hidden": list(self.hidden)}


Rule = tuple[str, Callable[[Any], bool]]


def _is_number(v: Any) -> bool:
    return isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)


def _is_int(v: Any) -> bool:
    return isinstance(v, int) and not isinstance(v, bool)


def _integer(low: int) -> Rule:
    return f"an integer >= {low}", lambda v: _is_int(v) and v >= low


def _option(options: Any) -> Rule:
    return one_of(options), lambda v: isinstance(v, str) and v in options


NUMBER: Rule = ("a finite number", _is_number)
POSITIVE: Rule = ("a finite number > 0", lambda v: _is_number(v) and v > 0)
NOT_NEGATIVE: Rule = ("a finite number >= 0", lambda v: _is_number(v) and v >= 0)
FRACTION: Rule = ("a number > 0 and < 1", lambda v: _is_number(v) and 0 < v < 1)

# Checked wherever the key is present. A new parameter is checked by adding its row here.
RULES: dict[str, Rule] = {
    "activation.name": _option(ACTIVATIONS),
    "activation.slope": NUMBER,
    "init.name": _option(INITIALIZERS),
    "init.gain": NUMBER,
    "init.scale": NOT_NEGATIVE,
    "init.value": NUMBER,
    "init.mode": _option(FANS),
    "loss.name": _option(LOSSES),
    "optimizer.name": _option(OPTIMIZERS),
    "optimizer.lr": POSITIVE,
    "data.name": _option(DATASETS),
    "data.standardize": _option(STANDARDIZERS),
    "data.test_fraction": FRACTION,
    "data.samples": _integer(10),
    "data.noise": NOT_NEGATIVE,
    "data.root": ("a folder or null", lambda v: v is None or isinstance(v, str)),
    "network.depth": _integer(0),
    "network.width": _integer(1),
    "network.hidden": (
        "null or a list of integers >= 1",
        lambda v: v is None or (isinstance(v, list) and all(_is_int(n) and n >= 1 for n in v)),
    ),
    "training.epochs": _integer(0),
    "training.batch_size": ("null or an integer >= 1", lambda v: v is None or (_is_int(v) and v >= 1)),
    "training.sampling": _option(SAMPLINGS),
    "training.snapshots": _integer(2),
    "training.probe_size": _integer(1),
    "replicas": _integer(1),
    "workers": ("null or an integer >= 1", lambda v: v is None or (_is_int(v) and v >= 1)),
    "seed": _integer(0),
    "dtype": _option(DTYPES),
    "verdict.dead": NOT_NEGATIVE,
    "verdict.saturated": NOT_NEGATIVE,
    "verdict.exploding": POSITIVE,
    "verdict.vanishing": POSITIVE,
    "tracking.uri": ("null or a URI", lambda v: v is None or (isinstance(v, str) and v != "")),
    "tracking.experiment": ("a name", lambda v: isinstance(v, str) and v.strip() != ""),
    "tracking.sweep": (
        "null or a name of letters, digits, spaces and _ . : -",  # what an MLflow tag may hold
        lambda v: v is None or (isinstance(v, str) and re.fullmatch(r"[\w .:-]+", v) is not None),
    ),
}


def flatten(raw: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"network": {"depth": 3}} -> {"network.depth": 3}."""
    flat: dict[str, Any] = {}
    for key, value in raw.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def unknown_key(key: str, known: Iterable[str]) -> ConfigError:
    """The error for a key that does not exist: lists its siblings under the deepest parent that does."""
    parent, siblings = key, [*GROUPS, "experiment", *known]
    while "." in parent:
        parent = parent.rpartition(".")[0]
        inside = [k for k in known if k.startswith(parent + ".")]
        if inside:
            siblings = inside
            break
    return ConfigError("a key", one_of(siblings), key)


def _parameters(
    group: str, raw: Mapping[str, Any], row: Callable[..., Any] | None, common: set[str]
) -> dict[str, Any]:
    """The row's own parameters, checked against its signature (`layer` comes from the network)."""
    wanted = set()
    if row is not None:
        wanted = {
            p.name
            for p in inspect.signature(row).parameters.values()
            if p.default is p.empty and p.name not in ("rng", "shape", "layer")
        }
    given = {k: v for k, v in raw[group].items() if k not in common}
    for key in given.keys() - wanted:
        options = one_of(f"{group}.{k}" for k in {*wanted, *common})
        raise ConfigError(f"a parameter of {group}={raw[group]['name']}", options, f"{group}.{key}")
    for key in (wanted | common) - raw[group].keys():
        raise ConfigError(f"{group}.{key}", "given", None)
    return given


def parse(raw: Mapping[str, Any]) -> Config:
    """Check every key and look the parts up. Raises ConfigError for the first key that breaks its rule."""
    flat = flatten(raw)
    for key in flat:
        if key not in RULES and not key.startswith(tuple(f"{group}." for group in GROUPS)):
            inside = [k for k in RULES if k.startswith(f"{key}.")]
            if inside:
                raise ConfigError(key, f"set by its keys: {', '.join(inside)}", flat[key])
            raise unknown_key(key, RULES)
    for key, (rule, holds) in RULES.items():
        optional = key.startswith(GROUPS) and not key.endswith(".name")
        if key in flat and not holds(flat[key]):
            raise ConfigError(key, rule, flat[key])
        if key not in flat and not optional:
            raise ConfigError(key, rule, "nothing")

    network, training, init = raw["network"], raw["training"], raw["init"]
    activation = ACTIVATIONS[raw["activation"]["name"]]
    factory = None if isinstance(activation, Activation) else activation
    activation_parameters = _parameters("activation", raw, factory, {"name"})
    initializer = INITIALIZERS[init["name"]]
    optimizer = OPTIMIZERS[raw["optimizer"]["name"]]
    _parameters("loss", raw, None, {"name"})
    data = _parameters("data", raw, DATASETS[raw["data"]["name"]], {"name"})
    hidden = network["hidden"]
    return Config(
        activation=activation if isinstance(activation, Activation) else activation(**activation_parameters),
        initializer=partial(initializer, **_parameters("init", raw, initializer, {"name", "gain"})),
        gain=init["gain"],
        loss=LOSSES[raw["loss"]["name"]],
        optimizer=optimizer(**_parameters("optimizer", raw, optimizer, {"name"})),
        data=(("name", raw["data"]["name"]), *data.items()),
        hidden=tuple(hidden) if hidden is not None else (network["width"],) * network["depth"],
        epochs=training["epochs"],
        batch_size=training["batch_size"],
        replacement=training["sampling"] == "replacement",
        snapshots=training["snapshots"],
        probe_size=training["probe_size"],
        replicas=raw["replicas"],
        seed=raw["seed"],
        dtype=DTYPES[raw["dtype"]],
        thresholds=Thresholds(**raw["verdict"]),
        flat=flat,
    )
