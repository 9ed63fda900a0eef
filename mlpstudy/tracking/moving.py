"""Takes runs out of a store and brings them into a store: after a rescue, to a colleague, to another machine."""

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mlflow.tracking import MlflowClient

from mlpstudy import cache
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import parcel, uris
from mlpstudy.tracking.parcel import Parcel
from mlpstudy.tracking.patience import Patience
from mlpstudy.tracking.run import Run
from mlpstudy.tracking.store import Store, open_store, save_view

Track = Callable[[Sequence[Any]], Iterable[Any]]  # shows progress


def bring_back(store: Store, experiment: str, say: Callable[[str], None]) -> tuple[list[str], list[str]]:
    """Bring in the runs of folders: names of those that had ended, and of those whose process has gone."""
    names: tuple[list[str], list[str]] = [], []
    patience = Patience(say)
    for root in parcel.rescue_folders(store.uri):
        for folder in parcel.folders(root):
            try:
                kept = parcel.read(folder)
                mine = kept.experiment == experiment and _same_store(kept.uri, store.uri, root)
                waits = mine and not kept.in_use(elsewhere=True)
            except (OSError, ValueError, TypeError):  # no folder of ours
                continue
            if waits:
                parcel.send(store, folder, patience.call)
                names[kept.tags.get("error") == parcel.GONE].append(kept.name)
                parcel.remove(folder)
    return names


def _same_store(kept: str, uri: str, root: Path) -> bool:
    """Whether runs that were kept for one store belong into this one: the same, or its file, moved with the folder."""
    then, now = uris.database_path(kept), uris.database_path(uri)
    if then is None or now is None:
        return kept == uris.redact(uri)
    moved = not then.exists() and now == root.absolute().parent / then.name
    return then == now or (moved and root.absolute().parent != cache.home())  # at home are runs of all studies


def bring_in(source: Path, uri: str | None, experiment: str | None, say: Callable[[str], None]) -> Iterator[str]:
    """Bring the runs of a folder or .zip into a store; yields a line for each.

    A folder of a run is removed when the run is in the store. Raises ConfigError.
    """
    patience = Patience(say)
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as opened:
        if zipped := zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                archive.extractall(scratch)  # drops .. and absolute paths
        inside = parcel.folders(Path(scratch) if zipped else source)
        folders = [folder for folder in inside if not parcel.read(folder).in_use(elsewhere=False)]
        if not folders:
            raise ConfigError("FOLDER", "a folder or .zip with runs that were kept or exported", str(source))
        stores: dict[str, Store] = {}
        for folder in folders:
            name = experiment or parcel.read(folder).experiment
            if name not in stores:
                stores[name] = opened.enter_context(contextlib.closing(open_store(uri, name)))
            run, new = parcel.send(stores[name], folder, patience.call)
            save_view(stores[name], run.tags["sweep"])
            yield f"{run.name}: {'brought in' if new else 'is there already'} (experiment {name})"
            if not zipped:
                parcel.remove(folder)


def export(runs: Sequence[Run], sweep: str, target: Path, track: Track) -> None:
    """Write the runs of a sweep into one .zip."""
    experiments = {e.experiment_id: e.name for e in MlflowClient(runs[0].uri).search_experiments()}
    draft = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive, tempfile.TemporaryDirectory() as scratch:
            for number, run in enumerate(track(runs)):
                folder = Path(scratch, f"{number:05d}")
                _take_out(run, sweep, experiments[run.experiment_id], folder)
                for path in sorted(folder.rglob("*")):
                    archive.write(path, path.relative_to(scratch))
                shutil.rmtree(folder)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _take_out(run: Run, sweep: str, experiment: str, folder: Path) -> None:
    client, files = MlflowClient(run.uri), folder / parcel.ARTIFACTS
    files.mkdir(parents=True)
    if run.local_folder is not None:
        shutil.copytree(run.local_folder, files, dirs_exist_ok=True)
    else:
        for item in client.list_artifacts(run.id):
            client.download_artifacts(run.id, item.path, str(files))
    whole = client.get_run(run.id)
    inputs = whole.inputs.dataset_inputs if whole.inputs else []  # a run of an older version has none
    data = inputs[0].dataset.to_dictionary() if inputs else {}
    history = [row for name in run.metrics for row in client.get_metric_history(run.id, name)]
    kept = Parcel(
        run_id=run.id,
        uri=uris.redact(run.uri),
        experiment=experiment,
        name=run.name,
        status=run.status,
        started=whole.info.start_time,
        ended=whole.info.end_time or whole.info.start_time,
        params=dict(run.params),
        tags={**run.tags, "sweep": sweep, "also_in": "|"},
        data={key: data[key] for key in ("name", "digest", "source", "profile") if key in data},
        metrics=[(row.key, row.value, row.timestamp, row.step) for row in history],
    )
    parcel.write(kept, folder)
