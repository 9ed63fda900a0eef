"""Arrays of large data sets, which are kept as files."""

import gzip
import struct
from functools import wraps

import numpy as np
import pytest

from mlpstudy.cells import problem
from mlpstudy.cells.problem import load_data
from mlpstudy.data import prepared as room
from mlpstudy.data.prepared import prepared
from mlpstudy.data.splits import Data


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mlpstudy"


@pytest.fixture
def made():
    """A function that makes a data set, and a list with one entry for each time it was called."""
    calls = []

    def make():
        calls.append(1)
        x = np.random.default_rng(len(calls)).normal(size=(6, 3)).astype(np.float32)
        return Data("mnist", x, np.arange(6), x[:2] + 1, np.arange(2), 10, x[0], x[0], digest=f"digest{len(calls)}")

    return make, calls


def same(a, b):
    assert (a.name, a.classes, a.digest) == (b.name, b.classes, b.digest)
    for name in room.ARRAYS:
        assert getattr(a, name).dtype == getattr(b, name).dtype
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_arrays_are_made_once_and_then_the_same(made):
    make, calls = made
    first = prepared("content", make)
    again = prepared("content", make)
    assert len(calls) == 1
    calls.clear()
    same(first, make())
    same(again, first)


def test_other_content_is_made_anew(made):
    make, calls = made
    assert not np.array_equal(prepared("content", make).x_train, prepared("other", make).x_train)
    assert len(calls) == 2


@pytest.mark.parametrize("file", [*(f"{name}.npy" for name in room.ARRAYS), "about.txt"])
@pytest.mark.parametrize("damage", ["cut", "gone", "empty"])
def test_a_damaged_file_is_made_anew(made, folder, file, damage):
    make, calls = made
    prepared("content", make)
    (path,) = folder.glob(f"*/{file}")
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if damage == "cut" and file != "about.txt" else b"")
    prepared("content", make)
    prepared("content", make)
    assert len(calls) == 2


def test_a_cache_that_cannot_be_written_only_costs_time(made, tmp_path):
    make, calls = made
    (tmp_path / "cache").write_text("no folder")
    assert prepared("content", make).x_train.shape == prepared("content", make).x_train.shape == (6, 3)
    assert len(calls) == 2


def write_images(root, value, packed=True):
    """A folder with the four IDX files: 30 and 20 images of 2 x 2 pixels."""
    root.mkdir(exist_ok=True)
    for split, n in (("train", 30), ("t10k", 20)):
        pixels = (np.arange(4 * n) * value % 251).astype(np.uint8)
        images = struct.pack(">4B3I", 0, 0, 8, 3, n, 2, 2) + pixels.tobytes()
        labels = struct.pack(">4B1I", 0, 0, 8, 1, n) + (np.arange(n) % 10).astype(np.uint8).tobytes()
        for name, content in ((f"{split}-images-idx3-ubyte", images), (f"{split}-labels-idx1-ubyte", labels)):
            (root / f"{name}{'.gz' * packed}").write_bytes(gzip.compress(content) if packed else content)
    return root


@pytest.fixture
def load(monkeypatch):
    """load_data as in a new process, and a list with the calls that read the files."""
    reads = []
    original = problem.DATASETS["mnist"]

    @wraps(original)
    def read(*args, **parameters):
        reads.append(1)
        return original(*args, **parameters)

    monkeypatch.setitem(problem.DATASETS, "mnist", read)

    def call(root, standardize="standard", dtype="float32"):
        load_data.cache_clear()
        return load_data((("name", "mnist"), ("root", str(root)), ("standardize", standardize)), 0, dtype)

    yield call, reads
    load_data.cache_clear()


def test_images_are_read_again_if_the_files_or_the_settings_change(load, tmp_path):
    call, reads = load
    root = write_images(tmp_path / "images", 7)
    first = call(root)
    same(call(root), first)
    assert len(reads) == 1
    assert call(root, standardize="none").x_train.max() <= 1
    assert call(root, dtype="float64").x_train.dtype == np.float64
    assert len(reads) == 3
    write_images(root, 11)
    assert not np.array_equal(call(root).x_train, first.x_train)
    assert len(reads) == 4


def test_the_seed_does_not_change_images(load, tmp_path, configure):
    _, reads = load
    root = write_images(tmp_path / "images", 7)
    load_data.cache_clear()
    for seed in (1, 2, 3):
        problem.prepare(configure("data=mnist", f"data.root={root}", f"seed={seed}", "training.batch_size=8"))
    assert len(reads) == 1
    assert load_data.cache_info().currsize == 1


def test_kept_arrays_cannot_be_overwritten(made):
    make, _ = made
    prepared("content", make)
    with pytest.raises(ValueError, match="read-only"):
        prepared("content", make).x_train[0] = 0
