"""A forecast of a training: what comes of it, why, and by whom this is foreseen."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.outcomes import OUTCOMES

# an outcome, and its name before training
AHEAD = dict(zip(OUTCOMES, ("learns", "is slow", "stalls", "diverges"), strict=True))
LOWER = 0.05  # the epochs are foreseen to a loss that is lower by this share than that of the best constant output


class Curve(NamedTuple):
    """A learning curve on training examples, up to where it got: an entry for each step of the pilot."""

    step: NDArray[np.int64]  # of the training
    loss: NDArray[np.float64]
    accuracy: NDArray[np.float64] | None  # None for a regression


@dataclass(frozen=True)
class Forecast:
    """What will come of a training, before it."""

    outcome: str  # learns, is slow, stalls or diverges
    reason: str
    by: str  # theory; step 0 where theory does not apply; the pilot

    @property
    def text(self) -> str:
        """One sentence for people."""
        return f"{self.outcome}, by {self.by}: {self.reason}"


@dataclass(frozen=True)
class ByRule(Forecast):
    """The forecast of theory's rule, and the numbers that it follows from."""

    progress: float  # p of the largest step, as the network starts
    progress_at_unit_gain: float  # and where every layer keeps all lengths
    epochs_to_lower_loss: float  # to a loss 5 % below that of the best constant output, to first order
    largest_lr: float  # the learning rate at which the larger of both p is at its limit
    distances: tuple[float, float]  # from both limits: 1 at the limit, larger where it is passed by a factor


@dataclass(frozen=True)
class ByPilot(Forecast):
    """The forecast of the pilot, and its learning curve."""

    curve: Curve
    gained: float  # how much of what can be learned, at the end of the curve
    done: float  # the share of the training that the curve covers
