"""What a figure shows, in one sentence, which is its title: the parts of such sentences."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reports.drawing import style, words

Runs = Sequence[style.Measured]
MOST = 4  # groups that are named
LEAST = 1.0  # decades that a gradient or a signal may lose without being said to lose any


def groups(runs: Runs) -> dict[str, Runs]:
    """The runs by what varies first: activation, then the rest of the name, then depth."""
    for kind in (style.panel, lambda run: style.label(run).strip(), layers):
        names = list(dict.fromkeys(map(kind, runs)))
        if len(names) > 1:
            return {name: [run for run in runs if kind(run) == name] for name in names}
    return {runs[0].name: runs}


def layers(run: style.Measured) -> str:
    """`20 layers`."""
    return words.number(style.depth(run), "layer")


def sentence(deeds: Mapping[str, tuple[str, str]]) -> str:
    """`tanh and relu keep it, sigmoid loses it`: of each name what it does, as singular and plural."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, what in deeds.items():
        names.setdefault(what, []).append(name)
    most = MOST if len(names) < MOST else 2
    return ", ".join(f"{words.listed(who, 'and', most)} {what[len(who) > 1]}" for what, who in names.items())


def farthest(values: Sequence[float]) -> float:
    """The value farthest from 0; NaN if none is known."""
    known = [value for value in values if np.isfinite(value)]
    return max(known, key=abs) if known else float("nan")


def decades(first: NDArray[np.float64], last: NDArray[np.float64]) -> float:
    """The median over replicas of log10 of a quotient, (R,) each; NaN if it is not finite."""
    with np.errstate(all="ignore"):
        return float(np.median(np.log10(first / last)))


def deepest(runs: Runs) -> Runs:
    """The runs of the largest depth."""
    return [run for run in runs if style.depth(run) == max(map(style.depth, runs))]


def scaled(runs: Runs, what: str, change: Callable[[style.Measured], float]) -> str:
    """`through 50 layers, tanh keeps its gradient, sigmoid loses 31 decades`: the worst of the deepest runs."""
    deeds = {}
    for name, them in groups(runs).items():
        decades = farthest([change(run) for run in deepest(them)])
        if not np.isfinite(decades):
            deeds[name] = (f"has no {what} to measure", f"have no {what} to measure")
        elif abs(decades) < LEAST:
            deeds[name] = (f"keeps its {what} within a decade", f"keep their {what} within a decade")
        else:
            verb, number = "lose" if decades < 0 else "gain", f"{abs(decades):.0f} decades"
            deeds[name] = (f"{verb}s {number}", f"{verb} {number}")
    return f"Through {layers(deepest(runs)[0])}, {sentence(deeds)}"
