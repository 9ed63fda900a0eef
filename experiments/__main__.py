"""`python -m experiments NAME [override ...]`: run a study's sweep and check its claims."""

import secrets
import sys
from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from experiments import symmetry
from experiments.study import Finding, Study, check
from mlpstudy import compose, conduct
from mlpstudy.display import console
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.tracking.reading import load_runs

STUDIES: dict[str, Study] = {"symmetry": symmetry.STUDY}
USAGE = "usage: python -m experiments NAME [override ...], e.g. python -m experiments symmetry replicas=10\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 if every claim is reproduced, 1 if one is not, 2 if no claim could be checked."""
    name, *overrides = (sys.argv[1:] if arguments is None else list(arguments)) or [""]
    if name in ("", "-h", "--help"):
        print(USAGE + "".join(f"  {study.name:<12} {study.question}\n" for study in STUDIES.values()))
        return 0 if name else 2
    try:
        if name not in STUDIES:
            raise ConfigError("NAME", one_of(STUDIES), name)
        study = STUDIES[name]
        print(f"{study.question}\nSource: {study.source}")
        sweep = f"{name}-{datetime.now():%Y-%m-%d_%H-%M-%S}_{secrets.token_hex(2)}"
        cells = compose.cells(["-m", f"experiment={name}", f"tracking.sweep={sweep}", *overrides])
        missing = set(study.inits) - {cell.config.init_name for cell in cells}
        if not all(cell.config.hidden for cell in cells):
            raise ConfigError("network.depth", "an integer >= 1 for a study of hidden layers", 0)
        if missing:
            raise ConfigError("init", f"swept over {', '.join(study.inits)} for this study's claims", overrides)
        if not conduct.run(cells):
            return 2
        tracking = cells[0].raw["tracking"]
        findings = check(study, load_runs(tracking["uri"], sweep=tracking["sweep"]))
    except compose.SETTINGS_ERRORS as error:
        print(f"experiments: {compose.one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("experiments: interrupted", file=sys.stderr)
        return 130
    except ValueError as error:
        print(f"experiments: {error}", file=sys.stderr)
        return 2
    console().print(report(findings))
    return 0 if all(finding.reproduced for finding in findings) else 1


def report(findings: Sequence[Finding]) -> Table:
    """A table: claim, expected value, measured value, reproduced or not."""
    table = Table(title="Claims", title_justify="left", show_lines=True)
    for heading in ("claim", "expected", "measured", "reproduced"):
        table.add_column(heading)
    for finding in findings:
        claim = finding.claim
        expected = f"{claim.expected:.4g}" + (f" ± {claim.tolerance:.2g}" if claim.tolerance else "")
        table.add_row(claim.statement, expected, finding.measured_text, "yes" if finding.reproduced else "NO")
    return table


if __name__ == "__main__":
    sys.exit(main())
