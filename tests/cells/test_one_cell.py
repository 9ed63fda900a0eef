"""Training of cells, in this process and in worker processes."""

import multiprocessing
import pickle
import time

import numpy as np
import pytest

from mlpstudy.cells import one_cell
from mlpstudy.cells.events import Failure, Picture
from mlpstudy.cells.recording import Record
from mlpstudy.commands import cli
from mlpstudy.engines import processes
from mlpstudy.errors import ConfigError

TINY = ["network.depth=2", "network.width=8", "training.epochs=1", "replicas=2"]


def last_records(cells, workers):
    return {i: e for i, e in processes.run(cells, workers) if isinstance(e, Record) and e.last}


@pytest.mark.slow
def test_workers_measure_what_one_process_measures():
    cells = cli.cells(["-m", "init=zeros,xavier,he", *TINY])
    alone, together = last_records(cells, 1), last_records(cells, 2)
    assert alone.keys() == together.keys() == {0, 1, 2}
    for index in alone:
        np.testing.assert_array_equal(alone[index].theta, together[index].theta)
        np.testing.assert_array_equal(alone[index].curves["loss_test"], together[index].curves["loss_test"])


def test_a_broken_cell_does_not_stop_the_others(monkeypatch):
    cells = cli.cells(["-m", "init=xavier,he", *TINY])
    train = one_cell.train_and_record

    def fail_for_xavier(problem, *arguments):
        if problem.config.flat["init.name"] == "xavier":
            raise MemoryError("no room")
        return train(problem, *arguments)

    monkeypatch.setattr(one_cell, "train_and_record", fail_for_xavier)
    ends = {i: e for i, e in processes.run(cells, 1) if isinstance(e, Failure) or e.last}
    assert ends[0] == Failure("MemoryError: no room", ends[0].details)
    assert "fail_for_xavier" in ends[0].details
    assert ends[1].last


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.0, 3.0])  # with a pause it dies in the middle of sending a record
def test_a_worker_that_dies_costs_its_cell_and_nothing_else(pause):
    """A killed process (out of memory, for example) sends nothing more, and the sweep must still end."""
    cells = cli.cells(["-m", "seed=0,1,2,3", "network.depth=20", "network.width=64", "training.epochs=1", "replicas=2"])
    events = processes.run(cells, 2)
    next(events)
    time.sleep(pause)
    for process in multiprocessing.active_children():
        process.kill()
    ends = {i: e for i, e in events if isinstance(e, Failure) or e.last}
    assert set(ends) == {0, 1, 2, 3}
    lost = [i for i, end in ends.items() if isinstance(end, Failure)]
    assert sorted(lost) == [0, 1]
    assert all("the worker process was lost" in ends[i].reason for i in lost)


@pytest.mark.slow
def test_a_worker_found_dead_when_it_is_given_a_cell_costs_that_cell(monkeypatch):
    start, started = processes._start_worker, []

    def first_dies(draw):
        pipe, process = start(draw)
        if not started:
            process.kill()
            process.join()
        started.append(process)
        return pipe, process

    monkeypatch.setattr(processes, "_start_worker", first_dies)
    cells = cli.cells(["-m", "seed=0,1,2", *TINY])
    ends = {i: e for i, e in processes.run(cells, 2) if isinstance(e, Failure) or e.last}
    assert set(ends) == {0, 1, 2}
    assert [i for i, end in ends.items() if isinstance(end, Failure)] == [0]


def name_of_cell(index, result):
    """Stands in for a page: says whose it is."""
    if result.config.init_name == "he":
        raise RuntimeError("no ink")
    return f"{index} {result.config.init_name} {len(result.arrays['curve_step'])}".encode()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_page_is_drawn_from_all_records_and_comes_before_the_last(workers):
    cells = cli.cells(["-m", "init=xavier,he", *TINY])
    events = list(processes.run(cells, workers, name_of_cell))
    of = {index: [event for i, event in events if i == index] for index in (0, 1)}
    for index, page in (
        (0, Picture(f"0 xavier {len(of[0]) - 1}".encode())),
        (1, Picture(b"", "RuntimeError: no ink")),
    ):
        *_, before, last = of[index]
        assert before == page
        assert last.last
        assert sum(isinstance(event, Picture) for event in of[index]) == 1


def test_errors_travel_between_processes():
    error = ConfigError("a.key", "a rule", 3)
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "a.key must be a rule; got 3"
