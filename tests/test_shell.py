"""Commands that are printed are typed again here, in a shell, in the folder in which they were printed."""

import ast
import io
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from html import unescape
from pathlib import Path

import pytest

from mlpstudy import display, shell
from mlpstudy.conduct import report
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import store as stores
from mlpstudy.tracking.reading import load_runs
from reports.page import page

ROOT = Path(__file__).resolve().parents[1]
ODD = ["plain", "with blank", "it's", 'say "x"', "zürich", "$HOME `x`", "a;b&c|d", "-n", "~", "*", "雪"]
TINY = ["network.depth=2", "network.width=8", "training.epochs=1", "replicas=2"]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")


def typed(command, folder):
    """What a command prints that is typed in a folder."""
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | {"BROWSER": "echo"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=240, env=environment
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def whole_path(monkeypatch):
    """Commands are made in the folder of the test run and typed in another one."""
    monkeypatch.setattr(shell, "python", lambda: sys.executable)


def printed(text, after):
    """The command in the line that begins with these words."""
    return next(line for line in text.splitlines() if after in line).partition(after)[2].strip()


@pytest.mark.parametrize("word", ODD)
def test_a_command_reaches_its_program_as_it_was_meant(tmp_path, monkeypatch, word):
    monkeypatch.chdir(tmp_path)  # the command is for the folder in which it is printed
    (tmp_path / "shown.py").write_text("import sys; print(sys.argv[1:])")
    assert typed(shell.command("shown", word, "--uri", word), tmp_path) == f"{[word, '--uri', word]}\n"


UNSHOWN = ["tab\there", "two\nlines", "back\\ü's", "\x1b[1m", "a\udcff", "no\u00a0break", "ü!1"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("word", [*ODD, *UNSHOWN])
def test_a_command_with_letters_that_a_stream_cannot_show(tmp_path, monkeypatch, word, stream, encoding):
    """It is printed as it stands, and names the same file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shown.py").write_text("import sys; print(ascii(sys.argv[1:]))")
    monkeypatch.setattr(sys, stream, io.TextIOWrapper(io.BytesIO(), encoding))
    command = shell.command("shown", word)
    assert command.encode(encoding).decode(encoding).isprintable()
    assert typed(command, tmp_path) == f"{[word]!a}\n"


def test_a_stream_that_shows_all_letters_needs_no_signs():
    assert [shell.quoted(word, io.StringIO()) for word in ("zü.zip", "x.zip", "it's")] == [
        "'zü.zip'", "x.zip", "'it'\"'\"'s'",
    ]  # fmt: skip
    assert shell.quoted("zü.zip", io.TextIOWrapper(io.BytesIO(), "ascii")) == r"$'z\303\274.zip'"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_command_is_shown_letter_by_letter(monkeypatch, is_terminal):
    """Rich would draw a picture for :smile: and leave out [bold]."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(out, "isatty", lambda: is_terminal, raising=False)
    command = shell.command("mlpstudy.upload", "x:smile:y.zip", "[bold]:snowman:")
    display.console().print(command, soft_wrap=True)
    assert out.getvalue() == f"{command}\n"


@pytest.mark.parametrize("place", ["with blank/bin", "bin", ""])
def test_the_name_of_this_python_works_where_it_is_printed(tmp_path, monkeypatch, place):
    """Also in a folder with a blank in its name, and in the folder of Python itself, where a shell does not look."""
    python = tmp_path / place / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text("#!/bin/sh\necho called $*\n")
    python.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(python))
    assert typed(shell.command("mlpstudy"), tmp_path) == "called -m mlpstudy\n"


def test_a_file_that_begins_with_a_dash_is_no_option():
    assert [shell.path(Path(name)) for name in ("-x.zip", "x.zip", "a/-x.zip")] == ["./-x.zip", "x.zip", "a/-x.zip"]


def test_commands_are_made_in_one_place():
    """Text with values in it that names a command would not be quoted."""
    for path in (path for package in ("mlpstudy", "reports", "experiments") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and any(isinstance(part, ast.FormattedValue) for part in node.values):
                text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
                allowed = "`python -m reports`" in text  # without any value in it
                assert allowed or not re.search(r"-m (mlpstudy|mlflow|reports|pip)|pip install", text), (path, text)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "it's $HOME", "zürich; x&y"])
