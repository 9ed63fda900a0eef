"""Writes the runs of a sweep in a thread of its own: neither training nor display waits for the store."""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.events import Ending
from mlpstudy.cells.recording import Record
from mlpstudy.tracking.patience import Patience, Say
from mlpstudy.tracking.store import Store
from mlpstudy.tracking.writing import Rescue, RunLog

QUICK_SECONDS = 1  # a wait that is not spoken of
BEHIND = 200  # runs that may wait to be written; more would fill the memory


class SweepLog:
    """The runs of the cells of a sweep, each opened when its first record comes."""

    def __init__(
        self,
        store: Store,
        cells: Sequence[Cell],
        names: Sequence[str],
        sweep: str,
        say: Say,
        earlier: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        """say: tells the user something, from another thread. earlier: index of a cell -> run with fewer replicas."""
        self.complaints: dict[int, Rescue] = {}  # index of a cell -> what became of a run that is not in the store
        self._patience = Patience(say)
        self._new = lambda index: RunLog(
            store, cells[index], names[index], sweep, index, self._patience.call, earlier.get(index, "")
        )
        self._names, self._say = names, say
        self._runs: dict[int, RunLog] = {}
        self._ending: dict[int, Ending] = {}  # runs that have ended and are not written yet
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def record(self, index: int, record: Record) -> None:
        """Write a record of the cell with this index. Waits while too many runs have ended that are not written."""
        self.keep_up()
        run = self._run(index)
        self._jobs.put(lambda: run.record(record))

    def ended(self, index: int, ending: Ending) -> None:
        """Write the rest of the run of this cell."""
        run = self._run(index)
        self._ending[index] = ending

        def end() -> None:
            try:
                run.finish(ending)
                self._ending.pop(index, None)
            except Exception as reason:  # each kind of store raises its own errors
                self._keep(index, run, reason)
            del self._runs[index]

        self._jobs.put(end)

    def keep_up(self) -> None:
        """Wait while too many runs have ended that are not written yet."""
        while len(self._ending) > BEHIND and self._thread.is_alive():
            time.sleep(0.05)

    def close(self, seconds: float = float("inf")) -> None:
        """Wait until everything is written. What is not written after so many seconds is kept in a folder."""
        self._jobs.put(None)
        self._thread.join(min(seconds, QUICK_SECONDS))
        if self._thread.is_alive() and seconds == float("inf"):
            self._say(f"Waiting until the store has taken {len(self._ending)} runs (Ctrl-C keeps them in a folder).")
        self._thread.join(None if seconds == float("inf") else max(0, seconds - QUICK_SECONDS))
        self._patience.stop.set()
        for index in list(self._ending):  # the thread may be in a call that does not return
            self._keep(index, self._run(index), "the store has not answered")

    def _run(self, index: int) -> RunLog:
        if index not in self._runs:
            self._runs[index] = self._new(index)
        return self._runs[index]

    def _keep(self, index: int, run: RunLog, reason: object) -> None:
        """Keep a run in a folder, unless the other thread has just done so."""
        if (ending := self._ending.pop(index, None)) is not None:
            self.complaints[index] = run.rescue(reason, ending)
            self._say(f"{self._names[index]}: {self.complaints[index].complaint}")

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
