"""Settings from Python as the words of a command line: depth=[5, 20] becomes network.depth=5,20."""

import math
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from mlpstudy.settings.keys import full_key
from mlpstudy.settings.table import SETTINGS


def words(settings: Mapping[str, Any]) -> list[str]:
    """The settings as the words of a command line, with other grids in `also`."""
    others = [word for other in settings.get("also", ()) for word in ("--also", shlex.join(overrides(other)))]
    return ["-m", *overrides({name: value for name, value in settings.items() if name != "also"}), *others]


def overrides(settings: Mapping[str, Any]) -> list[str]:
    """The settings as they are typed on a command line."""
    typed = []
    for name, value in settings.items():
        key = full_key(name)
        values = list(value) if _has_several(value) else [value]
        is_list = key in SETTINGS and SETTINGS[key].kind.name == "list"
        if is_list and not any(one is None or _has_several(one) for one in values):
            values = [values]  # [16, 8] is one value, [[16, 8], [4]] are two
        typed.append(f"{key}={','.join(map(_typed, values))}")
    return typed


def _has_several(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | Mapping)


def _typed(value: Any) -> str:
    """A value in Hydra's syntax."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if _has_several(value):
        return f"[{','.join(map(_typed, value))}]"
    return repr(value.item() if hasattr(value, "item") else value)
