"""A study is renamed and copied, under all kinds of names: commands in it touch nothing outside, and leave one file."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

# Beside each study stands a folder that its name means if it is read as a URI, by a shell, or without its sign.
NAMES = {
    "a blank": "a", "a%20b": "a b", "a?b": "a", "a#b": "a", "größe": "gr", "数据": "data", "it's \"so\"": "its",
    "a&$HOME;b": "a",
}  # fmt: skip
TINY = ["network.depth=2", "network.width=8", "training.epochs=1", "replicas=2", "training.snapshots=3", "workers=1"]
GRID = [*TINY, "init=zeros,xavier", "tracking.sweep=drill"]
RUNS = 4  # of the sweep `drill`, which is in two experiments
PYTHON = "import mlpstudy; runs = mlpstudy.load_runs(sweep='drill'); assert len(runs[0].arrays) > 9; "
PYTHON += "assert len(mlpstudy.run(init='zeros', depth=1, width=8, epochs=1, sweep='from_python')) == 1"


def commands() -> dict[str, list[str]]:
    """What a user types in the folder of a study, in this order; each works on what is there."""
    words = {
        "reports": ["reports", "--figures", "grid"],
        "resumed": ["mlpstudy", "-m", *GRID, "tracking.experiment=first"],
        "grown": ["mlpstudy", "-m", *GRID, "tracking.experiment=second", "replicas=3"],
        "new": ["mlpstudy", "-m", *TINY, "init=he", "tracking.log_model=true"],
        "export": ["mlpstudy.export", "drill", "drill.zip"],
        "upload": ["mlpstudy.upload", "drill.zip", "--experiment", "third"],
        "film": ["reports", "--film", "xavier-tanh-d2", "--sweep", "drill"],
        "clean": ["mlpstudy.clean", "drill", "--yes"],
    }
    return {"python": ["-c", PYTHON]} | {name: ["-m", *typed] for name, typed in words.items()}


def study(folder: Path) -> None:
    """Make a study: a sweep in two experiments, and its report."""
    folder.mkdir(parents=True)
    for experiment in ("first", "second"):
        done(folder, ["-m", "mlpstudy", "-m", *GRID, f"tracking.experiment={experiment}"])
    done(folder, ["-m", "reports", "--figures", "grid"])


def done(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder."""
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def seen(folder: Path, without: Path) -> Mapping[str, tuple[int, str]]:
    """Time and content of every file in a folder, and its folders."""
    found = {}
    for path in folder.rglob("*"):
        if path != without and without not in path.parents:
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path)] = (path.stat().st_mtime_ns if path.is_file() else 0, content)
    return found


def alone(database: Path) -> int:
    """How many runs a copy of the one file has."""
    copy = database.with_name("copy.db")
    shutil.copyfile(database, copy)
    with closing(sqlite3.connect(copy)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'").fetchone()
    copy.unlink()
    return int(count)


def folders(parent: Path, names: Mapping[str, str] = NAMES) -> Counter[str]:
    """The study under each name, once renamed and once copied; every command in it."""
    wrong: Counter[str] = Counter()
    made = parent / "made"
    study(made)
    for number, (name, sibling) in enumerate(names.items()):
        for copied in (True, False):
            place = parent / f"{number}{copied}"
            shutil.copytree(made, place / "original")
            shutil.copytree(made, place / sibling)
            (place / sibling / "mlflow.db").write_bytes(b"of somebody else")
            if copied:
                shutil.copytree(place / "original", place / name)
            else:
                (place / "original").rename(place / name)
            here = place / name
            for what, words in commands().items():
                before = seen(place, here)
                ended = done(here, words)
                wrong[f"{what} failed"] += ended.returncode != 0
                touched = {path for path, _ in before.items() ^ seen(place, here).items()}
                wrong[f"{what} touched something outside"] += bool(touched)
                wrong[f"{what} left a WAL"] += any(path.name.startswith("mlflow.db-") for path in here.iterdir())
                wrong[f"{what}: runs missing in the one file"] += alone(here / "mlflow.db") < (what != "clean") * RUNS
                if ended.returncode or touched:
                    print(f"{name} {what}: {touched or ended.stdout[-500:] + ended.stderr[-500:]}", file=sys.stderr)
            shutil.rmtree(place)
    return +wrong  # without what went well
