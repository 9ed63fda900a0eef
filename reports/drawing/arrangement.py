"""What is a line and what is a panel, where more varies in a sweep than initializer, activation and depth."""

import re
from typing import Any

from reports.drawing import style

SETTING = re.compile(r"-(?=[A-Za-z_][\w.]*=)")  # between the settings in a label such as he-lr=0.1-width=32


class Mapped:
    """A run with another line, hue and panel than those of its own name; all else is that of the run."""

    def __init__(self, run: style.Measured, line: str, hue: str, panel: str) -> None:
        self.run, self.line, self.hue, self.panel = run, line, hue, panel

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)


def arranged(runs: style.Runs) -> style.Runs:
    """The runs as a figure should draw them.

    Lines are activations if nothing but they and the depth varies. If two or more other settings vary, the one with
    the most values makes lines, and the others make panels.
    """
    if len(style.panel_names(runs)) > 1 and len(style.labels(runs)) == 1:
        return [Mapped(run, line=style.panel(run), hue=style.panel(run), panel=style.label(run)) for run in runs]
    split = [SETTING.split(style.label(run)) for run in runs]
    values: dict[str, set[str]] = {}
    for setting in (setting for _, *settings in split for setting in settings):
        name, _, value = setting.partition("=")
        values.setdefault(name, set()).add(value)
    several = [name for name, those in values.items() if len(those) > 1]
    if len(several) < 2:
        return runs
    line = max(several, key=lambda name: len(values[name]))
    mapped = []
    for run, (init, *settings) in zip(runs, split, strict=True):
        inside = [setting for setting in settings if setting.partition("=")[0] == line]
        outside = [setting for setting in settings if setting not in inside]
        label, panel = "-".join([init, *inside]), " ".join([style.panel(run), *outside])
        mapped.append(Mapped(run, label, style.hue(run), panel))
    return mapped
