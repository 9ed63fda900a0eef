"""Do gradients vanish or explode on their way back? Scales of dJ/dz and dJ/dW by layer, before and after training."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from numpy.typing import NDArray

from reports.drawing import findings, marks, style

WHEN = {"at initialization": 0, "after training": -1}  # snapshots
LEAST = (1e-5, 1e5)  # the least range of the relative scale, so that both thresholds are always visible


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth; dJ/dz at the start and at the end, dJ/dW at the start and at the end."""
    return len(style.facets(runs)), 2 * len(when(runs))


def when(runs: style.Runs) -> list[str]:
    """At initialization, and after training if there was any."""
    return list(WHEN) if style.trained(runs) else list(WHEN)[:1]


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """One line per initializer."""
    times = when(runs)
    for row, (activation, layers) in zip(axes, style.facets(runs), strict=True):
        mine = style.facet(runs, activation, layers)
        units, weights = row[: len(times)], row[len(times) :]
        for i, time in enumerate(times):
            delta(units[i], mine, WHEN[time])
            marks.profile(weights[i], mine, "weight_grad_rms", WHEN[time])
        units[0].set_ylabel("rms of dJ/dz\n÷ last hidden layer")
        weights[0].set_ylabel("rms of dJ/dW")
        marks.row_title(row[0], activation, layers)
    marks.same_limits(axes[:, : len(times)])
    marks.same_limits(axes[:, len(times) :])
    for ax, head in zip(axes[0], [f"{what}, {time}" for what in ("dJ/dz", "dJ/dW") for time in times], strict=True):
        ax.set_title(head)
    marks.footnote(axes, runs, "theory: for networks of this width at initialization", log=True)
    marks.legend(axes, marks.theory_key(runs, "delta_rms"))


def delta(axes: Axes, runs: Sequence[style.Measured], snapshot: int) -> None:
    """rms of dJ/dz by layer relative to the last hidden layer; the ranges of the verdicts are shaded."""
    marks.profile(axes, runs, "delta_rms", snapshot, lambda values: values / values[:, -1:], LEAST)
    limits = axes.get_ylim()
    vanishing, exploding = (float(runs[0].params[f"verdict.{name}"]) for name in ("vanishing", "exploding"))
    marks.shade(axes, 1e-99, vanishing, "vanishing", "top")
    marks.shade(axes, exploding, 1e99, "exploding", "bottom")
    axes.set_ylim(limits)


def finding(runs: style.Runs) -> str:
    """How far the gradient gets, at initialization."""

    def change(run: style.Measured) -> float:
        gradient = run.arrays["delta_rms"][0]  # (R, depth)
        return findings.decades(gradient[:, 0], gradient[:, -1])

    return findings.scaled(runs, "gradient", change)


FIGURE = style.Figure(
    "How far back does the gradient reach?", panels, draw, choose=style.layered, arranges=True, finding=finding
)
