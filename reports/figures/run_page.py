"""The page of one run, logged when it ends: gradients and activations by layer, and learning curves."""

from typing import Any

import matplotlib
from numpy.typing import NDArray

from mlpstudy.measure.score import score_of
from reports.drawing import marks, rendering, style, theme
from reports.figures import gradient_flow, learning_curves


def draw(run: style.Measured) -> rendering.Picture:
    """The run's page, in the light theme."""
    tags = ", ".join(run.tags[tag] for tag in ("verdict", "outcome") if tag in run.tags)
    figure = style.Figure(": ".join(filter(None, (run.name, tags))), panels, fill, (2.7, 2.2))
    with matplotlib.rc_context(theme.THEMES["light"]):
        return rendering.draw(figure, [run])


def panels(runs: style.Runs) -> tuple[int, int]:
    """Two profiles if there are hidden layers, then the loss, and the accuracy of a classifier."""
    return 1, 2 * (style.depth(runs[0]) > 0) + len(shown(runs))


def shown(runs: style.Runs) -> list[str]:
    """The curves that are drawn; none if nothing was trained and there are profiles to show."""
    if style.depth(runs[0]) > 0 and not style.trained(runs):
        return []
    score, is_share, _ = score_of(runs[0].arrays, "curve_")
    score = score if is_share else "loss_train"
    return [curve for curve in learning_curves.curves(runs) if curve in ("loss_train", score)]


def fill(axes: NDArray[Any], runs: style.Runs) -> None:
    """The panels of the sweep's figures, with one line each."""
    row = list(axes[0])
    if style.depth(runs[0]) > 0:
        gradient, activation = row.pop(0), row.pop(0)
        gradient_flow.delta(gradient, runs, 0)
        gradient.set_title("dJ/dz, at initialization")
        gradient.set_ylabel("rms ÷ last hidden layer")
        marks.profile(activation, runs, "activation_rms", 0)
        activation.set_title("activations, at initialization")
        activation.set_ylabel("rms")
    for ax, curve in zip(row, shown(runs), strict=True):
        learning_curves.panel(ax, runs, curve)
        ax.set_title(learning_curves.CURVES[curve])
    marks.footnote(axes, runs, learning_curves.remarks(runs))
    marks.legend(axes, marks.theory_key(runs, "delta_rms") + learning_curves.keys(runs))
