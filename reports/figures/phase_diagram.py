"""Where on the plane of (sigma_w, sigma_b) does each cell lie, how deep can a network there be, and did it train?"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from mlpstudy import theory
from mlpstudy.cells.custom import activation as custom
from mlpstudy.cells.parts import TABLES
from mlpstudy.network.activations import Activation
from reports.drawing import hues, layout, marks, style, theme, words

ACTIVATIONS, DEPTHS, INITS = 4, 4, 12  # of a page
PER_OCTAVE, ROWS = 16, 31  # resolution of the picture: columns for each octave of sigma_w, and rows
LEAST = (-1, 2)  # the least range of sigma_w, in octaves
DEPTH = (3.0, 1000.0)  # the depths at the ends of the colour scale
TICKS = (3, 10, 30, 100, 300, 1000)
NEAR = (0.1, 0.04)  # octaves of sigma_w, and sigma_b: of markers that are closer, each is smaller than the one below
RING, MOST = 5.0, 5  # points by which a marker is larger than the next one above it, and how often
RIDGE = np.geomspace(1e-3, 0.1, 12)  # distances from the ridge of a scale-invariant activation, where it has columns
INDEXED = marks.SMALL / 0.7  # points; subscripts are 0.7 of this size
POINT: dict[str, Any] = {"marker": "d", "markersize": 15, "markerfacecolor": "none", "markeredgewidth": 1.5}
MARK: dict[str, Any] = {"markersize": 5.5, "markeredgewidth": 1.8, "clip_on": False, "zorder": 5}
FIXED = ("name=", "function=", "derivative=")  # these settings are not parameters of an activation


def choose(runs: style.Runs) -> style.Runs:
    """The runs with hidden layers; raises CannotDraw if theory predicts none of them."""
    found = style.layered(runs)
    if not any(map(predicted, found)):
        raise style.CannotDraw("no theory of these runs: it needs independent random weights and finite signals")
    return found


def kind(run: style.Measured) -> str:
    """The activation of a run with its parameters."""
    given = [f"{k.partition('.')[2]}={v}" for k, v in run.params.items() if k.startswith("activation.")]
    return " ".join([run.params["activation"], *(text for text in given if not text.startswith(FIXED))])


def kinds(runs: style.Runs) -> list[str]:
    """All kinds of activation, in the order of the sweep."""
    return list(dict.fromkeys(map(kind, runs)))


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each kind of activation, a column for each depth."""
    return len(kinds(runs)), len(style.depths(runs))


def predicted(run: style.Measured) -> bool:
    """Does theory give this run a place on the plane?"""
    return "theory_sigma_w" in run.arrays


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """A row for each activation, a column for each depth; the same part of the plane everywhere."""
    sides = window(runs)
    for row, name in zip(axes, kinds(runs), strict=True):
        for ax, depth in zip(row, style.depths(runs), strict=True):
            panel(ax, sides, style.Part((run for run in runs if (kind(run), style.depth(run)) == (name, depth)), runs))
            ax.set_title(f"{name}, {depth} hidden layer{'s' * (depth != 1)}")
        row[0].set_ylabel(r"$\sigma_b$ of biases", size=INDEXED, parse_math=True)
    for ax in axes[-1]:
        ax.set_xlabel(r"$\sigma_w$ of weights $\times\ \sqrt{n}$", size=INDEXED, parse_math=True)
    scale = ScalarMappable(LogNorm(*DEPTH), colours())
    bar = axes.flat[0].figure.colorbar(scale, ax=list(axes.flat), aspect=40, extend="both")
    bar.set_ticks(TICKS, labels=[str(tick) for tick in TICKS])
    bar.set_label("layers that can be\ntrained, by theory")
    bar.outline.set_visible(False)
    missing = layout.labels([run for run in runs if not predicted(run)])
    layout.remark(
        axes,
        "layers that can be trained: 6 times the number of layers in which the gradient, or the difference of two "
        "inputs, changes by a factor e (the smaller of both). Where cells lie at the same place, one marker is around "
        "the other",
        f"not on the plane, as theory needs independent random weights and finite signals: {style.listed(missing, 8)}"
        if missing
        else "",
    )
    drawn = [(str(line.get_label()), line.get_color()) for ax in axes.flat for line in ax.lines]
    seen = {label: hue for label, hue in drawn if not label.startswith("_")}
    inits = [marks.style_key(linestyle="", marker="o", markersize=6, color=c, label=name) for name, c in seen.items()]
    marks.legend(axes, inits + keys(runs))


