"""The data that the page shows of a chosen network, layer by layer and over time, in a form for JSON."""

from collections.abc import Mapping
from itertools import groupby
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.agreement import disagree
from mlpstudy.measure.histograms import ARRAYS, BINS
from mlpstudy.measure.intervals import mean_and_interval
from mlpstudy.measure.outcomes import FAILED
from mlpstudy.measure.score import score_of
from mlpstudy.palette import VERDICT_GLYPHS, colour
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing.style import MIDDLE
from reports.drawing.words import NONE, UNTRAINED, gained, outcome_in_full, plain, score

# the profiles, and whether they are drawn on a log axis
LOG_SCALED = {"delta_rms": True, "activation_rms": True, "saturated_fraction": False, "update_ratio": True}
VALUES = 1250  # of a profile over all its moments, at most: then a statistic of a cell takes about 15 kB
CURVE = 60  # points of a learning curve, at most
LAYERS = 16  # whose histograms are shown, at most
JOINED = 3  # bins that are joined to one
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
POINTS = 150  # examples in the plane, at most
CHARTS = {  # what the charts show
    "gradient": "delta_rms, the rms over units and examples of dJ/dz, the derivative of the loss by pre-activations.",
    "signal": "activation_rms, the rms over units and examples of the activations a = g(z).",
    "saturation": "Share of activations on the flat part of g, where |g'(z)| is below 5.9 % of its largest value "
    "(tanh: |a| > 0.97; ReLU: z < 0, which is half of a healthy layer).",
    "updates": "update_ratio, the rms of a step of the optimizer over that of the weights.",
    "distribution": "Histograms of all random initializations; the darker a bin, the more values are in it "
    "(square root of the count). The bins at both ends hold all values beyond.",
}
MEANINGS = {
    "healthy": "Signals and gradients get through every layer.",
    "symmetric": "All units of some layer are the same. They get the same gradient and never part.",
    "dead": "In some layer nearly every unit is on the flat part of its activation, for every example.",
    "saturated": "Many activations of some layer are on the flat ends, where the slope is next to nothing.",
    "exploding": "Gradients grow on their way back to the input side, or something is no longer finite.",
    "vanishing": "Gradients fade on their way back: next to nothing is left for the input side.",
    "collapsed": "Different inputs look the same in the last hidden layer: the output hardly depends on the input.",
    "gained": "How much of what can be learned was learned on the training examples: 0 is chance, 1 is perfect. "
    "Of classes, how far the accuracy has come from chance to 1; of a regression, the explained variance.",
    "learned": "It gained more than slow and stalled.",
    "slow": "It gained more than a tenth, but less than half (verdict.slow) of what a linear model gains on the same "
    "data, on examples that this model was not fitted to. More epochs or another learning rate may help.",
    "stalled": "It gained less than a tenth (verdict.stalled).",
    "diverged": "The training loss is no longer finite.",
    "learns, is slow, stalls, diverges": "The outcome that is foreseen before training. It is foreseen twice: by the "
    "pilot, which trains one random initialization in few steps, each of which stands for many; and by theory, from "
    "how much of the error one step and all steps together could remove: too little, too much (verdict.too_slow, "
    "verdict.too_fast), or between. Where theory does not apply, this is measured at step 0. Where the two disagree, "
    "the network is near a border.",
}


def entry(run: Run) -> dict[str, Any]:
    """Everything that the page shows of a run when the reader chooses it."""
    name, text, _ = score(run)
    verdict, theory = run.tags["verdict"], run.tags.get("verdict_predicted")
    with np.errstate(all="ignore"):
        limits = np.log10([float(run.params.get(f"verdict.{end}", "nan")) for end in ("vanishing", "exploding")])
    return {
        "name": run.name,
        "verdict": verdict,
        "sign": VERDICT_GLYPHS.get(verdict, ""),
        "evidence": plain(run.tags.get("evidence", NONE)),
        "predicted": f"{theory}{', which was not measured' * (theory != verdict)}" if theory else "no verdict",
        "outcome": outcome_in_full(run),
        "gained": gained_text(run),
        "by_pilot": run.tags.get("outcome_by_pilot_reason", "nothing"),
        "by_rule": run.tags.get("outcome_predicted_reason", "nothing")
        + "; the pilot says otherwise: near a border" * disagree(run.tags),
        "advice": advised(run),
        "score_name": name,
        "score": text,
        "final": f"{run.tags.get('verdict_final', NONE)}: {plain(run.tags.get('evidence_final', NONE))}",
        "colour": colour(run.params["init"], MIDDLE),
        "limits": rounded(limits),
        **measured(run),
    }


def advised(run: Run) -> str:
    """What would help, the smallest change first; each is what to type, and why."""
    if run.tags.get("outcome") not in FAILED:
        return "nothing is needed: it learned" if run.tags.get("outcome") == "learned" else NONE
    return run.tags.get("advice", "nothing that was tried with its pilots").replace("\n", "; or ")


def gained_text(run: Run) -> str:
    """`0.22; a linear model 0.83`: what was gained, and what a linear model gains."""
    try:
        linear = f"; a linear model {float(run.arrays['linear_gain']):.2f}" if "linear_gain" in run.arrays else ""
    except NotMeasured:
        linear = ""
    return f"{gained(run):.2f}{linear}" if isfinite(gained(run)) else NONE


