"""The names and values of everything that a run logs in MLflow.

Values are means over the finite replicas, and NaN if there is none. MLflow would store inf as 1e308, which ruins the
axes of its charts.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.cell_result import CellResult
from mlpstudy.cells.config import Config
from mlpstudy.foresight.agreement import disagree
from mlpstudy.foresight.before import Before
from mlpstudy.measure.arrays import CURVES
from mlpstudy.measure.intervals import decimals, mean_and_interval, over_replicas, repeated, same_replicas
from mlpstudy.measure.outcomes import FAILED
from mlpstudy.measure.score import score_of
from mlpstudy.measure.statistics import LOG_SCALED, STATISTICS
from mlpstudy.tracking import dashboard
from mlpstudy.tracking.uris import redact

Values = NDArray[np.float64]
Rows = dict[tuple[str, int], float]  # (metric, step) -> value
POINTS = 15  # of the foreseen curve, besides the first; statistics.npz has all
LAYERS = 12  # at most so many series for each statistic, so that the UI stays usable; statistics.npz has all layers


def parameters(config: Config) -> dict[str, str]:
    """The params of a run: short names first, then every key; passwords are hidden."""
    flat = config.flat
    widths = set(config.hidden)
    short = {
        "init": config.init_name,
        "activation": config.activation_name,
        "depth": len(config.hidden),
        "width": widths.pop() if len(widths) == 1 else str(list(config.hidden)),
        "gain": flat["init.gain"],
        "loss": flat["loss.name"],
        "optimizer": flat["optimizer.name"],
        "lr": flat["optimizer.lr"],
        "data": flat["data.name"],
    }
    unused = {"network.depth": None, "network.width": None} if flat["network.hidden"] is not None else {}
    return {k: redact(str(v)) for k, v in (short | dict(flat) | unused).items()}


def tags(result: CellResult) -> dict[str, str]:
    """The tags of a run: verdicts, evidence and, if it was to be trained, outcome."""
    written = predicted_tags(result.before) | {
        "mlflow.note.content": note(result),
        "verdict": result.verdict.name,
        "verdict_final": result.verdict_final.name,
        "verdicts": ", ".join(result.verdict.all),
        "evidence": result.verdict.evidence,
        "evidence_final": result.verdict_final.evidence,
    }
    if result.outcome is not None and result.outcomes is not None:
        each = ", ".join(f"{(result.outcomes == name).sum()} {name}" for name in np.unique(result.outcomes))
        written |= {"outcome": result.outcome, "outcomes": each}
    if result.advice and result.outcome in FAILED:  # of several replicas, most may have learned
        written["advice"] = "\n".join(result.advice)
    if same := _same(result):
        written["same_replicas"] = same
    return written


def _same(result: CellResult) -> str:
    """Why there is no interval over replicas; empty if there is one."""
    if not repeated(result.arrays):
        return ""
    return same_replicas(result.arrays["curve_loss_train"].shape[1], int(result.arrays["distinct_replicas"]))


def note(result: CellResult) -> str:
    """The description of a run, in markdown: verdicts, their evidence, and the outcome."""
    lines = [f"- At initialization **{result.verdict.name}**: {result.verdict.evidence}."]
    if result.verdict_predicted is not None:
        lines.append(f"- By theory **{result.verdict_predicted.name}**: {result.verdict_predicted.evidence}.")
    for forecast in (result.foreseen, result.pilot):
        if forecast is not None:
            lines.append(f"- Foreseen **{forecast.outcome}**, by {forecast.by}: {forecast.reason}.")
    if disagree(predicted_tags(result.before)):
        lines.append("- These two disagree: near a border.")
    if len(result.arrays["step"]) > 1:
        lines.append(f"- At the end **{result.verdict_final.name}**: {result.verdict_final.evidence}.")
    name, _, words = score_of(result.arrays, "curve_")
    last = result.last(name)
    if last is not None and result.outcome is not None:
        centre, half = (float(value) for value in over_replicas(result.arrays, last))
        spread = f" ± {decimals(half)} (95 % interval)" if np.isfinite(half) else ""
        lines.append(f"- Outcome **{result.outcome}**: {words} {decimals(centre)}{spread}.")
        gained, linear = float(over_replicas(result.arrays, result.arrays["gained"])[0]), result.arrays["linear_gain"]
        if np.isfinite(gained):
            lines.append(f"- Gained **{gained:.2f}** of what can be learned; a linear model gains {float(linear):.2f}.")
    if same := _same(result):
        lines.append(f"- No interval: {same}.")
    return "\n".join(lines)


def data_set(cell: Cell) -> dict[str, str]:
    """The data set of a cell as MLflow keeps it: name, digest of the content, settings, and its size."""
    settings = {k: v for k, v in cell.config.flat.items() if k.startswith("data.") and v is not None}
    return {
        "name": cell.data.name,
        "digest": cell.data.digest,
        "source": redact(json.dumps(settings)),
        "profile": json.dumps(cell.data.sizes),
    }


def predicted_tags(before: Before) -> dict[str, str]:
    """What is known before training: the verdict by theory alone, and both foreseen outcomes."""
    tags: dict[str, str] = {}
    if before.verdict is not None:
        tags |= {"verdict_predicted": before.verdict.name, "evidence_predicted": before.verdict.evidence}
    for name, forecast in (("outcome_predicted", before.foreseen), ("outcome_by_pilot", before.pilot)):
        if forecast is not None:
            tags |= {name: forecast.outcome, f"{name}_reason": forecast.text}
    return tags


def headline(result: CellResult) -> Rows:
    """`final/...`: the numbers of the summary table, after the last step."""
    rows: dict[str, float] = {}
    for curve in CURVES:
        values = result.last(curve)
        if values is not None:
            centre, half = over_replicas(result.arrays, values)
            rows |= {f"final/{curve}": float(centre), f"final/{curve}_ci95": float(half)}
    if "accuracies" in result.arrays:
        for level, epochs in zip(result.arrays["accuracies"], result.arrays["epochs_to_accuracy"], strict=True):
            rows[f"final/epochs_to_accuracy_{level:g}"] = _median(epochs)
    for when, snapshot in (("init", 0), ("final", -1)):
        rows[f"final/gradient_ratio_{when}"] = float(np.median(result.delta_ratio(snapshot)))
    if result.verdict_predicted is not None:
        rows["theory/discrepancy"] = result.discrepancy("activation_rms", "delta_rms")  # in decades
        rows |= {f"theory/discrepancy_{n}": result.discrepancy(n) for n in ("activation_rms", "delta_rms")}
    if (foreseen := result.foreseen) is not None:
        rows |= {
            "foreseen/progress": foreseen.progress,
            "foreseen/progress_at_unit_gain": foreseen.progress_at_unit_gain,
            "foreseen/epochs_to_lower_loss": foreseen.epochs_to_lower_loss,
            "foreseen/largest_lr": foreseen.largest_lr,
            "final/progress_init": float(np.median(np.asarray(result.arrays["progress"], dtype=np.float64))),
            "final/epochs_to_lower_loss": _median(result.arrays["epochs_to_lower_loss"]),
        }
    centre, half = over_replicas(result.arrays, result.arrays["gained"])
    rows |= {"final/gained": float(centre), "final/gained_ci95": float(half)}
    if result.pilot is not None:
        rows["foreseen/gained"] = result.pilot.gained
    rows["final/diverged_replicas"] = float(result.broken)
    last_step = int(result.arrays["curve_step"][-1])
    return {(name, last_step): value for name, value in rows.items()}


def _median(epochs: NDArray[Any]) -> float:
    """Of the median replica, inf if it never got there: a mean over those that got there would be too good."""
    return float(np.median(np.where(np.isnan(epochs), np.inf, epochs)))


def curves(step: int, arrays: Mapping[str, Values]) -> Rows:
    """`loss/train`, `accuracy/test`, ... after so many steps, from (R,) each; beside each `loss/train_std`."""
    rows: Rows = {}
    for curve in (curve for curve in CURVES if f"curve_{curve}" in arrays):
        name, replicas = curve.replace("_", "/"), arrays[f"curve_{curve}"]
        rows[name, step] = float(mean_and_interval(replicas)[0])
        finite = replicas[np.isfinite(replicas)]
        with np.errstate(over="ignore"):
            rows[f"{name}_std", step] = float(finite.std(ddof=1)) if finite.size > 1 else float("nan")
    return rows


def foreseen_curves(before: Before, full: bool) -> Rows:
    """`foreseen/loss_train` and `foreseen/accuracy_train`, by the pilot, up to where it got; some points, or all."""
    if before.pilot is None:
        return {}
    curve = before.pilot.curve
    some = range(len(curve.step)) if full else np.unique(np.linspace(0, len(curve.step) - 1, POINTS + 1).astype(int))
    rows = {("foreseen/loss_train", int(curve.step[i])): float(curve.loss[i]) for i in some}
    if curve.accuracy is not None:
        rows |= {("foreseen/accuracy_train", int(curve.step[i])): float(curve.accuracy[i]) for i in some}
    return rows


def layers(step: int, arrays: Mapping[str, Values]) -> Rows:
    """`<statistic>/layer_03` after so many steps, from (R, depth) each; nothing between snapshots."""
    rows: Rows = {}
    for name in (name for name in STATISTICS if name in arrays):
        depth = arrays[name].shape[1]
        averaged, _ = mean_and_interval(arrays[name])
        for layer in np.unique(np.linspace(0, depth - 1, min(depth, LAYERS)).astype(int)):
            rows[f"{name}/layer_{layer + 1:02d}", step] = float(averaged[layer])
    return rows


def profiles(result: CellResult, full: bool) -> Rows:
    """`profile/<statistic>_init`, `_final` and `_theory` with step = layer: the UI then overlays depth profiles.

    Those that the charts of the UI show, or all.

    `log10_` profiles are means over replicas of the logarithm, as the prediction is, that of a typical network at
    initialization. It has delta_rms relative to the last hidden layer, and starts there from what was measured.
    """
    both: dict[tuple[str, str], tuple[Values, Values]] = {}  # profiles, and those of logarithms
    with np.errstate(divide="ignore", invalid="ignore"):  # a correlation can be negative
        for name in STATISTICS:
            for when, snapshot in (("init", 0), ("final", -1)):
                values = np.asarray(result.arrays[name][snapshot], dtype=np.float64)
                both[name, when] = mean_and_interval(values)[0], mean_and_interval(np.log10(values))[0]
        for name in STATISTICS:
            if f"theory_{name}" in result.arrays:
                predicted = np.asarray(result.arrays[f"theory_{name}"], dtype=np.float64)
                start = both[name, "init"][1][-1] if name == "delta_rms" else 0.0
                both[name, "theory"] = 10**start * predicted, start + np.log10(predicted)
    rows: Rows = {}
    for (name, when), (means, logs) in both.items():
        for layer, (mean, log) in enumerate(zip(means, logs, strict=True), start=1):
            rows[f"profile/{name}_{when}", layer] = float(mean)
            if name in LOG_SCALED:
                rows[f"profile/log10_{name}_{when}", layer] = float(log)
    return rows if full else {key: value for key, value in rows.items() if key[0] in dashboard.METRICS}
