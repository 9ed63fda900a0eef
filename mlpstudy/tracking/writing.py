"""The run of a cell: what it measures goes into a folder, and the folder into the store."""

import contextlib
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.events import Ending
from mlpstudy.cells.recording import Record
from mlpstudy.measure.arrays import ARRAYS
from mlpstudy.palette import colour
from mlpstudy.tracking import environment, files, metrics, parcel
from mlpstudy.tracking.parcel import ARTIFACTS, Call, Parcel, Row, rescue_folders
from mlpstudy.tracking.reading import PART
from mlpstudy.tracking.store import Store
from mlpstudy.tracking.uris import one_line, redact

FLUSH_SECONDS = 20  # a long cell shows its curves while it trains; a short cell sends its final numbers first
SAVE_SECONDS = 20  # of measuring are lost at most if the process is killed
POINTS = 15  # of each curve in MLflow, besides the first and the last; statistics.npz has all


class RunLog:
    """The run of a cell that is being trained. Two threads of `sweep_log` call it.

    The writer calls `record` and `finish`, which fill a folder. The sender calls `show_curves` and `send`, which bring
    it into the store. `keep` may be called by the sender or by the main thread at the end. While a long cell trains,
    its folder has the run as it would be if the process were killed.
    """

    def __init__(self, store: Store, cell: Cell, name: str, sweep: str, order: int, earlier: str = "") -> None:
        """order: the place in the grid. earlier: the id of a run whose replicas are joined at the end."""
        self.store, self.cell, self.name, self.earlier = store, cell, name, earlier
        self.full = bool(cell.raw["tracking"]["full"])
        self._tags = {
            "sweep": sweep,
            "order": str(order),
            "cell": cell.hash,
            "cell_any_replicas": cell.hash_any_replicas,
            **environment.tags(),
            "mlflow.runColor": colour(cell.config.init_name, len(cell.config.hidden)),
        }
        self._started = parcel.now()
        # what the folder has
        self._folder: Path | None = None
        self._records: list[Record] = []
        self._rows: list[Row] = []  # of curves
        self._next = 0.0  # the share of the training after which curves get their next point
        self._saved = time.monotonic()
        self._last: Parcel | None = None  # the run as it has ended
        self._unwritten = ""  # why there is no folder
        # what the store has
        self._run_id = ""
        self._described: dict[str, str] = {}  # tags, and if there are any, all params
        self._sent = 0  # rows of curves
        self._flushed = time.monotonic()

    def record(self, record: Record) -> None:
        """Add one record of the training (writer)."""
        self._records.append(record)
        if not self.earlier:  # else curves are those of all replicas, at the end
            self._add(record.step, record.done, record.arrays)
        if record.before is not None:
            self._tags |= metrics.predicted_tags(record.before)
            self._rows += parcel.rows(metrics.foreseen_curves(record.before, self.full))
        if time.monotonic() - self._saved > SAVE_SECONDS and not record.last:
            # the result so far, as if the cell ended here: this is what a kill leaves
            with contextlib.suppress(Exception):  # it is tried again with the next record
                self._save(Ending("KILLED", collect(self.cell, self._records), details=parcel.GONE))
            self._saved = time.monotonic()

    def finish(self, ending: Ending) -> None:
        """Write the folder of a run that has ended (writer). One that FAILED or was KILLED keeps what it measured."""
        if self.earlier and ending.result is not None:
            self._take_curves(ending.result.arrays)
            if ending.status == "FINISHED":
                self._tags[PART] = self.earlier
        self._last, self._records = self._save(ending), []

    def show_curves(self, call: Call) -> None:
        """Open the run in the store, and send its curves (sender). If the store fails now, it is tried again later."""
        with contextlib.suppress(Exception):
            self._open(call)
            if time.monotonic() - self._flushed > FLUSH_SECONDS:
                rows, self._flushed = self._rows[self._sent :], time.monotonic()
                parcel.log_metrics(self.store.client, self._run_id, rows, call)
                self._sent += len(rows)

    def send(self, call: Call) -> None:
        """Send the rest of a run that has ended, and remove its folder (sender). Raises whatever the store raises."""
        if self._last is None or self._folder is None:
            raise OSError(self._unwritten)
        self._open(call)
        if self._last.run_id != self._run_id:  # after a kill, the next sweep must not send it a second time
            self._last = replace(self._last, run_id=self._run_id)
            parcel.write(self._last, self._folder)
        new = {name: value for name, value in self._last.tags.items() if self._described.get(name) != value}
        there = set(self._rows[: self._sent])
        rest = [row for row in self._last.metrics if row not in there]
        parcel.fill(self.store.client, self._run_id, replace(self._last, params={}, tags=new, metrics=rest),
                    self._folder / ARTIFACTS, call)  # fmt: skip
        parcel.remove(self._folder)

    def keep(self, reason: object) -> tuple[Path | None, str]:
        """Leave the folder for the next sweep or `mlpstudy.upload`. Returns its root, None if it is lost; and why."""
        if self._last is None or self._folder is None:
            return None, f"lost, since it could be written nowhere ({self._unwritten})"
        with contextlib.suppress(OSError):  # the disk is full: it is free when this process has ended
            parcel.write(replace(self._last, run_id=self._run_id, held=False), self._folder)
        return self._folder.parents[1], f"not in MLflow but in {self._folder} ({one_line(reason)})"

    def _save(self, ending: Ending) -> Parcel | None:
        """Write the folder, in place of the one before. None if it could be written nowhere: then nothing is left."""
        complaints = []
        for place in (*rescue_folders(self.store.uri), None):  # None: a temporary folder, for the store to take at once
            folder = None
            try:
                root = place or Path(tempfile.mkdtemp(prefix=f"{parcel.RESCUE}-"))
                folder = parcel.new_folder(root, self._tags["sweep"], self.name)
                (folder / ARTIFACTS).mkdir()
                self._tags |= files.write(self.cell, ending, folder / ARTIFACTS)
                written = self._parcel(ending)
                parcel.write(written, folder)
            except Exception as error:  # the other cells go on
                complaints.append(f"{place or 'a temporary folder'}: {one_line(error)}")
                if folder is not None:
                    parcel.remove(folder)
                continue
            if self._folder is not None:
                parcel.remove(self._folder)
            self._folder = folder
            return written
        self._unwritten = "; ".join(complaints)
        return None

    def _add(self, step: int, done: float, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take a point of each curve, from what was measured at this moment."""
        if self.full or done >= min(self._next, 1.0):
            self._rows += parcel.rows(metrics.curves(step, arrays))
            self._next = (int(done * POINTS) + 1) / POINTS
        if self.full:
            self._rows += parcel.rows(metrics.layers(step, arrays))

    def _take_curves(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._next = 0.0
        snapshots = {int(step): row for row, step in enumerate(arrays["step"])}
        for row, step in enumerate(int(step) for step in arrays["curve_step"]):
            places = {"record": row, "snapshot": snapshots.get(step)}
            there = {name: places.get(axis) for name in arrays for axis in ARRAYS[name].axes[:1]}
            moment = {name: arrays[name][place] for name, place in there.items() if place is not None}
            self._add(step, step / max(1, int(arrays["curve_step"][-1])), moment)

    def _open(self, call: Call) -> None:
        """Make the run in the store, if it is not there."""
        if self._described:
            return
        client = self.store.client
        if not self._run_id:
            run = call(lambda: client.create_run(self.store.experiment_id, self._started, dict(self._tags), self.name))
            self._run_id = run.info.run_id
        opened = self._parcel(Ending("RUNNING"))
        parcel.describe(client, self._run_id, opened, call)
        self._described = opened.tags

    def _parcel(self, ending: Ending) -> Parcel:
        """The run as it ends."""
        tags, points = dict(self._tags), list(self._rows)
        if ending.details:
            tags["error"] = redact(ending.details)
        if (result := ending.result) is not None:
            tags |= metrics.tags(result)
            # the UI lists metrics in the order in which they are logged
            points = parcel.rows(metrics.headline(result)) + points
            points += parcel.rows(metrics.profiles(result, self.full))
        return Parcel(
            run_id=self._run_id,
            uri=redact(self.store.uri),
            experiment=str(self.cell.raw["tracking"]["experiment"]),
            name=self.name,
            status=ending.status,
            started=self._started,
            ended=parcel.now(),
            params=metrics.parameters(self.cell.config),
            tags=tags,
            metrics=points,
            data=metrics.data_set(self.cell),
            held=True,
        )
