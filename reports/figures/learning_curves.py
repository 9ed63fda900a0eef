"""Did it learn? Loss and accuracy on training and test data against steps."""

from collections import Counter
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mlpstudy.measure.intervals import mean_and_interval
from mlpstudy.measure.outcomes import OUTCOMES
from reports.drawing import hues, layout, marks, scales, style, theme, words

CURVES = {
    "loss_train": "training loss",
    "loss_test": "test loss",
    "accuracy_train": "training accuracy",
    "accuracy_test": "test accuracy",
}
FORESEEN: dict[str, Any] = {"linestyle": (0, (7, 2.5)), "linewidth": 1.1}  # of the pilot; theory has shorter dashes
ERROR = (
    "long dashes: the training curve that the pilot foresees from one initialization, up to where it got; "
    "in 9 of 10 cells that learn, it falls by 5 % within a factor 2 of the measured time"
)
CEILING = 100.0  # times the smallest initial loss, where the axis ends; a loss of 1e30 would flatten all other lines


def curves(runs: style.Runs) -> list[str]:
    """The curves that these runs have; a regression has no accuracy."""
    return [name for name in CURVES if any(f"curve_{name}" in run.arrays for run in runs)]


def choose(runs: style.Runs) -> style.Runs:
    """The runs that were trained."""
    return style.those(runs, lambda run: style.trained([run]), "none of these runs was trained: training.epochs=0")


def columns(runs: style.Runs) -> list[layout.Column]:
    """One line per initializer; a cross marks where the first replica diverged."""
    return [
        layout.Column(CURVES[curve], curve.partition("_")[0], partial(panel, curve=curve)) for curve in curves(runs)
    ]


def keys(runs: style.Runs) -> list[Line2D]:
    """What a cross and a dashed line are, if there is one."""
    diverged = any(not np.isfinite(run.arrays["curve_loss_train"]).all() for run in runs)
    cross = marks.style_key(linestyle="", marker="x", markersize=8, markeredgewidth=2, label="a replica diverged")
    dashed = marks.style_key(**FORESEEN, label="foreseen by the pilot")
    return [cross] * diverged + [dashed] * any("foreseen_step" in run.arrays for run in runs)


def remarks(runs: style.Runs) -> str:
    """How far the dashed lines are off, if there are any."""
    return ERROR if any("foreseen_step" in run.arrays for run in runs) else ""


def panel(axes: Axes, runs: style.Runs, curve: str) -> None:
    """One curve of the runs of one activation and depth."""
    log = curve.startswith("loss")
    highest = ceiling(style.whole(runs)) if log else 1.02
    leaving, crosses = [], []
    for run, look in hues.looks(runs):
        if f"curve_{curve}" not in run.arrays:
            continue
        steps, values = run.arrays["curve_step"], run.arrays[f"curve_{curve}"]  # (E,), (E, R)
        foreseen(axes, run, curve, look["color"])
        drawn = marks.band(axes, steps, values.T, log=log, share=not log, **look)
        if np.nanmax(np.asarray(drawn.get_ydata()), initial=0) > highest:
            leaving.append(look["label"])
        broken = ~np.isfinite(values).all(axis=1)
        if broken.any():
            first = max(int(np.argmax(broken)) - 1, 0)
            height = float(mean_and_interval(values[first])[0])
            if not np.isfinite(height):  # it diverged at the start
                height = highest if log else 0.0
            crosses.append((steps[first], min(height, highest), look["color"]))
    if log:
        scales.log_axis(axes, highest=highest)
    else:
        axes.set_ylim(0, highest)
    for step, height, colour in crosses:
        axes.plot(step, height, "x", color=colour, markersize=8, markeredgewidth=2, clip_on=False)
    axes.set_xlabel("training step")
    if leaving:
        who = leaving[0] if len(leaving) == 1 else f"{len(leaving)} lines"
        marks.note(axes, f"above {words.decimal(highest)}: {who}", 0.97, 0.97, ha="right", va="top")


def foreseen(axes: Axes, run: style.Measured, curve: str, colour: str) -> None:
    """The same curve as the pilot foresees it, if it does: those of training examples."""
    if f"foreseen_{curve}" in run.arrays:
        shade = theme.mixed(colour, theme.ink(), 0.55)
        axes.plot(run.arrays["foreseen_step"], run.arrays[f"foreseen_{curve}"], color=shade, zorder=3, **FORESEEN)


def ceiling(runs: style.Runs) -> float:
    """The highest loss that is shown."""
    starts = [mean_and_interval(run.arrays["curve_loss_train"][0])[0] for run in runs]
    known = [start for start in starts if np.isfinite(start) and start > 0]
    return float(f"{CEILING * min(known):.1g}") if known else CEILING


def finding(runs: style.Runs) -> str:
    """Which cell ends best, and what became of the others."""

    def rank(run: style.Measured) -> float:
        kind, mean, _ = layout.score(run)
        return -np.inf if np.isnan(mean) else mean if kind == "accuracy" else -mean

    best = max(runs, key=rank)
    result = layout.score_text(best)
    if not result:
        return "No network ended with a finite loss"
    lost = Counter(words.outcome(run) for run in runs)
    others = [f"{lost[name]} of {len(runs)} {name}" for name in OUTCOMES[1:] if lost[name]]
    text = f"{best.name} ends best, with {layout.score_label(best)} {result}"
    return text + (f"; {words.listed(others, 'and')}" if others else "")


FIGURE = style.Figure(
    "Learning curves: what came of the training",
    *layout.table(columns, keys, remarks), pages=layout.by_score(style.by_facets),
    choose=choose, arranges=True, finding=finding,
)  # fmt: skip
