"""What is typed: its form, and several grids in one command."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from mlpstudy.errors import ConfigError
from mlpstudy.settings import files, suggestions

SEVERAL = {"--multirun", "-m"}
CHOICES = (*files.GROUPS, "experiment", "hydra/launcher")  # of each, a cell or a sweep has one option
ALSO = "--also"
FLAGS = {  # of Hydra: flag -> whether a word follows it
    "--help": False, "-h": False, "--hydra-help": False, "--version": False, "--multirun": False, "-m": False,
    "--run": False, "-r": False, "--resolve": False, "--cfg": True, "-c": True, "--package": True, "-p": True,
    "--shell-completion": False, "-sc": False, "--config-dir": True, "-cd": True, "--info": True, "-i": True,
}  # fmt: skip
HOW = "written as key=value, without blanks"


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
    if others and not SEVERAL & set(first):
        first.insert(0, "-m")
    return [first, *(with_words(first, other) for other in others)]


def with_words(first: Sequence[str], other: Sequence[str]) -> list[str]:
    """The words of a command with others in the place of those about the same setting, or of the same group."""
    keys = {word.partition("=")[0] for word in other}
    return [*(word for word in first if not {key := word.partition("=")[0], key.partition(".")[0]} & keys), *other]


def without_flags(words: Sequence[str]) -> list[str]:
    """The settings alone. `--config-dir FOLDER` adds a folder to those in which Hydra looks for files."""
    settings, rest = [], iter(words)
    for word in rest:
        flag, _, value = word.partition("=")
        if flag in ("--config-dir", "-cd"):
            settings.append(f"hydra.searchpath=['file://{Path(value or next(rest, '')).resolve()}']")
        elif not word.startswith("-"):
            settings.append(word)
    return settings


def check_choice(word: str) -> None:
    """Raise ConfigError for a list of options, such as init=[he,xavier], of which Hydra would take the last alone."""
    typed, _, value = word.partition("=")
    group = typed.lstrip("+~")  # Hydra's signs for adding and removing
    if group not in CHOICES or "[" not in value or "glob(" in value:
        return
    options = re.sub(r"[]['\"\s]", "", value)
    several = "" if group == "hydra/launcher" else f" (add -m and write {group}={options} to sweep over them)"
    raise ConfigError(group, f"one option{several}", value)


def check_form(arguments: Sequence[str]) -> None:
    """Raise ConfigError for the first word that is neither a flag nor key=value."""
    words = iter(enumerate(arguments))
    for i, word in words:
        flag, following = word.partition("=")[0], arguments[i + 1 : i + 2]
        if flag in FLAGS:
            if FLAGS[flag] and "=" not in "".join([word, *following]):
                next(words, None)
        elif word.startswith("-"):
            raise _as_setting(word, following)
        elif word.endswith((",", "=")) or word.startswith((",", "=")):
            raise _apart(arguments[max(i - word.startswith((",", "=")), 0) : i + 2])
        elif "=" not in word and not word.startswith(("~", "+")):
            raise _apart(arguments[i : i + 3]) if "".join(following).startswith("=") else _option_alone(word)
        else:
            check_choice(word)


def _as_setting(word: str, following: Sequence[str]) -> ConfigError:
    """--depth 20 is meant as network.depth=20."""
    name, _, value = word.lstrip("-").partition("=")
    behind = "" if value else "".join(following)
    example = f"{suggestions.key(name) or name.replace('-', '_')}={value or behind or '...'}"
    return ConfigError("a setting", f"{HOW}, such as {example}", f"{word} {behind}".strip())


def _apart(near: Sequence[str]) -> ConfigError:
    """There are blanks around = or , in these words."""
    return ConfigError("a setting", f"{HOW}, such as {''.join(near)}", " ".join(near))


def _option_alone(word: str) -> ConfigError:
    """An option alone, such as tanh, is meant as activation=tanh."""
    options = {group: suggestions.option(group, word, files.options(group)) for group in files.GROUPS}
    such = next((f", such as {group}={option}" for group, option in options.items() if option), "")
    return ConfigError("a setting", f"{HOW}{such}", word)
