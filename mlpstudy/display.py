"""What the terminal shows: progress while a sweep runs, a verdict per cell as it ends, the table at the end."""

import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from math import isfinite, isnan, nan
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from mlpstudy.cells.events import Ending, Summary
from mlpstudy.cells.recording import Record
from mlpstudy.foresight.agreement import forecast
from mlpstudy.measure.intervals import decimals, mean_and_interval, share_text
from mlpstudy.measure.score import score_of
from mlpstudy.palette import VERDICT_COLOURS

PIPE_WIDTH = 180  # columns if the output is not a terminal
EVIDENCE_WIDTH = 140  # with at least so many columns, the table shows the evidence
NARROW = 114  # with fewer columns, the table shows no gradient ratio, and of trained cells no verdict by theory
LONGEST = max(map(len, VERDICT_COLOURS))


class Plain(io.StringIO):
    """Standard output without blanks at the ends of lines, for a file or a pipe."""

    def write(self, text: str) -> int:
        """Write the text to standard output."""
        return sys.stdout.write(re.sub(r" +$", "", text, flags=re.MULTILINE))

    def flush(self) -> None:
        """Flush standard output."""
        sys.stdout.flush()


def console() -> Console:
    """A console on standard output; in a file or a pipe as wide as COLUMNS says, or wide enough for the table."""
    if sys.stdout.isatty():
        return Console(highlight=False, markup=False, emoji=False)
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) > 0 else PIPE_WIDTH
    return Console(file=Plain(), width=width, highlight=False, markup=False, emoji=False)


class SweepDisplay:
    """One progress line for the whole sweep: cells done, time left, the loss of the cells in training."""

    def __init__(self, console: Console, names: Sequence[str], done: int = 0) -> None:
        """done: the number of cells that are not trained because they are done."""
        self.console, self.names, self._done = console, names, done
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

    def record(self, index: int, record: Record) -> None:
        """Show how far a cell has come."""
        self._running[index] = record.done, float(mean_and_interval(record.curves["loss_train"])[0])
        self._show()

    def ended(self, index: int, ending: Ending) -> None:
        """Print a line about a cell that has ended."""
        self._done += 1
        self._running.pop(index, None)
        line = Text(f"[{self._done:>{len(str(len(self.names)))}}/{len(self.names)}] {self.names[index]}  ")
        if (summary := ending.summary) is not None:
            line += verdicts(summary)
            line.append(f", {outcome_text(summary)}  {accuracy_text(summary)}")
            if summary.tags["verdict"] != "healthy":
                line.append(f"  {summary.tags['evidence']}", "dim")
        if ending.reason:
            line.append(f"  {ending.reason}", style="bold red")
        self.console.print(line, soft_wrap=True)
        self._show()

    def close(self, seconds: float) -> None:
        """Remove the progress line."""
        self._progress.stop()

    def _show(self) -> None:
        self._progress.update(
            self._task,
            completed=self._done + sum(done for done, _ in self._running.values()),
            cells=f"{self._done}/{len(self.names)} cells",
            losses="".join(f"{self.names[i]}: loss {loss:.3g}" for i, (_, loss) in list(self._running.items())[-1:]),
        )


def verdicts(result: Summary) -> Text:
    """The verdict: healthy, or healthy > vanishing if training changed it."""
    first, last = result.tags["verdict"], result.tags["verdict_final"]
    return Text(" > ").join(Text(name, VERDICT_COLOURS[name]) for name in dict.fromkeys((first, last)))


def outcome_text(result: Summary) -> str:
    """The outcome, such as learned, with a count if the replicas differ; or not trained, or unfinished."""
    if result.params["training.epochs"] == "0":
        return "not trained"
    outcome = result.tags["outcome"]
    counts = {name: int(count) for count, name in (part.split() for part in result.tags["outcomes"].split(", "))}
    return outcome + (
        f" ({counts[outcome]} of {sum(counts.values())})" if outcome in counts and len(counts) > 1 else ""
    )


