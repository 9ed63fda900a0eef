"""A network as it starts: its verdict and the gradients that its task sends back, by theory or as measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.prediction import Prediction
from mlpstudy.foresight.task import Task, squared_gradients
from mlpstudy.measure import statistics, verdict
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.sums import Statistic
from mlpstudy.measure.verdict import Thresholds

APART = 0.5  # decades between theory and measurement, beyond three times the spread of the replicas
SPREAD = 0.3  # decades, of networks of which there is one replica


@dataclass(frozen=True)
class Start:
    """A network as it starts."""

    verdict: str
    by: str  # theory, or step 0 where theory does not apply or does not hold
    squares: NDArray[np.float64]  # (2L,): |dJ/dtheta|^2 of W and b of each layer, of the errors of the best constant
    mean_squares: NDArray[np.float64]  # (2L,): the same for the mean error of outputs that are 0
    counts: NDArray[np.float64]  # (2L,): how many parameters these are
    lengths: NDArray[np.float64]  # (L,): |W[l]|, at least that of unit gain
    finite: bool = True  # whether outputs and gradients are
    expected: float | None = None  # the mean squared gradient by theory over the measured one, where theory fails

    @property
    def layers(self) -> int:
        """All, the last one included."""
        return len(self.lengths)

    @property
    def of_errors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The squared gradients of both errors."""
        return self.squares, self.mean_squares

    @staticmethod
    def of(moment: Snapshot, prediction: Prediction | None, task: Task, thresholds: Thresholds) -> "Start":
        """By theory where it applies, unless the replicas measure something else; then as measured."""
        squares, counts = squared_gradients(moment, task.errors)
        apart = 0.0 if prediction is None else decades_apart(prediction.squared_gradients(task.errors), squares)
        sums = [np.square(W, dtype=np.float64).sum(axis=(1, 2)).mean() for W, _ in moment.layers]
        known = np.isfinite(moment.trace.h).all(axis=(1, 2)) & np.isfinite(squares).all(axis=1)
        if prediction is not None and abs(apart) <= 0:
            by, name = "theory", prediction.verdict.name
            parts = [prediction.squared_gradients(errors) for errors in (task.errors, task.mean_errors)]
        else:
            by, name = (
                "step 0",
                verdict.judge(
                    statistics.measure(moment),
                    [W.shape[1] for W, _ in moment.layers[:-1]],
                    moment.activation,
                    thresholds,
                ).name,
            )
            parts = [np.median(s, axis=0) for s in (squares, squared_gradients(moment, task.mean_errors)[0])]
        return Start(
            verdict=name, by=by, squares=parts[0], mean_squares=parts[1], counts=counts,
            lengths=np.maximum(np.sqrt(sums), np.sqrt(counts[1::2])),
            finite=bool(known.mean() > 0.5),
            expected=10.0**apart if apart else None,
        )  # fmt: skip


def decades_apart(expected: NDArray[np.float64], measured: Statistic) -> float:
    """log10 of what theory expects over what the replicas measure, (R, 2L); 0 if their spread may explain it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log10(measured.sum(axis=1))
        apart = float(np.log10(expected.sum()) - np.median(logs))
        spread = logs.std(ddof=1) if len(logs) > 1 else SPREAD
    return apart if abs(apart) > APART + 3 * spread or not np.isfinite(apart) else 0.0
