"""`python -m mlpstudy.clean SWEEP`: remove a sweep from MLflow, with its files."""

from collections.abc import Sequence
from functools import partial

from mlpstudy import terminal
from mlpstudy.commands import common
from mlpstudy.errors import ConfigError


def main(arguments: Sequence[str]) -> int:
    """Remove the sweep, if the user agrees; 1 if there is no such sweep or the user does not agree."""
    terminal.endure()
    parser = common.parser("python -m mlpstudy.clean", __doc__)
    parser.add_argument("sweep", metavar="SWEEP", help="the name of the sweep")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(arguments)
    from rich import progress  # these import mlflow, which takes seconds

    from mlpstudy.display import console
    from mlpstudy.tracking import cleaning

    out = console()
    track = partial(progress.track, description="removing", console=out, transient=True)
    try:
        removal = cleaning.of_sweep(options.uri, options.sweep)
        question = f"Remove {removal.text}? This cannot be undone. [y/N] "
        if not options.yes and input(question).strip().lower() not in ("y", "yes"):
            print("Nothing was removed.")
            return 1
        print(cleaning.remove(removal, track if out.is_terminal else iter))
    except (EOFError, KeyboardInterrupt):
        print("Nothing was removed. (--yes removes without asking.)")
        return 1
    except ConfigError as error:
        return common.failed(error)
    return 0
