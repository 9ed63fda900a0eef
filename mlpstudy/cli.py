"""The command line: Hydra composes the cells, all cells are checked, then they are trained, logged and shown."""

import os
import re
import secrets
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
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
from mlpstudy.display import SweepDisplay, console, python_command, summary_table
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.measure.verdict import agreement
from mlpstudy.network.gradient_check import Report
from mlpstudy.tracking import uris

if TYPE_CHECKING:  # `run` imports these, since they import mlflow: help, completion and errors stay fast
    from mlpstudy.tracking.store import Store

OWN = (("activation", "function"), ("init", "function"), ("init", "path"), ("data", "path"))  # the user's own parts
INTERRUPTED = threading.Event()  # a library may catch the KeyboardInterrupt; this flag stays
SETTINGS_ERRORS = (ConfigError, HydraException, OmegaConfBaseException)


def main() -> None:
    """Entry point of `python -m mlpstudy` and of the console script."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # runs are closed and workers are stopped
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


def _interrupt(*_: object) -> None:
    INTERRUPTED.set()
    raise KeyboardInterrupt


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
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(collect)()
    if any("glob(" in argument for argument in arguments):  # glob also finds options that need a path
        waiting = {f"{g}={raw[g]['name']} ({g}.{k})" for raw, _ in found for g, k in OWN if _waits_for(raw, g, k)}
        if waiting:
            print(f"Left out, since a path has to be given: {', '.join(sorted(waiting))}", file=sys.stderr)
        found = [(raw, o) for raw, o in found if not any(_waits_for(raw, g, k) for g, k in OWN)]
    checked = []
    for raw, overrides in found:
        checked.append(check(raw, overrides))
        progress(f"cells checked: {len(checked)} of {len(found)}")
    progress("")
    for key in ("tracking.uri", "tracking.experiment", "tracking.sweep", "workers"):
        values = {cell.config.flat[key] for cell in checked}
        if len(values) > 1:
            raise ConfigError(key, "the same for all cells of a sweep", uris.redact(str(sorted(map(str, values)))))
    return checked


def progress(text: str) -> None:
    """Show what is being done in the last line of a terminal, in place of what was shown before."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


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
    """Train the cells, log each to MLflow, show progress and a table. False if a cell failed (not if diverged)."""
    from mlpstudy.tracking.store import open_store, save_view
    from mlpstudy.tracking.writing import RunLog

    out = console()
    tracked = cells[0].raw["tracking"]
    store = open_store(tracked["uri"], tracked["experiment"])
    sweep_name = tracked["sweep"] or f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{secrets.token_hex(2)}"
    save_view(store, sweep_name)
    workers = min(len(cells), cells[0].raw["workers"] or sweep.available_cores())
    cell_names = names(cells)
    for name, cell in zip(cell_names, cells, strict=True):
        if cell.gradients is not None:
            out.print(gradients_text(name, cell.gradients), soft_wrap=True)
    draw = partial(run_page.draw, cell_names, sweep_name)
    results: dict[int, CellResult] = {}
    logs: dict[int, RunLog] = {}  # the runs of the cells that are being trained
    failed = False

    out.print(f"Sweep {sweep_name}: {len(cells)} cell{'s' * (len(cells) > 1)}, {workers} at a time")
    show = SweepDisplay(out, cell_names)
    try:
        for index, event in sweep.run(cells, workers, draw):
            if INTERRUPTED.is_set():
                raise KeyboardInterrupt
            cell = cells[index]
            if index not in logs:
                logs[index] = RunLog(store, cell, cell_names[index], sweep_name, index, draw)
            if isinstance(event, sweep.Failure):
                failed = True
                result, complaint = logs.pop(index).finish("FAILED", f"{event.reason}\n{event.details}")
                show.ended(index, result, f"failed: {event.reason} {complaint}".rstrip())
                continue
            if isinstance(event, sweep.Page):
                logs[index].page = event
                continue
            logs[index].record(event)
            show.record(index, event)
            if event.last:
                result, complaint = logs.pop(index).finish()
                failed |= bool(complaint)
                results |= {index: result} if result is not None else {}
                show.ended(index, result, complaint)
    finally:
        for index, log in logs.items():  # after an interrupt, measurements are kept
            result, complaint = log.finish("KILLED")
            show.ended(index, result, complaint or "interrupted")
        show.finish()
        if results:
            named = [(cell_names[i], results[i]) for i in sorted(results)]
            out.print(summary_table(named, out.width))
            verdicts = [(n, None if (p := r.verdict_predicted) is None else p.name, r.verdict.name) for n, r in named]
            out.print(agreement(verdicts), soft_wrap=True)
        if results or logs:
            out.print(next_commands(store, sweep_name), soft_wrap=True)
    return not failed


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
