"""The files of a run: statistics.npz, weights, settings, the trained network as a model, the picture."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from mlpstudy.cells.cell import Cell
from mlpstudy.cells.cell_result import CellResult
from mlpstudy.cells.events import Ending
from mlpstudy.cells.problem import initial_theta, prepare_same
from mlpstudy.errors import ConfigError
from mlpstudy.tracking import artifacts, logged_model
from mlpstudy.tracking.uris import one_line, redact

PAGE = "run.png"


def write(cell: Cell, ending: Ending, folder: Path) -> dict[str, str]:
    """Write the files of a run that measured something. Returns the tags that say which of them could not be made."""
    result, picture, tags = ending.result, ending.picture, {}
    if result is None:
        return {}
    write_artifacts(cell, result, folder)
    if cell.raw["tracking"]["log_model"] and result.theta_final is not None:
        try:
            logged_model.save(prepare_same(cell.config, cell.content).data, folder)
        except Exception as error:  # MLflow's; the run is kept without it
            tags["model"] = f"not kept ({one_line(error)})"
    if picture is not None and picture.complaint:
        tags["page"] = f"not drawn ({picture.complaint})"
    elif picture is not None:
        (folder / PAGE).write_bytes(picture.png)
    return tags


def write_artifacts(cell: Cell, result: CellResult, folder: Path) -> None:
    """statistics.npz, config.yaml, and weights_final.npz of the first replica; with `tracking.full`, of all replicas.

    Weights before training follow from seed and settings. They are kept if these may change: for data-dependent
    initializers and for parts of the user's own, and with `tracking.full`.
    """
    arrays: dict[str, Any] = {name: _compact(array, cell.config.dtype) for name, array in result.arrays.items()}
    np.savez_compressed(folder / "statistics.npz", **arrays)
    full = cell.raw["tracking"]["full"]
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
