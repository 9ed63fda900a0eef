"""`python -m tests.drills [NAME ...] [--sweeps N] [--kills N]`: what can go wrong, done on purpose, and what is lost.

kills      sweeps whose main process or a worker is killed at random moments, each typed again until it has ended
at_once    eight sweeps at once in one empty folder
locked     a database that another process locks for 25 s
away       a tracking server that does not answer for 20 s
gone       a tracking server that is killed, then Ctrl-C, then another server and `mlpstudy.upload`
full       a store on a full disk (only where a small file system can be mounted)
stopped    sweeps that Ctrl-C ends at random moments; what is printed then is typed in a shell until they are done
moved      a folder that is renamed, and a sweep of it exported and brought in elsewhere
folders    a study that is renamed and copied, under names with blanks, %, ?, #, quotes and letters of other languages:
           after every command, nothing outside has changed and one file has every run
identity   files with other content under the same name, and with the same content under another: what is done before

Each prints how many cells are lost (not FINISHED), doubled (FINISHED twice) and left open (RUNNING); all should be 0.
Nothing here is a test that the suite runs: it takes about twenty minutes.
"""

import argparse
import os
import random
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
from mlflow.tracking import MlflowClient

from tests.drills import folders, identity

CELLS = ["init=zeros,xavier,he", "seed=0,1", "network.depth=3", "network.width=16", "replicas=2", "training.epochs=10"]
LONG = ["init=zeros,xavier,he", "seed=0,1", "network.depth=10", "training.epochs=40", "replicas=2"]
COUNT = 6  # cells of each of these
Wrong = Counter[str]


def command(*arguments: str, module: str = "mlpstudy") -> list[str]:
    """A command as a user types it."""
    return [sys.executable, "-u", "-m", module, *arguments]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a sweep in a folder."""
    typed = command("-m", *arguments)
    return subprocess.Popen(typed, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str], seconds: float = 600) -> str:
    """Wait for a sweep, and return what it printed."""
    out, _ = process.communicate(timeout=seconds)
    return out


def counted(uri: str, cells: int = COUNT) -> Wrong:
    """What is wrong in a store that should have so many finished cells."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("mlpstudy")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    finished = Counter(run.data.tags["cell"] for run in runs if run.info.status == "FINISHED")
    whole = [run for run in runs if run.info.status == "FINISHED" and "final/loss_train" in run.data.metrics]
    return Counter(
        {
            "lost": cells - len(finished),
            "doubled": sum(count - 1 for count in finished.values()),
            "left open": sum(run.info.status == "RUNNING" for run in runs),
            "finished without numbers": sum(finished.values()) - len(whole),
        }
    )


def kills(folder: Path, rng: random.Random, times: int) -> Wrong:
    """Kill the main process, or a worker, at random moments; type the sweep again each time."""
    wrong: Wrong = Counter()
    for number in range(times):
        running = start(folder, *CELLS)
        time.sleep(rng.uniform(1, 9))
        workers = psutil.Process(running.pid).children(recursive=True) if running.poll() is None else []
        if number % 3 == 2 and workers:
            rng.choice(workers).kill()  # costs one cell, which is told as failed
            finish(running)
        else:
            running.kill()
            finish(running)
            _, alive = psutil.wait_procs(workers, timeout=3)  # one that is still starting takes up to two
            wrong["workers alive after 3 s"] += len(alive)
    finish(start(folder, *CELLS))
    wrong.update(counted(database(folder)))
    return wrong


def stopped(folder: Path, rng: random.Random, times: int) -> Wrong:
    """Ctrl-C at random moments; each time, the command that the sweep prints is typed in a shell."""
    wrong: Wrong = Counter()
    here = folder / "it's a $HOME"
    here.mkdir()
    typed = shlex.join(["exec", *command("-m", *CELLS)])
    for _ in range(times):
        running = subprocess.Popen(["bash", "-c", typed], cwd=here, stdout=subprocess.PIPE, text=True)
        time.sleep(rng.uniform(4, 9))
        running.send_signal(signal.SIGINT)
        out = finish(running)
        wrong["statuses other than 0 and 130"] += running.returncode not in (0, 130)
        if "To go on:  " in out:
            typed = f"exec {out.partition('To go on:  ')[2].splitlines()[0]}"
    done = subprocess.run(["bash", "-c", typed], cwd=here, capture_output=True, check=False)
    wrong["last commands that failed"] += done.returncode != 0
    wrong.update(counted(database(here)))
    return wrong


def at_once(folder: Path, rng: random.Random, times: int) -> Wrong:
    """Eight sweeps of other seeds at once, in a folder without a database."""
    sweeps = [start(folder, *CELLS[:1], f"seed={number}", *CELLS[2:], "workers=1") for number in range(8)]
    for one in sweeps:
        finish(one)
    return counted(database(folder), cells=24)


