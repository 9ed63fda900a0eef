"""From what is typed to checked cells: Hydra composes the settings of all cells, and each is checked."""

import contextlib
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlpstudy import help_text, suggestions
from mlpstudy.cells.cell import Cell, check, raw_names
from mlpstudy.cells.config import CONF, options_with
from mlpstudy.cells.problem import read_anew
from mlpstudy.cells.rules import RULES, TABLES, unknown_key
from mlpstudy.engines import launcher
from mlpstudy.engines.launcher import Launcher
from mlpstudy.errors import ConfigError, DoesNotFit, one_of
from mlpstudy.importing import CalledExit
from mlpstudy.tracking import uris

# the user's own parts
OWN = (("activation", "function"), ("init", "function"), ("init", "path"), ("data", "path"), ("data", "function"))
SHOWS = {"--cfg", "-c", "--info", "-i"}  # Hydra then prints settings, in which a tracking URI may have a password
ALSO = "--also"
# settings of a sweep, not of a cell
OF_SWEEP = ("tracking.uri", "tracking.experiment", "tracking.sweep", "tracking.resume", "workers", "fail_fast")
SETTINGS_ERRORS = (ConfigError, HydraException, OmegaConfBaseException, CalledExit)


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
    launcher: Launcher = Launcher()  # noqa: RUF009 (it cannot be changed)


def cells(arguments: Sequence[str]) -> list[Cell]:
    """The cells a command line asks for, each checked. Raises one of SETTINGS_ERRORS."""
    return read(arguments).cells


def read(arguments: Sequence[str]) -> Asked:
    """The cells a command line asks for, each checked.

    Hydra calls its task once for each cell. Ours only collects, so that the whole sweep is known, and checked,
    before any of it trains. Raises one of SETTINGS_ERRORS.
    """
    if {"--help", "-h"} & set(arguments):
        print(help_text.text())
        return Asked([], [])
    found: list[tuple[Any, list[str]]] = []
    launchers: list[Launcher] = []

    def collect(settings: DictConfig, overrides: Sequence[str] | None = None, own: Any = None) -> None:
        """own: Hydra's own settings, from our sweeper."""
        own = HydraConfig.get() if own is None else own
        typed = own.overrides.task if overrides is None else overrides
        if not launchers:
            chosen: Any = OmegaConf.to_container(own.launcher) if own.launcher else {}
            launchers.append(launcher.parse(own.runtime.choices["hydra/launcher"] or launcher.LOCAL, chosen))
        cell = OmegaConf.to_container(settings, resolve=True), list(typed)
        if cell[0] not in (raw for raw, _ in found[:earlier]):  # two grids may have a cell in common
            found.append(cell)
        progress(f"cells read: {len(found)}")

    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors, and we print one line
    for words in grids(arguments):
        earlier = len(found)
        suggestions.check_form(words)
        sys.argv[1:] = for_every_option(words)  # Hydra reads the arguments here and nowhere else
        shows = SHOWS & {word.partition("=")[0] for word in words}
        with tempfile.TemporaryDirectory() as scratch, redacted() if shows else contextlib.nullcontext():
            # Hydra needs output folders. They are deleted: MLflow has everything, and a URI can hold a password.
            OmegaConf.register_new_resolver("scratch", partial(str, scratch), replace=True)
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(collect)()
    sys.argv[1:] = arguments
    if any("glob(" in argument for argument in arguments):  # glob also finds options that need a path
        waiting = {f"{g}={raw[g]['name']} ({g}.{k})" for raw, _ in found for g, k in OWN if _waits_for(raw, g, k)}
        if waiting:
            print(f"Left out, since a path has to be given: {', '.join(sorted(waiting))}", file=sys.stderr)
        found = [(raw, o) for raw, o in found if not any(_waits_for(raw, g, k) for g, k in OWN)]
    read_anew()
    checked: list[tuple[str, Cell]] = []  # with their names
    impossible: list[tuple[str, DoesNotFit]] = []
    for (raw, overrides), name in zip(found, raw_names(found), strict=True):
        try:
            checked.append((name, check(raw, overrides)))
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
    for out in left_out:
        print(f"Left out: {out.name} ({out.reason})", file=sys.stderr)
    for key in OF_SWEEP:
        values = {cell.config.flat[key] for _, cell in checked}
        if len(values) > 1:
            raise ConfigError(key, "the same for all cells of a sweep", uris.redact(str(sorted(map(str, values)))))
    return Asked(once_each(checked), left_out, launchers[0] if launchers else Launcher())


