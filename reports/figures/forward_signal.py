"""How does the input change from layer to layer? Its scale, and how different the examples stay."""

from functools import partial

import numpy as np
from matplotlib.axes import Axes

from reports.drawing import findings, hues, layout, marks, scales, style

NEEDS = ("preactivation_std", "activation_rms", "input_correlation", "effective_rank")
MEANING = (
    "theory is for this width; that of the correlation for infinite width; there is none for the rank",
    "correlation: mean cosine of z of two examples; at 1 the layer no longer tells them apart",
    "effective rank: directions that the activations fill (participation ratio), as a share of the width; neither is "
    "defined where all signals are 0",
)


def columns(_: style.Runs) -> list[layout.Column]:
    """One line per initializer, and what theory predicts."""
    std, rms = (partial(marks.profile, name=name, snapshot=0, limits=(1.0,)) for name in NEEDS[:2])
    return [
        layout.Column("standard deviation of z", "scale", std),
        layout.Column("rms of a", "scale", rms),
        layout.Column("correlation of two inputs", "cosine", correlation),
        layout.Column("effective rank of a", "share of the width", rank),
    ]


def correlation(axes: Axes, runs: style.Runs) -> None:
    """Between 0 and 1, unless a line is lower."""
    lines(axes, runs, "input_correlation")
    lowest = [float(np.nanmin(line.get_ydata())) for line in axes.lines]
    axes.set_ylim(min([0.0, *lowest]) - 0.03, 1.03)


def rank(axes: Axes, runs: style.Runs) -> None:
    """On a log axis."""
    lines(axes, runs, "effective_rank", log=True)
    scales.log_axis(axes, 1.0)


def lines(axes: Axes, runs: style.Runs, name: str, log: bool = False) -> None:
    """A statistic against layer; it is not defined if all signals are 0."""
    for run, look in hues.looks(runs):
        values = run.arrays[name][0]  # (R, depth)
        if np.isfinite(values).any():
            marks.band(axes, marks.layers(values), values, log=log, **look)
            marks.predicted(axes, run, name, look["color"])
    scales.layer_axis(axes, style.depth(runs[0]))


def finding(runs: style.Runs) -> str:
    """What becomes of the signal, at initialization."""

    def change(run: style.Measured) -> float:
        signal = run.arrays["activation_rms"][0]  # (R, depth)
        return findings.decades(signal[:, -1], signal[:, 0])

    return findings.scaled(runs, "signal", change)


FIGURE = style.Figure(
    "Forward signal at initialization: does it keep its scale?",
    *layout.table(columns, lambda runs: marks.theory_key(runs, "activation_rms"), *MEANING),
    choose=style.layered, needs=NEEDS, arranges=True, finding=finding,
)  # fmt: skip
