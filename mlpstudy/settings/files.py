"""The files in conf/: they hold the options of each group, and the default of every setting."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKAGE = Path(__file__).parents[1]
# A wheel has conf/ inside the package; a checkout has it beside the package.
CONF = next(path for path in (PACKAGE / "conf", PACKAGE.parent / "conf") if path.is_dir())
GROUPS = ("activation", "init", "loss", "optimizer", "schedule", "data")  # of one of these, one option is chosen


@cache
def options(group: str) -> tuple[str, ...]:
    """The options of a group: each is a file conf/<group>/<option>.yaml with the settings of that option alone."""
    return tuple(sorted(path.stem for path in (CONF / group).glob("*.yaml")))


@cache
def defaults(group: str = "", option: str = "config") -> Mapping[str, Any]:
    """The settings in the file of an option, or those that all cells have, with their defaults."""
    return dict(yaml.safe_load((CONF / group / f"{option}.yaml").read_text(encoding="utf-8")))


def keys_of(group: str, option: str) -> set[str]:
    """The settings that a group has where this option is chosen, such as `scale` of init=normal."""
    return {*defaults().get(group, ()), *defaults(group, option)}


def options_with(key: str) -> list[str]:
    """The options of a group that have this key, for example normal for init.scale."""
    group, _, name = key.partition(".")
    return [option for option in options(group) if name in defaults(group, option)] if group in GROUPS else []


def flatten(raw: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"network": {"depth": 3}} -> {"network.depth": 3}."""
    flat: dict[str, Any] = {}
    for key, value in raw.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
