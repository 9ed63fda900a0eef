"""Whether the settings of a cell are complete and right: every key is known, is there, and keeps its rule."""

from collections.abc import Mapping
from typing import Any

from mlpstudy.errors import ConfigError, one_of
from mlpstudy.settings.files import GROUPS, defaults, flatten, keys_of
from mlpstudy.settings.keys import declared, unknown_key
from mlpstudy.settings.table import SETTINGS

Raw = Mapping[str, Any]


def checked(raw: Raw) -> Raw:
    """The settings, with all keys of init.output. Raises ConfigError for the first key that is wrong."""
    if isinstance(raw.get("init"), Mapping):
        raw = {**raw, "init": _with_output(raw["init"])}
    flat = flatten(raw)
    _check_values(flat)
    for group in GROUPS:
        _check_keys(raw[group], group, keys_of(group, raw[group]["name"]))
    if output := raw["init"]["output"]:
        _check_keys(output, "init.output", keys_of("init", output["name"]) - {"output"})
    return raw


def _with_output(init: Raw) -> Raw:
    """The init settings with all keys of init.output: a name becomes that option with its default settings."""
    output = init.get("output")
    if output is None:
        return init
    given = dict(output) if isinstance(output, Mapping) else {"name": output}
    rule = SETTINGS["init.output"].kind
    if given.get("name") is None or not rule.holds(given["name"]):
        raise ConfigError("init.output", rule.rule, output)
    common = {key: value for key, value in defaults()["init"].items() if key != "output"}
    return {**init, "output": {**common, **defaults("init", given["name"]), **given}}


def _check_values(flat: Raw) -> None:
    for key, value in flat.items():
        if setting := declared(key):
            if not setting.kind.holds(value):
                raise ConfigError(key, setting.kind.rule, value)
        elif key.partition(".")[0] not in GROUPS or key in GROUPS:
            if inside := [k for k in SETTINGS if k.startswith(f"{key}.")]:
                raise ConfigError(key, f"set by its keys: {', '.join(inside)}", value)
            raise unknown_key(key)
    for key, setting in SETTINGS.items():
        group = key.partition(".")[0]
        if key not in flat and (group not in GROUPS or key == f"{group}.name"):
            raise ConfigError(key, setting.kind.rule, "nothing")


def _check_keys(raw: Raw, where: str, known: set[str]) -> None:
    """Whether an option has the settings that are its own. `where` is the key that holds them."""
    for key in sorted(raw.keys() - known):
        options = one_of(f"{where}.{k}" for k in known)
        raise ConfigError(f"a parameter of {where}={raw['name']}", options, f"{where}.{key}")
    for key in sorted(known - raw.keys()):
        raise ConfigError(f"{where}.{key}", "given", None)
