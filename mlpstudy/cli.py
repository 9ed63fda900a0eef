"""The command line: Hydra composes the cells, all cells are checked, then they are trained, logged and shown."""

import contextlib
import io
import os
import re
import secrets
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlpstudy import run_page
from mlpstudy.cells import sweep
from mlpstudy.cells.cell import Cell, check, names
from mlpstudy.cells.cell_result import CellResult
from mlpstudy.cells.config import CONF, options_with
from mlpstudy.cells.rules import RULES, unknown_key
from mlpstudy.display import SweepDisplay, Told, console, python_command, summary_table
from mlpstudy.errors import ConfigError, DoesNotFit, one_of
from mlpstudy.measure.verdict import agreement
from mlpstudy.network.gradient_check import Report
from mlpstudy.tracking import uris

if TYPE_CHECKING:  # `run` imports these, since they import mlflow: help, completion and errors stay fast
    from mlpstudy.tracking.store import Store

OWN = (("activation", "function"), ("init", "function"), ("init", "path"), ("data", "path"))  # the user's own parts
SHOWS = {"--cfg", "-c", "--info", "-i"}  # Hydra then prints settings, in which a tracking URI may have a password
INTERRUPTED = threading.Event()  # a library may catch the KeyboardInterrupt; this flag stays
WRITING = threading.Event()  # a run is being closed
SETTINGS_ERRORS = (ConfigError, HydraException, OmegaConfBaseException)


def main() -> None:
    """Entry point of `python -m mlpstudy` and of the console script."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)  # runs are closed and workers are stopped
    try:
        asked_for = cells(sys.argv[1:])
        if asked_for:
            sys.exit(0 if run(asked_for) else 1)
    except SETTINGS_ERRORS as error:
        progress("")
        sys.exit(f"mlpstudy: {one_line(error)}")
    except KeyboardInterrupt:
        print("mlpstudy: interrupted", file=sys.stderr)
        sys.exit(130)


def _interrupt(number: int = signal.SIGINT, *_: object) -> None:
    """Stop, but let a run that is being closed be closed first; a second signal does not wait."""
    wait = WRITING.is_set() and not INTERRUPTED.is_set()
    INTERRUPTED.set()
    if not wait:
        raise SystemExit(143) if number == signal.SIGTERM else KeyboardInterrupt


@contextlib.contextmanager
def closing() -> Iterator[None]:
    """While a run is being closed, the first Ctrl-C waits: half a run would look like one that still runs."""
    WRITING.set()
    try:
        yield
    finally:
        WRITING.clear()


def cells(arguments: Sequence[str]) -> list[Cell]:
    """The cells a command line asks for, each checked; none for --help and the like.

    Hydra calls its task once for each cell. Ours only collects, so that the whole sweep is known, and checked,
    before any of it trains. Raises one of SETTINGS_ERRORS.
    """
    found: list[tuple[Any, list[str]]] = []

    def collect(settings: DictConfig, overrides: Sequence[str] | None = None) -> None:
        typed = HydraConfig.get().overrides.task if overrides is None else overrides
        found.append((OmegaConf.to_container(settings, resolve=True), list(typed)))
        progress(f"cells read: {len(found)}")

    sys.argv[1:] = arguments  # Hydra reads the arguments here and nowhere else
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors, and we print one line
    with tempfile.TemporaryDirectory() as scratch:
        # Hydra needs output folders. They are deleted: MLflow has everything, and a tracking URI can hold a password.
        OmegaConf.register_new_resolver("scratch", lambda: scratch, replace=True)
        with redacted() if SHOWS & {argument.partition("=")[0] for argument in arguments} else contextlib.nullcontext():
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(collect)()
    if any("glob(" in argument for argument in arguments):  # glob also finds options that need a path
        waiting = {f"{g}={raw[g]['name']} ({g}.{k})" for raw, _ in found for g, k in OWN if _waits_for(raw, g, k)}
        if waiting:
            print(f"Left out, since a path has to be given: {', '.join(sorted(waiting))}", file=sys.stderr)
        found = [(raw, o) for raw, o in found if not any(_waits_for(raw, g, k) for g, k in OWN)]
    checked: list[Cell] = []
    left_out: list[tuple[str, DoesNotFit]] = []
    for raw, overrides in found:
        try:
            checked.append(check(raw, overrides))
        except DoesNotFit as error:
            left_out.append((" ".join(overrides), error))
        progress(f"cells checked: {len(checked) + len(left_out)} of {len(found)}")
    progress("")
    if left_out and not checked:
        raise left_out[0][1]
    for typed, reason in left_out:
        print(f"Left out: {uris.redact(f'{typed} ({reason})')}", file=sys.stderr)
    for key in ("tracking.uri", "tracking.experiment", "tracking.sweep", "tracking.resume", "workers", "fail_fast"):
        values = {cell.config.flat[key] for cell in checked}
        if len(values) > 1:
            raise ConfigError(key, "the same for all cells of a sweep", uris.redact(str(sorted(map(str, values)))))
    return checked


def progress(text: str) -> None:
    """Show what is being done in the last line of a terminal, in place of what was shown before."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


