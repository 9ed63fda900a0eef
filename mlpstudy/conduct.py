"""One sweep, from its checked cells to the table at its end: what is done, what is trained, what is told."""

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from rich.console import Console

from mlpstudy import importing, interrupts, run_page, shell
from mlpstudy.cells import joining, sweep
from mlpstudy.cells.cell import Cell, names
from mlpstudy.cells.cell_result import CellResult, collect, result_of
from mlpstudy.cells.recording import Record
from mlpstudy.compose import LeftOut
from mlpstudy.display import SweepDisplay, Told, console, counts_tables, summary_table
from mlpstudy.engines import engine
from mlpstudy.engines.launcher import Launcher
from mlpstudy.foresight.agreement import Counts, agreement, foreseen
from mlpstudy.measure.intervals import mean_and_interval
from mlpstudy.measure.outcomes import first_losses, without_interval
from mlpstudy.network.gradient_check import Report
from mlpstudy.tracking import uris

if TYPE_CHECKING:  # `run` imports these, since they import mlflow: help, completion and errors stay fast
    from mlpstudy.tracking.run import Run
    from mlpstudy.tracking.store import Store

LOCALLY = Launcher()
ENDING_SECONDS = 2  # after an interrupt
LONGEST_TABLE = 500  # cells in the table at the end
AGAIN = "call mlpstudy.run again with the same settings"


@dataclass(frozen=True)
class Swept:
    """A sweep that has ended."""

    name: str
    well: bool  # no cell failed (a cell that diverged has not failed), and all are in the store


def run(
    cells: Sequence[Cell], left_out: Sequence[LeftOut] = (), launcher: Launcher = LOCALLY, again: str = AGAIN
) -> bool:
    """Do the sweep. False if a cell failed, or is not in the store."""
    return sweep_of(cells, left_out, launcher, again).well


@interrupts.heeded()
def sweep_of(
    cells: Sequence[Cell], left_out: Sequence[LeftOut] = (), launcher: Launcher = LOCALLY, again: str = AGAIN
) -> Swept:
    """Train the cells by the engine of this launcher, log each to MLflow, show progress and a table.

    left_out: cells of the grid that cannot be; MLflow keeps their names and reasons, for reports.
    again: what to type to go on after an interruption.

    A cell that is finished in this experiment is not trained again, and of a cell that is finished with fewer replicas
    only the others are trained.
    """
    with importing.quickly():
        from mlpstudy.tracking.store import open_store

    tracked = cells[0].raw["tracking"]
    with contextlib.closing(open_store(tracked["uri"], tracked["experiment"])) as store:
        return _sweep_into(store, cells, left_out, launcher, again)


