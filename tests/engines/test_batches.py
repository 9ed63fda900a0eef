"""Batches, and workers that are lost: every event comes once, in order, from an engine that loses what it likes."""

import signal
from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

from mlpstudy import compose
from mlpstudy.cells import one_cell
from mlpstudy.cells.events import Failure
from mlpstudy.cells.one_cell import Job
from mlpstudy.cells.recording import Record
from mlpstudy.engines import batches, event_files, on_submitit, worker
from mlpstudy.engines.batches import BatchEnd, split
from mlpstudy.engines.worker import Numbered
from mlpstudy.errors import ConfigError


def job(index, seconds=1.0):
    return Job(index, {}, 0, seconds, {})


def record(step, last=False):
    return Record(step, 0.0, arrays={}, before=None, theta=None, done=1.0, last=last)


EVENTS = [record(0), record(1), record(2, last=True)]  # of every cell


class Losing:
    """An engine whose batches, by number, are lost after so many events, or begin again by themselves."""

    def __init__(self, slots, lost=None, again=None):
        self.slots, self.start, self.about = slots, 0.0, "an engine of a test"
        self.lost, self.again = lost or {}, again or {}
        self.running, self.submitted, self.closed = {}, [], 0

    def submit(self, some):
        numbers = []
        for batch in some:
            number = len(self.submitted)
            self.submitted.append([one.index for one in batch])
            found = [Numbered(one.index, place, event) for one in batch for place, event in enumerate(EVENTS)]
            if number in self.lost:
                found = [*found[: self.lost[number]], BatchEnd("killed by a test")]
            else:
                found = [*found[: self.again.get(number, 0)], *found, BatchEnd()]
            self.running[number] = deque(found)
            numbers.append(number)
        assert len(self.running) <= self.slots
        return numbers

    def events(self):
        found = [(number, events.popleft()) for number, events in self.running.items()]
        self.running = {number: events for number, events in self.running.items() if events}
        return found

    def close(self):
        self.closed += 1


def ran(engine, count, longest=3.0):
    """Event steps of each cell, and what was said."""
    said, found = [], {}
    for index, event in batches.run(engine, [job(i) for i in range(count)], longest, said.append):
        found.setdefault(index, []).append(event.reason if isinstance(event, Failure) else event.step)
    return found, said


def test_without_losses_every_cell_comes_once_in_batches():
    engine = Losing(2)
    found, said = ran(engine, 12)
    assert found == {i: [0, 1, 2] for i in range(12)}
    assert said == []
    assert engine.submitted == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert engine.closed == 1


@pytest.mark.parametrize("after", range(10))
def test_a_lost_worker_costs_no_cell_and_doubles_no_event(after):
    """Batch 1 has cells 3, 4, 5, of three events each, and is lost after so many."""
    engine = Losing(2, {1: after})
    found, said = ran(engine, 12)
    assert found == {i: [0, 1, 2] for i in range(12)}
    left = [index for index in (3, 4, 5) if (index - 3) * 3 + 3 > after]
    assert (left in engine.submitted[2:]) == bool(left)
    assert len(said) == bool(left)
    assert not left or said[0] == f"A worker was lost (killed by a test); its {len(left)} unfinished cells begin again."


@pytest.mark.parametrize("after", range(10))
def test_a_batch_that_its_cluster_begins_again_doubles_no_event(after):
    """Batch 1 has nine events and repeats the first ones, as a job does that Slurm starts again after so many."""
    engine = Losing(2, again={1: after})
    assert ran(engine, 12) == ({i: [0, 1, 2] for i in range(12)}, [])
    assert len(engine.submitted) == 4


def test_a_cell_that_loses_three_workers_has_failed_and_the_others_of_its_batch_have_not():
    engine = Losing(1, dict.fromkeys(range(3), 1))  # always in cell 0
    found, _ = ran(engine, 4, longest=100)
    assert engine.submitted == [[0, 1], [0, 1], [0, 1], [1], [2, 3]]
    assert found[0][-1] == "3 workers were lost in it; the last: killed by a test"
    assert found[0][:-1] == [0]
    assert found[1] == [0, 1, 2]


def test_a_failure_of_the_program_ends_a_cell_and_is_not_tried_again():
    engine = Losing(1)
    events = [Numbered(0, 0, Failure("boom")), Numbered(1, 0, record(0, last=True)), BatchEnd()]
    engine.submit = lambda some: engine.running.update({0: deque(events)}) or [0] * len(some)
    found = list(batches.run(engine, [job(0), job(1)], 10, print))
    assert [(i, type(event)) for i, event in found] == [(0, Failure), (1, Record)]


def test_the_engine_is_closed_when_the_sweep_ends_early():
    engine = Losing(2)
    events = batches.run(engine, [job(i) for i in range(8)], 1, print)
    next(events)
    events.close()
    assert engine.closed == 1


