"""An array of jobs on the Slurm of this machine (setup_slurm.sh), one of which is killed."""

import shutil
import subprocess
import time

import pytest

from tests.integration.sweeps import ended, same_numbers, started

pytest.importorskip("submitit")
pytestmark = pytest.mark.slow


def answers():
    """Does a Slurm answer here?"""
    if shutil.which("sinfo") is None:
        return False
    return subprocess.run(["sinfo", "-h"], capture_output=True, timeout=30, check=False).returncode == 0


def kill_one():
    """Kill the task that began last, as a machine does that has no memory left."""
    time.sleep(4)  # it has begun to train
    subprocess.run(["pkill", "-KILL", "-n", "-f", "submitit.core._submit"], check=True)


@pytest.mark.skipif(not answers(), reason="needs Slurm: tests/integration/setup_slurm.sh")
def test_an_array_of_eight_cells_is_complete_after_a_task_was_killed(tmp_path):
    longer = "training.epochs=200"  # ten seconds a cell
    ended(started(tmp_path, longer, "tracking.experiment=here", "tracking.sweep=here"))
    words = (longer, "hydra/launcher=slurm", "hydra.launcher.batch_seconds=0", "hydra.launcher.memory_gb=0.5")
    process = started(tmp_path, *words, "tracking.experiment=there", "tracking.sweep=there")
    told = ended(process, 1, kill_one)
    assert "A worker was lost" in told
    same_numbers(tmp_path, "here", "there")


def test_the_same_path_without_slurm(tmp_path):
    ended(started(tmp_path, "tracking.experiment=here", "tracking.sweep=here"))
    words = ("hydra/launcher=submitit_local", "tracking.experiment=there", "tracking.sweep=there")
    assert "on submitit" in ended(started(tmp_path, *words))
    same_numbers(tmp_path, "here", "there")
    assert not (tmp_path / "slurm").exists()