@pytest.mark.usefixtures("whole_path")
def test_every_command_that_is_printed_goes_on(tmp_path, name):
    """A sweep that is stopped, typed again, looked at, drawn, exported, brought in."""
    folder = tmp_path / name
    folder.mkdir()
    script = tmp_path / "stopped.py"
    script.write_text(
        "import signal\n"
        "from mlpstudy.commands import cli\n"
        "from mlpstudy.display import SweepDisplay\n"
        "ended = SweepDisplay.ended\n"
        "def stop(*arguments):\n"
        "    ended(*arguments)\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "SweepDisplay.ended = stop\n"
        "cli.main()\n"
    )
    uri = f"sqlite:///{name}.db"
    words = ["-m", "init=zeros,he", *TINY, "workers=1", f'tracking.uri="{uri}"', "tracking.sweep='a b'"]
    done = subprocess.run([sys.executable, str(script), *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    out = typed(printed(done.stdout, "1 of 2 cells are done. To go on:  "), folder)
    assert "2 cells, 1 done before" in out
    assert [run.status for run in load_runs(f"sqlite:///{folder}/{name}.db")] == ["FINISHED"] * 2

    drawn = typed(printed(out, "Draw the figures:  ") + " --figures grid", folder)
    assert "grid.png" in drawn
    assert f"{(folder / 'figures' / 'index.html').as_uri()}\n" in typed(printed(drawn, "Look at them:"), folder)
    assert_serves(printed(out, "Look at the runs:  "), folder)
    note = re.search(r"<code>(.*?)</code>", str(page.note(f"sqlite:///{folder}/{name}.db")))
    shown = unescape(note[1]).removeprefix("python ")
    assert_serves(f"{shlex.quote(sys.executable)} {shown}", folder)

    export = shell.command("mlpstudy.export", "a b", "./-z ü.zip", "--uri", uri)
    out = typed(printed(typed(export, folder), "Bring them in:  "), folder)
    assert "zeros-tanh-d2: brought in" in out


def assert_serves(command, folder):
    """A command that starts a server, which answers with the experiment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["bash", "-c", f"{command} --port {port} --workers 1"], cwd=folder, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    asked = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get-by-name?experiment_name=mlpstudy"
    try:
        for _ in range(200):
            try:
                with urllib.request.urlopen(asked, timeout=5) as answer:
                    assert b'"mlpstudy"' in answer.read()
                    return
            except OSError:
                assert server.poll() is None, command
                time.sleep(0.5)
        pytest.fail(f"no answer: {command}")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


@pytest.mark.slow
@pytest.mark.usefixtures("whole_path")
def test_the_command_of_an_error_works(tmp_path, monkeypatch):
    folder = tmp_path / "it's $HOME"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ConfigError) as empty:
        load_runs()
    make = re.search(r"\(make one: (.*?)\)", str(empty.value))[1]
    assert "3 cells" in typed(shlex.join([*shlex.split(make), *TINY]), folder)
    monkeypatch.setattr(stores.database, "_get_latest_schema_revision", lambda: "another")
    with pytest.raises(ConfigError) as old:
        load_runs()
    typed(re.search(r"back it up, then: (.*?)\);", str(old.value))[1], folder)


@pytest.mark.parametrize("name", ODD)
def test_commands_about_a_store_elsewhere_name_it(tmp_path, monkeypatch, name):
    """Of every command after a sweep, as the shell splits it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    uri = f"sqlite:///{tmp_path}/{name}.db"
    store = stores.Store(uri, "1", None)
    assert report.uri_option(store) == ("--uri", uri)
    out = report.next_commands(store, "s")
    assert shlex.split(printed(out, "Look at the runs:  "))[-2:] == ["--backend-store-uri", uri]
    assert shlex.split(printed(out, "Draw the figures:  "))[-2:] == ["--uri", uri]
    here = stores.Store(f"sqlite:///{tmp_path}/mlflow.db", "1", None)
    assert report.uri_option(here) == ()


def test_a_password_is_not_printed_and_that_is_said():
    out = report.next_commands(stores.Store("postgresql://me:s3cret@host/runs", "1", None), "s")
    assert "s3cret" not in out
    assert "*** stands for your password" in out
