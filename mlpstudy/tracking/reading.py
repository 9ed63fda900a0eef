"""Finds the runs of a sweep again."""

import json
import textwrap
from collections.abc import Sequence

from mlflow.entities import Run as MlflowRun
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

from mlpstudy import cache
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.settings.table import SETTINGS
from mlpstudy.tracking import uris
from mlpstudy.tracking.run import Run, Runs, to_run
from mlpstudy.tracking.store import LATEST, NotTrained, connect, left_out_tag, no_sweep, not_trained_tag

MEASURED = "tags.verdict LIKE '%' AND tags.sweep LIKE '%'"
PART = "has_replicas_of"  # tag of a run that holds all replicas of an earlier run, and more


def load_runs(
    uri: str | None = None, sweep: str | None = None, experiment: str | None = None, where: str | None = None
) -> Runs:
    """The runs that measured something, in the order of the grid: those of one sweep, by default the latest.

    `where`, an MLflow filter, chooses among the runs of the sweep; where none is named, among all of the experiment
    or the store. A cell that was run more than once gives its latest run. Raises ConfigError, which names the option
    of `python -m reports`.
    """
    uri = uris.resolve(uri)
    kind = SETTINGS["tracking.sweep"].kind
    if not kind.holds(sweep):
        raise ConfigError("--sweep", kind.rule, sweep)
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
        sweep = _latest_sweep(client, ids, latest[0])
    runs = _of_sweep(client, ids, sweep) if sweep else search(client, ids, MEASURED)
    if not runs:
        others = {run.data.tags["sweep"] for run in search(client, ids, MEASURED)}
        raise ConfigError("--sweep", one_of(others), sweep) if others else no_sweep(uri)
    if where is not None:
        chosen, every = _matching(client, ids, where), runs
        runs = [run for run in runs if run.info.run_id in chosen]
        if not runs:
            raise ConfigError("--where", f"a filter that some run of a sweep meets, on {_short_params(every)}", where)
    starts: dict[str, int] = {}
    for run in runs:
        name = run.data.tags["sweep"]
        starts[name] = min(starts.get(name, run.info.start_time), run.info.start_time)
    runs.sort(key=lambda run: (starts[run.data.tags["sweep"]], int(run.data.tags.get("order", 0)), run.info.start_time))
    finished_last = sorted(runs, key=lambda run: run.info.status == "FINISHED")  # so that they win
    by_cell = {run.data.tags.get("cell", run.info.run_id): run.info.run_id for run in finished_last}
    shown = set(by_cell.values()) - {run.data.tags.get(PART) for run in runs}
    return Runs(to_run(uri, run) for run in runs if run.info.run_id in shown)


def _of_sweep(client: MlflowClient, ids: list[str], sweep: str) -> list[MlflowRun]:
    own = search(client, ids, f"{MEASURED} AND tags.sweep = '{sweep}'")
    return own + search(client, ids, f"{MEASURED} AND tags.also_in LIKE '%|{sweep}|%'")


def _latest_sweep(client: MlflowClient, ids: list[str], latest: MlflowRun) -> str:
    """The sweep of the latest run, or the one that was asked for after that and had nothing to train."""
    tags = (client.get_experiment(id_).tags.get(LATEST, "0 ") for id_ in ids)
    time, sweep = max((int(time), sweep) for time, _, sweep in (tag.partition(" ") for tag in tags))
    later = time > latest.info.start_time and _of_sweep(client, ids, sweep)
    return sweep if later else str(latest.data.tags["sweep"])


def left_out(runs: Sequence[Run]) -> dict[str, str]:
    """The cells of these sweeps that cannot be: name -> reason."""
    reasons: dict[str, str] = {}
    tags = {id_: connect(runs[0].uri, create=False).get_experiment(id_).tags for id_ in {r.experiment_id for r in runs}}
    for run in runs:
        reasons |= json.loads(tags[run.experiment_id].get(left_out_tag(run.tags["sweep"]), "{}"))
    return reasons


def not_trained(runs: Sequence[Run]) -> list[NotTrained]:
    """The cells of these sweeps that were not trained, as they are expected not to learn; none that has run since."""
    tags = {id_: connect(runs[0].uri, create=False).get_experiment(id_).tags for id_ in {r.experiment_id for r in runs}}
    every = {(run.experiment_id, not_trained_tag(run.tags["sweep"])) for run in runs}
    kept = [
        NotTrained(**json.loads(text))
        for id_, beginning in sorted(every)
        for key, text in tags[id_].items()
        if key.startswith(beginning)
    ]
    trained = {run.tags.get("cell") for run in runs}
    return [cell for cell in kept if cell.cell not in trained]


def unmeasured(runs: Sequence[Run]) -> list[str]:
    """The cells of these sweeps that have no measurements, or none yet, such as `he-relu-d10 (running)`."""
    client, unfinished = connect(runs[0].uri, create=False), []
    for sweep in dict.fromkeys(run.tags["sweep"] for run in runs):
        ids = list(dict.fromkeys(run.experiment_id for run in runs if run.tags["sweep"] == sweep))
        every = search(client, ids, f"tags.sweep = '{sweep}'")
        unfinished += [run for run in every if "verdict" not in run.data.tags]
    return [f"{run.info.run_name} ({run.info.status.lower()})" for run in unfinished]


def search(client: MlflowClient, ids: list[str], chosen: str, which: int = ViewType.ACTIVE_ONLY) -> list[MlflowRun]:
    """All runs of these experiments that a filter chooses. which: those that are not deleted, or others."""
    page = client.search_runs(ids, chosen, which)
    runs: list[MlflowRun] = list(page)
    while page.token:
        page = client.search_runs(ids, chosen, which, page_token=page.token)
        runs += page
    return runs


def _matching(client: MlflowClient, ids: list[str], where: str) -> set[str]:
    """The ids of all runs that meet a filter the user typed."""
    try:
        return {run.info.run_id for run in search(client, ids, where)}
    except Exception as error:  # MLflow, its parser and its database raise different errors
        reason = textwrap.shorten(str(error), 300, placeholder=" ...")
        raise ConfigError(
            "--where", f"an MLflow filter such as \"params.activation = 'tanh'\" ({reason})", where
        ) from error


def _short_params(runs: Sequence[MlflowRun]) -> str:
    """`params.activation, params.depth, ...`: those with short names, which vary most often."""
    names = {name for run in runs for name in run.data.params if "." not in name}
    return ", ".join(f"params.{name}" for name in sorted(names))
