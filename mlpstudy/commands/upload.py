"""`python -m mlpstudy.upload FOLDER`: bring runs into MLflow that were kept in a folder, or exported to a .zip."""

from collections.abc import Sequence
from pathlib import Path

from mlpstudy import terminal
from mlpstudy.commands import common
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import uris


def main(arguments: Sequence[str]) -> int:
    """Bring in the runs; 1 if there are none, or if the store does not take them."""
    terminal.endure()
    parser = common.parser("python -m mlpstudy.upload", __doc__)
    parser.add_argument("source", type=Path, metavar="FOLDER", help="a folder (mlpstudy-rescued) or an exported .zip")
    parser.add_argument("--experiment", metavar="NAME", help="the experiment; default that of each run")
    options = parser.parse_args(arguments)
    from mlpstudy.tracking import moving  # imports mlflow, which takes seconds

    try:
        for line in moving.bring_in(options.source, options.uri, options.experiment, print):
            print(line)
    except ConfigError as error:
        return common.failed(error)
    except Exception as error:  # each kind of store raises its own errors
        return common.failed(uris.redact(" ".join(str(error).split()))[:300])
    return 0
