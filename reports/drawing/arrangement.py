"""What is a line and what is a panel, where more varies in a sweep than initializer, activation and depth."""

import re
from typing import Any

from reports.drawing import style

SETTING = re.compile(r"-(?=[A-Za-z_][\w.]*=)")  # between the settings in a label such as he-lr=0.1-width=32


class Arranged:
    """A run of a figure with another line and another panel than its initializer and its activation."""

    def __init__(self, run: style.Measured, line: str, hue: str, panel: str) -> None:
        self.run = run
        self.params = {**run.params, "init": hue, "activation": panel}
        self.name = f"{line}-{panel}-d{run.params['depth']}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)


def arranged(runs: style.Runs) -> style.Runs:
    """The runs as a figure should draw them.

    Lines are activations if nothing but they and the depth varies. If two or more other settings vary, the one with
    the most values makes lines, and the others make panels.
    """
    if len(style.activations(runs)) > 1 and len({style.label(run) for run in runs}) == 1:
        return [Arranged(run, run.params["activation"], run.params["activation"], style.label(run)) for run in runs]
    split = [SETTING.split(style.label(run)) for run in runs]
    values: dict[str, set[str]] = {}
    for _, *settings in split:
        for setting in settings:
            name, _, value = setting.partition("=")
            values.setdefault(name, set()).add(value)
    several = [name for name, found in values.items() if len(found) > 1]
    if len(several) < 2:
        return runs
    line = max(several, key=lambda name: len(values[name]))
    found = []
    for run, (init, *settings) in zip(runs, split, strict=True):
        inside = [setting for setting in settings if setting.partition("=")[0] == line]
        outside = [setting for setting in settings if setting not in inside]
        panel = " ".join([run.params["activation"], *outside])
        found.append(Arranged(run, "-".join([init, *inside]), run.params["init"], panel))
    return found
