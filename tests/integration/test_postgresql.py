"""An MLflow server on PostgreSQL (setup_postgresql.sh): every row of several writers is there, and a sweep."""

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.integration.store_rates import measure
from tests.integration.sweeps import ended, same_numbers, started

pytest.importorskip("psycopg")
DATABASE = "postgresql+psycopg://mlflow:mlflow@127.0.0.1:5432/mlflow"


def answers():
    """Does the database answer?"""
    import psycopg

    try:
        psycopg.connect(DATABASE.replace("+psycopg", ""), connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not answers(), reason="needs PostgreSQL: tests/integration/setup_postgresql.sh"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("artifacts")
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", DATABASE, "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--artifacts-destination", str(folder), "--workers", "2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.5)
    yield address
    process.terminate()
    process.wait()


def test_two_writers_of_16_runs_with_2000_metrics_lose_no_row(server):
    _, missing = measure(server, writers=2, runs=16, names=20, steps=100)
    assert missing == 0


def test_a_sweep_into_the_server_has_the_same_numbers(server, tmp_path):
    uri, now = f"tracking.uri={server}", time.time_ns()  # the server keeps what earlier tests wrote
    here, there = f"here-{now}", f"there-{now}"
    ended(started(tmp_path, uri, f"tracking.experiment={here}", f"tracking.sweep={here}"))
    words = ("hydra/launcher=submitit_local", f"tracking.experiment={there}", f"tracking.sweep={there}")
    ended(started(tmp_path, uri, *words))
    same_numbers(tmp_path, here, there, server)


def at_once(folder, count, *words):
    """So many sweeps into the same experiment of the database, begun at the same moment."""
    small = ("init=xavier,he", "activation=tanh", "training.epochs=2", "network.depth=2", "tracking.resume=true")
    return [started(folder, f"tracking.uri={DATABASE}", *small, *words) for _ in range(count)]


def test_five_sweeps_at_once_into_an_empty_database_and_resumed_after_a_kill(tmp_path):
    """Each of them may make the tables, and mark the runs that the kill has left."""
    import psycopg

    experiment = f"tracking.experiment=at-once-{time.time_ns()}"
    with psycopg.connect(DATABASE.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    killed = at_once(tmp_path, 5, experiment, "training.epochs=500")
    for process in killed:
        line = process.stdout.readline()
        while "Sweep" not in line and line:
            line = process.stdout.readline()
        assert "Sweep" in line
    time.sleep(3)  # runs are open
    for process in killed:
        process.kill()
        process.communicate()
    told = [ended(process) for process in at_once(tmp_path, 5, experiment)]
    assert any("Runs of a process that has gone, now KILLED" in text for text in told)
