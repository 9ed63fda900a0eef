"""`python -m mlpstudy.upload FOLDER`: bring runs into MLflow that were kept in a folder, or exported to a .zip."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlpstudy import terminal
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import uris


def main(arguments: Sequence[str]) -> int:
    """Bring in the runs; 1 if there are none, or if the store does not take them."""
    terminal.endure()
    parser = argparse.ArgumentParser(prog="python -m mlpstudy.upload", description=__doc__)
    parser.add_argument("source", type=Path, metavar="FOLDER", help="a folder (mlpstudy-rescued) or an exported .zip")
    parser.add_argument("--uri", help="MLflow store; default MLFLOW_TRACKING_URI or mlflow.db in this directory")
    parser.add_argument("--experiment", metavar="NAME", help="the experiment; default that of each run")
    options = parser.parse_args(arguments)
    from mlpstudy.tracking import moving  # imports mlflow, which takes seconds

    try:
        for line in moving.bring_in(options.source, options.uri, options.experiment, print):
            print(line)
    except ConfigError as error:
        print(f"mlpstudy: {error}", file=sys.stderr)
        return 1
    except Exception as error:  # each kind of store raises its own errors
        print(f"mlpstudy: {uris.redact(' '.join(str(error).split()))[:300]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
