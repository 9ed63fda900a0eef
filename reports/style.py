"""What every figure shares: looks, facets, bands over replicas, and the layer axis. Draws nothing on its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mlpstudy.palette import DEEPEST, colour
from mlpstudy.results import mean_and_interval
from mlpstudy.tracking import Run

RC: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "savefig.dpi": 150,
    "svg.hashsalt": "mlpstudy",
}
MIDDLE = 15  # the depth whose shade stands for an initializer
FOOTNOTE = "line: mean over {n} random initializations{log}, those that diverged left out; band: 95 % interval"


class CannotDraw(Exception):
    """Why a figure cannot be drawn from these runs, in one line."""


@dataclass(frozen=True)
class Figure:
    """A figure as data: how many panels these runs need, and the function that fills them.

    draw(axes, runs) gets a (rows, columns) array of axes; it neither loads, nor saves, nor touches global state.
    """

    title: str
    panels: Callable[[Sequence[Run]], tuple[int, int]]
    draw: Callable[[NDArray[Any], Sequence[Run]], None]
    panel_size: tuple[float, float] = (3.4, 2.6)  # inches


def depth(run: Run) -> int:
    """Number of hidden layers."""
    return int(run.params["depth"])


def run_colour(run: Run) -> str:
    """The run's colour, the same here and in the MLflow UI."""
    return colour(run.params["init"], depth(run))


def colours(runs: Sequence[Run]) -> dict[str, str]:
    """A colour for each run of a panel, by run id: the initializer's hue, in shades where several share it."""
    by_init: dict[str, list[str]] = {}
    for run in runs:
        by_init.setdefault(run.params["init"], []).append(run.id)
    shades = {n: [MIDDLE] if n == 1 else np.geomspace(1, DEEPEST, n).astype(int) for n in range(1, len(runs) + 1)}
    return {
        run_id: colour(init, int(shade))
        for init, ids in by_init.items()
        for run_id, shade in zip(ids, shades[len(ids)], strict=True)
    }


def dashes(runs: Sequence[Run]) -> dict[str, str]:
    """A line style for each run, by run id, where runs share initializer, activation and depth, and so their colour."""
    seen: dict[tuple[str, ...], int] = {}
    styles = {}
    for run in runs:
        key = tuple(run.params[name] for name in ("init", "activation", "depth"))
        styles[run.id] = ("-", "--", ":", "-.")[seen.get(key, 0) % 4]
        seen[key] = seen.get(key, 0) + 1
    return styles


def label(run: Run) -> str:
    """What tells the run apart inside a panel of one activation and depth."""
    return run.name.replace(f"-{run.params['activation']}-d{run.params['depth']}", "", 1)


def activations(runs: Sequence[Run]) -> list[str]:
    """Activations in the order of the sweep."""
    return list(dict.fromkeys(run.params["activation"] for run in runs))


def depths(runs: Sequence[Run]) -> list[int]:
    """Depths, shallow to deep."""
    return sorted({depth(run) for run in runs})


def facets(runs: Sequence[Run]) -> list[list[tuple[str, int]]]:
    """(activation, depth) of each panel: a row an activation, a column a depth; one row where depth is one."""
    rows = [[(activation, layers) for layers in depths(runs)] for activation in activations(runs)]
    return rows if len(rows[0]) > 1 else [[panel for row in rows for panel in row]]


def facet(runs: Sequence[Run], activation: str, layers: int) -> list[Run]:
    """The runs of one panel."""
    return [run for run in runs if run.params["activation"] == activation and depth(run) == layers]


def layered(runs: Sequence[Run]) -> list[Run]:
    """The runs with hidden layers; raises CannotDraw where there is none."""
    found = [run for run in runs if depth(run) > 0]
    if not found:
        raise CannotDraw("none of these runs has a hidden layer")
    return found


def band(axes: Axes, x: NDArray[Any], values: NDArray[np.float64], log: bool = False, **line: Any) -> Line2D:
    """Mean over replicas (first axis of values) and its 95 % interval; in log10 where the axis is."""
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            centre, half = mean_and_interval(np.log10(values))
        low, middle, high = 10 ** (centre - half), 10**centre, 10 ** (centre + half)
    else:
        middle, half = mean_and_interval(values)
        low, high = middle - half, middle + half
    if len(x) == 1:
        line["marker"] = "o"  # a line of one point is invisible
    (drawn,) = axes.plot(x, middle, **line)
    axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.2, linewidth=0)
    return drawn


def layer_axis(axes: Axes, layers: int) -> None:
    """Label the ends of the horizontal axis, which counts hidden layers."""
    ticks = [1, layers] if layers > 1 else [1]
    axes.set_xticks(ticks, [f"{tick}\n{end}" for tick, end in zip(ticks, ("input side", "output side"), strict=False)])
    axes.set_xlim(1 - 0.02 * layers, max(layers, 1.5) + 0.02 * layers)


def footnote(axes: NDArray[Any], runs: Sequence[Run], log: bool = False) -> None:
    """Say below the figure what lines and bands are."""
    replicas = sorted({int(run.params["replicas"]) for run in runs})
    count = str(replicas[0]) if len(replicas) == 1 else f"{replicas[0]} to {replicas[-1]}"
    text = FOOTNOTE.format(n=count, log=" (of log10 on log axes)" if log else "")
    axes.flat[0].figure.supxlabel(text, fontsize=8, color="0.4")


def legend(axes: NDArray[Any], extra: Sequence[Line2D] = ()) -> None:
    """One legend for the whole figure, each label once, outside the panels."""
    found: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    found |= {str(line.get_label()): line for line in extra}
    if found:
        axes.flat[0].figure.legend(
            list(found.values()), list(found), loc="outside right upper", fontsize=9, handlelength=1.6
        )


def panel_title(activation: str, layers: int) -> str:
    """tanh, 5 hidden layers."""
    return f"{activation}, {layers} hidden layer{'s' * (layers != 1)}"


def style_key(**style: Any) -> Line2D:
    """A grey line for the legend, to explain a line style."""
    return Line2D([], [], color="0.35", **style)
