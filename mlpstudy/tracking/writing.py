"""Writes the run of a cell: curves while it trains, the rest when it ends."""

import contextlib
import math
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.cell_result import CellResult
from mlpstudy.cells.events import Ending
from mlpstudy.cells.problem import initial_theta, prepare_same
from mlpstudy.cells.recording import Record
from mlpstudy.errors import ConfigError
from mlpstudy.measure.statistics import STATISTICS
from mlpstudy.palette import colour
from mlpstudy.tracking import artifacts, environment, logged_model, metrics, parcel
from mlpstudy.tracking.parcel import ARTIFACTS, Call, Parcel, Row
from mlpstudy.tracking.patience import one_line
from mlpstudy.tracking.reading import PART
from mlpstudy.tracking.store import Store
from mlpstudy.tracking.uris import redact

FLUSH_SECONDS = 20  # a long cell shows its curves while it trains; a short cell logs its final numbers first
POINTS = 15  # of each curve in MLflow, besides the first and the last; statistics.npz has all
PAGE = "run.png"
RESCUE = "mlpstudy-rescued"  # folder for the runs whose store has gone


def rescue_folders() -> list[Path]:
    """Where runs are kept that the store did not take: in the current directory, else in that of the user."""
    with contextlib.suppress(RuntimeError):  # a user without a directory
        return [Path(RESCUE), Path.home() / RESCUE]
    return [Path(RESCUE)]


@dataclass(frozen=True)
class Rescue:
    """What became of a run that the store did not take."""

    root: Path | None  # the folder of all runs that are kept; None if it is lost
    complaint: str  # where it is, and why


class RunLog:
    """The run of a cell that is being trained."""

    def __init__(
        self, store: Store, cell: Cell, name: str, sweep: str, order: int, call: Call, earlier: str = ""
    ) -> None:
        """order: the place of the cell in the grid. call: makes the calls to the store.

        earlier: the id of the run whose replicas are joined at the end; curves are written then, of all replicas.
        """
        self.store, self.cell, self.name, self.call, self.earlier = store, cell, name, call, earlier
        self.full = bool(cell.raw["tracking"]["full"])
        self._tags = {
            "sweep": sweep,
            "order": str(order),
            "cell": cell.hash,
            "cell_any_replicas": cell.hash_any_replicas,
            **environment.tags(),
            "mlflow.runColor": colour(cell.config.init_name, len(cell.config.hidden)),
        }
        self._run_id = ""
        self._described: dict[str, str] = {}  # tags that are in the store, and then all params are, too
        self._rows: list[Row] = []  # of curves
        self._sent = 0  # rows that are in the store
        self._next = 0.0  # the share of the training after which curves get their next point
        self._started = now()
        self._flushed = time.monotonic()

    def record(self, record: Record) -> None:
        """Add one record of the training. If the store fails now, it is tried again later."""
        if not self.earlier:
            self._add(record.step, record.done, record.curves, record.statistics)
        if record.before is not None:
            self._tags |= metrics.predicted_tags(record.before.verdict, record.before.foreseen)
        try:
            self._begin()
            if time.monotonic() - self._flushed > FLUSH_SECONDS:
                self._flush()
        except Exception:
            self._flushed = time.monotonic()

    def finish(self, ending: Ending) -> None:
        """Write the rest and close the run. Raises whatever the store raises.

        A run that FAILED or was KILLED keeps what it measured.
        """
        if self.earlier and ending.result is not None:
            self._take_curves(ending.result)
            if ending.status == "FINISHED":
                self._tags[PART] = self.earlier
        with tempfile.TemporaryDirectory() as folder:
            self._write_files(ending, Path(folder))
            rest = self._parcel(ending, self._sent)
            self._begin()
            if self._described:
                new = {name: value for name, value in rest.tags.items() if self._described.get(name) != value}
                rest = replace(rest, params={}, tags=new)
            parcel.fill(self.store.client, self._run_id, rest, Path(folder), self.call)

    def rescue(self, reason: object, ending: Ending) -> "Rescue":
        """Keep the run in a folder, from which `python -m mlpstudy.upload` brings it into a store.

        The folder is in the current directory, or in the home directory if nothing can be written there (a full disk).
        Of a run that cannot be kept, nothing is left.
        """
        why = one_line(reason)
        for root in rescue_folders():
            wanted = Path(root, *(re.sub(r"[^\w .=-]", "_", part) for part in (self._tags["sweep"], self.name)))
            folder = next(path for path in _numbered(wanted) if not path.exists())  # an earlier rescue stays
            try:
                (folder / ARTIFACTS).mkdir(parents=True)
                self._write_files(ending, folder / ARTIFACTS)
                parcel.write(self._parcel(ending), folder)
                return Rescue(root, f"not in MLflow but in {folder} ({why})")
            except Exception as again:  # the other cells go on
                parcel.remove(folder)
                why += f"; {root}: {one_line(again)}"
        return Rescue(None, f"lost, since it could be written nowhere ({why})")

    def _add(self, step: int, done: float, curves: Mapping[str, Any], statistics: Mapping[str, Any] | None) -> None:
        if self.full or done >= min(self._next, 1.0):
            self._rows += rows(metrics.curves(step, curves))
            self._next = (int(done * POINTS) + 1) / POINTS
        if self.full and statistics is not None:
            self._rows += rows(metrics.layers(step, statistics))

    def _take_curves(self, result: CellResult) -> None:
        arrays = result.arrays
        snapshots = {int(step): row for row, step in enumerate(arrays["step"])}
        self._rows, self._next = [], 0.0
        for row, step in enumerate(int(step) for step in arrays["curve_step"]):
            curves = {name: arrays[f"curve_{name}"][row] for name in metrics.CURVES if f"curve_{name}" in arrays}
            measured = {n: arrays[n][snapshots[step]] for n in STATISTICS} if step in snapshots else None
            self._add(step, step / max(1, int(arrays["curve_step"][-1])), curves, measured)

    def _begin(self) -> None:
        """Open the run, if it is not open."""
        if not self._run_id:
            client, id_ = self.store.client, self.store.experiment_id
            run = self.call(lambda: client.create_run(id_, self._started, self._tags, self.name))
            self._run_id = run.info.run_id
            opened = replace(self._parcel(Ending("RUNNING")), metrics=[])
            parcel.describe(client, self._run_id, opened, self.call)
            self._described = opened.tags

    def _flush(self) -> None:
        parcel.log_metrics(self.store.client, self._run_id, self._rows[self._sent :], self.call)
        self._sent, self._flushed = len(self._rows), time.monotonic()

    def _parcel(self, ending: Ending, sent: int = 0) -> Parcel:
        """The run as it ends, without the first rows of its curves if these are in the store."""
        tags, found = dict(self._tags), self._rows[sent:]
        if ending.details:
            tags["error"] = redact(ending.details)
        if (result := ending.result) is not None:
            tags |= metrics.tags(result)
            # the UI lists metrics in the order in which they are logged
            found = [*rows(metrics.headline(result)), *found, *rows(metrics.profiles(result, self.full))]
        return Parcel(
            run_id=self._run_id,
            uri=redact(self.store.uri),
            experiment=str(self.cell.raw["tracking"]["experiment"]),
            name=self.name,
            status=ending.status,
            started=self._started,
            ended=now(),
            params=metrics.parameters(self.cell.config),
            tags=tags,
            metrics=found,
            data=metrics.data_set(self.cell),
        )

    def _write_files(self, ending: Ending, folder: Path) -> None:
        result, page = ending.result, ending.page
        if result is None:
            return
        write_artifacts(self.cell, result, folder, self.full)
        if self.cell.raw["tracking"]["log_model"] and result.theta_final is not None:
            try:
                logged_model.save(prepare_same(self.cell.config, self.cell.content).data, folder)
            except Exception as error:  # MLflow's; the run is kept without it
                self._tags["model"] = f"not kept ({one_line(error)})"
        if page is not None and page.complaint:
            self._tags["page"] = f"not drawn ({page.complaint})"
        elif page is not None:
            (folder / PAGE).write_bytes(page.picture)


