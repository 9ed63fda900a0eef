"""Writes the run of a cell: records while it trains, the rest when it ends. No measurement is ever lost."""

import math
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray
from omegaconf import OmegaConf

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.cell_result import CellResult, collect
from mlpstudy.cells.recording import Record
from mlpstudy.cells.sweep import Draw, Page, drawn
from mlpstudy.network import mlp
from mlpstudy.palette import colour
from mlpstudy.tracking import environment, metrics
from mlpstudy.tracking.store import Store
from mlpstudy.tracking.uris import redact

FLUSH_SECONDS = 20  # a long cell shows its curves while it trains; a short cell logs its final numbers first
BATCH = 1000  # MLflow takes at most so many metrics in one call
PATIENCE_SECONDS = 120  # the longest wait for a store that another process uses
PAGE = "run.png"
RESCUE = "mlpstudy-rescued"  # folder for the artifacts of runs whose store has gone

Answer = TypeVar("Answer")


class RunLog:
    """The run of a cell that is being trained."""

    def __init__(self, store: Store, cell: Cell, name: str, sweep: str, order: int, draw: Draw | None = None) -> None:
        """order: the place of the cell in the grid. draw: for a run that ends without a page."""
        self.store, self.cell, self.name, self.sweep, self.order, self.draw = store, cell, name, sweep, order, draw
        self.page: Page | None = None  # the picture that is kept with the run
        self._run_id = ""
        self._records: list[Record] = []
        self._pending: list[Metric] = []
        self._flushed = time.monotonic()

    def record(self, record: Record) -> None:
        """Add one record of the training. If the store fails now, it is tried again later."""
        self._records.append(record)
        self._pending += _metrics(metrics.series(record))
        try:
            self._begin()
            if time.monotonic() - self._flushed > FLUSH_SECONDS:
                self._flush()
        except Exception:
            self._flushed = time.monotonic()

    def finish(self, status: str = "FINISHED", error: str = "") -> tuple[CellResult | None, str]:
        """Write the rest and close the run. Returns the result (None: nothing was measured) and a complaint.

        A run that FAILED or was KILLED keeps what it measured. If the store does not take the run, the artifacts are
        written to a folder in the current directory, and the complaint names the folder and the reason.
        """
        result = collect(self.cell, self._records) if self._records else None
        try:
            self._begin()
            self._close(result, status, error)
        except Exception as reason:
            return result, self._rescue(result, reason)
        return result, ""

    def _rescue(self, result: CellResult | None, reason: Exception) -> str:
        why = redact(" ".join(f"{type(reason).__name__}: {reason}".split()))[:200]
        wanted = Path(RESCUE, *(re.sub(r"[^\w .=-]", "_", part) for part in (self.sweep, self.name)))
        folder = next(path for path in _numbered(wanted) if not path.exists())  # an earlier rescue stays
        try:
            if result is not None:
                folder.mkdir(parents=True)
                write_artifacts(self.cell, result, folder)
        except Exception as again:  # such as a full disk; the other cells go on
            return f"not in MLflow ({why}), nor in {folder} ({again})"
        return f"not in MLflow but in {folder} ({why})"

    def _begin(self) -> None:
        if self._run_id:
            return
        config, client = self.cell.config, self.store.client
        tags = {
            "sweep": self.sweep,
            "order": str(self.order),
            "cell": self.cell.hash,
            **environment.tags(),
            "mlflow.runColor": colour(config.init_name, len(config.hidden)),
        }
        if self._records and self._records[0].prediction is not None:
            tags |= metrics.predicted_tags(self._records[0].prediction.verdict)
        run = _retry(lambda: client.create_run(self.store.experiment_id, tags=tags, run_name=self.name))
        self._run_id = run.info.run_id
        self._log_params()

    def _close(self, result: CellResult | None, status: str, error: str) -> None:
        tags = {"error": redact(error)} if error else {}
        if result is not None:
            tags |= metrics.tags(result)
            # the UI lists metrics in the order in which they are logged
            headline, profiles = metrics.headline(result), metrics.profiles(result)
            self._pending = [*_metrics(headline), *self._pending, *_metrics(profiles)]
            with tempfile.TemporaryDirectory() as folder:
                write_artifacts(self.cell, result, Path(folder))
                tags |= self._write_page(Path(folder, PAGE))
                _retry(lambda: self.store.client.log_artifacts(self._run_id, folder))
        self._flush()
        self._log_params()  # again, since the store may have failed in _begin
        self._log(tags=[RunTag(k, v) for k, v in tags.items()])
        _retry(lambda: self.store.client.set_terminated(self._run_id, status))

    def _write_page(self, path: Path) -> dict[str, str]:
        """Write the picture. Without one, a tag says why."""
        if self.page is None and self.draw is not None:
            self.page = drawn(self.draw, self.order, self.cell, self._records)
        if self.page is None:
            return {}
        if self.page.complaint:
            return {"page": f"not drawn ({self.page.complaint})"}
        path.write_bytes(self.page.picture)
        return {}

    def _log_params(self) -> None:
        self._log(params=[Param(k, v) for k, v in metrics.parameters(self.cell.config).items()])

    def _log(self, **rows: Any) -> None:
        _retry(lambda: self.store.client.log_batch(self._run_id, **rows))

    def _flush(self) -> None:
        while self._pending:
            self._log(metrics=self._pending[:BATCH])
            self._pending = self._pending[BATCH:]
        self._flushed = time.monotonic()


def write_artifacts(cell: Cell, result: CellResult, folder: Path) -> None:
    """statistics.npz, weights_initial.npz, weights_final.npz and config.yaml."""
    arrays: dict[str, Any] = dict(result.arrays)
    np.savez_compressed(folder / "statistics.npz", **arrays)
    for when, theta in (("initial", result.theta_initial), ("final", result.theta_final)):
        if theta is not None:
            np.savez(folder / f"weights_{when}.npz", **_named(theta, result.sizes))
    (folder / "config.yaml").write_text(redact(OmegaConf.to_yaml(OmegaConf.create(dict(cell.raw)))), encoding="utf-8")


def _numbered(path: Path) -> Iterator[Path]:
    """path, path-2, path-3, ..."""
    yield path
    yield from (path.with_name(f"{path.name}-{number}") for number in count(2))


def _named(theta: NDArray[np.floating], sizes: tuple[int, ...]) -> dict[str, Any]:
    """W1 (R, n_1, n_0), b1 (R, n_1), W2, ..."""
    named: dict[str, Any] = {}
    for layer, (W, b) in enumerate(mlp.unflatten(theta, sizes), start=1):
        named |= {f"W{layer}": W, f"b{layer}": b[:, 0]}
    return named


def _metrics(rows: metrics.Rows) -> list[Metric]:
    now = int(1000 * time.time())  # the time is part of the row, so a row that is sent twice is stored once
    finite = {key: value if math.isfinite(value) else math.nan for key, value in rows.items()}
    return [Metric(name, value, now, step) for (name, step), value in finite.items()]


def _retry(call: Callable[[], Answer]) -> Answer:
    """Repeat a call while another process uses the store."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except MlflowException as error:
            if error.error_code != "TEMPORARILY_UNAVAILABLE" or time.monotonic() > give_up:
                raise
            time.sleep(1)
