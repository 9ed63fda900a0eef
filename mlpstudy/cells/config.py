"""From the nested dict that Hydra composes to a checked and typed Config.

A setting that cannot be honoured raises ConfigError, which names the key, the rule and the value.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mlpstudy import theory
from mlpstudy.cells.rules import DTYPES, RULES, TABLES, unknown_key
from mlpstudy.errors import ConfigError, DoesNotFit, one_of
from mlpstudy.measure.verdict import Thresholds
from mlpstudy.network.activations import Activation
from mlpstudy.network.initializers import PROVIDED, Scheme
from mlpstudy.network.losses import Loss
from mlpstudy.network.optimizers import warmed_up
from mlpstudy.network.training import Recipe

PACKAGE = Path(__file__).parents[1]
# A wheel has conf/ inside the package; a checkout has it beside the package.
CONF = next(path for path in (PACKAGE / "conf", PACKAGE.parent / "conf") if path.is_dir())
NOT_SCIENCE = (
    "tracking.",
    "workers",
    "fail_fast",
    "check_gradients",
)  # keys that say where or how a cell ran
PLACES = ("data.root", "data.path", "init.path", "init.output.path")  # of files, whose content counts in their place
COMMON = {
    "init": {"gain", "bias", "sigma_b", "output"},
    "optimizer": {"lr"},
    "schedule": {"warmup"},
}  # keys that every option of the group has


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
    snapshots: int
    probe_size: int
    accuracies: tuple[float, ...]
    replicas: int
    seed: int
    dtype: type[np.floating]
    check_gradients: bool
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
    def weights_follow_the_leak(self) -> bool:
        """Whether initial weights depend on the slope of the activation for z < 0."""
        rows = (TABLES["init"].get(self.flat.get(key, "")) for key in ("init.name", "init.output.name"))
        return self.activation.leak != 0 and any(row and "leak" in inspect.signature(row).parameters for row in rows)

    @property
    def weights_follow_from_seed(self) -> bool:
        """Whether the weights before training are the same in any process, whatever the data are."""
        schemes = (self.scheme, self.output_scheme)
        own = self.own_functions or any(key in self.flat for key in PLACES if key.startswith("init."))
        return not own and not any("inputs" in inspect.signature(s.weights).parameters for s in schemes)

    @property
    def science(self) -> dict[str, Any]:
        """The keys that define the result of a cell, without its files. Layer sizes are always network.hidden."""
        rest = {k: v for k, v in self.flat.items() if not k.startswith((*NOT_SCIENCE, "network.")) and k not in PLACES}
        return rest | {"network.hidden": list(self.hidden)}


def _own_name(flat: Mapping[str, Any], group: str) -> str:
    name = str(flat[f"{group}.name"])
    return str(flat[f"{group}.function"]).partition(":")[2] if name == "custom" else name


def flatten(raw: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"network": {"depth": 3}} -> {"network.depth": 3}."""
    flat: dict[str, Any] = {}
    for key, value in raw.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


@cache
def _defaults(group: str, name: str) -> Mapping[str, Any]:
    """The content of conf/<group>/<name>.yaml."""
    return dict(yaml.safe_load((CONF / group / f"{name}.yaml").read_text()))


def options_with(key: str) -> list[str]:
    """The options of a group that have this key, for example normal for init.scale."""
    group, _, parameter = key.partition(".")
    return [name for name in sorted(TABLES.get(group, ())) if parameter in _defaults(group, name)]


def _with_output(init: Mapping[str, Any]) -> Mapping[str, Any]:
    """The init settings with all keys of init.output: a name becomes that option with its default settings."""
    output = init.get("output")
    if output is None:
        return init
    given = dict(output) if isinstance(output, Mapping) else {"name": output}
    rule, holds = RULES["init.name"]
    if not holds(given.get("name")):
        raise ConfigError("init.output", f"null or {rule}", output)
    common = {"gain": 1.0, "bias": 0.0, "sigma_b": 0.0}
    return {**init, "output": {**common, **_defaults("init", given["name"]), **given}}


def _check(flat: Mapping[str, Any]) -> None:
    """Raise ConfigError for the first key that is unknown, breaks its rule or is missing."""
    for key, value in flat.items():
        rule_key = key.replace("init.output.", "init.")
        if rule_key in RULES:
            rule, holds = RULES[rule_key]
            if not holds(value):
                raise ConfigError(key, rule, value)
        elif not key.startswith(tuple(f"{group}." for group in TABLES)):
            inside = [k for k in RULES if k.startswith(f"{key}.")]
            if inside:
                raise ConfigError(key, f"set by its keys: {', '.join(inside)}", value)
            raise unknown_key(key, RULES)
    for key, (rule, _) in RULES.items():
        group = key.partition(".")[0]
        if key not in flat and (group not in TABLES or key == f"{group}.name"):
            raise ConfigError(key, rule, "nothing")


