"""How does the input change from layer to layer? Its scale, and how different the examples stay."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reports.drawing import findings, hues, marks, style

COLUMNS = {
    "preactivation_std": "standard deviation of z",
    "activation_rms": "rms of a",
    "input_correlation": "correlation of two inputs",
    "effective_rank": "effective rank of a",
}
MEANING = (
    "theory is for this width; that of the correlation for infinite width; there is none for the rank",
    "correlation: mean cosine of z of two examples; at 1 the layer no longer tells them apart",
    "effective rank: directions that the activations fill (participation ratio), as a share of the width; neither is "
    "defined where all signals are 0",
)


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth, a column for each statistic."""
    return len(style.facets(runs)), len(COLUMNS)


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """One line per initializer, and what theory predicts."""
    for row, (activation, layers) in zip(axes, style.facets(runs), strict=True):
        mine = style.facet(runs, activation, layers)
        for ax, name in zip(row[:2], COLUMNS, strict=False):
            marks.profile(ax, mine, name, 0, limits=(1.0,))
        lines(row[2], mine, "input_correlation")
        lowest = [float(np.nanmin(line.get_ydata())) for line in row[2].lines]
        row[2].set_ylim(min([0.0, *lowest]) - 0.03, 1.03)
        lines(row[3], mine, "effective_rank", log=True)
        marks.log_axis(row[3], 1.0)
        for ax, unit in zip(row, ("scale", "", "cosine", "share of the width"), strict=True):
            ax.set_ylabel(unit)
        marks.row_title(row[0], activation, layers)
    for columns in (axes[:, :2], axes[:, 2:3], axes[:, 3:]):
        marks.same_limits(columns)
    for ax, head in zip(axes[0], COLUMNS.values(), strict=True):
        ax.set_title(head)
    marks.footnote(axes, runs, *MEANING, log=True)
    marks.legend(axes, marks.theory_key(runs, "activation_rms"))


def lines(axes: Axes, runs: style.Runs, name: str, log: bool = False) -> None:
    """A statistic against layer; it is not defined if all signals are 0."""
    for run, look in hues.looks(runs):
        values = run.arrays[name][0]  # (R, depth)
        if np.isfinite(values).any():
            marks.band(axes, np.arange(1, values.shape[1] + 1), values, log=log, **look)
            marks.predicted(axes, run, name, look["color"])
    marks.layer_axis(axes, style.depth(runs[0]))


def finding(runs: style.Runs) -> str:
    """What becomes of the signal, at initialization."""

    def change(run: style.Measured) -> float:
        signal = run.arrays["activation_rms"][0]  # (R, depth)
        return findings.decades(signal[:, -1], signal[:, 0])

    return findings.scaled(runs, "signal", change)


FIGURE = style.Figure(
    "Forward signal at initialization: does it keep its scale?",
    panels, draw, choose=style.layered, needs=tuple(COLUMNS), arranges=True, finding=finding,
)  # fmt: skip
