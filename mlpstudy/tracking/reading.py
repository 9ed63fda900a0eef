"""Reading runs back: params, tags and metrics at once, arrays when they are first used."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mlflow.entities import Run as MlflowRun
from mlflow.tracking import MlflowClient
from numpy.typing import NDArray

from mlpstudy import cache
from mlpstudy.cells.rules import RULES
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.tracking import artifacts, uris
from mlpstudy.tracking.store import connect, no_sweep

MEASURED = "tags.verdict LIKE '%' AND tags.sweep LIKE '%'"
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
        """The content of statistics.npz, see `cells.cell_result.CellResult`."""
        return self._npz("statistics.npz")

    def weights(self, when: str) -> Mapping[str, NDArray[Any]]:
        """W1 (R, n_1, n_0), b1 (R, n_1), W2, ... ; `when` is initial or final."""
        return self._npz(f"weights_{when}.npz")

    def _npz(self, name: str) -> Mapping[str, NDArray[Any]]:
        try:
            return artifacts.read_npz(self.uri, self.id, self.artifact_uri, name, keep=self.status in ENDED)
        except Exception as error:  # each kind of artifact store raises its own errors
            raise NotMeasured(f"{self.name} ({self.status.lower()}) has no {name} that can be read") from error


def load_runs(
    uri: str | None, sweep: str | None = None, experiment: str | None = None, where: str | None = None
) -> list[Run]:
    """The runs that measured something, in the order of the grid: those of one sweep, by default the latest.

    `where`, an MLflow filter, chooses among the runs of the sweep; where none is named, among all of the experiment
    or the store. A cell that was run more than once gives its latest run. Raises ConfigError, which names the option
    of `python -m reports`.
    """
    uri = uris.resolve(uri)
    rule, holds = RULES["tracking.sweep"]
    if not holds(sweep):
        raise ConfigError("--sweep", rule, sweep)
    client = connect(uri, create=False)
    experiments = {e.name: e.experiment_id for e in client.search_experiments()}
    if experiment is not None and experiment not in experiments:
        raise ConfigError("--experiment", one_of(experiments), experiment)
    ids = [experiments[experiment]] if experiment is not None else list(experiments.values())
    cache.trim()
    if sweep is None and where is None:
        latest = client.search_runs(ids, MEASURED, max_results=1)
        if not latest:
            full = [name for name, own in experiments.items() if client.search_runs([own], MEASURED, max_results=1)]
            raise ConfigError("--experiment", one_of(full), experiment) if full else no_sweep(uri)
        sweep = latest[0].data.tags["sweep"]
    if sweep:
        own = search(client, ids, f"{MEASURED} AND tags.sweep = '{sweep}'")
        found = own + search(client, ids, f"{MEASURED} AND tags.also_in LIKE '%|{sweep}|%'")
    else:
        found = search(client, ids, MEASURED)
    if not found:
        others = {run.data.tags["sweep"] for run in search(client, ids, MEASURED)}
        raise ConfigError("--sweep", one_of(others), sweep) if others else no_sweep(uri)
    if where is not None:
        chosen, every = _matching(client, ids, where), found
        found = [run for run in found if run.info.run_id in chosen]
        if not found:
            raise ConfigError("--where", f"a filter that some run of a sweep meets, on {_named(every)}", where)
    starts: dict[str, int] = {}
    for run in found:
        name = run.data.tags["sweep"]
        starts[name] = min(starts.get(name, run.info.start_time), run.info.start_time)
    found.sort(
        key=lambda run: (starts[run.data.tags["sweep"]], int(run.data.tags.get("order", 0)), run.info.start_time)
    )
    finished = sorted(
        found, key=lambda run: run.info.status == "FINISHED"
    )  # finished runs come last, so they win below
    keep = {run.data.tags.get("cell", run.info.run_id): run.info.run_id for run in finished}.values()
    return [to_run(uri, run) for run in found if run.info.run_id in set(keep)]


def unmeasured(runs: Sequence[Run]) -> list[str]:
    """The cells of these sweeps that have no measurements, or none yet, such as `he-relu-d10 (running)`."""
    client, found = connect(runs[0].uri, create=False), []
    for sweep in dict.fromkeys(run.tags["sweep"] for run in runs):
        ids = list(dict.fromkeys(run.experiment_id for run in runs if run.tags["sweep"] == sweep))
        every = search(client, ids, f"tags.sweep = '{sweep}'")
        found += [run for run in every if "verdict" not in run.data.tags]
    return [f"{run.info.run_name} ({run.info.status.lower()})" for run in found]


def search(client: MlflowClient, ids: list[str], chosen: str) -> list[MlflowRun]:
    """All runs of these experiments that a filter chooses."""
    page = client.search_runs(ids, chosen)
    found: list[MlflowRun] = list(page)
    while page.token:
        page = client.search_runs(ids, chosen, page_token=page.token)
        found += page
    return found


def _matching(client: MlflowClient, ids: list[str], where: str) -> set[str]:
    """The ids of all runs that meet a filter the user typed."""
    try:
        return {run.info.run_id for run in search(client, ids, where)}
    except Exception as error:  # MLflow, its parser and its database raise different errors
        reason = textwrap.shorten(str(error), 300, placeholder=" ...")
        raise ConfigError(
            "--where", f"an MLflow filter such as \"params.activation = 'tanh'\" ({reason})", where
        ) from error


def _named(runs: Sequence[MlflowRun]) -> str:
    """`params.activation, params.depth, ...`: the params with short names, which vary most often."""
    names = {name for run in runs for name in run.data.params if "." not in name}
    return ", ".join(f"params.{name}" for name in sorted(names))


def to_run(uri: str, run: MlflowRun) -> Run:
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
