"""Where on the plane of (sigma_w, sigma_b) does each cell lie, how deep can a network there be, and did it train?"""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mlpstudy import theory
from mlpstudy.cells.custom import activation as custom
from mlpstudy.cells.parts import TABLES
from mlpstudy.network.activations import Activation
from reports.drawing import hues, layout, marks, plane, style, theme, words

LEAST = (-1, 2)  # the least range of sigma_w, in octaves
NEAR = (0.1, 0.04)  # octaves of sigma_w, and sigma_b: of markers that are closer, each is smaller than the one below
RING, MOST = 5.0, 5  # points by which a marker is larger than the next one above it, and how often
INDEXED = theme.SMALL / 0.7  # points; subscripts are 0.7 of this size
MARK: dict[str, Any] = {"markersize": 5.5, "markeredgewidth": 1.8, "clip_on": False, "zorder": 5}
FIXED = ("name", "function", "derivative")  # these settings are not parameters of an activation


def choose(runs: style.Runs) -> style.Runs:
    """The runs with hidden layers, if theory predicts any of them."""
    layered = style.layered(runs)
    if not any(map(predicted, layered)):
        raise style.CannotDraw("no theory of these runs: it needs independent random weights and finite signals")
    return layered


def kind(run: style.Measured) -> str:
    """The activation of a run with its parameters."""
    given = [f"{name}={value}" for name, value in parameters(run).items() if name not in FIXED]
    return " ".join([run.params["activation"], *given])


def parameters(run: style.Measured) -> dict[str, str]:
    """The settings of its activation, `name` among them."""
    prefix = "activation."
    return {k.removeprefix(prefix): v for k, v in run.params.items() if k.startswith(prefix)}


def predicted(run: style.Measured) -> bool:
    """Does theory give this run a place on the plane?"""
    return "theory_sigma_w" in run.arrays


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """A row for each activation, a column for each depth; the same part of the plane everywhere."""
    sides = window(runs)
    for ax, mine in layout.by_depth(axes, runs, kind):
        panel(ax, sides, mine)
    for ax in axes[:, 0]:
        ax.set_ylabel(r"$\sigma_b$ of biases", size=INDEXED, parse_math=True)
    for ax in axes[-1]:
        ax.set_xlabel(r"$\sigma_w$ of weights $\times\ \sqrt{n}$", size=INDEXED, parse_math=True)
    plane.colour_bar(axes)
    missing = style.labels([run for run in runs if not predicted(run)])
    marks.remark(
        axes,
        "layers that can be trained: 6 times the number of layers in which the gradient, or the difference of two "
        "inputs, changes by a factor e (the smaller of both). Where cells lie at the same place, one marker is around "
        "the other",
        f"not on the plane, as theory needs independent random weights and finite signals: {style.listed(missing, 8)}"
        if missing
        else "",
    )
    lines = [line for ax in axes.flat for line in ax.lines if not str(line.get_label()).startswith("_")]
    hue_of = {str(line.get_label()): line.get_color() for line in lines}
    inits = [marks.style_key(linestyle="", marker="o", markersize=6, color=c, label=k) for k, c in hue_of.items()]
    marks.legend(axes, inits + keys(runs))


def window(runs: style.Runs) -> plane.Window:
    """Least and largest sigma_w, in whole octaves, and the largest sigma_b that are shown."""
    w, b = np.array([place(run) for run in runs if predicted(run)] or [(1.0, 0.0)]).T
    octaves = min(np.floor(np.log2(w.min() / 1.1)), LEAST[0]), max(np.ceil(np.log2(1.1 * w.max())), LEAST[1])
    return float(2 ** octaves[0]), float(2 ** octaves[1]), max(1.0, float(np.ceil(10 * b.max()) / 8))


def keys(runs: style.Runs) -> list[Line2D]:
    """The legend entries of the lines and shapes that occur."""
    known = [activation for activation in map(activation_of, runs) if activation is not None]
    ends = {words.outcome(run) for run in runs if predicted(run)}
    shapes = [{"label": k, "marker": v, "markersize": 6} for k, v in layout.SHAPES.items() if k in ends]
    return [*plane.keys(known, window(runs)), *(marks.style_key(linestyle="", **shape) for shape in shapes)]


def panel(axes: Axes, sides: plane.Window, runs: style.Runs) -> None:
    """The plane of one activation, its edge of chaos, and the cells of one depth."""
    if not runs:
        axes.set_axis_off()
        return
    activation = activation_of(runs[0])
    if activation is None:
        marks.note(axes, "no plane: MLflow does not\nhold the code of this activation", 0.5, 0.9, ha="center", va="top")
    else:
        plane.draw(axes, activation, sides, style.depth(runs[0]))
    mark(axes, runs)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlim=sides[:2], ylim=(0, sides[2]))
    axes.grid(visible=False)


def mark(axes: Axes, runs: style.Runs) -> None:
    """Cells: colour and label of the initializer, shape of the outcome. At the same place, the later the smaller."""
    drawn = [(*place(run), run, look) for run, look in hues.looks(style.Part(filter(predicted, runs), runs))]
    for i, (w, b, run, look) in enumerate(drawn):
        over = sum(abs(np.log2(w / other)) < NEAR[0] and abs(b - bias) < NEAR[1] for other, bias, *_ in drawn[i + 1 :])
        size = MARK | {"markersize": MARK["markersize"] + RING * min(over, MOST)}
        (point,) = axes.plot([w], [b], layout.SHAPES[words.outcome(run)], **size)
        point.set(color=look["color"], label=look["label"], path_effects=plane.halo(4))


def place(run: style.Measured) -> tuple[float, float]:
    """(sigma_w, sigma_b): the median over the layers between hidden layers; of layer 1 if there is no other."""
    between = slice(1, style.depth(run)) if style.depth(run) > 1 else slice(1)
    w, b = (float(np.median(run.arrays[name][between])) for name in ("theory_sigma_w", "theory_sigma_b"))
    return w, b


def activation_of(run: style.Measured) -> Activation | None:
    """The activation of a run by its params; None for a custom one, of which the params have the name alone."""
    given = parameters(run)
    row = TABLES["activation"][given.pop("name")]
    if isinstance(row, Activation):
        return row
    return None if row is custom else row(**{k: float(v) for k, v in given.items()})


def finding(runs: style.Runs) -> str:
    """How many cells learned within the depth that theory allows, and beyond it."""
    counts = {True: [0, 0], False: [0, 0]}  # within? -> learned, of so many
    for run in runs:
        activation = activation_of(run) if predicted(run) and style.trained([run]) else None
        if activation is not None:
            w, b = (np.array([value]) for value in place(run))
            count = counts[bool(theory.plane(activation, w, b).depth[0, 0] >= style.depth(run))]
            count[0] += words.outcome(run) == "learned"
            count[1] += 1
    parts = [
        f"of {words.number(cells, 'network')} {where} theory allows, {learned} learned"
        for where, (learned, cells) in (("not deeper than", counts[True]), ("deeper than", counts[False]))
        if cells
    ]
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


FIGURE = style.Figure(
    "Phase diagram: how deep can a network be?",
    lambda runs: (len(style.different(runs, kind)), len(style.depths(runs))), draw, (2.9, 2.4),
    partial(layout.by_blocks, kind=kind), choose, finding=finding,
)  # fmt: skip
