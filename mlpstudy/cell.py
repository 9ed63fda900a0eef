"""One point of the grid: its settings, checked, and what identifies it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from mlpstudy.config import NOT_SCIENCE, Config, parse
from mlpstudy.losses import constant_predictor_loss
from mlpstudy.training import initial_theta, prepare


@dataclass(frozen=True)
class Cell:
    """A cell that is known to run: its settings hold and its data fit."""

    raw: Mapping[str, Any]  # as composed
    overrides: Mapping[str, str]  # as typed, key -> value
    config: Config
    sizes: tuple[int, ...]  # n_0, ..., n_L
    constant_loss: float  # what the best constant output reaches on the training data

    @property
    def hash(self) -> str:
        """Twelve hex digits: the same for the same science, wherever and however it ran."""
        exact = {k: float(v) if type(v) is int else v for k, v in self.config.science.items()}  # 2 is 2.0
        return sha256(json.dumps(exact, sort_keys=True).encode()).hexdigest()[:12]


def check(raw: Mapping[str, Any], overrides: Sequence[str] = ()) -> Cell:
    """Parse the settings and load the data once. Raises ConfigError."""
    config = parse(raw)
    problem = prepare(config)
    if {config.flat["init.name"], config.flat.get("init.output.name")} & {"custom", "file"}:
        initial_theta(problem, range(config.replicas))  # the user's own: raises where shapes do not fit
    typed = dict(o.split("=", 1) for o in overrides if "=" in o)
    return Cell(raw, typed, config, problem.sizes, constant_predictor_loss(config.loss, problem.y_train))


def names(cells: Sequence[Cell]) -> list[str]:
    """Short readable run names such as he-relu-d10, with whatever else varies over the sweep."""
    told = ("init", "init.name", "activation", "activation.name", "network.depth")  # in the name anyway
    typed = dict.fromkeys(key for cell in cells for key in cell.overrides)
    keys = [key for key in typed if key not in told and not key.startswith(NOT_SCIENCE)]
    inits = len({cell.config.init_name for cell in cells})
    activations = len({cell.config.activation_name for cell in cells})
    # one's own functions are in the name, too, which tells apart all but those of one name
    own = {"init.function": inits, "activation.function": activations, "activation.derivative": activations}
    varying = [key for key in keys if len({cell.overrides.get(key) for cell in cells}) > own.get(key, 1)]
    result = []
    for cell in cells:
        config = cell.config
        parts = [config.init_name, config.activation_name, f"d{len(config.hidden)}"]
        parts += [f"{key.rpartition('.')[2]}={cell.overrides[key]}" for key in varying if key in cell.overrides]
        result.append("-".join(parts))
    return result
