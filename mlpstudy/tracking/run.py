"""A run as MLflow has it: settings, verdicts and numbers at once, arrays when they are first used."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from mlpstudy.cells.config import Config, parse
from mlpstudy.cells.problem import weights_again
from mlpstudy.measure import arrays
from mlpstudy.settings.keys import NOT_IDENTITY
from mlpstudy.tracking import artifacts, uris

if TYPE_CHECKING:  # slow to import; processes that only draw do without them
    import pandas as pd
    import xarray as xr
    from mlflow.entities import Run as MlflowRun

ENDED = ("FINISHED", "FAILED", "KILLED")


class NotMeasured(Exception):
    """A run ended before it measured the requested arrays."""


@dataclass(frozen=True)
class Run:
    """One cell as MLflow has it; arrays are read when they are first used."""

    id: str
    name: str
    status: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    uri: str  # of the store
    experiment_id: str
    artifact_uri: str

    @cached_property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """The content of statistics.npz, see `measure.arrays`; in float64, to calculate with."""
        kept = self._npz("statistics.npz")
        try:
            arrays.check(kept)
        except ValueError as error:
            raise NotMeasured(f"{self.name} has another statistics.npz than this version reads: {error}") from error
        return {name: a.astype(np.float64) if a.dtype == np.float32 else a for name, a in kept.items()}

    @cached_property
    def data(self) -> "xr.Dataset":
        """`arrays` with named axes and what is known of their places. Raises ImportError if xarray is missing."""
        try:
            import xarray as xr
        except ImportError as error:
            raise ImportError("run.data needs xarray: pip install xarray (run.arrays does without it)") from error
        known = {name: a for name, a in self.arrays.items() if name in arrays.ARRAYS}
        table = arrays.ARRAYS
        data = xr.Dataset({n: (table[n].axes, a, {"description": table[n].meaning}) for n, a in known.items()})
        layers = {"layer": np.arange(1, data.sizes["layer"] + 1)}
        return data.assign_coords(layers).set_coords([name for name in arrays.PLACES if name in data])

    @property
    def foreseen(self) -> "pd.DataFrame":
        """The learning curve that the pilot foresees, by step: loss_train and, of classes, accuracy_train.

        It ends where the pilot ended. Empty if nothing was foreseen.
        """
        import pandas as pd

        prefix = "foreseen_"
        curves = {n.removeprefix(prefix): a for n, a in self.arrays.items() if n.startswith(prefix)}
        return pd.DataFrame({"step": [], "loss_train": []} | curves).set_index("step")

    @property
    def replicas(self) -> int:
        """R: how many replicas were measured."""
        return int(self.arrays["curve_loss_train"].shape[1])

    @property
    def local_folder(self) -> Path | None:
        """The folder of the files of the run; None if it is not on this machine."""
        folder = uris.local_path(self.artifact_uri)
        return folder if folder.is_dir() else None

    def weights(self, when: str) -> Mapping[str, NDArray[Any]]:
        """W1 (R, n_1, n_0), b1 (R, n_1), W2, ... ; `when` is initial or final.

        Those of the first replica, or of all with `tracking.full=true`. Initial weights that are not kept are drawn
        again, for all replicas.
        """
        try:
            return self._npz(f"weights_{when}.npz")
        except NotMeasured:
            if when != "initial":
                raise
        if not self._config.weights_follow_from_seed:  # what is drawn now may be something else
            raise NotMeasured(f"{self.name} did not keep its initial weights")
        sizes = self.arrays["sizes"].tolist()
        return artifacts.named(weights_again(self._config, sizes), sizes)

    @cached_property
    def _config(self) -> Config:
        """The settings that the run had."""
        return parse(self._read("config.yaml", lambda path: yaml.safe_load(path.read_text(encoding="utf-8"))))

    def _npz(self, name: str) -> Mapping[str, NDArray[Any]]:
        try:
            return self._read(name, artifacts.load_npz)
        except Exception as error:  # each kind of artifact store raises its own errors
            raise NotMeasured(f"{self.name} ({self.status.lower()}) has no {name} that can be read") from error

    def _read(self, name: str, load: Callable[[Path], artifacts.Content]) -> artifacts.Content:
        return artifacts.read(self.uri, self.id, self.artifact_uri, name, self.status in ENDED, load)


class Runs(list[Run]):
    """Some runs; shown as their table."""

    @property
    def table(self) -> "pd.DataFrame":
        """A row for each run: short settings, verdicts, outcome, and the numbers of the summary table."""
        import pandas as pd

        tags = (
            *("verdict", "verdict_predicted", "verdict_final"),
            *("outcome_predicted", "outcome_by_pilot", "outcome", "outcomes"),
        )
        rows = []
        for run in self:
            short = {name: value for name, value in run.params.items() if "." not in name and name not in NOT_IDENTITY}
            settings = {name: _number(value) for name, value in short.items()}
            labels = {name: run.tags.get(name) for name in tags}
            numbers = {key.partition("/")[2]: value for key, value in run.metrics.items() if key.startswith("final/")}
            rows.append({"name": run.name, **settings, **labels, **numbers, "status": run.status, "run_id": run.id})
        return pd.DataFrame(rows).set_index("name") if rows else pd.DataFrame()

    def __getitem__(self, key: Any) -> Any:
        """The run with this name or at this place; a part of the runs for a slice."""
        if not isinstance(key, str):
            chosen = super().__getitem__(key)
            return Runs(chosen) if isinstance(key, slice) else chosen
        for run in self:
            if run.name == key:
                return run
        raise KeyError(f"{key}; the runs are {', '.join(run.name for run in self)}")

    def _repr_html_(self) -> str:
        return str(self.table.to_html())


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def to_run(uri: str, run: "MlflowRun") -> Run:
    """A run of MLflow's as one of ours."""
    return Run(
        id=run.info.run_id,
        name=run.info.run_name or run.info.run_id,
        status=run.info.status,
        params=run.data.params,
        tags=run.data.tags,
        metrics=run.data.metrics,
        uri=uri,
        experiment_id=run.info.experiment_id,
        artifact_uri=uris.beside_database(uri, run.info.artifact_uri),
    )
