"""Batches as tasks of Ray: of a cluster by its address, or of a Ray that is started on this machine.

The launcher plugin of Hydra for Ray wants an old cloudpickle and starts one task a cell, after all of them were
composed; so Ray is called directly.
"""

import contextlib
import itertools
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from mlpstudy.cells.events import Draw
from mlpstudy.cells.one_cell import Job
from mlpstudy.engines import worker
from mlpstudy.engines.batches import BatchEnd
from mlpstudy.errors import ConfigError

PATIENCE = 10  # seconds for a cluster to answer
MOMENT = 0.5  # seconds to wait for an event
PORT = 6379  # of a Ray head, where the address has none


class OnRay:
    """A cluster of Ray, whose tasks are batches."""

    def __init__(self, settings: Mapping[str, Any], draw: Draw | None) -> None:
        """Raises ImportError, and ConfigError if Ray cannot be reached, or a node has other code."""
        import ray

        self._ray, self._draw, self._numbers = ray, draw, itertools.count()
        self._address = settings["address"]
        _connect(ray, self._address, settings["cpus"])
        _quiet()
        try:
            _check_nodes(ray)
        except ConfigError:
            ray.shutdown()
            raise
        self._work = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(worker.work)
        self._running: dict[Any, int] = {}  # stream of a batch -> its number

    @property
    def slots(self) -> int:
        """The cores of the cluster now; nodes may come and go."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    @property
    def start(self) -> float:
        """The processes of Ray stay, and only the first task of each imports this package."""
        return 0.3

    @property
    def about(self) -> str:
        """Where the cluster is, and how large."""
        nodes = sum(node["Alive"] for node in self._ray.nodes())
        where = f"the cluster {self._address}" if self._address else "this machine"
        return f"Ray of {where}, {self.slots} core{'s' * (self.slots != 1)} on {nodes} node{'s' * (nodes != 1)}"

    def submit(self, batches: Sequence[Sequence[Job]]) -> list[int]:
        """One task for each batch."""
        streams = {self._work.remote(worker.code(), list(batch), self._draw): next(self._numbers) for batch in batches}
        self._running |= streams
        return list(streams.values())

    def events(self) -> list[tuple[int, worker.Numbered | BatchEnd]]:
        """What the tasks have yielded."""
        streams = list(self._running)
        ready, _ = self._ray.wait(streams, num_returns=len(streams), timeout=0)
        if not ready:
            ready, _ = self._ray.wait(streams, num_returns=1, timeout=MOMENT)
        events = [(stream, self._next(stream)) for stream in ready]
        return [(self._running.pop(s) if isinstance(e, BatchEnd) else self._running[s], e) for s, e in events]

    def _next(self, stream: Any) -> worker.Numbered | BatchEnd:
        """The next event of a task; BatchEnd after the last, or if the task was lost."""
        errors = self._ray.exceptions
        try:
            event: worker.Numbered = self._ray.get(next(stream))
        except StopIteration:
            return BatchEnd()
        except errors.RayTaskError as error:
            cause = error.as_instanceof_cause()
            if isinstance(cause, worker.OtherCode):  # of a node that has joined since
                raise ConfigError("every node", f"of the same code: {cause}", "another") from None
            return BatchEnd(str(cause))
        except errors.RayError as error:
            return BatchEnd(f"{type(error).__name__} of Ray")
        return event

    def close(self) -> None:
        """Cancel what runs, and leave the cluster."""
        for stream in self._running:
            with contextlib.suppress(Exception):
                self._ray.cancel(stream, force=True)
        self._running.clear()
        self._ray.shutdown()


def _connect(ray: Any, address: str | None, cpus: int | None) -> None:
    """Start a Ray, or join the cluster."""
    quiet = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if address is None:
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
        return
    wrong = ConfigError("hydra.launcher.address", "the address of a Ray that runs (ray start --head)", address)
    if address != "auto":
        host, _, port = address.rpartition("://")[2].partition(":")
        try:
            with socket.create_connection((host, int(port or PORT)), timeout=PATIENCE):
                pass
        except (OSError, ValueError) as error:
            raise wrong from error
    try:
        ray.init(address=address, **quiet)
    except Exception as error:  # of many kinds
        raise wrong from error


def _quiet() -> None:
    """Ray prints a page of its own for each node that dies; we say what it costs."""
    with contextlib.suppress(Exception):  # not a public part of Ray
        from ray._private import worker as inside

        inside.print_worker_logs = lambda *_: None


def _check_nodes(ray: Any) -> None:
    """Raise ConfigError that names a node with other code."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.remote(num_cpus=0)(worker.here)
    nodes = [node for node in ray.nodes() if node["Alive"]]
    places = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
    answers = [here.options(scheduling_strategy=place).remote() for place in places]
    for node, answer in zip(nodes, answers, strict=True):
        name = node["NodeManagerHostname"]
        try:
            _, code = ray.get(answer, timeout=6 * PATIENCE)
        except Exception as error:
            rule = f"able to import mlpstudy {worker.code()}; node {name} is not"
            raise ConfigError("every node", rule, type(error).__name__) from error
        if code != worker.code():
            rule = f"of the same code, mlpstudy {worker.code()}; node {name} has another"
            raise ConfigError("every node", rule, code)