def locked(folder: Path, rng: random.Random, times: int) -> Wrong:
    """Another process holds the database for 25 s in the middle of a sweep."""
    running = start(folder, *LONG)
    wait_for(lambda: has_runs(folder / "mlflow.db"))
    with closing(sqlite3.connect(folder / "mlflow.db", timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(25)
        connection.rollback()
    finish(running)
    return counted(database(folder))


def away(folder: Path, rng: random.Random, times: int) -> Wrong:
    """The server's process is stopped for 20 s in the middle of a sweep, then goes on."""
    with server(folder) as (uri, process):
        running = start(folder, *LONG, f"tracking.uri={uri}")
        wait_for(lambda: has_runs(folder / "server.db"))
        every = [process, *process.children(recursive=True)]
        for one in every:
            one.suspend()
        time.sleep(20)
        for one in every:
            one.resume()
        out = finish(running)
        wrong = counted(uri)
        wrong["not said"] = int("does not answer" not in out and "Waiting" not in out)
        return wrong


def gone(folder: Path, rng: random.Random, times: int) -> Wrong:
    """The server is killed, Ctrl-C ends the sweep; what is kept is brought into a new server, the rest is trained."""
    wrong: Wrong = Counter()
    with server(folder) as (uri, process):
        running = start(folder, *LONG, f"tracking.uri={uri}")
        wait_for(lambda: has_runs(folder / "server.db"))
        time.sleep(2)
        for one in [process, *process.children(recursive=True)]:
            one.kill()
        time.sleep(4)
        asked = time.monotonic()
        running.send_signal(signal.SIGINT)
        out = finish(running)
        wrong["Ctrl-C took more than 3 s"] = int(time.monotonic() - asked > 3)
    with server(folder) as (uri, _):
        if "mlpstudy.upload" in out:
            bring = command("mlpstudy-rescued", "--uri", uri, module="mlpstudy.upload")
            subprocess.run(bring, cwd=folder, check=True, capture_output=True)
        finish(start(folder, *LONG, f"tracking.uri={uri}"))
        wrong.update(counted(uri))
        return wrong


def full(folder: Path, rng: random.Random, times: int) -> Wrong:
    """The disk of the store is full in the middle of a sweep; it is emptied, and the sweep typed again."""
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(disk)], capture_output=True).returncode:
        return Counter({"skipped, as nothing can be mounted here": 0})
    try:
        uri = f"sqlite:///{disk}/mlflow.db"
        running = start(folder, *LONG, f"tracking.uri={uri}")
        wait_for(lambda: has_runs(disk / "mlflow.db"))
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        time.sleep(15)
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
        finish(running)
        finish(start(folder, *LONG, f"tracking.uri={uri}"))
        return counted(uri)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)


def moved(folder: Path, rng: random.Random, times: int) -> Wrong:
    """The folder is renamed; the sweep is typed again, drawn, exported, and brought in elsewhere."""
    old, new, other = folder / "old", folder / "new", folder / "other"
    old.mkdir()
    other.mkdir()
    finish(start(old, *CELLS, "tracking.sweep=drill"))
    old.rename(new)
    wrong: Wrong = Counter()
    wrong["trained again"] = int("6 done before" not in finish(start(new, *CELLS)))
    drawn = subprocess.run(command("--figures", "grid,symmetry", module="reports"), cwd=new, capture_output=True)
    wrong["not drawn"] = int(drawn.returncode != 0 or not (new / "figures" / "grid.png").exists())
    finish(start(new, *CELLS, "network.depth=2"))
    wrong["written to the old place"] = int(old.exists())
    subprocess.run(command("drill", "../drill.zip", module="mlpstudy.export"), cwd=new, check=True, capture_output=True)
    shutil.rmtree(new)
    subprocess.run(command("../drill.zip", module="mlpstudy.upload"), cwd=other, check=True, capture_output=True)
    wrong["trained again elsewhere"] = int("6 done before" not in finish(start(other, *CELLS)))
    wrong.update(counted(database(other)))
    return wrong


def database(folder: Path) -> str:
    """The store in a folder."""
    return f"sqlite:///{folder}/mlflow.db"


def has_runs(path: Path) -> bool:
    """Whether a database that another process writes has a run."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("SELECT count(*) FROM runs").fetchone()[0])


def wait_for(true: Callable[[], bool]) -> None:
    """Wait up to a minute."""
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.2)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """An MLflow server on this machine, with its database and files in the folder."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--backend-store-uri",
        f"sqlite:///{folder}/server.db",
        "--artifacts-destination",
        str(folder / "served"),
    ]
    typed = command("server", *options, "--port", str(port), "--workers", "1", module="mlflow")
    process = subprocess.Popen(typed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    uri = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return bool(urllib.request.urlopen(f"{uri}/health", timeout=1).status == 200)
        except OSError:
            return False

    try:
        wait_for(answers)
        yield uri, psutil.Process(process.pid)
    finally:
        with_children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        for one in [process, *with_children]:
            one.kill()
        process.wait()


DRILLS = {drill.__name__: drill for drill in (kills, stopped, at_once, locked, away, gone, full, moved)}
DRILLS |= {
    "folders": lambda folder, rng, times: folders.folders(folder),
    "identity": lambda folder, rng, times: identity.identity(folder),
}


def main() -> None:
    """Run the drills and print what they found."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(DRILLS)}; default all")
    parser.add_argument("--sweeps", type=int, default=20, help="how many sweeps are killed; default %(default)s")
    parser.add_argument("--kills", type=int, default=3, help="of each sweep; default %(default)s")
    options = parser.parse_args()
    total: Wrong = Counter()
    for name in options.names or DRILLS:
        for number in range(options.sweeps if name == "kills" else 1):
            with tempfile.TemporaryDirectory() as folder:
                found = DRILLS[name](Path(folder), random.Random(number), options.kills)
            total.update(found)
            shown = ", ".join(f"{what} {count}" for what, count in found.items())
            print(f"{name:<8} {shown or 'nothing lost, doubled or left open'}", flush=True)
    print("in all   " + ", ".join(f"{what} {count}" for what, count in total.items()))


if __name__ == "__main__":
    main()
