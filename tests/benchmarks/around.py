"""`python -m tests.benchmarks around`: what a command takes besides training.

Each command runs ROUNDS times in a new process, in turn with the others.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from mlpstudy.cells.problem import load_data
from mlpstudy.commands import cli

ROUNDS = 3
NOTHING = ["network.depth=1", "network.width=4", "training.epochs=0", "tracking.resume=false"]
MANY = 41
FIRST_RECORD = """
import os
from mlpstudy import display
from mlpstudy.commands import cli
display.SweepDisplay.record = lambda *_: os._exit(0)
cli.main()
"""


def commands(uri: str) -> dict[str, list[str]]:
    """The arguments of Python, by what is timed."""
    store = f"tracking.uri={uri}"
    return {
        "--help": ["-m", "mlpstudy", "--help"],
        "a wrong setting": ["-m", "mlpstudy", "init=nope"],
        "the first record of a digits cell": ["-c", FIRST_RECORD, store],
        "1 cell without training": ["-m", "mlpstudy", "-m", store, "seed=0", *NOTHING],
        f"{MANY} cells without training": ["-m", "mlpstudy", "-m", store, f"seed=range({MANY})", *NOTHING],
    }


def main(mnist: Path | None) -> dict[str, Any]:
    """Print and return seconds, in rounds."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        asked_for = commands(f"sqlite:///{folder}/mlflow.db")
        subprocess.run([sys.executable, *asked_for["1 cell without training"]], capture_output=True, check=True)
        for _ in range(ROUNDS):
            for name, arguments in asked_for.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
                found.setdefault(name, []).append(time.perf_counter() - start)
        pairs = zip(found[f"{MANY} cells without training"], found["1 cell without training"], strict=True)
        found["each further cell, beyond its training"] = [(many - one) / (MANY - 1) for many, one in pairs]
        for _ in range(ROUNDS):
            start = time.perf_counter()
            cli.cells(["-m", "init=zeros,xavier,he,lecun,orthogonal", "activation=tanh,relu", "seed=range(100)"])
            found.setdefault("1,000 cells read and checked", []).append(time.perf_counter() - start)
        if mnist is not None:
            os.environ["XDG_CACHE_HOME"] = folder
            for name in ("MNIST the first time", *["MNIST"] * ROUNDS):
                load_data.cache_clear()
                start = time.perf_counter()
                load_data((("name", "mnist"), ("root", str(mnist)), ("standardize", "standard")), 0, "float32")
                found.setdefault(name, []).append(time.perf_counter() - start)
    for name, seconds in found.items():
        print(f"{name}: {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")
    return found
