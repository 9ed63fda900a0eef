"""`python -m tests.benchmarks [NAME ...] [--mnist FOLDER]`: ratios of times, measured side by side in one process.

Nothing here is a test.
"""

import argparse
from pathlib import Path

from threadpoolctl import threadpool_limits

from tests.benchmarks import theory, training

BENCHMARKS = {"training": training.main, "theory": theory.main}
MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist"


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"some of {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--mnist", type=Path, default=MNIST, help="folder with the IDX files of MNIST; skipped without")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"NAME must be one of {', '.join(BENCHMARKS)}; got {name!r}")
    with threadpool_limits(1):
        for name, benchmark in BENCHMARKS.items():
            if name in options.names or not options.names:
                print(f"{name}\n")
                benchmark(options.mnist if options.mnist.is_dir() else None)


if __name__ == "__main__":
    main()
