"""What `--help` prints: how to run it, and every setting with its default and a phrase, from the files in conf/."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from mlpstudy.cells.config import CONF
from mlpstudy.cells.rules import TABLES

HEAD = """mlpstudy: how weight initialization, activation and depth decide whether a network trains.

One cell:      python -m mlpstudy activation=relu init=he network.depth=20
A sweep:       python -m mlpstudy -m init=zeros,xavier,he activation=tanh,relu network.depth=5,20,50
Two grids:     python -m mlpstudy -m init=normal init.scale=0.1,1 network.depth=5,20 --also init=he
A study:       python -m experiments symmetry
Before it:     python -m mlpstudy.predict -m init=xavier,he network.depth=5,20
Figures:       python -m reports
The runs:      python -m mlflow ui

A setting is written as key=value; with -m, values with commas between them are a sweep.
"""
FOOT = """
The settings of a command, without running it: python -m mlpstudy --cfg job ...
Tab completion: eval "$(mlpstudy --shell-completion install=bash)" (or zsh; fish: see the README)"""
SETTING = re.compile(r"( *)(\w+):(?: +(.*?))?(?: *# (.*))?")
WIDTH, LONGEST = 34, 120  # of key=value, and of a line


def text() -> str:
    """The whole help."""
    return "\n".join([HEAD, *own_settings(), "", *groups(), FOOT])


def lines(path: Path) -> Iterator[tuple[str, str, str]]:
    """Key, default and phrase of each setting in a file; the phrase may go on in the comments below it."""
    parent, found = "", ["", "", ""]
    for line in path.read_text(encoding="utf-8").splitlines():
        if (setting := SETTING.fullmatch(line)) and not line.startswith("hydra"):
            if found[1]:
                yield found[0], found[1], found[2]
            indent, name, value, phrase = setting.groups(default="")
            parent = parent if indent else ("" if value else f"{name}.")
            found = [parent * bool(indent) + name, value, phrase]
        elif line.startswith("         ") and line.strip().startswith("#") and found[2]:
            found[2] += " " + line.strip(" #")
        elif line.startswith("hydra"):
            break
    if found[1]:
        yield found[0], found[1], found[2]


def own_settings() -> list[str]:
    """Those of every cell."""
    return [row(f"{key}={value}", phrase) for key, value, phrase in lines(CONF / "config.yaml")]


def groups() -> list[str]:
    """Of each group its options, and the settings that some of them have."""
    found = []
    for group, table in TABLES.items():
        found.append(row(f"{group}=", ", ".join(sorted(table))))
        having: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for option in sorted(table):
            for key, value, phrase in lines(CONF / group / f"{option}.yaml"):
                if key != "name":
                    having.setdefault((key, phrase), []).append((option, value))
        for (key, phrase), options in having.items():
            names = [option for option, _ in options]
            every = "" if len(names) == len(table) else f" ({', '.join(names)})"
            values = {value for _, value in options}
            found.append(row(f"  {group}.{key}={values.pop() if len(values) == 1 else '...'}", f"{phrase}{every}"))
    return found


def row(left: str, right: str) -> str:
    """Both, in two columns."""
    first, *more = textwrap.wrap(right, LONGEST - WIDTH, break_on_hyphens=False) or [""]
    return "\n".join([f"{left:<{WIDTH}} {first}".rstrip(), *(f"{'':<{WIDTH}} {line}" for line in more)])