def measured(run: Run) -> dict[str, Any]:
    """Profiles at initialization and a learning curve, as means over replicas and halves of their 95 % intervals."""
    try:
        arrays = run.arrays
    except NotMeasured as reason:
        nothing = {"middle": [], "half": [], "note": str(reason)}
        curve = {"name": "", "log": False, "step": [], "foreseen": [], "foreseen_step": []}
        profiles = {name: {"moments": [nothing], "theory": []} for name in LOG_SCALED}
        empty = {"layers": [], "kinds": {name: {"ends": [0, 1], "moments": []} for name in ARRAYS}}
        return profiles | {"steps": [0], "curve": nothing | curve, "distribution": empty, "regions": None}
    snapshots, _, depth = arrays["delta_rms"].shape
    some = spread(snapshots, max(2, VALUES // max(depth, 1)))
    profiles = {name: profile(arrays, name, some) for name in LOG_SCALED}
    name, is_share, heading = score_of(arrays, "curve_")
    values = arrays[f"curve_{name}"]
    points = spread(len(values), CURVE)
    foreseen = arrays.get(f"foreseen_{name.partition('_')[0]}_train", np.empty(0))
    ahead = spread(len(foreseen), CURVE)
    curve = averaged(values[points].T, not is_share) | {
        "foreseen": averaged(foreseen[ahead][None], not is_share)["middle"],
        "foreseen_step": arrays["foreseen_step"][ahead].tolist() if len(foreseen) else [],
        "name": heading,
        "log": not is_share,
        "step": arrays["curve_step"][points].tolist(),
        "note": UNTRAINED if len(values) == 1 else "",
    }
    steps = arrays["step"][some]
    return {
        **profiles,
        "steps": steps.tolist(),
        "curve": curve,
        "distribution": distribution(arrays, steps),
        "regions": regions(arrays, some),
    }


def spread(n: int, most: int) -> NDArray[np.int64]:
    """At most so many of n places, evenly spread, from the first to the last."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64))


def profile(arrays: Mapping[str, NDArray[Any]], name: str, some: NDArray[np.int64]) -> dict[str, Any]:
    """A statistic by layer at these snapshots, measured (R, depth), or a note; and predicted at the first (depth,)."""
    theory = arrays.get(f"theory_{name}", np.empty(0))
    with np.errstate(all="ignore"):
        theory = np.log10(theory) if LOG_SCALED[name] else theory
    return {"moments": [at(arrays[name][i], name) for i in some], "theory": rounded(theory)}


def at(values: NDArray[Any], name: str) -> dict[str, Any]:
    """A statistic by layer at one moment, (R, depth)."""
    note = "" if values.size else "no hidden layer"
    if values.size and not values.any():
        note = "no gradient reaches any hidden layer" if name == "delta_rms" else "0 in every layer"
    with np.errstate(all="ignore"):
        if name == "delta_rms":
            values = values / values[:, -1:]
    return averaged(values, LOG_SCALED[name]) | {"note": note}


def distribution(arrays: Mapping[str, NDArray[Any]], steps: NDArray[np.int64]) -> dict[str, Any]:
    """Histograms of all replicas in some layers: for each of these steps one letter a bin, 0 to z, layer by layer.

    The letter is the square root of the count, relative to the fullest bin of the layer, so that rare values show.
    """
    depth = arrays["sizes"].size - 2 if "sizes" in arrays else 0
    layers = spread(depth, LAYERS)
    kept = arrays.get("histogram_step", np.zeros(1))
    at = np.maximum(np.searchsorted(kept, steps, side="right") - 1, 0)  # the latest until then
    kinds = {}
    for name in ARRAYS:
        edges, moments = arrays.get(f"{name}_edges", np.arange(2.0)), []
        for i in at if f"{name}_histogram" in arrays else ():
            counts = arrays[f"{name}_histogram"][i].sum(axis=0)[layers]  # (layers, BINS)
            coarse = counts.reshape(len(layers), BINS // JOINED, JOINED).sum(axis=2)
            share = np.sqrt(coarse / np.maximum(coarse.max(axis=1, keepdims=True), 1))
            levels = np.ceil(share * (len(LETTERS) - 1)).astype(int)
            moments.append("".join(LETTERS[level] for level in levels.flat))
        kinds[name] = {"ends": [float(edges[0]), float(edges[-1])], "moments": moments}
    return {"layers": (layers + 1).tolist(), "kinds": kinds}


def regions(arrays: Mapping[str, NDArray[Any]], some: NDArray[np.int64]) -> dict[str, Any] | None:
    """The class that the first replica gives to each point of the plane, at these snapshots; and examples.

    `12a3b`: twelve points of class a, then three of class b, row by row from the bottom; - where h is not finite.
    """
    if "decision_frames" not in arrays or "decision_axes" not in arrays:
        return None
    frames, axes = arrays["decision_frames"][some], arrays["decision_axes"]
    low, high = axes[:, 0], axes[:, -1]
    points = (arrays["decision_points"][:POINTS] - low) / np.where(high > low, high - low, 1)
    classes = [class_letter(int(k)) for k in arrays["decision_classes"][:POINTS]]
    return {
        "side": frames.shape[1],
        "moments": ["".join(f"{len([*same])}{class_letter(k)}" for k, same in groupby(f.flat)) for f in frames],
        "points": [[*map(float, point.round(3)), name] for point, name in zip(points, classes, strict=True)],
    }


def class_letter(name: int) -> str:
    """The letter of a class: a to h, then again from a, as the colours of classes are; - for none."""
    return "abcdefgh"[name % 8] if name >= 0 else "-"


def averaged(values: NDArray[Any], log: bool) -> dict[str, Any]:
    """Mean over replicas (first axis) and half its 95 % interval, in log10 if it is drawn on a log axis."""
    with np.errstate(all="ignore"):
        middle, half = mean_and_interval(np.log10(values) if log else values)
    return {"middle": rounded(middle), "half": rounded(half)}


def rounded(values: NDArray[Any]) -> list[float | None]:
    """The values for JSON: two decimals, and null if a value is not finite."""
    return [round(float(value), 2) if isfinite(value) else None for value in values]
