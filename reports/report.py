"""The report of a sweep: its runs read, its page written, its figures drawn, and both kept in MLflow."""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mlpstudy import shell
from mlpstudy.errors import ConfigError
from reports import gallery
from reports.drawing.style import Drawn, listed
from reports.figures import FIGURES

MANY = 500  # runs whose figures take minutes


def writable(folder: Path) -> Path:
    """The folder, which is made if it is missing. Raises ConfigError before any drawing if it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise ConfigError("--out", f"a folder that can be written ({error})", str(folder)) from error


def report(
    options: argparse.Namespace, names: Sequence[str], formats: Sequence[str], looks: str, go_on: Callable[[], None]
) -> int:
    """Read the runs, write the page, draw the figures, log them, and print what was done. 1 if nothing was drawn.

    go_on: raises KeyboardInterrupt if the user has asked for an end.
    """
    if options.style is not None:
        from reports.drawing import theme

        theme.settings(looks, options.style)  # raises before anything is read
    with gallery.workers(len(names)) as pool:  # they import matplotlib while this process imports MLflow
        from rich.progress import Progress

        from mlpstudy.display import console
        from mlpstudy.tracking.reading import left_out, load_runs, not_trained, unmeasured
        from mlpstudy.tracking.report import log_report
        from reports.drawing.words import number, told_apart
        from reports.page import page

        go_on()
        runs = told_apart(load_runs(options.uri, options.sweep, options.experiment, options.where))
        folder, out = writable(options.out), console()
        sweeps = list(dict.fromkeys(run.tags["sweep"] for run in runs))
        out.print(f"Sweep {listed(sweeps)}: {number(len(runs), 'run')}", soft_wrap=True)
        if len(runs) > MANY:
            out.print("So many runs take long to draw: --where chooses some of them, --figures some of the figures.")
        with Progress(console=out, transient=True, disable=not out.is_terminal) as progress:
            readable, complaints = gallery.measured(progress.track(runs, description="reading"))
            outcomes = gallery.draw_all(pool, names, readable, formats, looks, options.style)
            if options.where is None:
                complaints += [f"{cell} has measured nothing" for cell in unmeasured(runs)]
                complaints += [f"{name} cannot be: {reason}" for name, reason in left_out(runs).items()]
                complaints += [f"{cell.name} was not trained: {cell.reason}" for cell in not_trained(runs)]
            index = folder / "index.html"
            page.write(index, runs, [], complaints, looks)  # it can be read while figures are drawn
            look = shell.command("webbrowser", index.resolve().as_uri())
            out.print(f"Figures follow. Look at the page:  {look}", soft_wrap=True)
            done = {}
            for outcome in progress.track(outcomes, total=len(names), description="drawing"):
                done[outcome.name] = outcome
                go_on()
    files: list[Path] = []
    drawn: list[Drawn] = []
    for name in names:
        figure, paths, line = put(folder, done[name], formats)
        drawn.append(figure)
        files += paths
        out.print(line, soft_wrap=True)
    for complaint in complaints:
        out.print(f"left out: {complaint}", soft_wrap=True)
    page.write(index, runs, drawn, complaints, looks)
    if len(names) == len(FIGURES):  # otherwise the page in MLflow has more figures
        files.append(index)
    if options.where is None:  # the runs of a whole sweep
        complaint = log_report(runs, files)
        where = f"not kept ({complaint})" if complaint else f"artifacts of the run `report {sweeps[0]}`"
    else:
        where = "not kept, as these are not the runs of one whole sweep"
    out.print(f"In MLflow:         {where}", soft_wrap=True)
    out.print(f"Look at them:      {look}", soft_wrap=True)
    return 0 if any(figure.paths for figure in drawn) else 1


def put(folder: Path, outcome: gallery.Outcome, formats: Sequence[str]) -> tuple[Drawn, list[Path], str]:
    """Write a figure into the folder: what the page needs of it, its files, and a line about them."""
    paths_of = gallery.write(folder, outcome, formats)
    paths = [path for name in formats for path in paths_of[name]]
    shown = next(name for name in formats if name != "pdf")  # the page cannot show PDF
    titles = tuple(page.title for page in outcome.pages)
    drawn = Drawn(outcome.name, outcome.title, tuple(paths_of[shown]), outcome.missing, titles)
    first = ", ".join(path.name for path in paths if path.stem == outcome.name) or f"not drawn: {outcome.missing}"
    more = f"  ({len(outcome.pages)} pages)" if len(outcome.pages) > 1 else ""
    return drawn, paths, f"{outcome.name:<18} {first}{more}"