def _sweep_into(
    store: "Store", cells: Sequence[Cell], left_out: Sequence[LeftOut], launcher: Launcher, again: str
) -> Swept:
    """The sweep, in this store."""
    with importing.quickly():
        from mlpstudy.tracking import description, moving, resume
        from mlpstudy.tracking.store import answering, save_left_out, save_view
        from mlpstudy.tracking.sweep_log import SweepLog

    out = console()

    def say(text: str) -> None:
        out.print(text, soft_wrap=True)

    tracked = cells[0].raw["tracking"]
    with answering(store):
        if kept := moving.bring_back(store, tracked["experiment"], say):
            say(f"Brought into the store, which was away: {', '.join(kept)}")
        if lost := resume.close_lost_runs(store):
            say(f"Runs of a process that has gone, now KILLED: {', '.join(lost)}")
        earlier = resume.finished(store) if tracked["resume"] else []
        done = resume.done(earlier, cells)
        smaller = resume.with_fewer_replicas(earlier, cells, done)
        sweep_name = tracked["sweep"] or goes_on_with({**smaller, **done}) or new_sweep()
    todo = {i: smaller[i].replicas if i in smaller else 0 for i in range(len(cells)) if i not in done}
    cell_names = names(cells)
    draw = partial(run_page.draw, cell_names, sweep_name)
    elsewhere = engine.opened(launcher, draw) if todo else None  # an error, before anything of the sweep is written
    with answering(store):
        resume.add_to(sweep_name, done.values(), store)
        save_view(store, sweep_name)
        save_left_out(store, sweep_name, {cell.name: cell.reason for cell in left_out})
    workers = max(1, min(len(todo), cells[0].raw["workers"] or sweep.available_cores()))
    for name, cell in zip(cell_names, cells, strict=True):
        if cell.gradients is not None:
            say(gradients_text(name, cell.gradients))

    for remark in dict.fromkeys(f"data={cell.data.name}: {remark}" for cell in cells for remark in cell.data.remarks):
        say(remark)
    where = f"{workers} at a time" if elsewhere is None else f"on {elsewhere.about}"
    say(heading(sweep_name, cells, done, todo, where))
    show = SweepDisplay(out, cell_names, len(done))
    log = SweepLog(store, cells, cell_names, sweep_name, say, {index: run.id for index, run in smaller.items()})
    events = engine.run(elsewhere, launcher, cells, workers, draw, todo, say)
    results: dict[int, Told] = dict(done)
    records: dict[int, list[Record]] = {}  # of the cells that are being trained
    first: dict[int, float] = {}  # mean training loss before training, of the cells that are trained now
    pages: dict[int, sweep.Page] = {}
    failures: dict[str, str] = {}  # name of a cell -> what went wrong
    not_drawn: dict[str, str] = {}  # name of a cell -> why it has no picture

    def end(index: int, status: str, told: str = "", error: str = "") -> Told | None:
        """A cell has ended: show it, and have it written."""
        with interrupts.uninterrupted():
            found = records.pop(index, [])
            result = collect(cells[index], found) if found else None
            if result is not None and status == "FINISHED" and index in smaller:
                result = join(cells[index], smaller[index], result)
            page = pages.pop(index, None)
            if page is None and result is not None and status != "KILLED":
                page = sweep.drawn(draw, index, result)
            if page is not None and page.complaint:
                not_drawn[cell_names[index]] = page.complaint
            log.finish(index, result, status, error, page)
            shown = None if result is None else run_page.ended(cell_names[index], sweep_name, result)
            show.ended(index, shown, told)
            return None if shown is None else replace(shown, arrays={})  # those of 10,000 cells fill the memory

    try:
        for index, event in events:
            if isinstance(event, sweep.Failure):
                failures[cell_names[index]] = f"failed: {event.reason}"
                end(index, "FAILED", failures[cell_names[index]], f"{event.reason}\n{event.details}")
                if cells[0].raw["fail_fast"]:
                    break
            elif isinstance(event, sweep.Page):
                pages[index] = event
            else:
                records.setdefault(index, []).append(event)
                if event.step == 0:
                    first[index] = float(mean_and_interval(event.curves["loss_train"])[0])
                log.record(index, event)
                show.record(index, event)
                if event.last and (shown := end(index, "FINISHED")):
                    results[index] = shown
            log.keep_up()
            interrupts.go_on()
        for index in list(records):  # after fail_fast
            end(index, "KILLED", "stopped")
        show.finish()
        log.close()
        if results and not log.complaints:
            description.describe(store, sweep_name, [(told.params, told.tags) for told in results.values()])
    finally:
        with interrupts.uninterrupted():
            events.close()  # workers stop
            if elsewhere is not None:  # a second Ctrl-C may have come while the events were closed
                elsewhere.close()
            for index in list(records):  # after an interrupt, measurements are kept
                end(index, "KILLED", "interrupted")
            show.finish()
            log.close(ENDING_SECONDS)
        say_results(out, cell_names, results)
        fit = [i for i in first if i in results and results[i].tags["verdict"] != "exploding"]  # that has another cause
        if remark := first_losses([(cell_names[i], first[i], cells[i].silent_loss) for i in fit]):
            say(remark)
        say(next_commands(store, sweep_name))
        if not_drawn:
            name, reason = next(iter(not_drawn.items()))
            say(f"No picture of {len(not_drawn)} run{'s' * (len(not_drawn) > 1)}, such as {name}: {reason}")
        for name, reason in failures.items():
            out.print(f"{name}: {reason}", style="bold red", soft_wrap=True)
        if log.complaints:
            say_rescued(out, store, [rescue.root for rescue in log.complaints.values()])
        in_store = len(results) - len(log.complaints.keys() & results.keys())
        if in_store < len(cells):
            say(f"{in_store} of {len(cells)} cells are done. To go on:  {again}")
    return Swept(sweep_name, well=not failures and not log.complaints)


