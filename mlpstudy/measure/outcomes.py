"""How a training ended, and a sentence on trainings that start with a large loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.sums import Statistic
from mlpstudy.measure.verdict import Thresholds

OUTCOMES = ("learned", "slow", "stalled", "diverged")
FAILED = OUTCOMES[1:]
LARGE = 1.3  # times the loss of outputs that are 0: from there on, a first loss is spoken of (He and ReLU: about 1.4)
SILENT = {  # whether targets are standardized -> outputs of 0, in the user's units
    False: "Outputs of 0, which know nothing, have",
    True: "The mean of the targets as output, which knows nothing, has",
}


def first_losses(cells: Sequence[tuple[str, float, float, bool]]) -> str:
    """A sentence about cells that start with a large training loss, with the numbers of the largest; "" if none does.

    cells: name, mean first training loss, the loss of outputs that are all 0, which is log(classes) for classes, and
    whether the targets of the network are standardized.
    """
    large = [cell for cell in cells if 0 < LARGE * cell[2] < cell[1] < np.inf]
    if not large:
        return ""
    name, first, silent, standard = max(large, key=lambda cell: cell[1] / cell[2])
    others = f" (and those of {len(large) - 1} more cell{'s' * (len(large) > 2)} too)" if len(large) > 1 else ""
    return (
        f"{name} starts with a training loss of {first:.3g}. {SILENT[standard]} {silent:.3g}; its random "
        f"outputs{others} add {first - silent:.2g}. For small ones, type: 'init.output={{name:lecun,gain:0.1}}'"
    )


@dataclass(frozen=True)
class Yardstick:
    """What the training examples allow: what a constant output gets, and what a linear model gains."""

    constant_loss: float  # of the best constant output, in the user's units
    chance: float  # accuracy of that output, which is the share of the most frequent class; NaN without classes
    linear_gain: float  # `gained` of a linear model on examples that it was not fitted to; at least 0

    def gained(self, loss: Statistic, accuracy: Statistic | None) -> Statistic:
        """How much of what can be learned was learned: 0 for a network that ignores its input, 1 for a perfect one.

        Of classes (accuracy - chance) / (1 - chance), otherwise 1 - loss / constant_loss, the explained variance.
        """
        if accuracy is not None:
            return (accuracy - self.chance) / (1 - self.chance)
        with np.errstate(divide="ignore", invalid="ignore"):  # targets that are all the same leave nothing to learn
            return 1 - loss / self.constant_loss

    def needed(self, thresholds: Thresholds) -> float:
        """A training has learned if it has gained more than this."""
        return max(thresholds.stalled, thresholds.slow * self.linear_gain)

    def outcomes(self, loss: Statistic, gained: Statistic, thresholds: Thresholds) -> NDArray[np.str_]:
        """The outcome of each replica, (R,), from its last training loss and what it has gained.

        diverged: the loss is not finite. stalled: `gained` is at most `thresholds.stalled`. slow: it is at most the
        share `thresholds.slow` of what a linear model gains. learned: all others.
        """
        cases = [~np.isfinite(loss), ~(gained > thresholds.stalled), ~(gained > self.needed(thresholds))]
        return np.select(cases, ["diverged", "stalled", "slow"], default="learned")


def majority(outcomes: NDArray[np.str_]) -> str:
    """The most frequent outcome of the replicas; if two are equally frequent, the worse one."""
    return max(reversed(OUTCOMES), key=lambda name: int((outcomes == name).sum()))
