"""`python -m tests.benchmarks [NAME ...] [--mnist FOLDER] [--json FILE]`: times measured side by side in one process.

Nothing here is a test.
"""

import argparse
import contextlib
import json
import os
import platform
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from tests.benchmarks import advice, around, cases, foresight, growth, steps, theory, training

BENCHMARKS = {
    "steps": steps.main,
    "growth": growth.main,
    "around": around.main,
    "training": training.main,
    "theory": theory.main,
    "foresight": foresight.main,
    "advice": lambda mnist: advice.main(),
    "cases": cases.main,
}
MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist"


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"some of {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--mnist", type=Path, default=MNIST, help="folder with the IDX files of MNIST; skipped without")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"NAME must be one of {', '.join(BENCHMARKS)}; got {name!r}")
    np.zeros((1, 1)) @ np.zeros((1, 1))  # loads BLAS, so that its name is known
    found: dict[str, object] = {
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "versions": {name: version(name) for name in ("numpy", "scipy", "torch") if find_spec(name)},
        "python": platform.python_version(),
        "blas": sorted({f"{info['internal_api']} {info['version']}" for info in threadpool_info() if info["version"]}),
        "command": " ".join(["python -m tests.benchmarks", *sys.argv[1:]]),
    }
    print("\n".join(f"{key}: {value}" for key, value in found.items()))
    with threadpool_limits(1):
        for name, benchmark in BENCHMARKS.items():
            if name in options.names or not options.names:
                print(f"\n{name}\n")
                found[name] = benchmark(options.mnist if options.mnist.is_dir() else None)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def processor() -> str:
    """The name of the processor, where the system tells it."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
