"""From what is typed to checked cells: Hydra composes the settings of all cells, and each is checked."""

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlpstudy.cells.cell import Cell, check, raw_names
from mlpstudy.cells.config import CONF, options_with
from mlpstudy.cells.rules import RULES, unknown_key
from mlpstudy.errors import ConfigError, DoesNotFit, one_of
from mlpstudy.tracking import uris

OWN = (("activation", "function"), ("init", "function"), ("init", "path"), ("data", "path"))  # the user's own parts
SHOWS = {"--cfg", "-c", "--info", "-i"}  # Hydra then prints settings, in which a tracking URI may have a password
# settings of a sweep, not of a cell
OF_SWEEP = ("tracking.uri", "tracking.experiment", "tracking.sweep", "tracking.resume", "workers", "fail_fast")
SETTINGS_ERRORS = (ConfigError, HydraException, OmegaConfBaseException)


@dataclass(frozen=True)
class LeftOut:
    """A cell whose settings are right by themselves, but cannot be together."""

    name: str
    reason: str


@dataclass(frozen=True)
class Asked:
    """What a command line asks for: cells that can run, none for --help and the like; and cells that cannot."""

    cells: list[Cell]
    left_out: list[LeftOut]


def cells(arguments: Sequence[str]) -> list[Cell]:
    """The cells a command line asks for, each checked. Raises one of SETTINGS_ERRORS."""
    return read(arguments).cells


def read(arguments: Sequence[str]) -> Asked:
    """The cells a command line asks for, each checked.

    Hydra calls its task once for each cell. Ours only collects, so that the whole sweep is known, and checked,
    before any of it trains. Raises one of SETTINGS_ERRORS.
    """
    found: list[tuple[Any, list[str]]] = []

    def collect(settings: DictConfig, overrides: Sequence[str] | None = None) -> None:
        typed = HydraConfig.get().overrides.task if overrides is None else overrides
        found.append((OmegaConf.to_container(settings, resolve=True), list(typed)))
        progress(f"cells read: {len(found)}")

    sys.argv[1:] = arguments  # Hydra reads the arguments here and nowhere else
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors, and we print one line
    with tempfile.TemporaryDirectory() as scratch:
        # Hydra needs output folders. They are deleted: MLflow has everything, and a tracking URI can hold a password.
        OmegaConf.register_new_resolver("scratch", lambda: scratch, replace=True)
        with redacted() if SHOWS & {argument.partition("=")[0] for argument in arguments} else contextlib.nullcontext():
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(collect)()
    if any("glob(" in argument for argument in arguments):  # glob also finds options that need a path
        waiting = {f"{g}={raw[g]['name']} ({g}.{k})" for raw, _ in found for g, k in OWN if _waits_for(raw, g, k)}
        if waiting:
            print(f"Left out, since a path has to be given: {', '.join(sorted(waiting))}", file=sys.stderr)
        found = [(raw, o) for raw, o in found if not any(_waits_for(raw, g, k) for g, k in OWN)]
    checked: list[Cell] = []
    impossible: list[tuple[str, DoesNotFit]] = []
    for (raw, overrides), name in zip(found, raw_names(found), strict=True):
        try:
            checked.append(check(raw, overrides))
        except ConfigError as error:
            if len(found) > 1:
                error.add_note(f"cell {name}")
            if not isinstance(error, DoesNotFit):
                raise
            impossible.append((name, error))
        progress(f"cells checked: {len(checked) + len(impossible)} of {len(found)}")
    progress("")
    if impossible and not checked:
        raise impossible[0][1]
    left_out = [LeftOut(name, uris.redact(str(error))) for name, error in impossible]
    for cell in left_out:
        print(f"Left out: {cell.name} ({cell.reason})", file=sys.stderr)
    for key in OF_SWEEP:
        values = {cell.config.flat[key] for cell in checked}
        if len(values) > 1:
            raise ConfigError(key, "the same for all cells of a sweep", uris.redact(str(sorted(map(str, values)))))
    return Asked(checked, left_out)


def progress(text: str) -> None:
    """Show what is being done in the last line of a terminal, in place of what was shown before."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def redacted() -> Iterator[None]:
    """What is printed here is printed without passwords."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        print(uris.redact(printed.getvalue()), end="")


def _waits_for(raw: Any, group: str, key: str) -> bool:
    return raw[group].get(key, "") is None


def one_line(error: Exception) -> str:
    """One line that says what is wrong, for an error of ours or of Hydra; passwords in URIs are hidden."""
    return uris.redact(" ".join([_told(error), *(f"({note})" for note in getattr(error, "__notes__", ()))]))


def _told(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return str(ConfigError(group, one_of(error.options), option))
    if ambiguous := re.match(r"Ambiguous value for argument '([^=]*)=(.*)'\n", str(error)):
        return str(ConfigError(ambiguous[1], "one value (or add -m to sweep over several)", ambiguous[2]))
    if unknown := re.match(r"Could not override '(.*)'\.\n", str(error)):
        group, _, _ = unknown[1].partition(".")
        having = options_with(unknown[1])
        rule = f"one that the chosen {group} has; this one belongs to {group}={','.join(having)}"
        return str(ConfigError("a key", rule, unknown[1]) if having else unknown_key(unknown[1], RULES))
    return " ".join(str(error).split("\nSee https")[0].split())
