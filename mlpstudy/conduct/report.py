"""What a sweep says: the lines before its training, and at its end what came and what to type next."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from rich.box import SIMPLE
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlpstudy import shell
from mlpstudy.cells.cell import Cell
from mlpstudy.cells.changes import Change, retyped
from mlpstudy.cells.events import Ending, Summary
from mlpstudy.cells.recording import Record
from mlpstudy.display import summary_table
from mlpstudy.foresight.agreement import Counts, agreement, disagreement, foreseen
from mlpstudy.measure.intervals import mean_and_interval, without_interval
from mlpstudy.measure.outcomes import FAILED, first_losses
from mlpstudy.palette import VERDICT_COLOURS
from mlpstudy.tracking import uris

if TYPE_CHECKING:  # these import mlflow
    from mlpstudy.conduct.plan import Plan
    from mlpstudy.tracking.store import Store

LONGEST_TABLE = 500  # cells in the table at the end


class Results:
    """The listener that keeps what is said at the end, by the index of the cell."""

    def __init__(self, done: Mapping[int, Summary]) -> None:
        self.runs = dict(done)  # that are finished
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
        if ending.picture is not None and ending.picture.complaint:
            self.without_picture[index] = ending.picture.complaint

    def close(self, seconds: float) -> None:
        """There is nothing to close."""


def begin(say: Callable[[str], None], plan: "Plan", where: str) -> None:
    """The lines before the training: what was checked, and what there is to do. where: the engine in words."""
    for name, cell in zip(plan.names, plan.cells, strict=True):
        if (gradients := cell.gradients) is not None:
            say(
                f"Gradients of {name}: {gradients.checked} parameters compared with central differences, worst "
                f"relative error {gradients.worst:.1e} ({gradients.where}); of the total differential "
                f"{gradients.total:.1e} beyond rounding"
            )
    for remark in dict.fromkeys(f"data={cell.data.name}: {one}" for cell in plan.cells for one in cell.data.remarks):
        say(remark)
    parts = [f"Sweep {plan.sweep}: {len(plan.cells)} cell{'s' * (len(plan.cells) > 1)}"]
    if plan.done:
        parts.append(f"{len(plan.done)} done before (tracking.resume=false trains them again)")
    if own := sum(cell.config.own_functions for cell in plan.cells):
        parts.append(f"{own} with a function of your own (always trained again, since the function may have changed)")
    if plan.growing:
        more = sum(plan.cells[index].config.replicas - run.replicas for index, run in plan.growing.items())
        parts.append(f"{len(plan.growing)} done with fewer replicas ({more} more are trained)")
    if plan.to_train:
        parts.append(where)
    say(", ".join(parts))


def end(
    out: Console, store: "Store", plan: "Plan", results: Results, rescued: Mapping[int, Path | None], again: str
) -> None:
    """The tables, then what went wrong, and what to type next."""

    def say(text: str, style: str = "") -> None:
        out.print(text, style=style, soft_wrap=True)

    say_results(out, plan.names, results.runs)
    compared = [
        (plan.names[i], loss, plan.cells[i].silent_loss, plan.cells[i].config.standard_targets)
        for i, loss in results.first_losses.items()
        if i in results.runs and results.runs[i].tags["verdict"] != "exploding"  # that has another cause
    ]
    if remark := first_losses(compared):
        say(remark)
    if line := next_try(plan.names, plan.cells, results.runs):
        say(line)
    say(next_commands(store, plan.sweep))
    if results.without_picture:
        index, reason = next(iter(results.without_picture.items()))
        count = len(results.without_picture)
        say(f"No picture of {count} run{'s' * (count > 1)}, such as {plan.names[index]}: {reason}")
    for index, reason in results.failures.items():
        say(f"{plan.names[index]}: {reason}", "bold red")
    say_rescued(out, store, list(rescued.values()))
    in_store = len(results.runs) - len(rescued.keys() & results.runs.keys())
    if in_store < len(plan.cells):
        say(f"{in_store} of {len(plan.cells)} cells are done. To go on:  {again}")


def next_try(names: Sequence[str], cells: Sequence[Cell], runs: Mapping[int, Summary]) -> str:
    """The first advice for the first cell that did not learn and has one; "" if all cells learned."""
    failed = [index for index in sorted(runs) if runs[index].tags.get("outcome") in FAILED]
    for index in failed:
        if advice := runs[index].tags.get("advice"):
            change = Change.of(advice.splitlines()[0])
            command = shell.command("mlpstudy", *retyped(cells[index].overrides, change))
            return f"Next, try:         {command}\n  for {names[index]}: {change.reason}"
    return "Nothing that was tried in advance would help the cells that did not learn." if failed else ""


def say_rescued(out: Console, store: "Store", roots: Sequence[Path | None]) -> None:
    """How many runs the store did not take, and how to bring in those that are kept in a folder."""
    for root in dict.fromkeys(roots):
        count = roots.count(root)
        where = "lost: they could not be written anywhere" if root is None else f"not in MLflow but in {root}"
        out.print(f"{count} run{'s are' if count > 1 else ' is'} {where}.", style="bold red", soft_wrap=True)
        if root is not None:
            bring = shell.command("mlpstudy.upload", str(root), *uri_option(store))
            out.print(f"When the store answers again, type the sweep again, or:  {bring}", soft_wrap=True)


def say_results(out: Console, cell_names: Sequence[str], results: Mapping[int, Summary]) -> None:
    """The tables of all results and of what came of each verdict and forecast, and how often theory was right."""
    if not results:
        return
    named = [(cell_names[i], results[i]) for i in sorted(results)]
    if len(named) <= LONGEST_TABLE:
        out.print(summary_table(named, out.width))
    else:
        out.print(f"{len(named)} cells are too many for a table here. The page of `python -m reports` has one.")
    for remark in (
        disagreement([(name, run.tags) for name, run in named]),
        without_interval([(name, run.tags.get("same_replicas")) for name, run in named]),
    ):
        if remark:
            out.print(remark, soft_wrap=True)
    trained = [(name, run.tags) for name, run in named if run.params["training.epochs"] != "0"]
    if len(trained) > 1:
        out.print(counts_tables(Counts.of([tags for _, tags in trained])))
    verdicts = [(name, run.tags.get("verdict_predicted"), run.tags["verdict"]) for name, run in named]
    out.print(agreement(verdicts), soft_wrap=True)
    for sentence in foreseen([(name, tags, tags["outcome"]) for name, tags in trained]):
        out.print(sentence, soft_wrap=True)


def counts_tables(counted: Sequence[Counts]) -> Columns:
    """The tables of verdicts and of foreseen outcomes, with how many cells had which outcome, side by side."""
    tables = []
    for counts in counted:
        table = Table(box=SIMPLE)
        table.add_column(counts.heading)
        for name in counts.columns:
            table.add_column(name, justify="right")
        for name, numbers in counts.rows.items():
            table.add_row(Text(name, VERDICT_COLOURS.get(name, "")), *map(str, numbers))
        tables.append(table)
    return Columns(tables)


def next_commands(store: "Store", sweep_name: str) -> str:
    """The next commands to type: the MLflow UI at these runs, and their figures."""
    view = f"viewStateShareKey={quote(sweep_name)}&compareRunsMode=CHART&workflowType=machine_learning"
    page = f"#/experiments/{store.experiment_id}/runs?{view}"
    draw = f"Draw the figures:  {shell.command('reports', *uri_option(store))}"
    if "***" in draw:
        draw += "\nIn these commands, *** stands for your password."
    if store.uri.startswith("http"):
        return f"Look at the runs:  {uris.without_user(store.uri).rstrip('/')}/{page}\n{draw}"
    database = () if store.uri == uris.resolve(None, {}) else ("--backend-store-uri", uris.redact(store.uri))
    look = shell.command("mlflow", "ui", *database)
    return f"Look at the runs:  {look}\n  and then open:   http://127.0.0.1:5000/{page}\n{draw}"


def uri_option(store: "Store") -> tuple[str, ...]:
    """`--uri URI` for a command that would not look into this store by itself."""
    return () if store.uri == uris.resolve(None) else ("--uri", uris.redact(store.uri))
