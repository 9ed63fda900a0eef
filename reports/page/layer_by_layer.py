"""The data that the page shows of a chosen network, layer by layer, in a form for JSON."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.intervals import mean_and_interval
from mlpstudy.measure.score import score_of
from mlpstudy.palette import VERDICT_GLYPHS, colour
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing.style import MIDDLE
from reports.drawing.words import NONE, UNTRAINED, outcome_in_full, score

# the profiles, and whether they are drawn on a log axis
LOG_SCALED = {"delta_rms": True, "activation_rms": True, "saturated_fraction": False, "update_ratio": True}
VALUES = 1250  # of a profile over all its moments, at most: then a statistic of a cell takes about 15 kB
POINTS = 60  # points of a learning curve, at most
MEANINGS = {
    "healthy": "Signals and gradients get through every layer.",
    "symmetric": "All units of some layer are the same. They get the same gradient and never part.",
    "dead": "In some layer nearly every unit is on the flat part of its activation, for every example.",
    "saturated": "Many activations of some layer are on the flat ends, where the slope is next to nothing.",
    "exploding": "Gradients grow on their way back to the input side, or something is no longer finite.",
    "vanishing": "Gradients fade on their way back: next to nothing is left for the input side.",
    "collapsed": "Different inputs look the same in the last hidden layer: the output hardly depends on the input.",
    "learned": "The training accuracy ended above chance: more than a tenth (verdict.stalled) of the way to 1. "
    "For a regression: the explained variance is above a tenth.",
    "stalled": "The training accuracy did not get that far.",
    "diverged": "The training loss is no longer finite.",
    "learns, stalls, diverges": "The outcome that is foreseen before training, from how much of the error one step and "
    "all steps together could remove: too little, too much (verdict.too_slow, verdict.too_fast), or between.",
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
        "meaning": MEANINGS.get(verdict, ""),
        "evidence": run.tags.get("evidence", NONE),
        "predicted": f"{theory}{', which was not measured' * (theory != verdict)}" if theory else "no verdict",
        "outcome": outcome_in_full(run),
        "foreseen": run.tags.get("outcome_predicted_reason", "nothing"),
        "score_name": name,
        "score": text,
        "final": f"{run.tags.get('verdict_final', NONE)}: {run.tags.get('evidence_final', NONE)}",
        "colour": colour(run.params["init"], MIDDLE),
        "limits": rounded(limits),
        **measured(run),
    }


def measured(run: Run) -> dict[str, Any]:
    """Profiles at initialization and a learning curve, as means over replicas and halves of their 95 % intervals."""
    try:
        arrays = run.arrays
    except NotMeasured as reason:
        nothing = {"middle": [], "half": [], "note": str(reason)}
        curve = {"name": "", "log": False, "step": []}
        profiles = {name: {"moments": [nothing], "theory": []} for name in LOG_SCALED}
        return profiles | {"steps": [0], "curve": nothing | curve}
    some = moments(arrays)
    profiles = {name: profile(arrays, name, some) for name in LOG_SCALED}
    name, is_share, told = score_of(arrays, "curve_")
    values = arrays[f"curve_{name}"]
    points = np.unique(np.linspace(0, len(values) - 1, POINTS).astype(int))
    curve = averaged(values[points].T, not is_share) | {
        "name": told,
        "log": not is_share,
        "step": arrays["curve_step"][points].tolist(),
        "note": UNTRAINED if len(values) == 1 else "",
    }
    return {**profiles, "steps": arrays["step"][some].tolist(), "curve": curve}


def moments(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """The snapshots that are shown: the first, the last, and as many between them as VALUES allows."""
    snapshots, _, depth = arrays["delta_rms"].shape
    most = max(2, min(snapshots, VALUES // max(depth, 1)))
    return np.unique(np.linspace(0, snapshots - 1, most).astype(np.int64))


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


def averaged(values: NDArray[Any], log: bool) -> dict[str, Any]:
    """Mean over replicas (first axis) and half its 95 % interval, in log10 if it is drawn on a log axis."""
    with np.errstate(all="ignore"):
        middle, half = mean_and_interval(np.log10(values) if log else values)
    return {"middle": rounded(middle), "half": rounded(half)}


def rounded(values: NDArray[Any]) -> list[float | None]:
    """The values for JSON: two decimals, and null if a value is not finite."""
    return [round(float(value), 2) if isfinite(value) else None for value in values]
