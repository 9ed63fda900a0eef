"""Which layers sit on the flat part of g? Shares of entries and of units, and histograms of the activations."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reports.drawing import hues, layout, marks, scales, style, theme

RIDGES = 6  # layers in a histogram panel
LEAST = 0.005  # a smaller share counts as none
HISTOGRAMS = 5  # histogram panels in a row
WORDS = {  # names for being on the flat part of g, if g is bounded on both sides, on one, or on none
    2: "saturated",
    1: "inactive",
    0: "on the flat side",
}
MEANING = (
    "saturated, inactive: |g'(z)| is below 5.9 % of its largest value (tanh: |a| > 0.97; ReLU: z < 0, which is half "
    "of a healthy layer), so that hardly any gradient passes; dead: a unit for which that is so with every example"
)
HISTOGRAM = (
    "histograms: activations a of up to six layers, as the square root of counts; the outermost bins also count all "
    "values outside"
)


def panels(runs: style.Runs) -> tuple[int, int]:
    """A row for each activation and depth: three shares, and a histogram panel per initializer."""
    return len(style.facets(runs)), 3 + max(len(style.facet(runs, *row)) for row in style.facets(runs))


def draw(axes: NDArray[Any], runs: style.Runs) -> None:
    """Lines: one per initializer; ridges: activations of up to six layers."""
    for row, mine in layout.rows(axes, runs):
        by_layer(row[0], mine, "saturated_fraction")
        over_training(row[1], mine)
        by_layer(row[2], mine, "dead_fraction")
        for ax in row[:2]:
            _share_axis(ax, mine, "saturated" if word(mine) == "saturated" else "")
        _share_axis(row[2], mine, "dead")
        for ax in row[1:3]:
            ax.tick_params(labelleft=False)
        for ax, run in zip(row[3:], mine, strict=False):
            ridges(ax, run)
        for ax in row[3 + len(mine) :]:
            ax.set_axis_off()
        row[0].set_ylabel(f"share\n{word(mine)}")
        row[3].set_ylabel("layer")
        for ax in row[3:]:
            ax.set_xlabel("activation a")
    for ax, head in zip(axes[0], ("by layer", "worst layer, by step", "dead units"), strict=False):
        ax.set_title(head)
    marks.footnote(axes, runs, MEANING, HISTOGRAM)
    before = [marks.style_key(label="at initialization"), *marks.theory_key(runs, "saturated_fraction")]
    start = marks.style_key(linewidth=6, alpha=0.4, label="histogram\nat initialization")
    after = marks.style_key(linestyle=":", label="after training")
    end = marks.style_key(color=theme.ink(0.9), linewidth=0.9, label="histogram\nafter training")
    marks.legend(axes, [*before, after, start, end] if style.trained(runs) else [*before, start])


def word(runs: style.Runs) -> str:
    """The name for being on the flat part of these activations; their ranges decide."""
    names = {WORDS[int(np.isfinite(run.arrays["activation_range"]).sum())] for run in runs}
    return names.pop() if len(names) == 1 else "on the flat part"


def by_layer(axes: Axes, runs: style.Runs, name: str) -> None:
    """A share in every layer: at initialization as a line with theory, after training dotted."""
    for run, look in hues.looks(runs):
        share = run.arrays[name]  # (S, R, depth)
        x = marks.layers(share)
        marks.band(axes, x, share[0], share=True, **look)
        marks.predicted(axes, run, name, look["color"])
        if len(share) > 1:
            marks.band(axes, x, share[-1], share=True, color=look["color"], linestyle=":")
    scales.layer_axis(axes, style.depth(runs[0]))


def over_training(axes: Axes, runs: style.Runs) -> None:
    """The share in the layer with the largest share, at every snapshot."""
    for run, look in hues.looks(runs):
        worst = run.arrays["saturated_fraction"].max(axis=2)  # (S, R)
        marks.band(axes, run.arrays["step"] + 1, worst.T, share=True, **look)
    scales.step_axis(axes)


def _share_axis(axes: Axes, runs: style.Runs, verdict: str) -> None:
    """An axis from 0 to 1; the range of the verdict is shaded, if there is one."""
    axes.set_ylim(-0.03, 1.03)
    if verdict:
        marks.shade(axes, float(runs[0].params[f"verdict.{verdict}"]), 1.03, verdict, "bottom")


def ridges(axes: Axes, run: style.Measured) -> None:
    """Histograms of the activations of up to six layers, first at the bottom: start filled, end as a line."""
    edges = run.arrays["activation_edges"]
    counts = run.arrays["activation_histogram"].sum(axis=1)  # (H, depth, bins), over replicas
    layers = np.unique(np.linspace(0, counts.shape[1] - 1, min(RIDGES, counts.shape[1])).astype(int))
    middle = (edges[:-1] + edges[1:]) / 2
    for place, layer in enumerate(layers):
        for when in (0, -1)[: len(counts)]:
            top = counts[when, layer].max()
            height = place + 0.85 * np.sqrt(counts[when, layer] / top) if top else np.full(len(middle), np.nan)
            if when == 0:
                axes.fill_between(middle, place, height, color=hues.run_colour(run), alpha=0.4, linewidth=0)
            else:
                axes.plot(middle, height, color=theme.ink(0.9), linewidth=0.9)
    axes.set_yticks(range(len(layers)), [str(layer + 1) for layer in layers])
    axes.set_ylim(-0.1, len(layers) + 0.05)
    axes.set_title(style.wrapped(run))
    if edges[0] < edges[-1]:  # otherwise g is constant
        axes.set_xlim(edges[0], edges[-1])
    axes.grid(visible=False)


def finding(runs: style.Runs) -> str:
    """The largest share on the flat part of any layer, before and after training, and where it is."""

    def worst(snapshot: int) -> str:
        shares = {run.name: run.arrays["saturated_fraction"][snapshot].mean(axis=0).max() for run in runs}
        known = {name: float(share) for name, share in shares.items() if np.isfinite(share)}
        if not known:
            return "not finite"
        name = max(known, key=lambda name: known[name])
        return f"up to {known[name]:.0%} of a layer" + (f" ({name})" if known[name] >= LEAST else "")

    text = f"Where g is flat, at the start: {worst(0)}"
    return text + (f"; after training: {worst(-1)}" if style.trained(runs) else "")


FIGURE = style.Figure(
    "Saturation: how much of each layer sits where g is flat",
    panels, draw, (1.75, 2.1), partial(style.by_facets, lines=HISTOGRAMS), style.layered, ("activation_range",),
    arranges=True, finding=finding,
)  # fmt: skip
