"""The table of all settings and of the values that each may have: one row for each key."""

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from mlpstudy.cells import custom
from mlpstudy.data.csv import ENCODINGS, GAPS
from mlpstudy.data.datasets import DATASETS
from mlpstudy.data.own import TASKS
from mlpstudy.data.splits import STANDARDIZERS
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.initializers import FANS, INITIALIZERS
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.optimizers import OPTIMIZERS, SCHEDULES

DTYPES: dict[str, type[np.floating]] = {"float32": np.float32, "float64": np.float64}
SAMPLINGS = ("shuffle", "replacement")
# The options of each group. The file conf/<group>/<option>.yaml can have parameters of that option alone.
TABLES: dict[str, Any] = {
    "activation": {**ACTIVATIONS, "custom": custom.activation},
    "init": {**INITIALIZERS, "custom": custom.initializer, "file": custom.from_file},
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "data": DATASETS,
}

Rule = tuple[str, Callable[[Any], bool]]


def _is_number(v: Any) -> bool:
    return isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= sys.float_info.max


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

TRUTH: Rule = ("true or false", lambda v: isinstance(v, bool))
SHARE: Rule = ("a number >= 0 and < 1", lambda v: _is_number(v) and 0 <= v < 1)
PATH: Rule = (
    "an import path such as mypackage.mymodule:myfunction, or null",
    lambda v: v is None or isinstance(v, str),
)
NAME: Rule = (  # the characters that MLflow allows in a tag
    "a name of up to 100 letters, digits, spaces and _ . : -",
    lambda v: isinstance(v, str) and re.fullmatch(r"[\w .:-]{1,100}", v) is not None and v.strip() != "",
)
COLUMNS: Rule = (
    "a list of names of columns",
    lambda v: isinstance(v, list) and all(isinstance(n, str) for n in v),
)
FILE: Rule = ("a path", lambda v: v is None or (isinstance(v, str) and v != ""))


def _or_null(rule: Rule) -> Rule:
    return f"null or {rule[0]}", lambda v: v is None or rule[1](v)


# A key is checked if it is present; a rule of init.<key> also checks init.output.<key>. To add a parameter: a row here.
RULES: dict[str, Rule] = {
    **{f"{group}.name": _option(table) for group, table in TABLES.items()},
    "activation.slope": NUMBER,
    "activation.alpha": NUMBER,
    "activation.function": PATH,
    "activation.derivative": PATH,
    "init.gain": NOT_NEGATIVE,
    "init.bias": NUMBER,
    "init.sigma_b": NOT_NEGATIVE,
    "init.scale": NOT_NEGATIVE,
    "init.noise": NOT_NEGATIVE,
    "init.value": NUMBER,
    "init.mode": _option(FANS),
    "init.cut": POSITIVE,
    "init.inputs_per_unit": _integer(1),
    "init.tolerance": POSITIVE,
    "init.iterations": _integer(1),
    "init.sigma_w": _or_null(POSITIVE),
    "init.path": FILE,
    "init.function": PATH,
    "optimizer.lr": POSITIVE,
    "optimizer.momentum": SHARE,
    "optimizer.nesterov": TRUTH,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.decay": SHARE,
    "optimizer.beta1": SHARE,
    "optimizer.beta2": SHARE,
    "optimizer.epsilon": POSITIVE,
    "schedule.warmup": NOT_NEGATIVE,
    "schedule.every": POSITIVE,
    "schedule.factor": POSITIVE,
    "data.standardize": _option(STANDARDIZERS),
    "data.test_fraction": SHARE,
    "data.samples": _integer(4),
    "data.noise": NOT_NEGATIVE,
    "data.root": _or_null(("a folder", lambda v: isinstance(v, str))),
    "data.arms": _integer(2),
    "data.turns": POSITIVE,
    "data.features": _integer(1),
    "data.classes": _integer(2),
    "data.factor": FRACTION,
    "data.hidden": _integer(1),
    "data.path": FILE,
    "data.task": _option(TASKS),
    "data.standardize_target": TRUTH,
    "data.target": _or_null(("the name of a column", lambda v: isinstance(v, str))),
    "data.columns": _or_null(COLUMNS),
    "data.exclude": _or_null(COLUMNS),
    "data.separator": _or_null(("one character", lambda v: isinstance(v, str) and len(v) == 1)),
    "data.encode": _or_null(_option(ENCODINGS)),
    "data.missing": _or_null(_option(GAPS)),
    "data.function": PATH,
    "network.depth": _integer(0),
    "network.width": _integer(1),
    "network.hidden": _or_null(
        ("a list of integers >= 1", lambda v: isinstance(v, list) and all(_is_int(n) and n >= 1 for n in v))
    ),
    "training.epochs": _integer(0),
    "training.batch_size": _or_null(_integer(1)),
    "training.sampling": _option(SAMPLINGS),
    "training.snapshots": _integer(2),
    "training.probe_size": _integer(256),
    "training.accuracies": (
        "a list of numbers > 0 and <= 1",
        lambda v: isinstance(v, list) and all(_is_number(n) and 0 < n <= 1 for n in v),
    ),
    "training.clip_norm": _or_null(POSITIVE),
    "replicas": _integer(1),
    "workers": _or_null(_integer(1)),
    "seed": _integer(0),
    "dtype": _option(DTYPES),
    "check_gradients": TRUTH,
    "fail_fast": TRUTH,
    "verdict.dead": NOT_NEGATIVE,
    "verdict.saturated": NOT_NEGATIVE,
    "verdict.exploding": POSITIVE,
    "verdict.vanishing": POSITIVE,
    "verdict.collapsed": ("a number > 0 and <= 1", lambda v: _is_number(v) and 0 < v <= 1),
    "verdict.stalled": SHARE,
    "verdict.too_slow": NOT_NEGATIVE,
    "verdict.too_fast": POSITIVE,
    "tracking.uri": ("null or a URI", lambda v: v is None or (isinstance(v, str) and v != "")),
    "tracking.experiment": NAME,
    "tracking.sweep": _or_null(NAME),
    "tracking.resume": TRUTH,
    "tracking.full": TRUTH,
    "tracking.log_model": TRUTH,
}


def full_key(name: str, known: Iterable[str]) -> str:
    """The whole key for a name: a group, a key, or its last part if no other key ends so. Raises ConfigError."""
    if name in TABLES or name in known or name == "experiment":
        return name
    ending = [key for key in known if key.rpartition(".")[2] == name]
    if len(ending) > 1:
        raise ConfigError("a setting", one_of(ending), name)
    if not ending and "." not in name:
        raise unknown_key(name, known)
    return ending[0] if ending else name


def unknown_key(key: str, known: Iterable[str]) -> ConfigError:
    """The error for a key that does not exist; it lists the keys that exist in the same group."""
    parent, siblings = key, [*TABLES, "experiment", *known]
    while "." in parent:
        parent = parent.rpartition(".")[0]
        inside = [k for k in known if k.startswith(parent + ".")]
        if inside:
            siblings = inside
            break
    return ConfigError("a key", one_of(siblings), key)
