"""What a cell measured, from the records of its training: arrays to keep, verdicts and outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mlpstudy import verdict
from mlpstudy.activations import Array
from mlpstudy.cell import Cell
from mlpstudy.config import Config
from mlpstudy.statistics import histogram_edges
from mlpstudy.training import Record
from mlpstudy.verdict import Verdict


@dataclass(frozen=True)
class Result:
    """One cell's measurements. `arrays` is the content of `statistics.npz`:

    step, epoch (S,); every statistic by name (S, R, depth); curve_step, curve_epoch (E,) and
    curve_loss_train, curve_accuracy_test, ... (E, R); histogram_step (H,), activation_histogram
    (H, R, depth, bins), histogram_edges (bins + 1,).
    """

    config: Config
    sizes: tuple[int, ...]
    arrays: Mapping[str, NDArray[np.generic]]
    theta_initial: Array
    theta_final: Array | None  # None where training was interrupted
    verdict: Verdict
    verdict_final: Verdict
    outcomes: NDArray[np.str_]  # one per replica

    @property
    def outcome(self) -> str:
        """The outcome of most replicas."""
        return verdict.majority(self.outcomes)

    def last(self, curve: str) -> NDArray[np.float64] | None:
        """The last value of a curve such as accuracy_test, (R,); None where there is no such curve."""
        values = self.arrays.get(f"curve_{curve}")
        return None if values is None else np.asarray(values[-1], dtype=np.float64)

    def delta_ratio(self, snapshot: int) -> NDArray[np.float64]:
        """delta_rms of the first over the last hidden layer, (R,); NaN without hidden layers."""
        delta = np.asarray(self.arrays["delta_rms"][snapshot], dtype=np.float64)
        return verdict.delta_ratio(delta) if delta.shape[1] else np.full(len(delta), np.nan)


def collect(cell: Cell, records: Sequence[Record]) -> Result:
    """Stack the records of one cell (at least the one of step 0) and judge them."""
    config = cell.config
    measured = [(r, r.statistics) for r in records if r.statistics is not None]
    counted = [(r, r.histograms) for r in records if r.histograms is not None]
    arrays: dict[str, NDArray[np.generic]] = {
        "step": np.array([r.step for r, _ in measured]),
        "epoch": np.array([r.epoch for r, _ in measured]),
        **{name: np.stack([s[name] for _, s in measured]) for name in measured[0][1]},
        "curve_step": np.array([r.step for r in records]),
        "curve_epoch": np.array([r.epoch for r in records]),
        **{f"curve_{name}": np.stack([r.curves[name] for r in records]) for name in records[0].curves},
        "histogram_step": np.array([r.step for r, _ in counted]),
        "activation_histogram": np.stack([h for _, h in counted]),
        "histogram_edges": histogram_edges(config.activation),
    }
    first, last = (
        verdict.judge(s, config.hidden, config.activation, config.thresholds, ~np.isfinite(r.curves["loss_train"]))
        for r, s in (measured[0], measured[-1])
    )
    theta_initial = records[0].theta
    assert theta_initial is not None, "the first record is that of step 0"
    return Result(
        config=config,
        sizes=cell.sizes,
        arrays=arrays,
        theta_initial=theta_initial,
        theta_final=records[-1].theta if records[-1].last else None,
        verdict=first,
        verdict_final=last,
        outcomes=verdict.outcome(records[-1].curves["loss_train"], cell.constant_loss),
    )


def mean_and_interval(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over the finite replicas (first axis) and half the width of its 95 % interval (Student's t).

    The interval is NaN where fewer than two values are finite, the mean where none is.
    """
    finite = np.isfinite(values)
    n = finite.sum(axis=0)
    known = np.where(finite, values, 0.0)
    top = np.abs(known).max(axis=0)
    top = np.where(top > 0, top, 1.0)  # so that no square and no sum overflows
    known = known / top
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = known.sum(axis=0) / n
        squares = np.where(finite, np.square(known - mean), 0.0).sum(axis=0)
        half = stats.t.ppf(0.975, n - 1) * np.sqrt(squares / (n - 1) / n)
        return mean * top, half * top
