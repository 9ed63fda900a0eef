"""What the options of each group are. The row of an option is called with the settings that it takes.

Settings reach a row by name: `chosen` reads the arguments of the function and gives it those settings of the group
that have such a name. An initializer gets others from the network and the activation, see `network.initializers`.
"""

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from mlpstudy.cells import custom
from mlpstudy.data.datasets import DATASETS
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.initializers import INITIALIZERS
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.optimizers import OPTIMIZERS, SCHEDULES

DTYPES: dict[str, type[np.floating]] = {"float32": np.float32, "float64": np.float64}
TABLES: dict[str, Any] = {
    "activation": {**ACTIVATIONS, "custom": custom.activation},
    "init": {**INITIALIZERS, "custom": custom.initializer, "file": custom.from_file},
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "data": DATASETS,
}


def takes(row: Any, name: str) -> bool:
    """Whether a row has an argument of this name."""
    return name in arguments(row)


def arguments(row: Any) -> Mapping[str, inspect.Parameter]:
    """The arguments of a row; none of an activation that is a record."""
    return inspect.signature(row).parameters if callable(row) else {}


_of_table = cache(arguments)  # rows of the tables stay; thousands of cells choose among them


def chosen(group: str, settings: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The row of the option that is chosen, and those of its settings that the row takes."""
    row = TABLES[group][settings["name"]]
    taken = _of_table(row) if callable(row) else {}
    return row, {key: value for key, value in settings.items() if key in taken}
