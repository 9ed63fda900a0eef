"""A Ray cluster of two nodes on this machine, one of which is killed in the middle of a sweep."""

import time

import pytest

from mlpstudy.engines import engine, on_ray, worker
from mlpstudy.engines.launcher import parse
from mlpstudy.errors import ConfigError
from tests.integration.sweeps import ended, same_numbers, started

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster():
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield found, found.add_node(num_cpus=1)
    found.shutdown()


def test_a_sweep_is_complete_after_a_node_was_killed_and_has_the_same_numbers(cluster, tmp_path):
    nodes, second = cluster
    ended(started(tmp_path, "tracking.experiment=here", "tracking.sweep=here"))
    words = ("hydra/launcher=ray", f"hydra.launcher.address={nodes.address}", "hydra.launcher.batch_seconds=1")
    process = started(tmp_path, *words, "tracking.experiment=there", "tracking.sweep=there")

    def kill():
        time.sleep(1)  # the node trains its next cell
        nodes.remove_node(second, allow_graceful=False)

    told = ended(process, 2, kill)
    assert "2 cores on 2 nodes" in told
    assert "A worker was lost (NodeDiedError of Ray)" in told
    same_numbers(tmp_path, "here", "there")


def test_a_node_with_other_code_is_refused_by_name(cluster, monkeypatch):
    nodes, _ = cluster
    monkeypatch.setattr(worker, "code", lambda: "9.9.9 (of another)")
    monkeypatch.setattr(on_ray.worker, "here", _other)
    with pytest.raises(
        ConfigError, match=r"every node must be of the same code, mlpstudy 9.9.9 .*; node .* has another"
    ):
        engine.opened(parse("ray", {"address": nodes.address}), None, 1, print)


def _other():
    return "host", "0.1.0 (of this)"
