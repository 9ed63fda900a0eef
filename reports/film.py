"""Training as a film, one frame for each snapshot: signals, gradients, saturation, updates and activations by layer,
the learning curve, and decision regions for data in the plane.
"""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.animation import FFMpegWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mlpstudy.errors import ConfigError, one_of
from mlpstudy.measure.score import score_of
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing import hues, marks, scales, theme
from reports.figures import decision_boundary

PANELS = {  # statistic -> title, and whether the axis is logarithmic
    "delta_rms": ("gradient, relative to the last layer", True),
    "activation_rms": ("signal: rms of activations", True),
    "saturated_fraction": ("saturated share", False),
    "update_ratio": ("rms of step ÷ rms of weights", True),
}
FRAMES = 3  # in a second
WINDOW = 1e-15, 1e15  # of a logarithmic axis, at most
LAST = 6  # frames for which the end stays
DPI = 80


def write(runs: list[Run], name: str, folder: Path, looks: str) -> list[Path]:
    """Write the film of the run with this name as GIF, and as MP4 where ffmpeg is there. Raises ConfigError."""
    run = next((run for run in runs if run.name == name), None)
    if run is None:
        raise ConfigError("--film", one_of(run.name for run in runs), name)
    try:
        moments = range(len(run.arrays["step"]))
    except NotMeasured as reason:
        raise ConfigError("--film", f"a cell that kept what it measured ({reason})", name) from reason
    if len(moments) < 2:
        raise ConfigError("--film", "a cell that was trained", name)
    writers = {"gif": PillowWriter(FRAMES)} | ({"mp4": FFMpegWriter(FRAMES)} if FFMpegWriter.isAvailable() else {})
    paths = []
    with matplotlib.rc_context(theme.settings(looks)):
        for kind, writer in writers.items():
            path = folder / f"film-{name.replace('/', '_')}.{kind}"
            figure = Figure((9.6, 5.0), layout="constrained")
            FigureCanvasAgg(figure)
            axes = figure.subplots(2, 3)
            with writer.saving(figure, str(path), DPI):
                for moment in [*moments, *[moments[-1]] * LAST]:
                    frame(axes, run, moment)
                    if figure.get_layout_engine() is not None:  # panels then stay where they are in the first frame
                        figure.draw_without_rendering()
                        figure.set_layout_engine("none")
                    writer.grab_frame()
            paths.append(path)
    return paths


def frame(axes: NDArray[Any], run: Run, moment: int) -> None:
    """Draw one moment into the panels."""
    step, (_, look) = int(run.arrays["step"][moment]), next(hues.looks([run]))
    for ax in axes.flat:
        ax.clear()
    *profiles, learning, last = axes.flat
    for ax, name in zip(profiles, PANELS, strict=True):
        profile(ax, run, name, moment, look)
    curve(learning, run, step, look)
    if "decision_frames" in run.arrays and "decision_axes" in run.arrays:
        decision_boundary.regions(last, run, run.arrays["decision_frames"][moment][None])
        last.set_title("class, by one of the networks")
    else:
        distribution(last, run, step, look["color"])
    axes.flat[0].figure.suptitle(f"{run.name}: {f'after {step} steps' if step else 'before training'}", weight="bold")


def profile(axes: Axes, run: Run, name: str, moment: int, look: dict[str, Any]) -> None:
    """A statistic by layer at one moment, its start as a thin line, and theory; the axis is that of all moments."""
    title, log = PANELS[name]
    every = run.arrays[name]
    with np.errstate(all="ignore"):
        every = every / every[:, :, -1:] if name == "delta_rms" else every
    every = np.where((every > 0) & np.isfinite(every), every, np.nan) if log else every
    layers = np.arange(1, every.shape[2] + 1)
    if moment:
        marks.band(axes, layers, every[0], log=log, share=not log, color=look["color"], linewidth=0.8, alpha=0.5)
    if np.isfinite(every[moment]).any():
        marks.band(axes, layers, every[moment], log=log, share=not log, **look)
    marks.predicted(axes, run, name, look["color"])
    if log:
        scales.log_axis(axes, *np.clip(every, *WINDOW).flat)
    else:
        axes.set_ylim(-0.02, 1.02)
    scales.layer_axis(axes, len(layers))
    axes.set_title(title)


def distribution(axes: Axes, run: Run, step: int, colour: str) -> None:
    """How activations are distributed in each layer: the darker, the more values are there (square root of counts)."""
    counts, edges = run.arrays["activation_histogram"], run.arrays["activation_edges"]
    moment = max(0, int(np.searchsorted(run.arrays["histogram_step"], step, side="right")) - 1)
    total = counts[moment].sum(axis=0)  # over replicas: (depth, bins)
    shares = np.sqrt(total / np.maximum(total.max(axis=1, keepdims=True), 1))
    colours, ends = LinearSegmentedColormap.from_list("", [theme.ink(0), colour]), (0.5, len(total) + 0.5)
    axes.imshow(shares.T, colours, origin="lower", aspect="auto", vmin=0, vmax=1, extent=(*ends, edges[0], edges[-1]))
    scales.layer_axis(axes, len(total))
    axes.set_xlim(ends)
    axes.grid(visible=False)
    axes.set_title("distribution of activations")


def curve(axes: Axes, run: Run, step: int, look: dict[str, Any]) -> None:
    """The learning curve, up to this step in full strength, and a line at it."""
    name, is_share, heading = score_of(run.arrays, "curve_")
    steps, values = run.arrays["curve_step"], run.arrays[f"curve_{name}"].T
    marks.band(axes, steps, values, log=not is_share, share=is_share, color=look["color"], linewidth=1.2)
    axes.axvline(step, color=theme.ink(0.6), linewidth=1)
    axes.set_xlabel("training step")
    axes.set_title(heading)
    if is_share:
        axes.set_ylim(0, 1)
