"""What `--help` prints: how to run it, and every setting with its default and a phrase."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from mlpstudy.settings.files import GROUPS, defaults, flatten, options
from mlpstudy.settings.table import LAUNCHER, SETTINGS, Setting

HEAD = """mlpstudy: how weight initialization, activation and depth decide whether a network trains.

One cell:      python -m mlpstudy activation=relu init=he network.depth=20
A sweep:       python -m mlpstudy -m init=zeros,xavier,he activation=tanh,relu network.depth=5,20,50
Two grids:     python -m mlpstudy -m init=normal init.scale=0.1,1 network.depth=5,20 --also init=he
A study:       python -m experiments symmetry
Before it:     python -m mlpstudy.predict -m init=xavier,he network.depth=5,20  (--map foreseen.png draws it)
Figures:       python -m reports
The runs:      python -m mlflow ui

A setting is written as key=value; with -m, values with commas between them are a sweep.
"""
FOOT = """
The settings of a command, without running it: python -m mlpstudy --cfg job ...
Tab completion: eval "$(mlpstudy --shell-completion install=bash)" (or zsh; fish: see the README)"""
LAUNCHERS = "hydra/launcher"
WIDTH, LONGEST = 34, 120  # of key=value, and of a line


def text() -> str:
    """The whole help."""
    common = flatten({key: value for key, value in defaults().items() if key not in ("defaults", "hydra")})
    own = [row(f"{key}={typed(value)}", SETTINGS[key].phrase) for key, value in common.items()]
    groups = [line for group in GROUPS for line in of_group(group, f"{group}.", SETTINGS)]
    return "\n".join([HEAD, *own, "", *groups, *of_group(LAUNCHERS, "", LAUNCHER), FOOT])


def of_group(group: str, prefix: str, declared: Mapping[str, Setting]) -> list[str]:
    """The options of a group, and the settings that some of them have. prefix: of their keys in the table."""
    contents = {option: defaults(group, option) for option in options(group)}
    keys = dict.fromkeys(key for content in contents.values() for key in content if key != "name")
    shown = "hydra.launcher." if group == LAUNCHERS else prefix
    rows = [row(f"{group}=", ", ".join(contents))]
    for key in keys:
        values = {option: typed(content[key]) for option, content in contents.items() if key in content}
        value = next(iter(values.values())) if len(set(values.values())) == 1 else "..."
        which = "" if len(values) == len(contents) and value != "..." else f" ({having(values)})"
        rows.append(row(f"  {shown}{key}={value}", f"{declared[prefix + key].phrase}{which}"))
    return rows


def having(values: Mapping[str, str]) -> str:
    """The options that have a setting; with its defaults, where these differ: `adam, rmsprop: 0.001; sgd: 0.01`."""
    by_value: dict[str, list[str]] = {}
    for option, value in values.items():
        by_value.setdefault(value, []).append(option)
    if len(by_value) == 1:
        return ", ".join(values)
    return "; ".join(f"{', '.join(names)}: {value}" for value, names in by_value.items())


def typed(value: Any) -> str:
    """A value as it is typed on a command line."""
    return value if isinstance(value, str) else json.dumps(value)


def row(left: str, right: str) -> str:
    """Both, in two columns."""
    first, *more = textwrap.wrap(right, LONGEST - WIDTH, break_on_hyphens=False) or [""]
    return "\n".join([f"{left:<{WIDTH}} {first}".rstrip(), *(f"{'':<{WIDTH}} {line}" for line in more)])