def say_rescued(out: Console, store: "Store", roots: Sequence[Path | None]) -> None:
    """How many runs the store did not take, and how to bring in those that are kept in a folder."""
    for root in dict.fromkeys(roots):
        count = roots.count(root)
        where = "lost: they could not be written anywhere" if root is None else f"not in MLflow but in {root}"
        out.print(f"{count} run{'s are' if count > 1 else ' is'} {where}.", style="bold red", soft_wrap=True)
        if root is not None:
            bring = shell.command("mlpstudy.upload", str(root), *uri_option(store))
            out.print(f"When the store answers again, type the sweep again, or:  {bring}", soft_wrap=True)


def heading(
    sweep_name: str, cells: Sequence[Cell], done: Mapping[int, Told], todo: Mapping[int, int], where: str
) -> str:
    """The line before the training: how many cells there are, and how many of them are done."""
    parts = [f"Sweep {sweep_name}: {len(cells)} cell{'s' * (len(cells) > 1)}"]
    if done:
        parts.append(f"{len(done)} done before (tracking.resume=false trains them again)")
    if own := sum(cell.config.own_functions for cell in cells):
        parts.append(f"{own} with a function of your own (always trained again, since the function may have changed)")
    if more := {index: first for index, first in todo.items() if first}:
        replicas = sum(cells[index].config.replicas - first for index, first in more.items())
        parts.append(f"{len(more)} done with fewer replicas ({replicas} more are trained)")
    if todo:
        parts.append(where)
    return ", ".join(parts)


def join(cell: Cell, earlier: "Run", result: CellResult) -> CellResult:
    """The result of all replicas, those of an earlier run first."""
    from mlpstudy.tracking import artifacts

    arrays = joining.joined(earlier.arrays, dict(result.arrays))
    return result_of(cell, arrays, artifacts.flat(earlier.weights("final")), result.verdict_predicted, result.foreseen)


def say_results(out: Console, cell_names: Sequence[str], results: Mapping[int, Told]) -> None:
    """The tables of all results and of what came of each verdict and forecast, and how often theory was right."""
    if results:
        named = [(cell_names[i], results[i]) for i in sorted(results)]
        if len(named) <= LONGEST_TABLE:
            out.print(summary_table(named, out.width))
        else:
            out.print(f"{len(named)} cells are too many for a table here. The page of `python -m reports` has one.")
        if told := without_interval([(name, r.tags.get("same_replicas")) for name, r in named]):
            out.print(told, soft_wrap=True)
        trained = [(name, r) for name, r in named if r.params["training.epochs"] != "0"]
        if len(trained) > 1:
            out.print(counts_tables(Counts.of([r.tags for _, r in trained])))
        out.print(
            agreement([(n, r.tags.get("verdict_predicted"), r.tags["verdict"]) for n, r in named]), soft_wrap=True
        )
        if trained:
            came = [(n, r.tags.get("outcome_predicted"), r.tags["outcome"]) for n, r in trained]
            out.print(foreseen(came), soft_wrap=True)


def goes_on_with(done: Mapping[int, Told]) -> str | None:
    """The sweep that has all cells that are done; None if there is no such sweep."""
    sweeps = {run.tags["sweep"] for run in done.values()}
    return sweeps.pop() if len(sweeps) == 1 else None


def new_sweep() -> str:
    """Date and time, and four letters for sweeps that start in the same second."""
    return f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{secrets.token_hex(2)}"


def gradients_text(name: str, report: Report) -> str:
    """The result of `check_gradients` in words."""
    return (
        f"Gradients of {name}: {report.checked} parameters compared with central differences, worst relative "
        f"error {report.worst:.1e} ({report.where}); of the total differential {report.total:.1e} beyond rounding"
    )


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