def window(runs: style.Runs) -> tuple[float, float, float]:
    """Least and largest sigma_w, in whole octaves, and the largest sigma_b that are shown."""
    w, b = np.array([place(run) for run in runs if predicted(run)] or [(1.0, 0.0)]).T
    octaves = min(np.floor(np.log2(w.min() / 1.1)), LEAST[0]), max(np.ceil(np.log2(1.1 * w.max())), LEAST[1])
    return float(2 ** octaves[0]), float(2 ** octaves[1]), max(1.0, float(np.ceil(10 * b.max()) / 8))


def keys(runs: style.Runs) -> list[Any]:
    """The legend entries of the lines and shapes that occur."""
    known = [activation for activation in map(activation_of, runs) if activation is not None]
    edges = [found for found in map(theory.edge_of_chaos, known) if in_sight(found, window(runs))]
    lines: list[dict[str, Any]] = []
    if any(not is_point(edge) for edge in edges):
        lines.append({"label": "edge of chaos", "linewidth": 2})
    if any(not edge.stable[edge.sigma_b <= window(runs)[2]].all() for edge in edges):
        lines.append({"label": "edge, unstable\nor saturated", "linewidth": 2, "linestyle": ":"})
    if any(is_point(edge) for edge in edges):
        lines.append({"label": "edge of chaos,\na single point", "linestyle": ""} | POINT | {"markersize": 10})
    if known:
        lines.append({"label": "as deep as these\nnetworks are", "linewidth": 0.9})
    found = {words.outcome(run) for run in runs if predicted(run)}
    shapes = [{"label": k, "marker": v, "markersize": 6} for k, v in layout.SHAPES.items() if k in found]
    return [
        *(marks.style_key(color=theme.ink(), **line) for line in lines),
        *(marks.style_key(linestyle="", **shape) for shape in shapes),
    ]


def panel(axes: Axes, sides: tuple[float, float, float], runs: Sequence[style.Measured]) -> None:
    """The plane of one activation, its edge of chaos, and the cells of one depth."""
    if not runs:
        axes.set_axis_off()
        return
    activation = activation_of(runs[0])
    if activation is None:
        marks.note(axes, "no plane: MLflow does not\nhold the code of this activation", 0.5, 0.9, ha="center", va="top")
    else:
        background(axes, plane(activation, *sides), style.depth(runs[0]))
        edge(axes, activation, sides)
    mark(axes, runs)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlim=sides[:2], ylim=(0, sides[2]))
    axes.grid(visible=False)


def background(axes: Axes, found: theory.Plane, depth: int) -> None:
    """The trainable depth as colour, and a line at the depth of these cells."""
    colour = np.clip(found.depth, *DEPTH)
    look: dict[str, Any] = {"cmap": colours(), "norm": LogNorm(*DEPTH), "shading": "gouraud", "rasterized": True}
    axes.pcolormesh(found.sigma_w, found.sigma_b, colour, **look)
    shallow = np.clip(found.depth, 0.1, 1e4)
    axes.contour(found.sigma_w, found.sigma_b, shallow, levels=[depth], colors=[theme.ink(0.8)], linewidths=0.9)


def edge(axes: Axes, activation: Activation, sides: tuple[float, float, float]) -> None:
    """The edge of chaos, chi = 1: dotted if it is not usable, a diamond if it is a single point."""
    found = theory.edge_of_chaos(activation)
    if not in_sight(found, sides):
        marks.note(axes, "no edge of chaos here", 0.97, 0.96, ha="right", va="top")
        return
    look: dict[str, Any] = {"color": theme.ink(), "linewidth": 2, "path_effects": halo(3.5)}
    if is_point(found):
        axes.plot(found.sigma_w[:1], found.sigma_b[:1], clip_on=False, **look | POINT)
        return
    for stable, linestyle in ((True, "-"), (False, ":")):
        there = found.stable == stable
        if there.any():
            axes.plot(*(np.where(there, side, np.nan) for side in (found.sigma_w, found.sigma_b)), linestyle, **look)


