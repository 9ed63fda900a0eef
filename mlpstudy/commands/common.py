"""What commands have in common: the option --uri, and errors in one line."""

import argparse
import sys


def parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """Reads the arguments of a command about a store."""
    one = argparse.ArgumentParser(prog=prog, description=description)
    one.add_argument("--uri", help="MLflow store; default MLFLOW_TRACKING_URI or mlflow.db in this directory")
    return one


def failed(reason: object) -> int:
    """Say why, on standard error; the exit status."""
    print(f"mlpstudy: {reason}", file=sys.stderr)
    return 1
