"""`python -m mlpstudy.export SWEEP FILE.zip`: write a sweep into one file, for `mlpstudy.upload` on another machine."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mlpstudy import shell, terminal
from mlpstudy.commands import common
from mlpstudy.errors import ConfigError


def main(arguments: Sequence[str]) -> int:
    """Write the file; 1 if there is no such sweep, or if the file cannot be written."""
    terminal.endure()
    parser = common.parser("python -m mlpstudy.export", __doc__)
    parser.add_argument("sweep", metavar="SWEEP", help="the name of the sweep")
    parser.add_argument("target", type=Path, metavar="FILE.zip")
    options = parser.parse_args(arguments)
    from rich import progress  # these import mlflow, which takes seconds

    from mlpstudy.display import console
    from mlpstudy.tracking import moving
    from mlpstudy.tracking.reading import load_runs

    out = console()
    try:
        runs = load_runs(options.uri, options.sweep)
        track = partial(progress.track, description="exporting", console=out, transient=True)
        moving.export(runs, options.sweep, options.target, track if out.is_terminal else iter)
    except (ConfigError, OSError) as error:
        return common.failed(error)
    size = options.target.stat().st_size / 1e6
    out.print(f"{len(runs)} run{'s' * (len(runs) != 1)} in {options.target} ({size:.1f} MB)")
    bring = shell.command("mlpstudy.upload", shell.path(options.target))
    out.print(f"Bring them in:  {bring}", soft_wrap=True)
    return 0