def in_sight(edge: theory.Edge, sides: tuple[float, float, float]) -> bool:
    """Does the edge of chaos cross this window?"""
    low, high, top = sides
    return bool(((edge.sigma_w >= low) & (edge.sigma_w <= high) & (edge.sigma_b <= top)).any())


def is_point(edge: theory.Edge) -> bool:
    """Is the edge a single point, as for a scale-invariant activation?"""
    return edge.q.size > 0 and bool(np.ptp(edge.sigma_w) < 1e-9 and np.ptp(edge.sigma_b) < 1e-9)


def mark(axes: Axes, runs: Sequence[style.Measured]) -> None:
    """Cells: colour and label of the initializer, shape of the outcome. At the same place, the later the smaller."""
    drawn = [(*place(run), run, look) for run, look in hues.looks(style.Part(filter(predicted, runs), runs))]
    for i, (w, b, run, look) in enumerate(drawn):
        over = sum(abs(np.log2(w / other)) < NEAR[0] and abs(b - bias) < NEAR[1] for other, bias, *_ in drawn[i + 1 :])
        size = MARK | {"markersize": MARK["markersize"] + RING * min(over, MOST)}
        (point,) = axes.plot([w], [b], layout.SHAPES[words.outcome(run)], **size)
        point.set(color=look["color"], label=look["label"], path_effects=halo(4))


def halo(width: float) -> list[Any]:
    """An outline that separates a line or a marker from the colours behind it."""
    return [withStroke(linewidth=width, foreground=theme.ink(0))]


def place(run: style.Measured) -> tuple[float, float]:
    """(sigma_w, sigma_b): the median over the layers between hidden layers; of layer 1 if there is no other."""
    between = slice(1, style.depth(run)) if style.depth(run) > 1 else slice(1)
    w, b = (float(np.median(run.arrays[name][between])) for name in ("theory_sigma_w", "theory_sigma_b"))
    return w, b


def activation_of(run: style.Measured) -> Activation | None:
    """The activation of a run by its params; None for a custom one, of which the params have the name alone."""
    prefix = "activation."
    given = {k.removeprefix(prefix): v for k, v in run.params.items() if k.startswith(prefix)}
    row = TABLES["activation"][given.pop("name")]
    if isinstance(row, Activation):
        return row
    return None if row is custom else row(**{k: float(v) for k, v in given.items()})


@lru_cache(maxsize=64)
def plane(activation: Activation, low: float, high: float, top: float) -> theory.Plane:
    """The trainable depths of an activation on a grid over a window."""
    columns = np.geomspace(low, high, PER_OCTAVE * round(np.log2(high / low)) + 1)
    found = theory.edge_of_chaos(activation)
    if is_point(found):  # the single point of a scale-invariant g, and a ridge above it that is narrow
        ridge = found.sigma_w[0] * np.concatenate([1 - RIDGE, [1.0], 1 + RIDGE])
        columns = np.union1d(columns, ridge[(ridge > low) & (ridge < high)])
    return theory.plane(activation, columns, np.linspace(0, top, ROWS))


def colours() -> str:
    """Colours from similar to the background to different from it."""
    return "YlGnBu" if theme.is_light() else "YlGnBu_r"


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
    told = [
        f"of {words.number(cells, 'network')} {where} theory allows, {learned} learned"
        for where, (learned, cells) in (("not deeper than", counts[True]), ("deeper than", counts[False]))
        if cells
    ]
    found = "; ".join(told)
    return found[:1].upper() + found[1:]


FIGURE = style.Figure(
    "Phase diagram: how deep can a network be?",
    panels, draw, (2.9, 2.4), layout.by_blocks(ACTIVATIONS, DEPTHS, INITS, kind), choose,
    finding=finding,
)  # fmt: skip
