"""The runs of a sweep: one thread writes their folders, another one sends them. Training waits for neither."""

import math
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mlpstudy.cells.events import Ending
from mlpstudy.cells.recording import Record
from mlpstudy.tracking.patience import Patience, Say
from mlpstudy.tracking.writing import RunLog

QUICK_SECONDS = 1  # to wait before telling the user
BEHIND = 200  # runs that may wait for the store; more would fill the disk


class JobThread(threading.Thread):
    """A thread that does one job after the other, until it is given None."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        """Do what comes."""
        while (job := self.jobs.get()) is not None:
            job()


class SweepLog:
    """The listener that brings cells into MLflow: each is a run, which is opened when its first record comes."""

    def __init__(self, new: Callable[[int], RunLog], say: Say) -> None:
        """new: the run of the cell with this index. say: tells the user something, from another thread."""
        self.rescued: dict[int, Path | None] = {}  # index of a run that is not in the store -> root of its folder
        self._new, self._say, self._patience = new, say, Patience(say)
        self._runs: dict[int, RunLog] = {}
        self._unsent: dict[int, RunLog] = {}  # runs that have ended and are not in the store
        self._writer, self._sender = JobThread(), JobThread()

    def record(self, index: int, record: Record) -> None:
        """Write a record of this cell. Waits while the store is far behind."""
        self.keep_up()
        run = self._run(index)

        def write() -> None:
            run.record(record)
            self._sender.jobs.put(lambda: run.show_curves(self._patience.call))

        self._writer.jobs.put(write)

    def ended(self, index: int, ending: Ending) -> None:
        """Write the rest of the run of this cell."""
        run = self._unsent[index] = self._run(index)
        del self._runs[index]

        def write() -> None:
            run.finish(ending)
            self._sender.jobs.put(lambda: self._send(index, run))

        self._writer.jobs.put(write)

    def keep_up(self) -> None:
        """Wait while too many runs have ended that are not in the store."""
        while len(self._unsent) > BEHIND and self._sender.is_alive():
            time.sleep(0.05)

    def close(self, seconds: float) -> None:
        """Wait until everything is in the store. After so many seconds, the other runs stay in their folders."""
        self._writer.jobs.put(None)
        self._writer.join()
        self._sender.jobs.put(None)
        self._sender.join(min(seconds, QUICK_SECONDS))
        if self._sender.is_alive() and seconds == math.inf:
            waiting = f"{len(self._unsent)} run{'s' * (len(self._unsent) != 1)}"
            self._say(f"Waiting until the store has taken {waiting} (Ctrl-C keeps what is left in a folder).")
        self._sender.join(None if seconds == math.inf else max(0, seconds - QUICK_SECONDS))
        self._patience.stop.set()
        for index, run in list(self._unsent.items()):  # the thread may be in a call that does not return
            self._keep(index, run, "the store has not answered")

    def _run(self, index: int) -> RunLog:
        if index not in self._runs:
            self._runs[index] = self._new(index)
        return self._runs[index]

    def _send(self, index: int, run: RunLog) -> None:
        try:
            run.send(self._patience.call)
            self._unsent.pop(index, None)
        except Exception as reason:  # each kind of store raises its own errors
            self._keep(index, run, reason)

    def _keep(self, index: int, run: RunLog, reason: object) -> None:
        """Leave a run in its folder, unless the other thread has just done so."""
        if self._unsent.pop(index, None) is not None:
            self.rescued[index], sentence = run.keep(reason)
            self._say(f"{run.name}: {sentence}")