def accuracy_text(result: Summary) -> str:
    """`0.958 +- 0.006`: the score, such as the test accuracy, with its 95 % interval over replicas."""
    name, is_share, _ = score_of(result.metrics, "final/")
    centre, half = result.metrics[f"final/{name}"], result.metrics[f"final/{name}_ci95"]
    broken = int(result.metrics["final/diverged_replicas"])
    if not is_share:
        text = f"loss {decimals(centre)}" + (f" ± {decimals(half)}" if isfinite(half) else "")
    else:
        text = share_text(centre, half, int(result.params["replicas"]) - broken)
    word = "not finite" if result.params["training.epochs"] == "0" else "diverged"
    return text + (f" ({broken} {word})" if broken else "") if isfinite(centre) else word


def gained_text(result: Summary) -> str:
    """The share of what can be learned that was learned, mean over replicas that did not diverge."""
    value = result.metrics.get("final/gained", nan)
    return "-" if result.params["training.epochs"] == "0" or isnan(value) else f"{value:.2f}"


def ratio_text(result: Summary) -> str:
    """delta_rms of the first over the last hidden layer at initialization, median over replicas."""
    value = result.metrics["final/gradient_ratio_init"]
    return "-" if isnan(value) else f"{value:.2g}"


def summary_table(results: Sequence[tuple[str, Summary]], width: int) -> Table:
    """The table at the end, one row for each cell; it shows the evidence if the terminal is wide enough."""
    narrow = width < NARROW
    extra = any(name != _usual_name(run) for name, run in results)
    evidence = width >= EVIDENCE_WIDTH and any(run.tags["verdict"] != "healthy" for _, run in results)
    trained = any(run.params["training.epochs"] != "0" for _, run in results)
    by_theory = not narrow or not (extra or trained)  # if there is room
    foreseen = not (narrow and extra) and any(forecast(run.tags) for _, run in results)
    _, _, score = score_of(results[0][1].metrics, "final/")

    def theirs(run: Summary) -> str | Text:
        name = run.tags.get("verdict_predicted")
        return "-" if name is None else Text(name, VERDICT_COLOURS[name])

    # whether a column is shown, its heading, how it is laid out, and what it says of a run
    columns: list[tuple[bool, str, dict[str, Any], Callable[[str, Summary], str | Text]]] = [
        (True, "init", {"overflow": "fold"}, lambda _, run: run.params["init"]),
        (True, "activation", {"overflow": "fold"}, lambda _, run: run.params["activation"]),
        (True, "depth", {"justify": "right"}, lambda _, run: run.params["depth"]),
        (extra, "also varied", {"overflow": "fold"}, lambda name, run: name.removeprefix(_usual_name(run)).strip("-")),
        (True, "verdict", {"min_width": LONGEST}, lambda _, run: verdicts(run)),
        (by_theory, "by theory", {"min_width": LONGEST}, lambda _, run: theirs(run)),
        (foreseen, "foreseen", {"min_width": len("diverges")}, lambda _, run: forecast(run.tags) or "-"),
        (True, "outcome", {"min_width": len("diverged")}, lambda _, run: outcome_text(run)),
        (trained, "gained", {"justify": "right", "min_width": len("gained")}, lambda _, run: gained_text(run)),
        (True, score.rpartition(" ")[2] if narrow else score,
         {"min_width": len("accuracy" if narrow else "0.942 ± 0.008")},
         lambda _, run: accuracy_text(run).removeprefix("loss ")),
        (not narrow, "gradient first/last", {"justify": "right"}, lambda _, run: ratio_text(run)),
        (evidence, "evidence", {},
         lambda _, run: Text(run.tags["evidence"] if run.tags["verdict"] != "healthy" else "", "dim")),
    ]  # fmt: skip
    title = "Verdict at initialization (> at the end, where it changed)"
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=not narrow)
    for shown, heading, options, _ in columns:
        if shown:
            table.add_column(heading, **options)
    for name, run in results:
        table.add_row(*(text(name, run) for shown, _, _, text in columns if shown))
    return table


def _usual_name(result: Summary) -> str:
    return f"{result.params['init']}-{result.params['activation']}-d{result.params['depth']}"
