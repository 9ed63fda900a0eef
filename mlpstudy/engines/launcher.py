"""Which engine trains the cells, and its settings: the files in `conf/hydra/launcher`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from mlpstudy.errors import ConfigError, one_of

LOCAL = "basic"  # Hydra's own name for the launcher that is chosen where none is typed
ENGINES = (LOCAL, "ray", "slurm", "submitit_local")


@dataclass(frozen=True)
class Launcher:
    """The settings of an engine. Each has those that its file names."""

    engine: str = LOCAL
    batch_seconds: float = 60.0  # of work that is handed over at once, as estimated
    address: str | None = None  # of a Ray cluster; None: a Ray of this machine is started
    cpus: int | None = None  # of that Ray
    folder: str = "slurm"  # that all nodes share
    partition: str | None = None
    account: str | None = None
    minutes: int = 60  # after which Slurm ends a job
    memory_gb: float = 2.0
    at_once: int = 256  # jobs of an array that run at the same time, at most
    setup: tuple[str, ...] = ()  # lines of shell before a job, such as: source .venv/bin/activate


def _number(least: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value >= least


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "batch_seconds": ("a number >= 0", _number(0)),
    "address": ("host:port, auto, or null", lambda value: value is None or _text(value)),
    "cpus": ("an integer >= 1, or null", lambda value: value is None or _whole(value)),
    "folder": ("a folder that all nodes share", _text),
    "partition": ("a name, or null", lambda value: value is None or _text(value)),
    "account": ("a name, or null", lambda value: value is None or _text(value)),
    "minutes": ("an integer >= 1", _whole),
    "memory_gb": ("a number >= 0.1", _number(0.1)),
    "at_once": ("an integer >= 1", _whole),
    "setup": ("a list of lines of shell", lambda value: isinstance(value, list) and all(map(_text, value))),
}


def parse(name: str, settings: Mapping[str, Any]) -> Launcher:
    """The launcher of this name with these settings. Raises ConfigError."""
    if name not in ENGINES:  # of a plugin that happens to be installed
        raise ConfigError("hydra/launcher", one_of(ENGINES), name)
    if name == LOCAL:
        return Launcher()
    known = {field.name for field in fields(Launcher)} - {"engine"}
    for key, value in settings.items():
        if key not in known:
            raise ConfigError(f"hydra.launcher.{key}", "left out; there is no such setting", value)
        rule, fits = RULES[key]
        if not fits(value):
            raise ConfigError(f"hydra.launcher.{key}", rule, value)
    found = dict(settings)
    if "setup" in found:
        found["setup"] = tuple(found["setup"])
    return Launcher(engine=name, **found)
