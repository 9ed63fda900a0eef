"""`python -m experiments NAME [--quick] [override ...]`: run a study and check its claims; `all` runs all of them."""

import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from rich.table import Table
from rich.text import Text

from experiments import STUDIES, page
from experiments.study import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Study, findings
from mlpstudy import compose, shell, terminal
from mlpstudy.cells.cell import Cell
from mlpstudy.conduct import sweep
from mlpstudy.display import console
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.settings.words import with_words
from mlpstudy.tracking.uris import redact

USAGE = """usage: python -m experiments NAME [--quick] [override ...]   a study, such as: he_2015 replicas=30
       python -m experiments all [--quick]                 all studies, and one page about them

--quick            a smaller sweep that still decides the main claim
data.root=FOLDER   the files of MNIST, for the studies that use it; without it they are downloaded
"""
FOLDER = Path("studies")
STYLES = {REPRODUCED: "green", NOT_REPRODUCED: "bold red", INCONCLUSIVE: "yellow"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 if all claims are reproduced, 1 if one is not, or inconclusive, 2 if one could not be checked."""
    terminal.endure()
    words = sys.argv[1:] if arguments is None else list(arguments)
    quick = "--quick" in words
    name, *overrides = [word for word in words if word != "--quick"] or [""]
    if name in ("", "-h", "--help"):
        width = max(map(len, STUDIES))
        print(USAGE + "".join(f"\n  {study.name:<{width}}  {study.question}" for study in STUDIES.values()))
        return 0
    try:
        if name not in STUDIES and name != "all":
            raise ConfigError("NAME", one_of([*STUDIES, "all"]), name)
        studies = list(STUDIES.values()) if name == "all" else [STUDIES[name]]
        prepared = []  # all are checked before one runs
        for study in studies:  # the folder of MNIST is for those of all that use it
            mine = [o for o in overrides if len(studies) == 1 or on_images(study) or not o.startswith("data.root=")]
            prepared.append(prepare(study, quick, mine))
        return run_all(prepared, shell.command("experiments", *map(redact, words)))
    except compose.SETTINGS_ERRORS as error:
        print(compose.wrapped(f"experiments: {compose.one_line(error)}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("experiments: interrupted", file=sys.stderr)
        return 130


def run_all(prepared: "Sequence[Prepared]", again: str) -> int:
    """Run studies, tell what each found, and write the page after each. One that fails does not stop the others.

    again: what was typed.
    """
    done: list[page.Done] = []
    for one in prepared:
        try:
            done.append(run(one, again))
        except ValueError as error:
            print(f"experiments: {one.study.name}: {error}", file=sys.stderr)
            continue
        console().print(report(done[-1]))
        print(f"{done[-1].words}\n")
        path = page.write(FOLDER, done)
    if len(prepared) > 1:
        console().print(overview(done))
    if done:
        print(f"The page: {path}")
    if len(done) < len(prepared):
        return 2
    return 0 if {verdict for one in done for verdict in one.verdicts} == {REPRODUCED} else 1


@dataclass(frozen=True)
class Prepared:
    """A study whose cells are checked."""

    study: Study
    sweep: str  # its name
    cells: Sequence[Cell]
    instead: str  # why there is no MNIST, for a study that is about MNIST; nothing if there is


def prepare(study: Study, quick: bool, overrides: Sequence[str]) -> Prepared:
    """The cells of a study. Raises ConfigError if they are not those that the claims are about."""
    from mlpstudy.tracking.metrics import parameters

    name = f"{study.name}-{datetime.now():%Y-%m-%d_%H-%M-%S}_{secrets.token_hex(2)}"
    root = [word for word in overrides if word.startswith("data.root=") and on_images(study)]
    others = [word for word in overrides if word not in root]
    chosen = any(word.startswith("data=") for word in overrides)
    instead = without_mnist() if on_images(study) and not root and not chosen else ""
    images = [] if chosen else ["data=digits"] if instead else ["data=mnist", *root]
    cells: dict[str, Cell] = {}  # by hash: grids may have cells in common
    for grid in study.grids:
        if quick and grid.quick is None:
            continue
        words = ["-m", f"experiment={study.name}", f"tracking.sweep={name}"]
        for more in (images if grid.mnist else (), grid.words, (grid.quick or ()) if quick else (), others):
            words = with_words(words, more)
        cells |= {cell.hash: cell for cell in compose.cells(words)}
    configs = [cell.config for cell in cells.values()]
    if not all(config.hidden for config in configs):
        raise ConfigError("network.depth", "an integer >= 1 for a study of hidden layers", 0)
    params = [parameters(config) for config in configs]
    for key, values in study.varied.items():
        if set(values) - {one.get(key) for one in params}:
            raise ConfigError(key, f"swept over {', '.join(values)} for the claims of {study.name}", list(overrides))
    fewest = min(config.replicas for config in configs)
    if fewest < study.replicas:
        raise ConfigError("replicas", f"an integer >= {study.replicas} for the tests of {study.name}", fewest)
    return Prepared(study, name, list(cells.values()), instead)


def on_images(study: Study) -> bool:
    """Does it use MNIST?"""
    return any(grid.mnist for grid in study.grids)


@cache
def without_mnist() -> str:
    """Why MNIST cannot be had; nothing if it can."""
    try:
        compose.cells(["data=mnist"])
    except ConfigError as error:
        return compose.one_line(error)
    return ""


def run(prepared: Prepared, again: str) -> page.Done:
    """Do the sweep and check the claims."""
    from mlpstudy.tracking.reading import load_runs

    study, cells = prepared.study, prepared.cells
    print(f"{study.question}\nSource: {study.source}")
    if prepared.instead:
        print(f"On digits, since MNIST is not here ({prepared.instead}). With its files: data.root=FOLDER")
    started = time.monotonic()
    if not sweep.run(cells, again=again):
        raise ValueError(f"the sweep of {study.name} did not end well; type the command again to go on")
    tracking = cells[0].raw["tracking"]
    runs = load_runs(tracking["uri"], sweep=prepared.sweep, experiment=tracking["experiment"])
    seconds = time.monotonic() - started
    return page.Done(study, findings(study, runs), runs, seconds, "digits, not MNIST" if prepared.instead else "")


def overview(done: Sequence[page.Done]) -> Table:
    """A table: study, how many claims have each verdict, how long it took."""
    table = Table("study", *STYLES, "took", title="All studies", title_justify="left")
    for one in done:
        counts = (Text(str(one.verdicts.count(verdict)), style) for verdict, style in STYLES.items())
        table.add_row(f"{one.study.name}{one.marked}", *counts, one.took)
    return table


def report(done: page.Done) -> Table:
    """A table: claim, expected value, measured value, verdict."""
    headings, title = ("claim", "expected", "measured", "verdict"), f"{done.study.name}{done.marked}"
    table = Table(*headings, title=title, title_justify="left", show_lines=True)
    for *cells, verdict in done.rows:
        table.add_row(*cells, Text(verdict, STYLES[verdict]))
    return table


if __name__ == "__main__":
    sys.exit(main())
