"""What the terminal shows: progress while a sweep runs, a verdict per cell as it ends, the table at the end."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from mlpstudy.cells.cell import usual_name
from mlpstudy.cells.cell_result import CellResult
from mlpstudy.cells.recording import Record
from mlpstudy.measure.intervals import mean_and_interval
from mlpstudy.palette import VERDICT_COLOURS

PIPE_WIDTH = 170  # columns if the output is not a terminal
EVIDENCE_WIDTH = 140  # with at least so many columns, the table shows the evidence
NARROW = 100  # with fewer columns, the table does not show the gradient ratio
LONGEST = max(map(len, VERDICT_COLOURS))


def console() -> Console:
    """A console on standard output, wide enough for the table in a file or a pipe."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, markup=False)


class SweepDisplay:
    """One progress line for the whole sweep: cells done, time left, the loss of the cells in training."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        self.console, self.names = console, names
        self._done = 0
        self._running: dict[int, tuple[float, float]] = {}  # share done, training loss
        self._progress = Progress(
            TextColumn("{task.fields[cells]}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}", markup=False),
            console=console,
            transient=True,
        )
        self._task: TaskID = self._progress.add_task("", total=len(names), cells="", losses="")
        self._progress.start()
        self._show()

    def finish(self) -> None:
        """Remove the progress line."""
        self._progress.stop()

    def record(self, index: int, record: Record) -> None:
        """Show how far a cell has come."""
        self._running[index] = record.done, float(mean_and_interval(record.curves["loss_train"])[0])
        self._show()

    def ended(self, index: int, result: CellResult | None, error: str) -> None:
        """Print a line about a cell that has ended."""
        self._done += 1
        self._running.pop(index, None)
        line = Text(f"[{self._done:>{len(str(len(self.names)))}}/{len(self.names)}] {self.names[index]}  ")
        if result is not None:
            line += verdict_text(result)
            line.append(f"  {accuracy_text(result)}")
            if result.verdict.findings:
                line.append(f"  {result.verdict.evidence}", "dim")
        if error:
            line.append(f"  {error}", style="bold red")
        self.console.print(line, soft_wrap=True)
        self._show()

    def _show(self) -> None:
        self._progress.update(
            self._task,
            completed=self._done + sum(done for done, _ in self._running.values()),
            cells=f"{self._done}/{len(self.names)} cells",
            losses="".join(f"{self.names[i]}: loss {loss:.3g}" for i, (_, loss) in list(self._running.items())[-1:]),
        )


def verdict_text(result: CellResult) -> Text:
    """The verdict and the outcome: healthy, or healthy > vanishing if training changed the verdict."""
    text = Text(result.verdict.name, VERDICT_COLOURS[result.verdict.name])
    if result.verdict_final.name != result.verdict.name:
        text += Text(" > ") + Text(result.verdict_final.name, VERDICT_COLOURS[result.verdict_final.name])
    return text + Text(f", {outcome_text(result)}")


def outcome_text(result: CellResult) -> str:
    """The outcome, such as learned, with a count if the replicas differ; or not trained, or unfinished."""
    if result.config.recipe.epochs == 0:
        return "not trained"
    if result.theta_final is None:
        return result.outcome
    count = int((result.outcomes == result.outcome).sum())
    return result.outcome + (f" ({count} of {result.outcomes.size})" if count < result.outcomes.size else "")


def accuracy_text(result: CellResult) -> str:
    """`0.958 +- 0.006`: test accuracy (test loss for a regression) with its 95 % interval over replicas."""
    values = result.last("accuracy_test")
    kind = "" if values is not None else "loss "
    values = result.last("loss_test") if values is None else values
    assert values is not None
    centre, half = mean_and_interval(values)
    broken = int((~np.isfinite(values)).sum())
    text = f"{kind}{centre:.3f}" + (f" ± {half:.3f}" if np.isfinite(half) else "")
    return "diverged" if broken == values.size else text + (f" ({broken} diverged)" if broken else "")


def ratio_text(result: CellResult) -> str:
    """delta_rms of the first over the last hidden layer at initialization, median over replicas."""
    value = float(np.median(result.delta_ratio(0)))
    return "-" if np.isnan(value) else f"{value:.2g}"


def summary_table(results: Sequence[tuple[str, CellResult]], width: int) -> Table:
    """The table at the end, one row for each cell; it shows the evidence if the terminal is wide enough."""
    table = Table(title="Verdict at initialization (> at the end, where it changed)", title_justify="left", box=SIMPLE)
    extra = any(name != usual_name(result.config) for name, result in results)
    told = width >= EVIDENCE_WIDTH and any(result.verdict.findings for _, result in results)
    narrow = width < NARROW
    table.add_column("init", overflow="fold")
    table.add_column("activation", overflow="fold")
    table.add_column("depth", justify="right")
    if extra:
        table.add_column("also varied", overflow="fold")
    table.add_column("verdict", min_width=LONGEST)
    by_theory = not (narrow and extra)  # if there is room
    if by_theory:
        table.add_column("by theory", min_width=LONGEST)
    table.add_column("outcome", min_width=len("diverged"))
    score = "accuracy" if results[0][1].last("accuracy_test") is not None else "loss"
    table.add_column(score if narrow else f"test {score}", min_width=len("± 0.006"))
    if not narrow:
        table.add_column("gradient first/last", justify="right")
    if told:
        table.add_column("evidence")
    for name, result in results:
        config = result.config
        cells: list[str | Text] = [config.init_name, config.activation_name, str(len(config.hidden))]
        if extra:
            cells.append(name.removeprefix(usual_name(config)).strip("-"))
        verdicts = verdict_text(result)
        verdicts.right_crop(len(f", {outcome_text(result)}"))
        predicted = result.verdict_predicted
        cells.append(verdicts)
        if by_theory:
            cells.append("-" if predicted is None else Text(predicted.name, VERDICT_COLOURS[predicted.name]))
        cells += [outcome_text(result), accuracy_text(result).removeprefix("loss ")]
        if not narrow:
            cells.append(ratio_text(result))
        if told:
            cells.append(Text(result.verdict.evidence if result.verdict.findings else "", "dim"))
        table.add_row(*cells)
    return table


def python_command() -> str:
    """The shortest command that calls this Python from the current directory."""
    executable = Path(sys.executable)
    if shutil.which("python") == sys.executable:
        return "python"
    return str(executable.relative_to(Path.cwd()) if executable.is_relative_to(Path.cwd()) else executable)
