"""Which engine trains the cells, and its settings: the files in `conf/hydra/launcher`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlpstudy.errors import ConfigError, one_of
from mlpstudy.settings.files import defaults
from mlpstudy.settings.table import LAUNCHER

LOCAL = "basic"  # Hydra's own name for the launcher that is chosen where none is typed
ENGINES = (LOCAL, "ray", "slurm", "submitit_local")


@dataclass(frozen=True)
class Launcher:
    """An engine and its settings: those that its file names. `mlpstudy.settings.table` says what they are."""

    engine: str = LOCAL
    settings: Mapping[str, Any] = field(default_factory=dict)


def parse(name: str, settings: Mapping[str, Any]) -> Launcher:
    """The launcher of this name with these settings. Raises ConfigError."""
    if name not in ENGINES:  # of a plugin that happens to be installed
        raise ConfigError("hydra/launcher", one_of(ENGINES), name)
    given = {key: value for key, value in settings.items() if not key.startswith("_")}  # _target_ is Hydra's
    for key, value in given.items():
        if key not in LAUNCHER or name == LOCAL:
            raise ConfigError(f"hydra.launcher.{key}", "left out; there is no such setting", value)
        if not (kind := LAUNCHER[key].kind).holds(value):
            raise ConfigError(f"hydra.launcher.{key}", kind.rule, value)
    return Launcher() if name == LOCAL else Launcher(name, {**defaults("hydra/launcher", name), **given})
