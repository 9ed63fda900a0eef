"""Which engine trains the cells, and its settings: the files in `conf/hydra/launcher`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlpstudy.errors import ConfigError, one_of
from mlpstudy.settings.table import LAUNCHER

LOCAL = "basic"  # Hydra's own name for the launcher that is chosen where none is typed
ENGINES = (LOCAL, "ray", "slurm", "submitit_local")


@dataclass(frozen=True)
class Launcher:
    """The settings of an engine. Each has those that its file names; `mlpstudy.settings.table` says what they are."""

    engine: str = LOCAL
    batch_seconds: float = 60.0
    address: str | None = None
    cpus: int | None = None
    folder: str = "slurm"
    partition: str | None = None
    account: str | None = None
    minutes: int = 60
    memory_gb: float = 2.0
    at_once: int = 256
    setup: tuple[str, ...] = ()


def parse(name: str, settings: Mapping[str, Any]) -> Launcher:
    """The launcher of this name with these settings. Raises ConfigError."""
    if name not in ENGINES:  # of a plugin that happens to be installed
        raise ConfigError("hydra/launcher", one_of(ENGINES), name)
    given = {key: value for key, value in settings.items() if not key.startswith("_")}  # _target_ is Hydra's
    for key, value in given.items():
        if key not in LAUNCHER or name == LOCAL:
            raise ConfigError(f"hydra.launcher.{key}", "left out; there is no such setting", value)
        kind = LAUNCHER[key].kind
        if not kind.holds(value):
            raise ConfigError(f"hydra.launcher.{key}", kind.rule, value)
    if "setup" in given:
        given["setup"] = tuple(given["setup"])
    return Launcher(engine=name, **given)
