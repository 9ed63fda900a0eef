"""A cell, one point of the grid: its checked settings, its hash and its name."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any

from mlpstudy.cells.config import Config, parse
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.data.splits import About
from mlpstudy.errors import ConfigError
from mlpstudy.measure.outcomes import Yardstick
from mlpstudy.network import gradient_check
from mlpstudy.settings.files import flatten
from mlpstudy.settings.keys import NOT_IDENTITY

NUMERICS = 3  # raised when the same settings give other results, so that old ones do not count as done


@dataclass(frozen=True)
class Cell:
    """A cell that can run: its settings are valid and fit its data."""

    raw: Mapping[str, Any]  # the settings as Hydra composed them
    overrides: Mapping[str, str]  # the settings that were typed, key -> value
    config: Config
    sizes: tuple[int, ...]  # n_0, ..., n_L
    yardstick: Yardstick
    silent_loss: float  # training loss of outputs that are all 0, which are the mean of standardized targets
    gradients: gradient_check.Report | None  # if `check_gradients` is true
    data: About
    content: Mapping[str, str]  # digests of what comes from files or downloads

    @property
    def hash(self) -> str:
        """Twelve hex digits, the same for all cells with the same result; where and how a cell ran does not matter."""
        return self._digest(self.identity)

    @property
    def hash_any_replicas(self) -> str:
        """The same for all cells that differ in their number of replicas alone."""
        return self._digest({key: value for key, value in self.identity.items() if key != "replicas"})

    @property
    def identity(self) -> dict[str, Any]:
        """All that defines its result: settings, and the content of its files."""
        return {**self.config.identity, **self.content}

    def _digest(self, identity: Mapping[str, Any]) -> str:
        exact: dict[str, Any] = {k: float(v) if type(v) is int else v for k, v in identity.items()}  # 2 is 2.0
        exact["numerics"] = NUMERICS
        return sha256(json.dumps(exact, sort_keys=True).encode()).hexdigest()[:12]


def check(raw: Mapping[str, Any], overrides: Sequence[str] = ()) -> Cell:
    """Parse the settings, load the data, and verify the gradients if `check_gradients` is true. Raises ConfigError."""
    config = parse(raw)
    problem = prepare(config)
    report = None
    if {config.flat["init.name"], config.flat.get("init.output.name")} & {"custom", "file"}:
        initial_theta(problem, range(config.replicas))  # raises if the user's own weights do not fit
    if config.flat["check_gradients"]:
        theta = initial_theta(problem, range(config.replicas))
        report = gradient_check.check(problem.network, problem.x_train, problem.y_train, theta)
        if not report.passed:
            worst = f"the worst of {usual_name(config)} is {report.where}"
            rule = f"passed: relative errors below {gradient_check.TOLERANCE:.0e}; {worst}"
            raise ConfigError("check_gradients", rule, report.largest)
    untrained = problem.yardstick, problem.silent_loss
    return Cell(raw, _typed(overrides), config, problem.sizes, *untrained, report, problem.data.about, problem.content)


def _typed(overrides: Iterable[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in overrides if "=" in word)


NAMED = ("init", "init.name", "activation", "activation.name", "network.depth")  # these are in the usual name


def usual_name(config: Config) -> str:
    """The name of a run if only initializer, activation and depth vary, such as he-relu-d10."""
    return f"{config.init_name}-{config.activation_name}-d{len(config.hidden)}"


def raw_names(cells: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> list[str]:
    """As `names`, for settings with what was typed, which were not checked yet."""
    usual = []
    for raw, _ in cells:
        flat = flatten(raw)
        hidden, init, activation = (flat.get(key) for key in ("network.hidden", "init.name", "activation.name"))
        depth = len(hidden) if isinstance(hidden, list) else flat.get("network.depth")
        usual.append(f"{init}-{activation}-d{depth}")
    return _names(usual, [_typed(overrides) for _, overrides in cells], (), {})


def names(cells: Sequence[Cell]) -> list[str]:
    """Short run names such as he-relu-d10, followed by all other settings that vary over the sweep."""
    inits = len({cell.config.init_name for cell in cells})
    activations = len({cell.config.activation_name for cell in cells})
    # the name of the user's function is in the run name too; more is needed only if two functions have the same name
    own = {"init.function": inits, "activation.function": activations, "activation.derivative": activations}
    return _names([usual_name(cell.config) for cell in cells], [cell.overrides for cell in cells], NOT_IDENTITY, own)


def _names(
    usual: Sequence[str],
    typed: Sequence[Mapping[str, str]],
    left_out: tuple[str, ...],
    told_apart: Mapping[str, int],
) -> list[str]:
    """Usual names, and the settings that vary. told_apart: how many values of a setting the usual names tell apart."""
    keys = [key for key in dict.fromkeys(chain(*typed)) if key not in NAMED and not key.startswith(left_out)]
    varying = [key for key in keys if len({one.get(key) for one in typed}) > told_apart.get(key, 1)]
    return [
        "-".join([name, *(f"{key.rpartition('.')[2]}={one[key]}" for key in varying if key in one)])
        for name, one in zip(usual, typed, strict=True)
    ]
