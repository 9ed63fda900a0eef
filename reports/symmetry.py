"""Do equal neurons ever part? Distinct units over training, and the weight rows of the first hidden layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mlpstudy.tracking import Run
from reports import style

SYMMETRIC = ("zeros", "constant", "identical")
COLUMNS = 4
SHOWN = 32  # rows and columns of a weight matrix at most: more would be a grey blur


def chosen(runs: Sequence[Run]) -> list[Run]:
    """The symmetric initializers of the sweep, one run each, then random ones: what a slide has room for."""
    layered = [run for run in style.layered(runs) if run.status == "FINISHED"]
    if not layered:
        raise style.CannotDraw("none of these runs came to its end")
    same = [r for r in layered if r.params["activation"] == layered[0].params["activation"]]
    by_init = {run.params["init"]: run for run in reversed(same)}
    ordered = [i for i in SYMMETRIC if i in by_init] + [i for i in reversed(by_init) if i not in SYMMETRIC]
    return [by_init[name] for name in ordered[:COLUMNS]]


def panels(runs: Sequence[Run]) -> tuple[int, int]:
    """Columns: initializers; rows: distinct units, weight rows at the start, weight rows at the end."""
    return 3, len(chosen(runs))


def draw(axes: NDArray[Any], runs: Sequence[Run]) -> None:
    """Zeros, constant and identical beside a random initializer, for one activation."""
    columns = chosen(runs)
    for column, run in enumerate(columns):
        distinct_units(axes[0, column], run)
        axes[0, column].set_title(
            f"{style.label(run)}\n({style.panel_title(run.params['activation'], style.depth(run))})"
        )
        for row, when in ((1, "initial"), (2, "final")):
            weight_rows(axes[row, column], run, when)
    axes[0, 0].set_ylabel("distinct units\nshare of the layer")
    axes[1, 0].set_ylabel("weights at the start\neach row is a neuron")
    axes[2, 0].set_ylabel("weights at the end\neach row is a neuron")
    text = f"Curves: every hidden layer. Images: layer 1 of the first replica (up to {SHOWN} x {SHOWN} weights)"
    text += ", each on its own scale; grey: all 0."
    axes.flat[0].figure.supxlabel(text, fontsize=8, color="0.4")


def distinct_units(axes: Axes, run: Run) -> None:
    """One line per hidden layer: from 1/n (all neurons the same) to 1 (all different)."""
    steps, share = run.arrays["step"], run.arrays["distinct_units"]  # (S,), (S, R, depth)
    for layer in range(share.shape[2]):
        style.band(axes, steps + 1, share[:, :, layer].T, color=style.run_colour(run), linewidth=1.2)
    axes.set_xscale("log")
    axes.set_ylim(-0.05, 1.05)
    axes.set_xlabel("step + 1")
    widths = [run.weights("initial")[f"b{layer + 1}"].shape[-1] for layer in range(share.shape[2])]
    fewest = np.median(share[-1], axis=0)
    if np.isnan(fewest).any():
        text = "not finite"
    elif np.allclose(fewest * widths, 1) and max(widths) > 1:
        text = "one distinct unit"
    else:
        text = f"{fewest.min():.0%} distinct"
    axes.text(0.5, 0.5, f"at the end:\n{text}", transform=axes.transAxes, ha="center", va="center", color="0.3")


def weight_rows(axes: Axes, run: Run, when: str) -> None:
    """W[1] of replica 0 as an image, blue negative, red positive."""
    weights = run.weights(when)["W1"][0][:SHOWN, :SHOWN]
    limit = float(np.abs(weights).max())
    note = f"colour: ± {limit:.2g}" if np.isfinite(limit) else "not finite: the run diverged"
    axes.set_facecolor("0.85")
    if limit > 0 and np.isfinite(limit):
        axes.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    axes.set(xticks=[], yticks=[], xlabel=f"input ({note})")
    axes.grid(visible=False)


FIGURE = style.Figure("The symmetry problem: do neurons that start out equal ever part?", panels, draw)
