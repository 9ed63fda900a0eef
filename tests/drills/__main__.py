"""`python -m tests.drills [--sweeps N] [--kills N]`: sweeps whose main process is killed at random moments.

Each sweep is started, killed with SIGKILL and typed again, several times, until it may come to its end. Printed are the
cells that are lost (not FINISHED), doubled (FINISHED twice) and left open (RUNNING); all should be 0. Nothing here is a
test that the suite runs.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
from mlflow.tracking import MlflowClient

CELLS = ["init=zeros,xavier,he", "seed=0,1", "network.depth=3", "network.width=16", "replicas=2", "training.epochs=10"]


def drill(folder: Path, kills: int, rng: random.Random) -> Counter[str]:
    """One sweep: killed so many times, then left alone. Counts what is wrong."""
    command = [sys.executable, "-m", "mlpstudy", "-m", *CELLS, f"tracking.uri=sqlite:///{folder}/mlflow.db"]
    wrong: Counter[str] = Counter()
    for _ in range(kills):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(1, 9))
        workers = psutil.Process(running.pid).children(recursive=True)
        running.kill()
        running.wait()
        _, alive = psutil.wait_procs(workers, timeout=3)  # one that is still starting takes up to two
        wrong["workers alive after 3 s"] += len(alive)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("mlpstudy")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    finished = Counter(run.data.tags["cell"] for run in runs if run.info.status == "FINISHED")
    wrong["lost"] = 6 - len(finished)
    wrong["doubled"] = sum(count - 1 for count in finished.values())
    wrong["left open"] = sum(run.info.status == "RUNNING" for run in runs)
    wrong["killed runs (expected)"] = sum(run.info.status == "KILLED" for run in runs)
    return wrong


def main() -> None:
    """Run the drill and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("--sweeps", type=int, default=3)
    parser.add_argument("--kills", type=int, default=6, help="of each sweep")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    for number in range(options.sweeps):
        with tempfile.TemporaryDirectory() as folder:
            found = drill(Path(folder), options.kills, random.Random(number))
        total.update(found)
        print(f"sweep {number + 1}: " + ", ".join(f"{name} {count}" for name, count in found.items()), flush=True)
    print("in all: " + ", ".join(f"{name} {count}" for name, count in total.items()))


if __name__ == "__main__":
    main()
