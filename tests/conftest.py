"""Shared fixtures. Tests get them by name: with import-mode=importlib nothing can import this file."""

import shutil
from copy import deepcopy
from functools import cache, reduce
from itertools import pairwise
from pathlib import Path

import hydra
import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import HealthCheck, settings
from omegaconf import OmegaConf
from threadpoolctl import threadpool_limits

from mlpstudy.cells.config import parse
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS

FULL = "tracking.full=true"
ROOT = Path(__file__).resolve().parents[1]

# no test depends on the speed of the machine
ANY_SPEED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("mlpstudy", **ANY_SPEED, derandomize=True, database=None, max_examples=50)
settings.load_profile("mlpstudy")


@cache
def _composed(*overrides):
    with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return OmegaConf.to_container(hydra.compose("config", list(overrides)), resolve=True)


@cache
def _parsed(override):
    return OverridesParser.create().parse_override(override)


def _compose(*overrides):
    """As Hydra does, but settings of keys that exist are put in afterwards: composing takes forty times as long."""
    parsed = [_parsed(override) for override in overrides]
    late = [p for p in parsed if "." in p.key_or_group and not (p.is_add() or p.is_delete())]
    raw = deepcopy(_composed(*(p.input_line for p in parsed if p not in late)))
    for p in late:
        *parents, last = p.key_or_group.split(".")
        node = reduce(lambda inner, parent: inner.get(parent, {}), parents, raw)
        if last not in node:
            return deepcopy(_composed(*overrides))
        node[last] = deepcopy(p.value())
    return raw


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread():
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session", autouse=True)
def usual_width():
    """What is printed does not depend on the terminal of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Tests leave nothing in the cache of the user, and find nothing there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def no_pictures(monkeypatch):
    """Sweeps of this process keep no real pictures, which take longer than tiny cells."""
    monkeypatch.setattr("mlpstudy.run_picture.draw", lambda *_: b"a picture")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def compose():
    """(*overrides) -> the nested dict that Hydra composes from conf/, without its hydra node."""
    return _compose


@pytest.fixture(scope="session")
def configure(compose):
    """(*overrides) -> Config."""
    return lambda *overrides: parse(compose(*overrides))


@pytest.fixture(scope="session")
def with_option(compose):
    """(group, name, **parameters) -> Config with that option, its parameters those of its YAML where not given."""

    def _with_option(group, name, **parameters):
        raw = compose(f"{group}={name}")
        raw[group] |= parameters
        return parse(raw)

    return _with_option


@pytest.fixture(scope="session")
def activation_named(with_option):
    """(name, **parameters) -> Activation."""
    return lambda name, **parameters: with_option("activation", name, **parameters).activation


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory):
    """(sizes) -> path of an .npz with random W1, b1, W2, ... of that network."""

    @cache
    def _weights_file(sizes):
        rng = np.random.default_rng(17)
        arrays = {}
        for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
            arrays[f"W{layer}"] = rng.normal(0, n_in**-0.5, (n_out, n_in))
            arrays[f"b{layer}"] = rng.normal(0, 0.1, n_out)
        path = tmp_path_factory.mktemp("weights") / "weights.npz"
        np.savez(path, **arrays)
        return str(path)

    return lambda sizes: _weights_file(tuple(sizes))


@pytest.fixture(scope="session")
def scheme_named(with_option, weights_file):
    """(name, sizes, **parameters) -> Scheme; init=file gets a file that fits sizes."""

    def _scheme_named(name, sizes=(1, 1), **parameters):
        path = {"path": weights_file(sizes)} if name == "file" else {}
        return with_option("init", name, **path, **parameters).scheme

    return _scheme_named


@pytest.fixture(scope="session")
def start(scheme_named):
    """(name, sizes, **parameters) -> theta (R, P) of that initializer, with inputs for those that ask for them."""

    def _start(name, sizes, replicas=2, dtype=np.float64, activation=ACTIVATIONS["tanh"], **parameters):
        rngs = {r: np.random.default_rng(r) for r in range(replicas)}
        x = np.random.default_rng(1000).normal(size=(1, 64, sizes[0])).astype(dtype)
        scheme = scheme_named(name, sizes, **parameters)
        return mlp.initialize(rngs, sizes, scheme, dtype=dtype, inputs=x, activation=activation)

    return _start


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
            labels = np.random.default_rng(0).permutation(np.arange(batch) % classes)
            try:
                return loss.targets(labels, classes).astype(dtype)
            except ValueError:
                continue
        raise AssertionError("the loss takes neither three classes nor two")

    return _targets_for


@pytest.fixture(scope="session")
def smallest():
    """Points of the smallest letters of a text of a figure: indices and exponents are 0.7 of its size."""

    def points(text):
        raised = "$" in text.get_text() and set("_^") & set(text.get_text())
        return text.get_fontsize() * (0.7 if raised else 1.0)

    return points


@pytest.fixture(scope="session")
def sweep_uri(tmp_path_factory):
    """A store that holds one small real sweep: zeros, identical, constant and xavier; tests only read it.

    It has all metrics, also those that a run leaves out by default.
    """
    from mlpstudy.commands import cli

    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    network = ["network.depth=3", "network.width=8", "replicas=2", "training.epochs=2", "workers=1", FULL]
    cells = cli.cells(["-m", "init=zeros,identical,constant,xavier", f"tracking.uri={uri}", *network])
    assert cli.run(cells)
    return uri


def _copy(source, copy):
    """A copy of a database: the one file has everything."""
    shutil.copyfile(source, copy)
    return f"sqlite:///{copy}"


@pytest.fixture
def sweep_copy(sweep_uri, tmp_path):
    """The same in a folder of its own, to write to: faster than a new database."""
    shutil.copytree(Path(sweep_uri.removeprefix("sqlite:///")).parent / "mlruns", tmp_path / "mlruns")
    return _copy(sweep_uri.removeprefix("sqlite:///"), tmp_path / "copy.db")


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory):
    from mlpstudy.tracking.store import connect

    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    connect(f"sqlite:///{path}", create=True)
    return path


@pytest.fixture
def new_uri(_empty_database, tmp_path):
    """A store without any run, in mlflow.db in the folder of the test: copied, since making one takes a second."""
    return _copy(_empty_database, tmp_path / "mlflow.db")
