"""Every option of every group, and every named sweep, runs: one tiny cell, from its YAML to its result."""

from pathlib import Path

import numpy as np
import pytest

from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.events import Failure
from mlpstudy.commands import cli
from mlpstudy.engines import processes

CONF = Path(__file__).resolve().parents[2] / "conf"
OPTIONS = sorted((path.parent.name, path.stem) for path in CONF.glob("*/*.yaml") if path.parent.name != "experiment")
TINY = ["network.depth=2", "network.width=6", "training.epochs=1", "replicas=2"]
NEEDS = {  # beside the option itself, to run at all
    ("loss", "bce"): ["data=moons"],
    ("data", "teacher"): ["loss=mse"],
    ("data", "diabetes"): ["loss=mse"],
    ("data", "custom"): ["data.function=own_option:data", "training.batch_size=4"],
    ("data", "mnist"): ["data.root=images", "training.batch_size=4"],
    ("data", "fashion_mnist"): ["data.root=images", "training.batch_size=4"],
    ("data", "csv"): ["data.path=own.csv", "training.batch_size=4"],
    ("data", "npz"): ["data.path=own.npz", "training.batch_size=4"],
    ("init", "file"): ["init.path=weights.npz"],
    ("init", "custom"): ["init.function=own_option:weights"],
    ("activation", "custom"): ["activation.function=own_option:g", "activation.derivative=own_option:dg"],
}


@pytest.fixture
def own_files(tmp_path, monkeypatch):
    """The user's own files, in the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for split in ("train", "t10k"):
        images, labels = rng.integers(256, size=(20, 3, 3), dtype=np.uint8), np.arange(20, dtype=np.uint8) % 10
        for kind, array, dimensions in (("images-idx3", images, 3), ("labels-idx1", labels, 1)):
            header = bytes([0, 0, 8, dimensions]) + np.array(array.shape, ">u4").tobytes()
            (tmp_path / "images" / f"{split}-{kind}-ubyte").write_bytes(header + array.tobytes())
    rows = "\n".join(f"{a},{b},{'red' if a > 0 else 'blue'}" for a, b in rng.normal(size=(30, 2)))
    (tmp_path / "own.csv").write_text(f"a,b,kind\n{rows}\n")
    np.savez(tmp_path / "own.npz", x=rng.normal(size=(30, 4)), y=np.arange(30) % 3)
    np.savez(tmp_path / "weights.npz", W1=rng.normal(size=(6, 64)), W2=np.eye(6), W3=np.ones((10, 6)), b2=np.ones(6))
    (tmp_path / "own_option.py").write_text(
        "import numpy as np\n"
        "def g(z): return np.arctan(z)\n"
        "def dg(z): return 1 / (1 + z * z)\n"
        "def weights(rng, shape): return rng.normal(0, 0.1, shape)\n"
        "def data(): return np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3\n"
    )


def run(*overrides, tiny=TINY):
    cells = cli.cells([*tiny, *overrides])
    results = []
    for cell in cells:
        records = [event for _, event in processes.run([cell], 1)]
        assert not any(isinstance(record, Failure) for record in records), records
        results.append(collect(cell, records))
    return results


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_option_trains_a_tiny_cell(group, name, own_files):
    (result,) = run(f"{group}={name}", *NEEDS.get((group, name), []))
    assert result.config.flat[f"{group}.name"] == name
    assert np.isfinite(result.arrays["curve_loss_train"]).all()
    assert result.arrays["delta_rms"].shape[1:] == (2, 2)
    assert result.arrays["step"][-1] > 0


@pytest.mark.parametrize("name", [path.stem for path in (CONF / "experiment").glob("*.yaml")])
def test_every_named_sweep_runs_whole(name, own_files):
    text = (CONF / "experiment" / f"{name}.yaml").read_text()
    varied = text.partition("params:")[2]
    kept = [setting for setting in TINY if f"{setting.partition('=')[0]}: " not in varied]
    results = run(f"experiment={name}", *["data=digits"] * ("/data: mnist" in text), tiny=kept)
    assert results
    assert all(result.theta_final is not None for result in results)
