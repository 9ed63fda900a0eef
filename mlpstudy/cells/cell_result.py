"""The result of a cell, made from the records of its training: arrays to keep, verdicts and outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.config import Config
from mlpstudy.cells.problem import Problem
from mlpstudy.cells.recording import Record
from mlpstudy.foresight.before import Before
from mlpstudy.foresight.forecast import LOWER, ByPilot, ByRule
from mlpstudy.foresight.prediction import Prediction
from mlpstudy.measure import histograms, outcomes, verdict
from mlpstudy.measure.arrays import collected
from mlpstudy.measure.intervals import mean_and_interval
from mlpstudy.measure.score import score_of
from mlpstudy.measure.statistics import STATISTICS
from mlpstudy.measure.verdict import Verdict
from mlpstudy.network.activations import Array

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class CellResult:
    """One cell's measurements. `arrays` is the content of `statistics.npz`, see `measure.arrays`."""

    config: Config
    sizes: tuple[int, ...]
    arrays: Mapping[str, NDArray[Any]]
    theta_final: Array | None  # None if training was interrupted
    verdict: Verdict
    verdict_final: Verdict
    before: Before
    outcomes: NDArray[np.str_] | None  # one per replica; None for a cell that is not to be trained
    advice: Sequence[str] = ()  # what would help

    @property
    def verdict_predicted(self) -> Verdict | None:
        """At initialization, by theory alone; None if theory does not apply."""
        return self.before.verdict

    @property
    def foreseen(self) -> ByRule | None:
        """The forecast of theory's rule."""
        return self.before.foreseen

    @property
    def pilot(self) -> ByPilot | None:
        """The forecast of the pilot."""
        return self.before.pilot

    @property
    def outcome(self) -> str | None:
        """The outcome of most replicas; unfinished if training was interrupted; None if there was to be none."""
        if self.outcomes is None:
            return None
        return outcomes.majority(self.outcomes) if self.theta_final is not None else "unfinished"

    @property
    def broken(self) -> int:
        """The number of replicas whose last loss is not finite."""
        return int((~np.isfinite(self.arrays["curve_loss_train"][-1])).sum())

    def last(self, curve: str) -> NDArray[np.float64] | None:
        """The last value of a curve such as accuracy_test, (R,); None if there is no such curve."""
        values = self.arrays.get(f"curve_{curve}")
        return None if values is None else np.asarray(values[-1], dtype=np.float64)

    def delta_ratio(self, snapshot: int) -> NDArray[np.float64]:
        """delta_rms of the first over the last hidden layer, (R,); NaN without hidden layers."""
        delta = np.asarray(self.arrays["delta_rms"][snapshot], dtype=np.float64)
        return verdict.delta_ratio(delta) if delta.shape[1] else np.full(len(delta), np.nan)

    def discrepancy(self, *names: str) -> float:
        """Median over layers of |log10(measured / predicted)| at initialization; NaN without a prediction.

        Of the geometric mean over replicas and the typical profile, where that is above 1e-12.
        """
        if self.verdict_predicted is None:
            return np.nan
        distances = []
        for name in names:
            values = np.asarray(self.arrays[name][0], dtype=np.float64)
            predicted = np.asarray(self.arrays[f"theory_{name}"], dtype=np.float64)
            with np.errstate(divide="ignore", invalid="ignore"):
                if name == "delta_rms":  # relative to the last hidden layer, whose own ratio is 1
                    values, predicted = values[:, :-1] / values[:, -1:], predicted[:-1]
                off = np.abs(mean_and_interval(np.log10(values))[0] - np.log10(predicted))  # zeros are left out
            distances.append(off[predicted > 1e-12])
        every = np.concatenate(distances)
        return float(np.nanmedian(every)) if np.isfinite(every).any() else np.nan