def _parameters(group: str, raw: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """The parameters of the chosen row, checked against its signature. `where` is the key that holds them."""
    row, where = TABLES[group][raw["name"]], where or group
    signature = inspect.signature(row).parameters.values() if callable(row) else ()
    provided = {"rng", "shape", "epoch", "epochs", "leak", *PROVIDED}
    wanted = {p.name for p in signature if p.default is p.empty and p.name not in provided}
    common = {"name"} | COMMON.get(group, set())
    if where != group:
        common -= {"output"}  # init.output has no key `output`
    given = {k: v for k, v in raw.items() if k not in common}
    for key in given.keys() - wanted:
        options = one_of(f"{where}.{k}" for k in {*wanted, *common})
        raise ConfigError(f"a parameter of {where}={raw['name']}", options, f"{where}.{key}")
    for key in (wanted | common) - raw.keys():
        raise ConfigError(f"{where}.{key}", "given", None)
    return given


def _scheme(init: Mapping[str, Any], where: str, activation: Activation) -> Scheme:
    parameters = _parameters("init", init, where)
    if init["name"] == "critical" and parameters["sigma_w"] is None:
        try:
            parameters["sigma_w"] = theory.critical(activation, init["sigma_b"]).sigma_w
        except theory.NoCriticalPoint as reason:
            rule = f"one with a stable critical point for this activation: {reason}"
            raise DoesNotFit(f"{where}.sigma_b", rule, init["sigma_b"]) from reason
    row = TABLES["init"][init["name"]]
    if "leak" in inspect.signature(row).parameters:
        parameters["leak"] = activation.leak
    if init["name"] == "custom":
        weights = row(**parameters)
    elif init["name"] == "file" and parameters["path"] is None:
        raise ConfigError(f"{where}.path", "the path of an .npz of W1, b1, W2, ...", None)
    else:
        weights = partial(row, **parameters)
    return Scheme(weights, init["gain"], init["bias"], init["sigma_b"])


def parse(raw: Mapping[str, Any]) -> Config:
    """Check every key and make the Config. Raises ConfigError for the first key that breaks its rule."""
    if isinstance(raw.get("init"), Mapping):
        raw = {**raw, "init": _with_output(raw["init"])}
    flat = flatten(raw)
    _check(flat)
    network, training, init, optimizer = raw["network"], raw["training"], raw["init"], raw["optimizer"]
    activation = TABLES["activation"][raw["activation"]["name"]]
    activation_parameters = _parameters("activation", raw["activation"])
    _parameters("loss", raw["loss"])
    schedule = partial(TABLES["schedule"][raw["schedule"]["name"]], **_parameters("schedule", raw["schedule"]))
    warmup, epochs = raw["schedule"]["warmup"], training["epochs"]
    data = _parameters("data", raw["data"])
    if not isinstance(activation, Activation):
        activation = activation(**activation_parameters)
    scheme = _scheme(init, "init", activation)
    hidden = network["hidden"]
    return Config(
        activation=activation,
        scheme=scheme,
        output_scheme=scheme if init["output"] is None else _scheme(init["output"], "init.output", activation),
        loss=TABLES["loss"][raw["loss"]["name"]],
        recipe=Recipe(
            optimizer=TABLES["optimizer"][optimizer["name"]](**_parameters("optimizer", optimizer)),
            lr=lambda epoch, one: optimizer["lr"] * warmed_up(schedule, warmup, epoch, epochs, one),
            epochs=epochs,
            batch_size=training["batch_size"],
            replacement=training["sampling"] == "replacement",
            clip_norm=training["clip_norm"],
        ),
        data=(
            ("name", raw["data"]["name"]),
            *((k, tuple(v) if isinstance(v, list) else v) for k, v in data.items()),
        ),
        hidden=tuple(hidden) if hidden is not None else (network["width"],) * network["depth"],
        snapshots=training["snapshots"],
        probe_size=training["probe_size"],
        accuracies=tuple(training["accuracies"]),
        replicas=raw["replicas"],
        seed=raw["seed"],
        dtype=DTYPES[raw["dtype"]],
        check_gradients=raw["check_gradients"],
        thresholds=Thresholds(**raw["verdict"]),
        flat=flat,
    )
