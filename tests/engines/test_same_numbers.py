"""The same cell gives the same weights and losses bit for bit, whatever trains it on one machine."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from mlpstudy import compose
from mlpstudy.cells import sweep
from mlpstudy.engines import batches, worker

WORDS = ("-m", "init=he,lsuv", "activation=tanh,relu", "network.depth=3", "network.width=40", "replicas=2",
         "training.epochs=2")  # fmt: skip


def trained(events):
    """Curves and last weights of every cell."""
    found = {}
    for index, event in events:
        assert not isinstance(event, sweep.Failure), event
        if not isinstance(event, sweep.Page):
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
    alone = trained(sweep.run(cells, 1))
    same(alone, trained(sweep.run(cells, 2)))
    jobs = batches.jobs(cells, dict.fromkeys(range(len(cells)), 0))
    same(alone, trained(worker.work(worker.code(), jobs, None)))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_blas_threads_outside_changes_nothing(threads):
    """Cells are trained with one BLAS thread, however many the process has."""
    cells = compose.cells(WORDS)[:1]
    with threadpool_limits(threads):
        found = trained(sweep.run(cells, 1))
    same(found, trained(sweep.run(cells, 1)))