def collect(cell: Cell | Problem, records: Sequence[Record]) -> CellResult:
    """Stack the records of one cell, at least that of step 0, and find verdicts and outcome."""
    config, arrays = cell.config, collected([record.arrays for record in records])
    arrays |= {"sizes": np.array(cell.sizes), "activation_range": np.array(config.activation.range)}
    arrays |= {f"{name}_edges": edges for name, edges in histograms.edges(config.activation).items()}
    score, is_share, _ = score_of(arrays, "curve_")
    if is_share:
        accuracy = arrays[f"curve_{score}"]
        levels = np.array(config.flat["training.accuracies"], dtype=np.float64)
        reached = [epochs_until(accuracy >= level, arrays) for level in levels]
        shape = len(reached), accuracy.shape[1]  # also without any level
        arrays |= {"accuracies": levels, "epochs_to_accuracy": np.reshape(reached, shape)}
        arrays["chance"] = np.array(cell.yardstick.chance)
    else:
        arrays["constant_loss"] = np.array(cell.yardstick.constant_loss)
    arrays["linear_gain"] = np.array(cell.yardstick.linear_gain)
    lower = arrays["curve_loss_train"] <= (1 - LOWER) * cell.yardstick.constant_loss
    arrays["epochs_to_lower_loss"] = epochs_until(lower, arrays)
    before = records[0].before
    assert before is not None  # the first record is that of step 0
    arrays |= {"progress": before.progress, "distinct_replicas": np.array(before.distinct)}
    if before.prediction is not None:
        arrays |= theory_arrays(before.prediction)
    if before.pilot is not None:
        curve = before.pilot.curve
        arrays |= {"foreseen_step": curve.step, "foreseen_loss_train": curve.loss}
        arrays |= {} if curve.accuracy is None else {"foreseen_accuracy_train": curve.accuracy}
    theta = records[-1].theta if records[-1].last else None
    return result_of(cell, arrays, theta, before, records[-1].advice)


def result_of(
    cell: Cell | Problem, arrays: Arrays, theta: Array | None, before: Before, advice: Sequence[str]
) -> CellResult:
    """The result with these arrays, with its verdicts and outcome. theta (R, P): after training."""
    config = cell.config

    def judged(moment: int) -> Verdict:  # 0 is the first snapshot and the first record, -1 the last of both
        statistics = {name: np.asarray(arrays[name][moment], dtype=np.float64) for name in STATISTICS}
        broken = ~np.isfinite(arrays["curve_loss_train"][moment])
        return verdict.judge(statistics, config.hidden, config.activation, config.thresholds, broken)

    loss, accuracy = arrays["curve_loss_train"][-1], arrays.get("curve_accuracy_train")
    gained = cell.yardstick.gained(loss, None if accuracy is None else accuracy[-1])
    return CellResult(
        config=config,
        sizes=cell.sizes,
        arrays=arrays | {"gained": gained},
        theta_final=theta,
        verdict=judged(0),
        verdict_final=judged(-1),
        before=before,
        outcomes=cell.yardstick.outcomes(loss, gained, config.thresholds) if config.recipe.epochs else None,
        advice=advice,
    )


def theory_arrays(prediction: Prediction) -> Arrays:
    """A prediction under its names in statistics.npz."""
    e, profile = prediction.ensemble, prediction.profile
    return {
        **{f"theory_{name}": values for name, values in profile.typical.items()},
        **{f"theory_mean_{name}": values for name, values in profile.mean.items()},
        **({} if prediction.jacobian is None else {"theory_jacobian": np.array(prediction.jacobian)}),
        "theory_sigma_w": e.sigma_w,
        "theory_sigma_b": np.sqrt(e.bias_variance),
    }


def epochs_until(reached: NDArray[np.bool_], arrays: Arrays) -> NDArray[np.float64]:
    """Epochs until `reached` (E, R) was first seen, (R,); NaN if it never was."""
    return np.where(reached.any(axis=0), arrays["curve_epoch"][reached.argmax(axis=0)], np.nan)
