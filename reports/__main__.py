"""`python -m reports`: draw the figures of a sweep from what MLflow holds."""

import argparse
import gc
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from mlpstudy import importing, shell, terminal
from mlpstudy.errors import ConfigError, one_of
from reports.figures import FIGURES

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from mlpstudy.tracking.run import Runs

FORMATS = ("png", "svg", "pdf")
THEMES = ("light", "dark")
INTERRUPTED = 130  # exit status
ASKED = threading.Event()  # to end, by Ctrl-C
MANY = 500  # runs whose figures take minutes


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the chosen figures. A figure that cannot be drawn says why and does not stop the others."""
    terminal.endure()
    options = parser().parse_args(arguments)
    try:
        names = chosen("--figures", options.figures, FIGURES)
        formats = chosen("--format", options.format, FORMATS)
        if formats == ["pdf"]:  # the HTML page cannot show PDF
            formats = ["png", "pdf"]
        (looks,) = chosen("--theme", [options.theme], THEMES)
        if options.compare:
            return compared(options)
        if options.film:
            return film(options, looks)
        return report(options, names, formats, looks)
    except ConfigError as error:
        print(f"reports: {error}", file=sys.stderr)
        return 1
    except (BrokenProcessPool, EOFError):  # EOFError: the process that starts the others
        told = "interrupted" if ASKED.is_set() else "a process that draws was ended, perhaps for want of memory"
        print(f"reports: {told}", file=sys.stderr)
        return INTERRUPTED if ASKED.is_set() else 1
    except KeyboardInterrupt:
        print("reports: interrupted", file=sys.stderr)
        return INTERRUPTED


def interrupt(*_: object) -> None:
    """Ctrl-C: a library may catch the KeyboardInterrupt, but the flag stays."""
    ASKED.set()
    raise KeyboardInterrupt


def go_on() -> None:
    """Raise the KeyboardInterrupt again that a library has caught."""
    if ASKED.is_set():
        raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    """The command line."""

    def several(text: str) -> list[str]:
        return [name.strip() for name in text.split(",")]

    found = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    add = found.add_argument
    add("--sweep", metavar="NAME", help="this sweep instead of the latest")
    add("--experiment", metavar="NAME", help="the latest sweep of this MLflow experiment")
    where = """only runs that meet an MLflow filter such as "params.activation = 'tanh'", of --sweep or else of all"""
    add(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="how the results of sweep B differ from those of sweep A; no figures",
    )
    add("--film", metavar="CELL", help="the training of this cell as a film, GIF and, with ffmpeg, MP4; no figures")
    add("--where", metavar="FILTER", help=f"{where} sweeps")
    add("--figures", type=several, metavar="A,B", default=FIGURES, help=f"some of {','.join(FIGURES)}; default all")
    add("--format", type=several, metavar="A,B", default=FORMATS[:1], help=f"some of {','.join(FORMATS)}; default png")
    add("--theme", metavar="NAME", default=THEMES[0], help=f"{' or '.join(THEMES)}; default %(default)s")
    add("--style", type=Path, metavar="FILE", help="a matplotlib style file (.mplstyle) for fonts, sizes, lines")
    add("--out", type=Path, metavar="FOLDER", default=Path("figures"), help="where to put them; default %(default)s")
    add("--uri", help="MLflow store; default MLFLOW_TRACKING_URI or mlflow.db in this directory")
    return found


def chosen(option: str, typed: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names that were typed, in the order of the known names. Raises ConfigError for an unknown name."""
    for name in typed:
        if name not in known:
            raise ConfigError(option, one_of(known), name)
    return [name for name in known if name in typed]


