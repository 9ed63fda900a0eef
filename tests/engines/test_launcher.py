"""Which engine is chosen, its settings, and what is told where it is not there."""

import sys
import time

import pytest

from mlpstudy import compose
from mlpstudy.engines import engine
from mlpstudy.engines.launcher import ENGINES, Launcher, parse
from mlpstudy.errors import ConfigError

SMALL = ("network.depth=1", "network.width=3", "replicas=1", "training.epochs=0")


def test_the_processes_of_this_machine_are_the_default():
    for words in (SMALL, ("-m", "init=he,xavier", *SMALL)):
        assert compose.read(words).launcher == Launcher()
    assert engine.opened(Launcher(), None, 3, print).about == "3 at a time"


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "basic"])
def test_files_in_conf_are_launchers(name):
    found = compose.read(["-m", "init=he,xavier", f"hydra/launcher={name}", "hydra.launcher.batch_seconds=30", *SMALL])
    assert len(found.cells) == 2
    assert found.launcher == parse(name, {"batch_seconds": 30})
    assert compose.read([f"hydra/launcher={name}", *SMALL]).launcher.engine == name  # of a single cell, too


def test_cells_are_the_same_under_every_engine():
    """So a sweep goes on under another engine."""
    plain = compose.cells(["-m", "init=he,xavier", *SMALL])
    for name in ("ray", "slurm"):
        other = compose.cells(["-m", "init=he,xavier", f"hydra/launcher={name}", *SMALL])
        assert [cell.hash for cell in other] == [cell.hash for cell in plain]


BAD = [
    ("joblib", {}, "hydra/launcher must be one of basic, ray, slurm, submitit_local; got 'joblib'"),
    ("ray", {"batch_seconds": -1}, "hydra.launcher.batch_seconds must be a number >= 0; got -1"),
    ("ray", {"batch_seconds": True}, "hydra.launcher.batch_seconds must be a number >= 0; got True"),
    ("ray", {"address": ""}, "hydra.launcher.address must be host:port, auto, or null; got ''"),
    ("ray", {"cpus": 0}, "hydra.launcher.cpus must be an integer >= 1, or null; got 0"),
    ("ray", {"gpus": 1}, "hydra.launcher.gpus must be left out; there is no such setting; got 1"),
    ("slurm", {"folder": None}, "hydra.launcher.folder must be a folder that all nodes share; got None"),
    ("slurm", {"partition": 3}, "hydra.launcher.partition must be a name, or null; got 3"),
    ("slurm", {"account": 3}, "hydra.launcher.account must be a name, or null; got 3"),
    ("slurm", {"minutes": 0.5}, "hydra.launcher.minutes must be an integer >= 1; got 0.5"),
    ("slurm", {"memory_gb": 0}, "hydra.launcher.memory_gb must be a number >= 0.1; got 0"),
    ("slurm", {"at_once": 0}, "hydra.launcher.at_once must be an integer >= 1; got 0"),
    ("slurm", {"setup": "module load x"}, "hydra.launcher.setup must be a list of lines of shell; got 'module load x'"),
]


@pytest.mark.parametrize(("name", "settings", "expected"), BAD, ids=[f"{b[0]}-{list(b[1])}" for b in BAD])
def test_wrong_settings_are_told_in_one_line(name, settings, expected):
    with pytest.raises(ConfigError) as told:
        parse(name, settings)
    assert str(told.value) == expected


@pytest.mark.parametrize("name", ["ray", "slurm", "submitit_local"])
def test_an_engine_that_is_not_installed_tells_the_command(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for module in ("ray", "submitit"):
        monkeypatch.setitem(sys.modules, module, None)
    extra = "ray" if name == "ray" else "slurm"
    with pytest.raises(ConfigError, match=rf"pip install 'mlpstudy\[{extra}\]'"):
        engine.opened(parse(name, {}), None, 1, print)
    assert not list(tmp_path.iterdir())


def test_a_cluster_that_cannot_be_reached_is_told_within_15_seconds():
    pytest.importorskip("ray")
    begun = time.monotonic()
    with pytest.raises(ConfigError, match="must be the address of a Ray that runs"):
        engine.opened(parse("ray", {"address": "127.0.0.1:1"}), None, 1, print)
    assert time.monotonic() - begun < 15


def test_slurm_that_is_not_here_is_told(monkeypatch, tmp_path):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="slurm where sbatch is and the controller answers"):
        engine.opened(parse("slurm", {}), None, 1, print)
