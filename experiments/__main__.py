"""`python -m experiments NAME [--quick] [override ...]`: run a study and check its claims; `all` runs all of them."""

import secrets
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from experiments import STUDIES, page
from experiments.study import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Finding, Study, check
from mlpstudy import compose, conduct
from mlpstudy.cells.cell import Cell
from mlpstudy.display import console
from mlpstudy.errors import ConfigError, one_of

USAGE = """usage: python -m experiments NAME [--quick] [override ...]   a study, such as: he_2015 replicas=30
       python -m experiments all [--quick]                 all studies, and one page about them

--quick: a smaller sweep that still decides the main claim
"""
FOLDER = Path("studies")
STYLES = {REPRODUCED: "green", NOT_REPRODUCED: "bold red", INCONCLUSIVE: "yellow"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 if all claims are reproduced, 1 if one is not, or inconclusive, 2 if one could not be checked."""
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
        asked = list(STUDIES.values()) if name == "all" else [STUDIES[name]]
        prepared = [(study, *cells_of(study, quick, overrides)) for study in asked]  # all are checked before one runs
        done = [page.Done(study, run(study, sweep, cells)) for study, sweep, cells in prepared]
    except compose.SETTINGS_ERRORS as error:
        print(compose.wrapped(f"experiments: {compose.one_line(error)}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("experiments: interrupted", file=sys.stderr)
        return 130
    except ValueError as error:
        print(f"experiments: {error}", file=sys.stderr)
        return 2
    for study in done:
        console().print(report(study.findings))
        print(f"{study.words}\n")
    print(f"The page: {page.write(FOLDER, done)}")
    return 0 if all(finding.verdict == REPRODUCED for study in done for finding in study.findings) else 1


def cells_of(study: Study, quick: bool, overrides: Sequence[str]) -> tuple[str, list[Cell]]:
    """The name of the sweep, and its cells. Raises ConfigError if they are not those that the claims are about."""
    from mlpstudy.tracking.metrics import parameters

    sweep = f"{study.name}-{datetime.now():%Y-%m-%d_%H-%M-%S}_{secrets.token_hex(2)}"
    smaller = study.quick if quick else ()
    cells = compose.cells(["-m", f"experiment={study.name}", f"tracking.sweep={sweep}", *smaller, *overrides])
    if not all(cell.config.hidden for cell in cells):
        raise ConfigError("network.depth", "an integer >= 1 for a study of hidden layers", 0)
    params = [parameters(cell.config) for cell in cells]
    for key, values in study.varied:
        if set(values) - {one[key] for one in params}:
            raise ConfigError(key, f"swept over {', '.join(values)} for the claims of {study.name}", list(overrides))
    fewest = min(cell.config.replicas for cell in cells)
    if fewest < study.replicas:
        raise ConfigError("replicas", f"an integer >= {study.replicas} for the tests of {study.name}", fewest)
    return sweep, cells


def run(study: Study, sweep: str, cells: Sequence[Cell]) -> list[Finding]:
    """Do the sweep and check the claims."""
    from mlpstudy.tracking.reading import load_runs

    print(f"{study.question}\nSource: {study.source}")
    if not conduct.run(cells):
        raise ValueError(f"the sweep of {study.name} did not end well; type the command again to go on")
    tracking = cells[0].raw["tracking"]
    return check(study, load_runs(tracking["uri"], sweep=sweep, experiment=tracking["experiment"]))


def report(findings: Sequence[Finding]) -> Table:
    """A table: claim, expected value, measured value, verdict."""
    table = Table(title="Claims", title_justify="left", show_lines=True)
    for heading in ("claim", "expected", "measured", "verdict"):
        table.add_column(heading)
    for finding in findings:
        verdict = Text(finding.verdict, STYLES[finding.verdict])
        table.add_row(finding.claim.statement, finding.claim.expected_text, finding.measured_text, verdict)
    return table


if __name__ == "__main__":
    sys.exit(main())
