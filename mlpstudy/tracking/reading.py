"""Reading runs back: params, tags and headline numbers at once, arrays when first asked for."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from mlflow.entities import Run as MlflowRun
from mlflow.tracking import MlflowClient
from numpy.typing import NDArray

from mlpstudy import uris
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.rules import RULES
from mlpstudy.tracking.store import connect, no_sweep


class NotMeasured(Exception):
    """A run ended before it measured what is asked for."""


@dataclass(frozen=True)
class Run:
    """One cell as MLflow holds it; arrays are read when first asked for."""

    id: str
    name: str
    status: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    client: MlflowClient

    @cached_property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """The content of statistics.npz, see `results.Result`."""
        return self._npz("statistics.npz")

    def weights(self, when: str) -> Mapping[str, NDArray[Any]]:
        """W1 (R, n_1, n_0), b1 (R, n_1), W2, ... ; `when` is initial or final."""
        return self._npz(f"weights_{when}.npz")

    def _npz(self, name: str) -> Mapping[str, NDArray[Any]]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = self.client.download_artifacts(self.id, name, folder)
            except Exception as error:  # of whatever kind the artifact store is
                raise NotMeasured(f"{self.name} ({self.status.lower()}) has no {name}") from error
            with np.load(path) as file:
                return dict(file)


def load_runs(uri: str | None, sweep: str | None = None, experiment: str | None = None) -> list[Run]:
    """The runs of a sweep that measured something, in the order of the grid; the latest sweep by default.

    Raises ConfigError where the store holds no such sweep.
    """
    uri = uris.resolve(uri)
    rule, holds = RULES["tracking.sweep"]
    if not holds(sweep):
        raise ConfigError("sweep", rule, sweep)
    client = connect(uri, create=False)
    ids = [e.experiment_id for e in client.search_experiments() if experiment in (None, e.name)]
    if not ids:
        names = ", ".join(e.name for e in client.search_experiments())
        raise ConfigError("experiment", f"one of {names}", experiment)
    chosen = f"tags.sweep = '{sweep}'" if sweep else "tags.sweep LIKE '%'"
    measured = "tags.verdict LIKE '%'"
    latest = client.search_runs(ids, f"{chosen} AND {measured}", max_results=1)
    if not latest:
        others = client.search_runs(ids, f"tags.sweep LIKE '%' AND {measured}", max_results=1000) if sweep else []
        if others:
            raise ConfigError("sweep", one_of({run.data.tags["sweep"] for run in others}), sweep)
        raise no_sweep(uri)
    name = latest[0].data.tags["sweep"]
    only = f"tags.sweep = '{name}' AND {measured}"
    page = client.search_runs(ids, only)
    found: list[MlflowRun] = list(page)
    while page.token:
        page = client.search_runs(ids, only, page_token=page.token)
        found += page
    found.sort(key=lambda run: (int(run.data.tags.get("order", 0)), run.info.start_time))
    return [
        Run(
            id=run.info.run_id,
            name=run.info.run_name or run.info.run_id,
            status=run.info.status,
            params=run.data.params,
            tags=run.data.tags,
            metrics=run.data.metrics,
            client=client,
        )
        for run in found
    ]
