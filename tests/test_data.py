import gzip
import struct

import numpy as np
import pytest
import sklearn.datasets

from mlpstudy.data import DATASETS, STANDARDIZERS, digits, mnist, moons
from mlpstudy.errors import ConfigError

# Counts of the digits 0..9 in LeCun's files.
MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def rng(seed=0):
    return np.random.default_rng(seed)


def idx(array):
    """The IDX format by its published definition: magic 0x0000 08 0d, big-endian sizes, then the bytes."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


IMAGES = rng(5).integers(0, 256, (30, 2, 3)).astype(np.uint8)
LABELS = np.arange(30, dtype=np.uint8) % 10
PARTS = {
    "train-images-idx3-ubyte": IMAGES[:20],
    "train-labels-idx1-ubyte": LABELS[:20],
    "t10k-images-idx3-ubyte": IMAGES[20:],
    "t10k-labels-idx1-ubyte": LABELS[20:],
}


@pytest.fixture
def folder(tmp_path):
    """(zipped=..., **raw content by file name) -> a folder with the four IDX files."""

    def _folder(zipped=False, **changed):
        for name, array in PARTS.items():
            content = changed.get(name, idx(array))
            if content is not None and zipped:
                (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
            elif content is not None:
                (tmp_path / name).write_bytes(content)
        return str(tmp_path)

    return _folder


@pytest.fixture(params=DATASETS)
def load(request, configure, folder):
    """(seed=..., **parameters) -> Data of one row, with the parameters of its YAML where none is given."""
    given = dict(configure(f"data={request.param}").data)
    row = DATASETS[given.pop("name")]
    if "root" in given:
        given["root"] = folder()
    return lambda seed=0, **parameters: row(rng(seed), **given | parameters)


def rows(data):
    return np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])


def test_arrays_fit_each_other(load):
    data = load()
    assert data.x_train.ndim == data.x_test.ndim == 2
    assert data.x_train.shape[1] == data.x_test.shape[1]
    assert len(data.x_train) == len(data.y_train) > 0
    assert len(data.x_test) == len(data.y_test) > 0
    assert np.isfinite(rows(data)[0]).all()
    if data.classes is not None:
        assert set(data.y_train) == set(range(data.classes))


def test_same_seed_same_data(load):
    for one, other in zip(rows(load(seed=3)), rows(load(seed=3)), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("standardize", STANDARDIZERS)
def test_standardization_is_fitted_on_the_training_split_alone(load, standardize):
    raw, data = load(standardize="none"), load(standardize=standardize)
    for j in range(raw.x_train.shape[1]):
        column = raw.x_train[:, j]
        expected = {
            "none": lambda v: v,
            "standard": lambda v, c=column: (v - c.mean()) / (c.std() or 1),
            "minus_one_one": lambda v, c=column: 2 * (v - c.min()) / (np.ptp(c) or 2) - (np.ptp(c) > 0),
        }[standardize]
        np.testing.assert_allclose(data.x_train[:, j], expected(column), atol=1e-12)
        np.testing.assert_allclose(data.x_test[:, j], expected(raw.x_test[:, j]), atol=1e-12)


@pytest.mark.parametrize("dataset", [digits, moons])
@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_splits_are_disjoint_complete_and_stratified(dataset, fraction):
    extra = {"samples": 400, "noise": 0.1} if dataset is moons else {}
    data = dataset(rng(1), test_fraction=fraction, standardize="none", **extra)
    x, y = rows(data)
    n, n_test = len(y), len(data.y_test)
    assert n == (400 if dataset is moons else 1797)
    assert abs(n_test - fraction * n) <= 1
    assert len(np.unique(x, axis=0)) == n  # no two examples are the same, so none is in both splits
    for c in range(data.classes):
        assert abs((data.y_test == c).sum() - (y == c).sum() * n_test / n) <= 1


def test_digits_are_those_of_scikit_learn():
    x, y = rows(digits(rng(), test_fraction=0.2, standardize="none"))
    x_all, y_all = sklearn.datasets.load_digits(return_X_y=True)
    ours = np.concatenate([x, y[:, None]], axis=1)
    theirs = np.concatenate([x_all, y_all[:, None]], axis=1)
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_moons_without_noise_are_two_interleaved_half_circles():
    x, y = rows(moons(rng(), samples=200, noise=0.0, test_fraction=0.2, standardize="none"))
    assert [(y == c).sum() for c in (0, 1)] == [100, 100]
    upper, lower = x[y == 0], x[y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-12)
    np.testing.assert_allclose(np.hypot(lower[:, 0] - 1, lower[:, 1] - 0.5), 1, rtol=1e-12)
    assert (upper[:, 1] > -1e-12).all()
    assert (lower[:, 1] < 0.5 + 1e-12).all()


def test_moons_noise_is_a_standard_deviation():
    x, y = rows(moons(rng(), samples=20000, noise=0.1, test_fraction=0.2, standardize="none"))
    # to first order in the noise only its radial part moves a point off its circle
    radius = np.where(y == 0, np.hypot(*x.T), np.hypot(x[:, 0] - 1, x[:, 1] - 0.5))
    assert radius.std() == pytest.approx(0.1, rel=4 / np.sqrt(2 * 20000) + 0.01)


@pytest.mark.parametrize("dataset", [digits, moons])
def test_another_seed_is_another_split(dataset):
    extra = {"samples": 400, "noise": 0.1} if dataset is moons else {}
    one, other = (dataset(rng(s), test_fraction=0.2, standardize="none", **extra) for s in (0, 1))
    assert not np.array_equal(one.x_train, other.x_train)
    same_points = {tuple(x) for x in rows(one)[0]} == {tuple(x) for x in rows(other)[0]}
    assert same_points == (dataset is digits)


@pytest.mark.parametrize(
    ("dataset", "parameters"),
    [
        (digits, {"test_fraction": 0.001}),  # 2 test examples for 10 classes
        (moons, {"test_fraction": 0.05, "samples": 10, "noise": 0.1}),  # 1 for 2
        (moons, {"test_fraction": 0.95, "samples": 10, "noise": 0.1}),  # no training example
    ],
)
def test_a_split_too_small_for_its_classes_is_a_config_error(dataset, parameters):
    with pytest.raises(ConfigError, match=r"^data\.\S+ must be .*; got "):
        dataset(rng(), standardize="none", **parameters)


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files_are_read_back(folder, zipped):
    data = mnist(rng(), root=folder(zipped), standardize="none")
    assert (data.name, data.classes) == ("mnist", 10)
    np.testing.assert_array_equal(data.x_train, IMAGES[:20].reshape(20, 6) / 255)
    np.testing.assert_array_equal(data.x_test, IMAGES[20:].reshape(10, 6) / 255)
    np.testing.assert_array_equal(data.y_train, LABELS[:20])
    np.testing.assert_array_equal(data.y_test, LABELS[20:])


def test_a_pixel_that_never_changes_stays_at_zero(folder):
    images = IMAGES.copy()
    images[:, 0, 0], images[:, 1, 2] = 0, 77
    changed = {
        "train-images-idx3-ubyte": idx(images[:20]),
        "t10k-images-idx3-ubyte": idx(images[20:]),
    }
    for standardize in ("standard", "minus_one_one"):
        data = mnist(rng(), root=folder(**changed), standardize=standardize)
        for x in (data.x_train, data.x_test):
            np.testing.assert_allclose(x[:, [0, 5]], 0, atol=1e-12)


TRAIN_IMAGES = "train-images-idx3-ubyte"
BROKEN = {
    "missing": ({"t10k-labels-idx1-ubyte": None}, "t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz"),
    "empty": ({TRAIN_IMAGES: b""}, TRAIN_IMAGES),
    "start": ({TRAIN_IMAGES: b"\x01\0" + idx(IMAGES[:20])[2:]}, "IDX"),
    "magic": ({TRAIN_IMAGES: b"\0\0\x0d" + idx(IMAGES[:20])[3:]}, "IDX"),  # type 0x0d = float
    "labels for images": ({TRAIN_IMAGES: idx(LABELS[:20])}, TRAIN_IMAGES),
    "header alone": ({TRAIN_IMAGES: idx(IMAGES[:20])[:9]}, TRAIN_IMAGES),
    "truncated": ({TRAIN_IMAGES: idx(IMAGES[:20])[:-1]}, "120 values it announces, not 119"),
    "too long": ({TRAIN_IMAGES: idx(IMAGES[:20]) + b"\0"}, "120 values it announces, not 121"),
    "count": ({"train-labels-idx1-ubyte": idx(LABELS[:19])}, f"one label for each image of {TRAIN_IMAGES}"),
    "label": ({"train-labels-idx1-ubyte": idx(LABELS[:20] + 1)}, "train labels are 0 to 9"),
    "no images": ({TRAIN_IMAGES: idx(IMAGES[:0]), "train-labels-idx1-ubyte": idx(LABELS[:0])}, "image"),
    "other size": ({"t10k-images-idx3-ubyte": idx(np.zeros((10, 3, 3), np.uint8))}, "t10k"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_a_config_error_on_one_line(folder, case, zipped):
    changed, what = BROKEN[case]
    root = folder(zipped, **changed)
    with pytest.raises(ConfigError) as error:
        mnist(rng(), root=root, standardize="standard")
    assert_names_root(str(error.value), root)
    assert what in str(error.value)


def assert_names_root(message, root):
    assert message.startswith("data.root must be a folder ")
    assert message.endswith(f"; got {root!r}")
    assert "\n" not in message


@pytest.mark.parametrize(
    "damage",
    [
        lambda zipped: zipped[: len(zipped) // 2],
        lambda zipped: zipped[:-3],
        lambda zipped: zipped[:12] + b"\xff" * 20 + zipped[32:],
        lambda zipped: zipped[:-8] + b"\0" * 8,  # checksum
        lambda zipped: b"not gzip at all",
        lambda zipped: b"\x1f\x8b",
    ],
)
def test_a_damaged_gzip_file_is_a_config_error_on_one_line(folder, tmp_path, damage):
    root = folder(zipped=True)
    path = tmp_path / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigError) as error:
        mnist(rng(), root=root, standardize="none")
    assert_names_root(str(error.value), root)
    assert path.name in str(error.value)


def test_a_folder_that_does_not_exist_is_a_config_error(tmp_path):
    root = str(tmp_path / "nowhere")
    with pytest.raises(ConfigError) as error:
        mnist(rng(), root=root, standardize="none")
    assert_names_root(str(error.value), root)


@pytest.mark.parametrize("reason", [OSError("name or service not known"), ValueError("bad checksum")])
def test_a_failed_download_says_what_to_give_instead(monkeypatch, reason):
    def fetch(*args, **kwargs):
        raise reason

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    with pytest.raises(ConfigError, match=rf"^data\.root must be a folder with .*{reason}.*; got None$"):
        mnist(rng(), root=None, standardize="none")


def test_a_download_is_split_as_published(monkeypatch):
    pixels = np.arange(70000, dtype=float)[:, None]
    labels = (np.arange(70000) % 10).astype(str)
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *args, **kwargs: (pixels, labels))
    data = mnist(rng(), root=None, standardize="none")
    np.testing.assert_allclose(data.x_train * 255, pixels[:60000])
    np.testing.assert_allclose(data.x_test * 255, pixels[60000:])
    assert list(data.y_test[:3]) == [0, 1, 2]


@pytest.mark.slow
def test_the_real_mnist(root):
    folder = root.parent / "shared" / "data" / "mnist"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    data = mnist(rng(), root=str(folder), standardize="none")
    assert data.x_train.shape == (60000, 784)
    assert data.x_test.shape == (10000, 784)
    assert np.bincount(data.y_train).tolist() == MNIST_TRAIN
    assert np.bincount(data.y_test).tolist() == MNIST_TEST
    assert (data.x_train.min(), data.x_train.max()) == (0, 1)
    # the mean and standard deviation of a pixel that every MNIST tutorial normalizes by
    assert data.x_train.mean() == pytest.approx(0.1307, abs=5e-5)
    assert data.x_train.std() == pytest.approx(0.3081, abs=5e-5)
