"""Events in files: read while they are written, after a start that was cut off, and after garbage."""

import os

import pytest

from mlpstudy.engines import event_files

EVENTS = [{"a": 1}, "x" * 300, 7]


def written(path):
    """Write the events as one start of a job, and the bytes of its file."""
    with event_files.new(path) as file:
        for event in EVENTS:
            event_files.put(file, event)
    with open(file.name, "rb") as again:
        return again.read()


@pytest.fixture
def path(tmp_path):
    """The beginning of the names of the files of a job."""
    return tmp_path / "3"


def test_what_is_complete_is_read_once_and_the_rest_later(path):
    whole = written(path)
    reader, found = event_files.Reader(path), []
    for end in range(len(whole) + 1):
        event_files._file(path, 0).write_bytes(whole[:end])
        found += reader.new()
    assert found == EVENTS


def test_before_the_job_begins_there_is_nothing(path):
    assert list(event_files.Reader(path).new()) == []


def test_a_start_after_any_half_event_is_read_from_its_beginning(path):
    whole = written(path)
    for end in range(len(whole)):
        for file in path.parent.iterdir():
            file.unlink()
        event_files._file(path, 0).write_bytes(whole[:end])
        reader = event_files.Reader(path)
        before = list(reader.new())
        assert before == EVENTS[: len(before)]
        assert len(before) < len(EVENTS)
        written(path)
        assert list(reader.new()) == EVENTS
        assert list(reader.new()) == []


def test_two_starts_between_two_looks_are_read_one_after_the_other(path):
    reader = event_files.Reader(path)
    written(path)
    written(path)
    assert list(reader.new()) == EVENTS * 2
    reader.remove()
    assert not list(path.parent.iterdir())


def test_a_start_that_began_while_the_one_before_it_was_read(path):
    """The generator has read the first event when the next start writes its file."""
    written(path)
    reader = event_files.Reader(path)
    events = reader.new()
    assert next(events) == EVENTS[0]
    written(path)
    assert list(events) == EVENTS[1:]
    assert list(reader.new()) == EVENTS


@pytest.mark.parametrize("garbage", [b"\0" * 500, os.urandom(500), b"\x05"])
def test_bytes_that_are_no_event_are_not_read_and_the_next_start_is(path, garbage):
    whole = written(path)
    file = event_files._file(path, 0)
    file.write_bytes(whole[: len(whole) // 2] + garbage)
    reader = event_files.Reader(path)
    before = list(reader.new())
    assert before == EVENTS[: len(before)]
    file.write_bytes(whole)  # the content comes later than the length, as on a network file system
    assert before + list(reader.new()) == EVENTS
    file.write_bytes(whole + garbage)
    written(path)
    assert list(reader.new()) == EVENTS