@contextlib.contextmanager
def redacted() -> Iterator[None]:
    """What is printed here is printed without passwords."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            yield
    finally:
        print(uris.redact(printed.getvalue()), end="")


def _waits_for(raw: Any, group: str, key: str) -> bool:
    return raw[group].get(key, "") is None


def one_line(error: Exception) -> str:
    """One line that says what is wrong, for an error of ours or of Hydra; passwords in URIs are hidden."""
    return uris.redact(_told(error))


def _told(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return str(ConfigError(group, one_of(error.options), option))
    if ambiguous := re.match(r"Ambiguous value for argument '([^=]*)=(.*)'\n", str(error)):
        return str(ConfigError(ambiguous[1], "one value (or add -m to sweep over several)", ambiguous[2]))
    if unknown := re.match(r"Could not override '(.*)'\.\n", str(error)):
        group, _, _ = unknown[1].partition(".")
        having = options_with(unknown[1])
        rule = f"one that the chosen {group} has; this one belongs to {group}={','.join(having)}"
        return str(ConfigError("a key", rule, unknown[1]) if having else unknown_key(unknown[1], RULES))
    return " ".join(str(error).split("\nSee https")[0].split())


def run(cells: Sequence[Cell]) -> bool:
    """Train the cells, log each to MLflow, show progress and a table. False if a cell failed (not if diverged).

    A cell that is finished in this experiment is not trained again.
    """
    from mlpstudy.tracking import resume
    from mlpstudy.tracking.store import open_store, save_view
    from mlpstudy.tracking.writing import RunLog

    out = console()
    tracked = cells[0].raw["tracking"]
    store = open_store(tracked["uri"], tracked["experiment"])
    if lost := resume.close_lost_runs(store):
        out.print(f"Runs of a process that has gone, now KILLED: {', '.join(lost)}", soft_wrap=True)
    done = resume.done(store, cells) if tracked["resume"] else {}
    sweep_name = tracked["sweep"] or goes_on_with(done) or new_sweep()
    resume.add_to(sweep_name, done.values(), store)
    results: dict[int, Told] = dict(done)
    save_view(store, sweep_name)
    left = len(cells) - len(results)
    workers = max(1, min(left, cells[0].raw["workers"] or sweep.available_cores()))
    cell_names = names(cells)
    for name, cell in zip(cell_names, cells, strict=True):
        if cell.gradients is not None:
            out.print(gradients_text(name, cell.gradients), soft_wrap=True)
    draw = partial(run_page.draw, cell_names, sweep_name)
    logs: dict[int, RunLog] = {}  # the runs of the cells that are being trained
    failures: dict[str, str] = {}  # name of a cell -> what went wrong

    before = f", {len(results)} done before (tracking.resume=false trains them again)" if results else ""
    at_once = f", {workers} at a time" if left else ""
    out.print(f"Sweep {sweep_name}: {len(cells)} cell{'s' * (len(cells) > 1)}{before}{at_once}", soft_wrap=True)
    show = SweepDisplay(out, cell_names, len(results))

    def told(index: int, result: CellResult | None) -> Told | None:
        return None if result is None else run_page.ended(cell_names[index], sweep_name, result)

    try:
        for index, event in sweep.run(cells, workers, draw, skip=done):
            if index not in logs:
                logs[index] = RunLog(store, cells[index], cell_names[index], sweep_name, index, draw)
            if isinstance(event, sweep.Failure):
                with closing():
                    result, complaint = logs[index].finish("FAILED", f"{event.reason}\n{event.details}")
                    del logs[index]
                failures[cell_names[index]] = f"failed: {event.reason} {complaint}".rstrip()
                show.ended(index, told(index, result), failures[cell_names[index]])
                if cells[0].raw["fail_fast"]:
                    break
            elif isinstance(event, sweep.Page):
                logs[index].page = event
            else:
                logs[index].record(event)
                show.record(index, event)
                if event.last:
                    with closing():
                        result, complaint = logs[index].finish()
                        del logs[index]
                        results |= {index: ended} if (ended := told(index, result)) else {}
                    failures |= {cell_names[index]: complaint} if complaint else {}
                    show.ended(index, ended, complaint)
            if INTERRUPTED.is_set():
                raise KeyboardInterrupt
    finally:
        for index, log in logs.items():  # after an interrupt, measurements are kept
            with closing():
                result, complaint = log.finish("KILLED")
            show.ended(index, told(index, result), complaint or "interrupted")
        show.finish()
        if results:
            named = [(cell_names[i], results[i]) for i in sorted(results)]
            out.print(summary_table(named, out.width))
            verdicts = [(name, r.tags.get("verdict_predicted"), r.tags["verdict"]) for name, r in named]
            out.print(agreement(verdicts), soft_wrap=True)
        if results or logs:
            out.print(next_commands(store, sweep_name), soft_wrap=True)
        for name, reason in failures.items():
            out.print(f"{name}: {reason}", style="bold red", soft_wrap=True)
        if len(results) < len(cells):
            same = shlex.join([*python_command().split(), "-m", "mlpstudy", *map(uris.redact, sys.argv[1:])])
            out.print(f"{len(results)} of {len(cells)} cells are done. To go on:  {same}", soft_wrap=True)
    return not failures


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
    python = python_command()
    view = f"viewStateShareKey={quote(sweep_name)}&compareRunsMode=CHART&workflowType=machine_learning"
    page = f"#/experiments/{store.experiment_id}/runs?{view}"
    here = store.uri == uris.resolve(None)
    shown = shlex.quote(uris.redact(store.uri))
    if store.uri.startswith("http"):
        look = f"open {shown.rstrip('/')}/{page}"
    else:
        database = "" if store.uri == uris.resolve(None, {}) else f" --backend-store-uri {shown}"
        look = f"{python} -m mlflow ui{database}    then open http://127.0.0.1:5000/{page}"
    return f"Look at the runs:  {look}\nDraw the figures:  {python} -m reports{'' if here else f' --uri {shown}'}"
