"""A whole sweep: plan it, train its cells, log them, and say what came."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mlpstudy import importing, interrupts, run_picture
from mlpstudy.cells.cell import Cell
from mlpstudy.compose import LeftOut
from mlpstudy.conduct import report
from mlpstudy.display import SweepDisplay, console
from mlpstudy.engines import engine
from mlpstudy.engines.launcher import Launcher

LOCALLY = Launcher()
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
    only the others are trained. With `training.only`, cells that are expected not to learn are named and not trained.
    """
    with importing.quickly():
        from mlpstudy.conduct import plan
        from mlpstudy.conduct.follow import follow
        from mlpstudy.tracking import description
        from mlpstudy.tracking.store import open_store
        from mlpstudy.tracking.sweep_log import SweepLog
        from mlpstudy.tracking.writing import RunLog

    tracked = cells[0].raw["tracking"]
    out = console()
    say = partial(out.print, soft_wrap=True)
    with contextlib.closing(open_store(tracked["uri"], tracked["experiment"])) as store:
        todo, not_trained = plan.promising(plan.make(store, cells, say))
        draw = partial(run_picture.draw, todo.names, todo.sweep)
        # a cluster that does not answer is an error, before anything of the sweep is written
        trainer = engine.opened(launcher if todo.to_train else LOCALLY, draw, todo.workers, say)
        plan.enter(todo, store, left_out, not_trained)
        report.begin(say, todo, trainer.about)

        def new_run(index: int) -> RunLog:
            earlier = todo.growing[index].id if index in todo.growing else ""
            return RunLog(store, todo.cells[index], todo.names[index], todo.sweep, todo.places[index], earlier)

        results, log = report.Results(todo.done), SweepLog(new_run, say)
        display = SweepDisplay(out, todo.names, len(todo.done))
        try:
            follow(trainer, todo, draw, [results, log, display])
            if results.runs and not log.rescued:
                description.describe(store, todo.sweep, [(run.params, run.tags) for run in results.runs.values()])
        finally:
            report.end(out, store, todo, results, log.rescued, again)
            if not_trained:
                cells_are = f"{len(not_trained)} cell{'s are' if len(not_trained) > 1 else ' is'}"
                were = "were" if len(not_trained) > 1 else "was"
                say(f"{cells_are} expected not to learn and {were} not trained: {plan.listed(not_trained)}.")
        return Swept(todo.sweep, well=not results.failures and not log.rescued)
