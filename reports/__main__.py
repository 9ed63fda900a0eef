"""`python -m reports`: draw the figures of a sweep from what MLflow holds."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING

from mlpstudy import importing, terminal
from mlpstudy.errors import ConfigError, one_of
from reports.figures import FIGURES

if TYPE_CHECKING:
    from mlpstudy.tracking.run import Runs

FORMATS = ("png", "svg", "pdf")
THEMES = ("light", "dark")
INTERRUPTED = 130  # exit status
ASKED = threading.Event()  # to end, by Ctrl-C


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
        from reports import report

        return report.report(options, names, formats, looks, go_on)
    except ConfigError as error:
        print(f"reports: {error}", file=sys.stderr)
        return 1
    except BrokenProcessPool:
        reason = "interrupted" if ASKED.is_set() else "a process that draws was ended, perhaps for want of memory"
        print(f"reports: {reason}", file=sys.stderr)
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

    result = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    add = result.add_argument
    add("--sweep", metavar="NAME", help="this sweep instead of the latest")
    add("--experiment", metavar="NAME", help="the latest sweep of this MLflow experiment")
    where = """only runs that meet an MLflow filter such as "params.activation = 'tanh'", of --sweep or else of all"""
    compare = "how the results of sweep B differ from those of sweep A; no figures"
    add("--compare", nargs=2, metavar=("A", "B"), help=compare)
    add("--film", metavar="CELL", help="the training of this cell as a film, GIF and, with ffmpeg, MP4; no figures")
    add("--where", metavar="FILTER", help=f"{where} sweeps")
    add("--figures", type=several, metavar="A,B", default=FIGURES, help=f"some of {','.join(FIGURES)}; default all")
    add("--format", type=several, metavar="A,B", default=FORMATS[:1], help=f"some of {','.join(FORMATS)}; default png")
    add("--theme", metavar="NAME", default=THEMES[0], help=f"{' or '.join(THEMES)}; default %(default)s")
    add("--style", type=Path, metavar="FILE", help="a matplotlib style file (.mplstyle) for fonts, sizes, lines")
    add("--out", type=Path, metavar="FOLDER", default=Path("figures"), help="where to put them; default %(default)s")
    add("--uri", help="MLflow store; default MLFLOW_TRACKING_URI or mlflow.db in this directory")
    return result


def chosen(option: str, typed: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names that were typed, in the order of the known names. Raises ConfigError for an unknown name."""
    for name in typed:
        if name not in known:
            raise ConfigError(option, one_of(known), name)
    return [name for name in known if name in typed]


def compared(options: argparse.Namespace) -> int:
    """Print how the cells of two sweeps differ. 1 if they have no cell in common."""
    from mlpstudy.display import console
    from mlpstudy.tracking.reading import load_runs
    from reports import compare
    from reports.drawing.words import score

    def runs_of(name: str) -> "Runs":
        try:
            return load_runs(options.uri, name, options.experiment, options.where)
        except ConfigError as error:
            option = "--compare" if error.key == "--sweep" else error.key
            raise ConfigError(option, error.rule, error.value) from error

    first, second = map(runs_of, options.compare)
    one, other = (" and ".join(sorted({score(run)[0] for run in runs})) for runs in (first, second))
    if one != other:
        rule = f"two sweeps with the same score, not {one} in A and {other} in B"
        raise ConfigError("--compare", rule, " ".join(options.compare))
    pairs, out = compare.pairs(first, second), console()
    out.print(compare.heading(tuple(options.compare), compare.settings(first, second)), soft_wrap=True)
    if not pairs:
        print("reports: these sweeps have no cell in common, apart from the settings above", file=sys.stderr)
        return 1
    out.print(compare.table(pairs))
    others = {"A": len(first) - len(pairs), "B": len(second) - len(pairs)}
    alone = [f"{count} of {name}" for name, count in others.items() if count > 0]
    if alone:
        out.print(f"Cells without a counterpart: {', '.join(alone)}.")
    return 0


def film(options: argparse.Namespace, looks: str) -> int:
    """Write the film of a cell and tell where it is."""
    from mlpstudy.tracking.reading import load_runs
    from reports import film, report
    from reports.drawing.words import told_apart

    runs = told_apart(load_runs(options.uri, options.sweep, options.experiment, options.where))
    for path in film.write(runs, options.film, report.writable(options.out), looks):
        print(f"{path} ({path.stat().st_size // 1000} kB)")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupt)
    status = main()
    if status == INTERRUPTED:  # an interrupted import can leave threads with which Python cannot end
        os._exit(status)
    importing.nothing_to_collect()
    sys.exit(status)
