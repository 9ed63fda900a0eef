"""From what is typed to checked cells: the settings of all cells are composed, and each is checked."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from mlpstudy.cells.cell import Cell, check, raw_names
from mlpstudy.cells.problem import read_anew
from mlpstudy.engines import launcher
from mlpstudy.engines.launcher import Launcher
from mlpstudy.errors import ConfigError, DoesNotFit
from mlpstudy.importing import CalledExit
from mlpstudy.settings import grid, suggestions, words
from mlpstudy.settings.keys import OF_SWEEP
from mlpstudy.tracking import uris

# the user's own parts
OWN = (("activation", "function"), ("init", "function"), ("init", "path"), ("data", "path"), ("data", "function"))
SETTINGS_ERRORS = (ConfigError, HydraException, OmegaConfBaseException, CalledExit)

Composed = tuple[grid.Raw, list[str]]  # the settings of a cell, and the words that made them


@dataclass(frozen=True)
class LeftOut:
    """A cell whose settings are right by themselves, but cannot be together."""

    name: str
    reason: str


@dataclass(frozen=True)
class Request:
    """What a command line asks for: cells that can run, and cells that cannot."""

    words: Sequence[str]  # as they were typed
    cells: Sequence[Cell]
    left_out: Sequence[LeftOut]
    launcher: Launcher


def cells(arguments: Sequence[str]) -> Sequence[Cell]:
    """The cells a command line asks for, each checked. Raises one of SETTINGS_ERRORS."""
    return read(arguments).cells


def read(arguments: Sequence[str]) -> Request:
    """The cells a command line asks for: the whole sweep is checked before any of it trains.

    Raises one of SETTINGS_ERRORS.
    """
    composed, engine = compose(words.grids(arguments))
    if any("glob(" in argument for argument in arguments):
        composed = without_waiting(composed)
    checked, left_out = check_all(composed)
    for key in OF_SWEEP:
        values = {cell.config.flat[key] for _, cell in checked}
        if len(values) > 1:
            raise ConfigError(key, "the same for all cells of a sweep", uris.redact(str(sorted(map(str, values)))))
    return Request(arguments, once_each(checked), left_out, engine)


def compose(grids: Sequence[Sequence[str]]) -> tuple[list[Composed], Launcher]:
    """The settings of the cells of all grids, and the engine that the first grid chooses."""
    composed: list[Composed] = []
    with grid.conf() as loader:
        composers = []
        for typed in grids:
            words.check_form(typed)
            composers.append(grid.Composer(loader, typed))
        for composer in composers:
            earlier = [raw for raw, _ in composed]  # two grids may have a cell in common
            for cell in composer.cells():
                if cell[0] not in earlier:
                    composed.append(cell)
                progress(f"cells read: {len(composed)}")
    return composed, launcher.parse(*composers[0].launcher)


def without_waiting(composed: Sequence[Composed]) -> list[Composed]:
    """The cells without those that need a path first: a glob finds such options, too."""
    waiting = {
        i: f"{group}={raw[group]['name']} ({group}.{key})"
        for i, (raw, _) in enumerate(composed)
        for group, key in OWN
        if raw[group].get(key, "") is None
    }
    if waiting:
        print(f"Left out, since a path has to be given: {', '.join(sorted({*waiting.values()}))}", file=sys.stderr)
    return [cell for i, cell in enumerate(composed) if i not in waiting]


def check_all(composed: Sequence[Composed]) -> tuple[list[tuple[str, Cell]], list[LeftOut]]:
    """The cells that can run, with their names, and those that cannot. Raises ConfigError if a setting is wrong."""
    read_anew()
    checked: list[tuple[str, Cell]] = []
    impossible: list[tuple[str, DoesNotFit]] = []
    for (raw, overrides), name in zip(composed, raw_names(composed), strict=True):
        try:
            checked.append((name, check(raw, overrides)))
        except ConfigError as error:
            if len(composed) > 1:
                error.add_note(f"cell {name}")
            if not isinstance(error, DoesNotFit):
                raise
            impossible.append((name, error))
        progress(f"cells checked: {len(checked) + len(impossible)} of {len(composed)}")
    progress("")
    if impossible and not checked:
        raise impossible[0][1]
    left_out = [LeftOut(name, uris.redact(str(error))) for name, error in impossible]
    for out in left_out:
        print(f"Left out: {out.name} ({out.reason})", file=sys.stderr)
    return checked, left_out


def once_each(named: Sequence[tuple[str, Cell]]) -> list[Cell]:
    """The cells without those that are the same as an earlier one, which are named: two files of one content, say."""
    first: dict[str, tuple[str, Cell]] = {}
    for name, cell in named:
        if first.setdefault(cell.hash, (name, cell))[1] is not cell:
            print(f"Left out: {name} (the same cell as {first[cell.hash][0]})", file=sys.stderr)
    return [cell for _, cell in first.values()]


def progress(text: str) -> None:
    """Show what is being done in the last line of a terminal, in place of what was shown before."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def one_line(error: Exception) -> str:
    """One line that says what is wrong, for an error of ours or of Hydra; passwords in URIs are hidden."""
    notes = [f"({note})" for note in getattr(error, "__notes__", ())]
    line = suggestions.in_words(error) if isinstance(error, ConfigError) else str(error).split("\nSee https")[0]
    return uris.redact(" ".join([*line.split(), *notes]))


def wrapped(text: str) -> str:
    """The text in lines that fit the terminal; as one line if errors go to a file or a pipe."""
    if not sys.stderr.isatty():
        return text
    width = max(shutil.get_terminal_size().columns, 40)
    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
