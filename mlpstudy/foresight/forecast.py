"""A forecast of a training: what comes of it, and why."""

from dataclasses import dataclass

from mlpstudy.measure.outcomes import OUTCOMES

AHEAD = dict(zip(OUTCOMES, ("learns", "stalls", "diverges"), strict=True))  # an outcome, and its name before training
LOWER = 0.05  # the epochs are foreseen to a loss that is lower by this share than that of the best constant output


@dataclass(frozen=True)
class Forecast:
    """What will come of a training, before it."""

    outcome: str  # learns, stalls or diverges
    reason: str
    by: str  # theory, or step 0 where theory does not apply
    progress: float  # p of the largest step, as the network starts
    progress_at_unit_gain: float  # and where every layer keeps all lengths
    epochs_to_lower_loss: float  # to a loss 5 % below that of the best constant output, to first order
    largest_lr: float  # the learning rate at which the larger of both p is at its limit
    distances: tuple[float, float]  # from both limits: 1 at the limit, larger where it is passed by a factor

    @property
    def text(self) -> str:
        """One sentence for people."""
        return f"{self.outcome}, by {self.by}: {self.reason}"
