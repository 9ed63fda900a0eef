"""The listener that keeps what the report at the end needs."""

from mlpstudy.cells.events import Ending, Summary
from mlpstudy.cells.recording import Record
from mlpstudy.conduct.plan import Plan
from mlpstudy.measure.intervals import mean_and_interval


class Results:
    """What came of the cells, by their index."""

    def __init__(self, plan: Plan) -> None:
        self.runs: dict[int, Summary] = dict(plan.done)  # that are finished
        self.first_losses: dict[int, float] = {}  # mean training loss before training, of the cells trained now
        self.failures: dict[int, str] = {}  # why
        self.without_picture: dict[int, str] = {}  # why

    def record(self, index: int, record: Record) -> None:
        """Keep the first loss."""
        if record.step == 0:
            self.first_losses[index] = float(mean_and_interval(record.curves["loss_train"])[0])

    def ended(self, index: int, ending: Ending) -> None:
        """Keep the result, or the reason."""
        if ending.status == "FAILED":
            self.failures[index] = ending.reason
        if ending.status == "FINISHED" and ending.summary is not None:
            self.runs[index] = ending.summary
        if ending.page is not None and ending.page.complaint:
            self.without_picture[index] = ending.page.complaint

    def close(self, seconds: float) -> None:
        """There is nothing to close."""
