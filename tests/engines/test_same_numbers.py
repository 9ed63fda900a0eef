"""The same cell gives the same weights and losses bit for bit, whatever trains it on one machine."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from mlpstudy import compose
from mlpstudy.cells import one_cell
from mlpstudy.cells.events import Failure, Picture
from mlpstudy.engines import processes, worker

WORDS = ("-m", "init=he,lsuv", "activation=tanh,relu", "network.depth=3", "network.width=40", "replicas=2",
         "training.epochs=2")  # fmt: skip


def trained(events):
    """Curves and last weights of every cell."""
    found = {}
    for index, event in events:
        assert not isinstance(event, Failure), event
        if not isinstance(event, Picture):
            found.setdefault(index, []).append((event.step, *event.curves.values(), event.theta))
    return found


def same(one, other):
    assert one.keys() == other.keys()
    for index in one:
        for mine, theirs in zip(one[index], other[index], strict=True):
            for a, b in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(a, b)


def test_one_process_several_and_a_batch_elsewhere_agree_bit_for_bit():
    cells = compose.cells(WORDS)
    alone = trained(processes.run(cells, 1))
    same(alone, trained(processes.run(cells, 2)))
    jobs = one_cell.jobs(cells, dict.fromkeys(range(len(cells)), 0))
    same(alone, trained((event.index, event.event) for event in worker.work(worker.code(), jobs, None)))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_blas_threads_outside_changes_nothing(threads):
    """Cells are trained with one BLAS thread, however many the process has."""
    cells = compose.cells(WORDS)[:1]
    with threadpool_limits(threads):
        found = trained(processes.run(cells, 1))
    same(found, trained(processes.run(cells, 1)))


# Other BLAS kernels, as on another processor, and other numbers of BLAS threads sum in another order. After one epoch
# of a network that is not chaotic, weights then differ by at most so much, relative to the largest.
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}
LONG = ("-m", "init=xavier", "network.depth=10", "training.epochs=1", "replicas=2")
ELSEWHERE = """
import json, sys
from mlpstudy import compose
from mlpstudy.engines import processes
events = [event for _, event in processes.run(compose.cells(sys.argv[1:]), 1)]
print(json.dumps([events[-1].theta.ravel().tolist(), events[-1].curves["loss_train"].tolist()]))
"""


def close(one, other, dtype):
    for mine, theirs in zip(one, other, strict=True):
        mine, theirs = np.ravel(mine), np.ravel(theirs)
        assert np.abs(mine - theirs).max() <= TOLERANCE[dtype] * np.abs(mine).max()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_kernels_of_another_processor_agree_within_the_tolerance(dtype):
    found = []
    for kernels in ("", "Prescott"):  # a processor of 2004, with vectors a quarter as long
        process = subprocess.run(
            [sys.executable, "-c", ELSEWHERE, *LONG, f"dtype={dtype}"], env=os.environ | {"OPENBLAS_CORETYPE": kernels},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.append(json.loads(process.stdout))
    close(*found, dtype)


def test_two_blas_threads_agree_within_the_tolerance(monkeypatch):
    cells, found = compose.cells((*LONG, "network.width=256")), []
    for threads in (1, 2):
        monkeypatch.setattr(one_cell, "threadpool_limits", lambda _, threads=threads: threadpool_limits(threads))
        *_, (_, last) = processes.run(cells, 1)
        found.append((last.theta, last.curves["loss_train"]))
    close(*found, "float32")