def writable(folder: Path) -> Path:
    """The folder, which is made if it is missing. Raises ConfigError before any drawing if it cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise ConfigError("--out", f"a folder that can be written ({error})", str(folder)) from error


def report(options: argparse.Namespace, names: Sequence[str], formats: Sequence[str], looks: str) -> int:
    """Read the runs, write the page, draw the figures, log them, and print what was done. 1 if nothing was drawn."""
    with importing.quickly():
        from reports import gallery
    if options.style is not None:
        from reports.drawing import theme

        theme.settings(looks, options.style)  # raises before anything is read
    with gallery.workers(len(names)) as pool:
        return written(options, names, formats, looks, pool)


def written(
    options: argparse.Namespace, names: Sequence[str], formats: Sequence[str], looks: str, pool: "Executor | None"
) -> int:
    """The report, drawn by these processes."""
    with importing.quickly():  # these import mlflow, which takes seconds; help and wrong names do not need them
        from rich.progress import Progress

        from mlpstudy.display import console
        from mlpstudy.tracking.reading import left_out, load_runs, unmeasured
        from mlpstudy.tracking.report import log_report
        from reports import gallery
        from reports.drawing.style import Drawn, listed
        from reports.drawing.words import told_apart
        from reports.page import page

    go_on()
    found = told_apart(load_runs(options.uri, options.sweep, options.experiment, options.where))
    folder = writable(options.out)
    out = console()
    sweeps = list(dict.fromkeys(run.tags["sweep"] for run in found))
    out.print(f"Sweep {listed(sweeps)}: {len(found)} run{'s' * (len(found) != 1)}", soft_wrap=True)
    if len(found) > MANY:
        out.print("So many runs take long to draw: --where chooses some of them, --figures some of the figures.")
    with Progress(console=out, transient=True, disable=not out.is_terminal) as progress:
        runs, complaints = gallery.measured(progress.track(found, description="reading"))
        outcomes = gallery.draw_all(pool, names, runs, formats, looks, options.style)
        if options.where is None:
            complaints += [f"{cell} has measured nothing" for cell in unmeasured(found)]
            complaints += [f"{name} cannot be: {reason}" for name, reason in left_out(found).items()]
        index = folder / "index.html"
        page.write(index, found, [], complaints, looks)  # it can be read while figures are drawn
        look = shell.command("webbrowser", index.resolve().as_uri())
        out.print(f"Figures follow. Look at the page:  {look}", soft_wrap=True)
        done = {}
        for outcome in progress.track(outcomes, total=len(names), description="drawing"):
            done[outcome.name] = outcome
            go_on()

    shown = next(name for name in formats if name != "pdf")  # the format in the page
    files: list[Path] = []
    drawn: list[Drawn] = []
    for name in names:
        paths_of = gallery.write(folder, done[name], formats)
        paths = [path for name in formats for path in paths_of[name]]
        files += paths
        titles = tuple(page.title for page in done[name].pages)
        drawn.append(Drawn(name, done[name].title, tuple(paths_of[shown]), done[name].missing, titles))
        told = ", ".join(path.name for path in paths if path.stem == name) or f"not drawn: {done[name].missing}"
        pages = len(done[name].pages)
        out.print(f"{name:<18} {told}{f'  ({pages} pages)' * (pages > 1)}", soft_wrap=True)
    for complaint in complaints:
        out.print(f"left out: {complaint}", soft_wrap=True)
    page.write(index, found, drawn, complaints, looks)
    if len(names) == len(FIGURES):  # otherwise the page in MLflow has more figures
        files.append(index)
    if options.where is None:  # the runs of a whole sweep
        complaint = log_report(found, files)
        told = f"not kept ({complaint})" if complaint else f"artifacts of the run `report {sweeps[0]}`"
    else:
        told = "not kept, as these are not the runs of one whole sweep"
    out.print(f"In MLflow:         {told}", soft_wrap=True)
    out.print(f"Look at them:      {look}", soft_wrap=True)
    return 0 if any(outcome.pages for outcome in done.values()) else 1


def compared(options: argparse.Namespace) -> int:
    """Print how the cells of two sweeps differ. 1 if they have no cell in common."""
    from mlpstudy.display import console
    from mlpstudy.tracking.reading import load_runs
    from reports import compare

    def runs_of(name: str) -> "Runs":
        try:
            return load_runs(options.uri, name, options.experiment, options.where)
        except ConfigError as error:
            option = "--compare" if error.key == "--sweep" else error.key
            raise ConfigError(option, error.rule, error.value) from error

    first, second = map(runs_of, options.compare)
    kinds = compare.kinds(first), compare.kinds(second)
    if kinds[0] != kinds[1]:
        one, other = (" and ".join(names) for names in kinds)
        rule = f"two sweeps with the same score, not {one} in A and {other} in B"
        raise ConfigError("--compare", rule, " ".join(options.compare))
    found, out = compare.pairs(first, second), console()
    out.print(compare.heading(tuple(options.compare), compare.settings(first, second)), soft_wrap=True)
    if not found:
        print("reports: these sweeps have no cell in common, apart from the settings above", file=sys.stderr)
        return 1
    out.print(compare.table(found))
    alone = [
        f"{len(runs) - len(found)} of {name}" for name, runs in (("A", first), ("B", second)) if len(runs) > len(found)
    ]
    if alone:
        out.print(f"Cells without a counterpart: {', '.join(alone)}.")
    return 0


def film(options: argparse.Namespace, looks: str) -> int:
    """Write the film of a cell and tell where it is."""
    from mlpstudy.tracking.reading import load_runs
    from reports import film
    from reports.drawing.words import told_apart

    runs = told_apart(load_runs(options.uri, options.sweep, options.experiment, options.where))
    for path in film.write(runs, options.film, writable(options.out), looks):
        print(f"{path} ({path.stat().st_size // 1000} kB)")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupt)
    status = main()
    if status == INTERRUPTED:  # an interrupted import can leave threads with which Python cannot end
        os._exit(status)
    gc.freeze()  # at its end Python would search for garbage once more
    sys.exit(status)
