"""Shared fixtures. Tests get them by name: with import-mode=importlib nothing can import this file."""

import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path

import hydra
import numpy as np
import pytest
from hypothesis import settings
from omegaconf import OmegaConf
from threadpoolctl import threadpool_limits

from mlpstudy import mlp
from mlpstudy.config import parse
from mlpstudy.data import Data
from mlpstudy.errors import ConfigError

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("mlpstudy", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("mlpstudy")


@cache
def _compose(*overrides):
    with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return OmegaConf.to_container(hydra.compose("config", list(overrides)), resolve=True)


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread():
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def compose():
    """(*overrides) -> the nested dict that Hydra composes from conf/, without its hydra node."""
    return lambda *overrides: deepcopy(_compose(*overrides))


@pytest.fixture(scope="session")
def configure(compose):
    """(*overrides) -> Config."""
    return lambda *overrides: parse(compose(*overrides))


@pytest.fixture(scope="session")
def activation_named(configure):
    """name -> Activation, with the parameters of its YAML."""
    return lambda name: configure(f"activation={name}").activation


@pytest.fixture(scope="session")
def draw():
    """(activation, sizes) -> theta (R, P) and x (1, batch, n_0), all random and no hidden z near a kink.

    1e-3 away, so that no finite difference of a step below 1e-4 reaches across.
    """

    def _draw(activation, sizes, replicas=2, batch=5, dtype=np.float64):
        for seed in range(500):
            rng = np.random.default_rng(seed)
            theta = rng.normal(0, 0.7, (replicas, mlp.n_parameters(sizes))).astype(dtype)
            x = rng.normal(size=(1, batch, sizes[0])).astype(dtype)
            z = mlp.forward(mlp.unflatten(theta, sizes), activation, x).z[:-1]
            if all(np.abs(layer - kink).min() > 1e-3 for layer in z for kink in activation.kinks):
                return theta, x
        raise AssertionError("no draw stays clear of the kinks")

    return _draw


@pytest.fixture(scope="session")
def targets_for():
    """(loss, batch) -> targets (batch, n_L) of three classes, or of two where the loss takes no more."""

    def _targets_for(loss, batch, dtype=np.float64):
        for classes in (3, 2):
            empty = np.empty((0, 1))
            data = Data("toy", empty, empty, empty, empty, classes)
            labels = np.random.default_rng(0).permutation(np.arange(batch) % classes)
            try:
                return loss.targets(data, labels).astype(dtype)
            except ConfigError:
                continue
        raise AssertionError("the loss takes neither three classes nor two")

    return _targets_for


@pytest.fixture(scope="session")
def sweep_uri(tmp_path_factory):
    """A store that holds one small real sweep: zeros, identical and xavier; tests only read it."""
    from mlpstudy import cli

    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    network = ["network.depth=3", "network.width=8", "replicas=2", "training.epochs=2", "workers=1"]
    cells = cli.cells(["-m", "init=zeros,identical,xavier", f"tracking.uri={uri}", *network])
    assert cli.run(cells)
    return uri


@pytest.fixture
def sweep_copy(sweep_uri, tmp_path):
    """The same in a file of its own, to write to: faster than a new database."""
    path = shutil.copy(sweep_uri.removeprefix("sqlite:///"), tmp_path / "copy.db")
    return f"sqlite:///{path}"
