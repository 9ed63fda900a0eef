"""Every command on every kind of terminal: one that shows few signs, one that is closed, one whose reader has gone."""

import io
import os
import pkgutil
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mlpstudy import terminal

TINY = "network.depth=2 network.width=8 training.epochs=1 replicas=2 workers=2 tracking.sweep=s"
COMMANDS = {  # in an order in which each finds what it needs
    "mlpstudy": f"-m init=zeros,xavier {TINY}",
    "mlpstudy.predict": "-m init=zeros,xavier network.depth=2",
    "reports": "--figures grid,seeds",
    "experiments": "symmetry --quick network.width=16 training.epochs=2 replicas=3",
    "mlpstudy.export": "s s.zip",
    "mlpstudy.clean": "s --yes",
    "mlpstudy.upload": "s.zip",
}
STATUS = {"experiments": 1}  # so small a study decides nothing
TROUBLES = {
    "ascii": "PYTHONIOENCODING=ascii {}",
    "latin-1": "PYTHONIOENCODING=latin-1 {}",
    "cp1252": "PYTHONIOENCODING=cp1252 {}",
    "output closed": "{} >&-",
    "all closed": "{} <&- >&- 2>&-",
    "reader gone": "{{ {}; echo $? >status; }} | head -1; exit $(cat status)",
    "disk full": "{} >/dev/full",
}
ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")


def shell(folder, trouble, module, words):
    typed = shlex.join([sys.executable, "-m", module, *shlex.split(words)])
    environment = {k: v for k, v in os.environ.items() if k not in ("MLFLOW_TRACKING_URI", "PYTHONIOENCODING")}
    return subprocess.run(
        ["bash", "-c", TROUBLES[trouble].format(typed)], cwd=folder, capture_output=True, timeout=240, env=environment
    )


def test_no_command_is_forgotten():
    found = set()
    for package in ("mlpstudy", "reports", "experiments"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            path = ROOT / Path(*module.name.split(".")).with_suffix(".py")
            if path.exists() and 'if __name__ == "__main__"' in path.read_text(encoding="utf-8"):
                found.add(module.name.removesuffix(".__main__"))
    assert found == set(COMMANDS)


@pytest.mark.parametrize("trouble", ["ascii", "all closed", "reader gone"])
def test_a_command_that_is_quick(tmp_path, trouble):
    done = shell(tmp_path, trouble, "mlpstudy", "--help")
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_trouble_of_a_stream_ends_a_command(tmp_path, trouble):
    for module, words in COMMANDS.items():
        done = shell(tmp_path, trouble, module, words)
        assert done.returncode == STATUS.get(module, 0), (module, done.stdout, done.stderr)
        assert b"Traceback" not in done.stderr
        assert done.stderr == b"" or module == "experiments"
        if "PYTHONIOENCODING" in TROUBLES[trouble] and module in ("mlpstudy", "experiments"):
            assert b"----------" in done.stdout  # the lines of a table
            assert module == "mlpstudy" or re.search(rb"\+-|\xb1", done.stdout)  # of two replicas, both are shown
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        status = database.execute("SELECT DISTINCT status FROM runs WHERE lifecycle_stage = 'active'").fetchall()
    assert status == [("FINISHED",)]
    assert (tmp_path / "figures" / "grid.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("module", COMMANDS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_help_on_every_terminal(tmp_path, module, trouble):
    done = shell(tmp_path, trouble, module, "--help")
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


@pytest.mark.slow
@pytest.mark.parametrize("stays", [True, False])
def test_a_sweep_on_a_real_terminal_of_few_signs_that_may_hang_up(tmp_path, stays):
    """It shows progress there. A terminal that has gone answers EIO."""
    outside, inside = os.openpty()
    command = [sys.executable, "-m", "mlpstudy", *shlex.split(COMMANDS["mlpstudy"])]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "100"}
    running = subprocess.Popen(command, cwd=tmp_path, stdin=inside, stdout=inside, stderr=inside, env=environment)
    os.close(inside)
    shown = b""
    while stays or b"Sweep" not in shown:
        try:
            shown += os.read(outside, 10_000)
        except OSError:  # the sweep has ended
            break
    os.close(outside)
    assert running.wait(240) == 0, shown
    assert b"Traceback" not in shown
    if stays:
        assert b"-----" in shown
        assert b"Draw the figures" in shown
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute("SELECT DISTINCT status FROM runs").fetchall() == [("FINISHED",)]


SHOWN = {
    ("ascii", "0.942 ± 0.008 › ─│┼━┃┏"): b"0.942 +- 0.008 > -|+-|+",
    ("latin-1", "± ü ›"): b"\xb1 \xfc >",
    ("cp1252", "± ü › ─"): b"\xb1 \xfc \x9b -",
    ("ascii", "Zürich 雪 10⁴"): b"Zurich ? 10?",
    ("utf-8", "a\udcff.csv"): b"a\xff.csv",  # Python's form of a name of a file that is no text
}


@pytest.mark.parametrize(("encoding", "text"), SHOWN)
def test_what_cannot_be_shown_gets_a_stand_in(encoding, text):
    found = io.BytesIO()
    stream = terminal.lasting(io.TextIOWrapper(found, encoding))
    stream.write(text)
    stream.flush()
    assert found.getvalue() == SHOWN[encoding, text]


class Broken(io.RawIOBase):
    def writable(self):
        return True

    def write(self, _):
        raise BrokenPipeError


def test_what_is_not_taken_is_left_out():
    stream = terminal.lasting(io.TextIOWrapper(io.BufferedWriter(Broken()), "utf-8"))
    stream.write("lost" * 10_000)
    stream.flush()
    assert not stream.isatty()


def test_a_full_pipe_is_waited_for():
    read, write = os.pipe()
    os.set_blocking(write, False)
    code = f"import os, sys, time\ntime.sleep(0.3)\nn = 0\nwhile p := os.read({read}, 65536): n += len(p)\nprint(n)"
    reader = subprocess.Popen([sys.executable, "-c", code], pass_fds=[read], stdout=subprocess.PIPE)
    os.close(read)
    with open(write, "w", encoding="utf-8") as pipe:
        stream = terminal.lasting(pipe)
        stream.write("x" * 1_000_000)
        stream.flush()
    assert int(reader.communicate(timeout=60)[0]) == 1_000_000


def test_streams_of_a_notebook_and_of_a_script_are_left_as_they_are(monkeypatch):
    class Notebook(io.StringIO):
        pass

    own = Notebook()
    assert terminal.lasting(own) is own
    script = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", script)
    with terminal.enduring():
        print("±")
    assert sys.stdout is script
    assert script.buffer.getvalue() == b"+-\n"