def test_batches_are_not_so_short_that_most_of_the_time_is_their_start():
    todo = [job(i, 0.3) for i in range(200)]  # a minute of work, and 256 places that take 4 s to begin
    assert [len(batch) for batch in split(todo, 60, 256, start=4.0)] == [67, 67, 66]
    assert {len(batch) for batch in split(todo, 60, 256)} == {1}
    assert {len(batch) for batch in split(todo, 0, 256, start=4.0)} == {1}  # as was asked


@pytest.mark.parametrize("slots", [1, 3, 16])
@pytest.mark.parametrize("longest", [0, 5, 60, 1e9])
def test_batches_keep_the_order_and_are_about_as_long_as_asked(slots, longest):
    rng = np.random.default_rng(0)
    todo = [job(i, float(seconds)) for i, seconds in enumerate(rng.lognormal(1, 1, 200))]
    found = split(todo, longest, slots)
    assert [one for batch in found for one in batch] == todo
    target = min(longest, sum(one.seconds for one in todo) / (2 * slots))
    longest_job = max(one.seconds for one in todo)
    assert all(sum(one.seconds for one in batch) <= target + longest_job for batch in found)
    assert len(found) >= min(2 * slots, len(todo)) * 0.5  # every slot has work
    if longest == 0:
        assert all(len(batch) == 1 for batch in found)


def test_the_estimate_follows_weights_examples_epochs_and_replicas():
    words = ("network.depth=3", "network.width=256", "replicas=4", "training.epochs=10")
    (cell,) = compose.cells(words)
    base = one_cell.seconds(cell) - one_cell.LEAST
    for more, factor in (("training.epochs=20", 2), ("replicas=8", 2), ("training.epochs=0", 0)):
        (other,) = compose.cells([*words, more])
        assert one_cell.seconds(other) - one_cell.LEAST == pytest.approx(factor * base)


def test_a_batch_is_refused_where_the_code_is_another():
    with pytest.raises(worker.OtherCode, match="install the same on all nodes"):
        list(worker.work("0.0.0 (of another)", [], None))
    assert list(worker.work(worker.code(), [], None)) == []


def reading(path):
    """An engine that reads the files of one job."""
    engine = on_submitit.OnSubmitit.__new__(on_submitit.OnSubmitit)
    running = on_submitit._Running(SimpleNamespace(), event_files.Reader(path))
    engine._running, engine._asked, engine._slurm = {0: running}, np.inf, False
    return engine


@pytest.fixture
def no_submitit(monkeypatch):
    """to_file asks it which signal ends a job; it need not be installed."""
    monkeypatch.setattr(on_submitit, "_end_at_the_signal", lambda: None)


@pytest.mark.usefixtures("no_submitit")
def test_other_code_at_a_job_ends_the_sweep_and_is_not_tried_again(tmp_path):
    with pytest.raises(worker.OtherCode):
        on_submitit.to_file(tmp_path / "0", "0.0.0 (of another)", [job(0)], None)
    with pytest.raises(ConfigError, match=r"every node must be of the same code: node .* has mlpstudy"):
        reading(tmp_path / "0").events()


@pytest.mark.usefixtures("no_submitit")
def test_a_job_that_slurm_starts_again_gives_every_event_once(tmp_path, monkeypatch):
    """It was stopped while it wrote, at any byte; the next start has the same number, and has nothing of the first."""
    path, jobs = tmp_path / "0", [job(0), job(1)]
    monkeypatch.setattr(one_cell, "events_of", lambda *_: iter(EVENTS))
    monkeypatch.setattr(on_submitit, "MOMENT", 0)
    on_submitit.to_file(path, worker.code(), jobs, None)
    first = tmp_path / "0.0.events"
    whole = first.read_bytes()
    for end in range(0, len(whole), 7):
        for file in tmp_path.iterdir():
            file.unlink()
        first.write_bytes(whole[:end])
        engine = reading(path)
        found = engine.events()
        on_submitit.to_file(path, worker.code(), jobs, None)
        found += engine.events()
        assert found[-1] == (0, BatchEnd())
        same = SimpleNamespace(slots=1, start=10.0, submit=lambda _: [0], events=lambda all=found: all, close=int)
        once = [(index, event.step) for index, event in batches.run(same, jobs, 10, print)]
        assert once == [(index, step) for index in (0, 1) for step in (0, 1, 2)]
        assert not list(tmp_path.iterdir())


def test_the_end_of_the_time_of_a_job_is_not_a_failure_of_its_cell():
    """submitit raises an error in the middle of the training, which would be told as an error of the cell."""
    environment = pytest.importorskip("submitit.core.job_environment")
    number = signal.Signals[f"SIG{environment.JobEnvironment.USR_SIG}"]

    def of_submitit(*_):
        raise RuntimeError("Job not requeued because: timed-out and not checkpointable.")

    before = signal.signal(number, of_submitit)
    try:
        on_submitit._end_at_the_signal()
        with pytest.raises(SystemExit, match="Job not requeued because: timed-out"):
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)