def write_artifacts(cell: Cell, result: CellResult, folder: Path, full: bool = False) -> None:
    """statistics.npz, config.yaml, and weights_final.npz of the first replica; with `full`, of all replicas.

    Weights before training follow from seed and settings. They are kept if these may change: for data-dependent
    initializers and for parts of the user's own, and with `full`.
    """
    arrays: dict[str, Any] = {name: _compact(array, cell.config.dtype) for name, array in result.arrays.items()}
    np.savez_compressed(folder / "statistics.npz", **arrays)
    kept = slice(None) if full else slice(1)
    weights = {"final": None if result.theta_final is None else result.theta_final[kept]}
    if full or not cell.config.weights_follow_from_seed:
        with contextlib.suppress(ConfigError):  # a file has changed: rather none than wrong ones
            problem = prepare_same(cell.config, cell.content)
            weights["initial"] = initial_theta(problem, range(cell.config.replicas)[kept])
    for when, theta in weights.items():
        if theta is not None:
            layers: dict[str, Any] = dict(artifacts.named(theta, result.sizes))
            np.savez_compressed(folder / f"weights_{when}.npz", **layers)
    (folder / "config.yaml").write_text(redact(OmegaConf.to_yaml(OmegaConf.create(dict(cell.raw)))), encoding="utf-8")


def _compact(array: NDArray[Any], dtype: type[np.floating]) -> NDArray[Any]:
    """What was measured in float32 is kept in float32, if its range is enough; counts as small integers."""
    if array.ndim < 2:
        return array
    if array.dtype.kind in "iu":
        return array.astype(np.min_scalar_type(array.max(initial=0))) if array.min(initial=0) >= 0 else array
    if array.dtype != np.float64 or dtype == np.float64:
        return array
    sizes = np.abs(array[np.isfinite(array) & (array != 0)])
    limits = np.finfo(np.float32)
    fits = sizes.size == 0 or (sizes.min() >= limits.tiny and sizes.max() <= limits.max)
    return array.astype(np.float32) if fits else array


def rows(of: metrics.Rows) -> list[Row]:
    """Rows of metrics; what is not finite is NaN."""
    time_ = now()  # the time is part of the row, so a row that is sent twice is stored once
    return [(key, value if math.isfinite(value) else math.nan, time_, step) for (key, step), value in of.items()]


def now() -> int:
    """The time in ms, as MLflow counts it."""
    return int(1000 * time.time())


def _numbered(path: Path) -> Iterator[Path]:
    """path, path-2, path-3, ..."""
    yield path
    yield from (path.with_name(f"{path.name}-{number}") for number in count(2))
