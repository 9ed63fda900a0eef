"""Do gradients vanish or explode on their way back? Scales of dJ/dz and dJ/dW by layer, before and after training."""

from functools import partial

from matplotlib.axes import Axes

from reports.drawing import findings, layout, marks, style

WHEN = {"at initialization": 0, "after training": -1}  # snapshots
MEANING = "theory: for networks of this width at initialization"
LEAST = (1e-5, 1e5)  # the least range of the relative scale, so that both thresholds are always visible


def columns(runs: style.Runs) -> list[layout.Column]:
    """dJ/dz at the start and, if there was training, at the end; then dJ/dW. One line per initializer."""
    times = list(WHEN.items())[: 1 + style.trained(runs)]
    weights = partial(marks.profile, name="weight_grad_rms")
    return [
        layout.Column(f"{what}, {time}", scale, partial(plot, snapshot=snapshot))
        for what, scale, plot in (
            ("dJ/dz", "rms of dJ/dz\n÷ last hidden layer", delta),
            ("dJ/dW", "rms of dJ/dW", weights),
        )
        for time, snapshot in times
    ]


def delta(axes: Axes, runs: style.Runs, snapshot: int) -> None:
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
    "How far back does the gradient reach?",
    *layout.table(columns, lambda runs: marks.theory_key(runs, "delta_rms"), MEANING),
    choose=style.layered, arranges=True, finding=finding,
)  # fmt: skip
