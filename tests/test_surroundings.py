"""What a machine, a notebook or a container sets, or does not set, changes nothing."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest

from mlpstudy import cache
from mlpstudy.commands import cli

TINY = ["network.depth=2", "network.width=8", "training.epochs=1", "replicas=2", "tracking.sweep=s"]
ROOT = Path(__file__).resolve().parents[1]


def python(*words, cwd, **environment):
    """Run Python with these variables; None removes one."""
    kept = {k: v for k, v in os.environ.items() if k not in {*environment, "MLFLOW_TRACKING_URI"}}
    given = {k: v for k, v in environment.items() if v is not None}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, capture_output=True, text=True, timeout=240, env=kept | given
    )


# --- MPLBACKEND, which every notebook sets for the commands that are typed in it


DRAWS = (
    "import reports.figures.grid, experiments.drawing, matplotlib, os\n"
    "experiments.drawing.figure().savefig('a.png')\n"
    "print(dict.__getitem__(matplotlib.rcParams, 'backend'), os.environ['MPLBACKEND'])\n"
)


@pytest.mark.parametrize("backend", ["nope", "module://matplotlib_inline.backend_inline", "qtagg", "module://nope"])
def test_a_backend_that_is_not_here_does_not_matter(tmp_path, backend):
    done = python("-c", DRAWS, cwd=tmp_path, MPLBACKEND=backend)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[-1] == backend  # for what the user starts
    assert (tmp_path / "a.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("first", "then"),
    [("", "module://mine"), ("import matplotlib; matplotlib.use('svg')\n", "svg")],
    ids=["chosen by the notebook", "chosen by the user"],
)
def test_the_backend_of_a_notebook_stays(tmp_path, first, then):
    (tmp_path / "mine.py").write_text("from matplotlib.backends.backend_agg import *\n")
    done = python("-c", first + DRAWS, cwd=tmp_path, MPLBACKEND="module://mine")
    assert done.stdout.split() == [then, "module://mine"], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_and_its_report_are_drawn_whatever_the_backend_is(tmp_path, workers):
    words = ["-m", "mlpstudy", "-m", "init=zeros,he", *TINY, f"workers={workers}"]
    done = python(*words, cwd=tmp_path, MPLBACKEND="nope")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.rglob("run.png"))) == 2
    done = python("-m", "reports", "--figures", "grid,saturation", cwd=tmp_path, MPLBACKEND="nope")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "figures" / "grid.png").exists()


def test_a_picture_that_could_not_be_drawn_is_told(new_uri, monkeypatch, capsys):
    def fails(*_):
        raise ValueError("no font")

    monkeypatch.setattr("mlpstudy.run_picture.draw", fails)
    assert cli.run(cli.cells(["-m", "init=zeros,he", *TINY, "workers=1", f"tracking.uri={new_uri}"]))
    out = capsys.readouterr().out
    assert "No picture of 2 runs, such as zeros-tanh-d2: ValueError: no font\n" in out


# --- a user without an entry in passwd and without HOME, as in many containers


@pytest.fixture
def nobody(tmp_path):
    """Variables of such a user, for a process and its workers."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import pwd\n"
        "def unknown(*_):\n"
        "    raise KeyError('getpwuid(): uid not found')\n"
        "pwd.getpwuid = unknown\n"
    )  # fmt: skip
    path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))
    names = ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "XDG_CACHE_HOME", "MPLCONFIGDIR")
    return {**dict.fromkeys(names), "PYTHONPATH": path, "TMPDIR": str(tmp_path)}


@pytest.mark.skipif(sys.platform == "win32", reason="passwd")
def test_a_user_without_a_home_gets_one_until_the_program_ends(tmp_path, nobody):
    code = "import os\nfrom mlpstudy import cache\nprint(cache.folder())\nassert os.listdir(os.environ['HOME']) == []"
    done = python("-c", code, cwd=tmp_path, **nobody)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).parents[2] == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="passwd")
def test_every_command_works_without_a_home(tmp_path, nobody):
    folder = tmp_path / "work"
    folder.mkdir()
    for words in (
        ["mlpstudy", "-m", "init=zeros,he", *TINY, "workers=2", "tracking.log_model=true"],
        ["mlpstudy.predict", "network.depth=2"],
        ["reports", "--figures", "grid"],
        ["mlpstudy.export", "s", "s.zip"],
        ["mlpstudy.clean", "s", "--yes"],
        ["mlpstudy.upload", "s.zip"],
    ):
        done = python("-m", *words, cwd=folder, **nobody)
        assert done.returncode == 0, (words, done.stderr)
        assert "Traceback" not in done.stdout + done.stderr


def test_a_home_that_is_there_is_left_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    cache.ensure_home()
    assert os.environ["HOME"] == str(tmp_path)


# --- versions of Python


def test_pip_refuses_a_python_on_which_hydra_does_not_start():
    """Hydra 1.3 on Python 3.14: hydra issue 3125."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert any(line.startswith("hydra-core") and "<1.4" in line for line in project["dependencies"])
    assert "3.14" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata("hydra-core")["Version"].startswith("1.3")