def once_each(named: Sequence[tuple[str, Cell]]) -> list[Cell]:
    """The cells without those that are the same as an earlier one, which are named: two files of one content, say."""
    first: dict[str, tuple[str, Cell]] = {}
    for name, cell in named:
        if first.setdefault(cell.hash, (name, cell))[1] is not cell:
            print(f"Left out: {name} (the same cell as {first[cell.hash][0]})", file=sys.stderr)
    return [cell for _, cell in first.values()]


def grids(arguments: Sequence[str]) -> list[list[str]]:
    """The words of each grid: of the first, and for each `--also "..."` those of the first with others in their place.

    A choice such as init=he also takes the place of the settings of the group, such as init.scale=0.1.
    """
    first: list[str] = []
    others: list[list[str]] = []
    words = iter(arguments)
    for word in words:
        flag, _, value = word.partition("=")
        if flag != ALSO:
            first.append(word)
            continue
        others.append(shlex.split(value or next(words, "")))
        if not others[-1]:
            raise ConfigError(ALSO, 'followed by the settings of another grid, such as --also "init=he"', "nothing")
    if others and not {"-m", "--multirun"} & set(first):
        first.insert(0, "-m")
    return [first, *(with_words(first, other) for other in others)]


def with_words(first: Sequence[str], other: Sequence[str]) -> list[str]:
    """The words of a command with others in the place of those about the same setting, or of the same group."""
    keys = {word.partition("=")[0] for word in other}
    return [*(word for word in first if not {key := word.partition("=")[0], key.partition(".")[0]} & keys), *other]


def for_every_option(words: Sequence[str]) -> list[str]:
    """The words with init.scale=0.1 as a sweep of one value, if init is swept.

    Hydra would look for the setting in the default option of the group, which may not have it.
    """
    swept = {key for key, _, value in (word.partition("=") for word in words) if key in TABLES and "," in value}

    def as_sweep(word: str) -> str:
        key, _, value = word.partition("=")
        group, dot, _ = key.partition(".")
        return f"{key}=choice({value})" if group in swept and dot and not re.search(r"[,()]", value) else word

    return [as_sweep(word) for word in words]


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
    ours = _as_ours(error)
    notes = [f"({note})" for note in getattr(error, "__notes__", ())]
    told = " ".join(str(error).split("\nSee https")[0].split()) if ours is None else suggestions.told(ours)
    return uris.redact(" ".join([told, *notes]))


def wrapped(text: str) -> str:
    """The text in lines that fit the terminal; as one line if errors go to a file or a pipe."""
    if not sys.stderr.isatty():
        return text
    width = max(shutil.get_terminal_size().columns, 40)
    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _as_ours(error: Exception) -> ConfigError | None:
    """The same as an error of ours, where it is one of Hydra's about a setting."""
    if isinstance(error, ConfigError):
        return error
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return ConfigError(group, one_of(error.options), option)
    if ambiguous := re.match(r"Ambiguous value for argument '([^=]*)=(.*)'\n", str(error)):
        return ConfigError(ambiguous[1], "one value (or add -m to sweep over several)", ambiguous[2])
    if unknown := re.match(r"Could not override '(.*)'\.\n(?:.*\+\1=(.*))?", str(error)):
        group, _, _ = unknown[1].partition(".")
        having = options_with(unknown[1])
        rule = f"one that the chosen {group} has; this one belongs to {group}={','.join(having)}"
        if having:
            return ConfigError("a key", rule, unknown[1])
        known = unknown_key(unknown[1], RULES)
        return ConfigError(known.args[0], known.args[1], f"{unknown[1]}={unknown[2]}" if unknown[2] else unknown[1])
    return None
