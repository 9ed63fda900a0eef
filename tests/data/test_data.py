import gzip
import struct
import sys

import numpy as np
import pytest
import sklearn.datasets
from scipy import stats

from mlpstudy.data.datasets import DATASETS, moons
from mlpstudy.data.splits import STANDARDIZERS
from mlpstudy.errors import ConfigError

digits, mnist = DATASETS["digits"], DATASETS["mnist"]
SIGMAS = 4.0  # a z-test at |z| < 4 errs once in 16,000; the seed is fixed besides
P_VALUE = 1e-3

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
def name(request):
    return request.param


@pytest.fixture
def load(name, compose, folder, tmp_path, monkeypatch):
    """(seed=..., **parameters) -> Data of one row, with the parameters of its YAML where none is given."""
    given = compose(f"data={name}")["data"]
    del given["name"]
    if "root" in given:
        given["root"] = folder()
    if name == "npz":
        given["path"] = str(tmp_path / "own.npz")
        np.savez(given["path"], x=rng(8).normal(size=(60, 2, 2)), y=np.arange(60) % 3)
    if name == "custom":
        (tmp_path / "own_sets.py").write_text(
            "import numpy as np\nrng = np.random.default_rng(7)\nx = rng.normal(size=(60, 3))\n"
            "def load():\n    return x, np.arange(60) % 3\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "own_sets", raising=False)
        given["function"] = "own_sets:load"
    if name == "csv":
        path = tmp_path / "own.csv"
        table = np.column_stack([rng(9).normal(size=(60, 2)), np.arange(60) % 2])
        path.write_text("a,b,kind\n" + "".join(f"{a},{b},{int(c)}\n" for a, b, c in table))
        given["path"] = str(path)
    return lambda seed=0, **parameters: DATASETS[name](rng(seed), **given | parameters)


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
        assert set(data.y_test) <= set(range(data.classes))
        assert data.y_train.ndim == 1
        assert np.issubdtype(data.y_train.dtype, np.integer)
    else:
        assert data.y_train.ndim == data.y_test.ndim == 2
        assert np.isfinite(rows(data)[1]).all()


def test_a_data_set_carries_its_name(load, name):
    assert load().name == name


SPLIT_HERE = [name for name in DATASETS if name not in ("mnist", "fashion_mnist")]  # those two come split
SIZES = {
    "digits": 1797, "breast_cancer": 569, "iris": 150, "wine": 178, "diabetes": 442, "gaussian": 2000, "teacher": 2000,
    "xor": 400, "npz": 60, "csv": 60, "custom": 60,
}  # fmt: skip
REPEATING = {"iris"}  # it has a flower twice
CHANGING = {
    "xor",
    "moons",
    "circles",
    "spirals",
    "gaussian",
    "teacher",
}  # other points for another seed, not just another split


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
            "unit": lambda v, x=raw.x_train: (v - x.min()) / np.ptp(x),
            "global": lambda v, x=raw.x_train: (v - x.mean()) / x.std(),
        }[standardize]
        np.testing.assert_allclose(data.x_train[:, j], expected(column), atol=1e-12)
        np.testing.assert_allclose(data.x_test[:, j], expected(raw.x_test[:, j]), atol=1e-12)


@pytest.mark.parametrize("name", SPLIT_HERE)
@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_splits_are_disjoint_complete_and_stratified(load, name, fraction):
    data = load(1, test_fraction=fraction, standardize="none")
    x, y = rows(data)
    n, n_test = len(y), len(data.y_test)
    assert n == SIZES.get(name, 1000)
    assert abs(n_test - fraction * n) <= 1
    if name not in REPEATING:
        assert len(np.unique(x, axis=0)) == n  # no two examples are the same, so none is in both splits
    for c in range(data.classes or 0):
        assert abs((data.y_test == c).sum() - (y == c).sum() * n_test / n) <= 1


@pytest.mark.parametrize("name", SPLIT_HERE)
def test_another_seed_is_another_split(load, name):
    one, other = (load(s, standardize="none") for s in (0, 1))
    assert not np.array_equal(one.x_train, other.x_train)
    same_points = {tuple(x) for x in rows(one)[0]} == {tuple(x) for x in rows(other)[0]}
    assert same_points == (name not in CHANGING)


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_known_sets_are_those_of_scikit_learn(name):
    x, y = rows(DATASETS[name](rng(), test_fraction=0.2, standardize="none"))
    x_all, y_all = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
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


def made(name, compose, seed=0, **parameters):
    """Points and labels of a made-up set in the order they come, unstandardized."""
    given = compose(f"data={name}")["data"] | {"standardize": "none"} | parameters
    del given["name"]
    return rows(DATASETS[name](rng(seed), **given))


def test_circles_are_two_around_the_origin(compose):
    x, y = made("circles", compose, samples=200, noise=0.0, factor=0.3)
    assert [(y == c).sum() for c in (0, 1)] == [100, 100]
    radius = np.hypot(*x.T)
    np.testing.assert_allclose(radius, np.where(y == 0, 1, 0.3), rtol=1e-12)
    for c in (0, 1):  # evenly spaced all around
        angles = np.sort(np.arctan2(x[y == c, 1], x[y == c, 0]))
        np.testing.assert_allclose(np.diff(angles), 2 * np.pi / 100, rtol=1e-9)


def test_circles_noise_is_a_standard_deviation(compose):
    x, y = made("circles", compose, samples=20000, noise=0.05, factor=0.5)
    radius = np.hypot(*x.T) - np.where(y == 0, 1, 0.5)
    assert radius.std() == pytest.approx(0.05, rel=SIGMAS / np.sqrt(2 * 20000) + 0.01)


@pytest.mark.parametrize(("arms", "turns"), [(2, 1.0), (3, 0.5), (5, 2.5)])
def test_spirals_are_arms_turned_against_each_other(compose, arms, turns):
    x, y = made("spirals", compose, samples=1001, arms=arms, turns=turns, noise=0.0)
    assert sorted(np.bincount(y)) == sorted(len(range(c, 1001, arms)) for c in range(arms))
    # as a complex number, a point of arm k turned back by its radius and by k / arms lies on the positive axis
    radius = np.hypot(*x.T)
    back = (x[:, 0] + 1j * x[:, 1]) * np.exp(-2j * np.pi * (turns * radius + y / arms))
    np.testing.assert_allclose(back, radius, atol=1e-12)
    # evenly spread over the disc: the share within radius r is r^2
    assert stats.kstest(radius**2, stats.uniform.cdf).pvalue > P_VALUE


def test_spirals_noise_is_normal_around_the_arms(compose):
    (clean, y), (noisy, y_noisy) = (made("spirals", compose, samples=4000, noise=noise) for noise in (0.0, 0.05))
    np.testing.assert_array_equal(y, y_noisy)
    assert stats.kstest(((noisy - clean) / 0.05).ravel(), stats.norm.cdf).pvalue > P_VALUE


def test_gaussian_inputs_are_standard_normal_and_its_labels_know_nothing_of_them(compose):
    samples, features, classes = 6000, 20, 5
    x, y = made("gaussian", compose, samples=samples, features=features, classes=classes)
    assert x.shape == (samples, features)
    assert np.bincount(y).tolist() == [samples // classes] * classes
    assert stats.kstest(x.ravel(), stats.norm.cdf).pvalue > P_VALUE
    # independent: sqrt(n_c) times the mean of a feature in a class is a standard normal, and so are their squares'
    means = np.array([x[y == c].mean(axis=0) for c in range(classes)]) * np.sqrt(samples / classes)
    squares = np.array([(x[y == c] ** 2 - 1).mean(axis=0) for c in range(classes)]) * np.sqrt(samples / classes / 2)
    for statistic in (means, squares):
        assert stats.chi2.sf((statistic**2).sum(), statistic.size) > P_VALUE
    assert abs(np.corrcoef(x.T)[~np.eye(features, dtype=bool)]).max() < (SIGMAS + 1) / np.sqrt(samples)


def test_teacher_targets_have_variance_one_before_the_noise_and_its_own_after(compose):
    x, y = made("teacher", compose, noise=0.0)
    assert (x.shape, y.shape) == ((2000, 16), (2000, 1))
    assert stats.kstest(x.ravel(), stats.norm.cdf).pvalue > P_VALUE
    assert y.mean() == pytest.approx(0, abs=1e-12)
    assert y.var() == pytest.approx(1, rel=1e-12)
    x_noisy, y_noisy = made("teacher", compose, noise=0.5)
    np.testing.assert_array_equal(x, x_noisy)
    assert stats.kstest((y_noisy - y).ravel() / 0.5, stats.norm.cdf).pvalue > P_VALUE


def test_teacher_with_one_unit_on_one_feature_is_a_tanh(compose):
    """y = p + q tanh(w x): three numbers, found by least squares, explain every target."""
    from scipy.optimize import curve_fit

    x, y = made("teacher", compose, features=1, hidden=1, noise=0.0)
    x, y = x[:, 0], y[:, 0]
    found, _ = curve_fit(lambda x, p, q, w: p + q * np.tanh(w * x), x, y, p0=(0, np.sign(np.corrcoef(x, y)[0, 1]), 1))
    np.testing.assert_allclose(found[0] + found[1] * np.tanh(found[2] * x), y, atol=1e-6)


def test_teacher_is_no_linear_function(compose):
    x, y = made("teacher", compose, features=2, hidden=32, noise=0.0)
    linear = np.column_stack([x, np.ones(len(x))])
    assert (y - linear @ np.linalg.lstsq(linear, y)[0]).var() > 0.01


@pytest.mark.parametrize(
    ("dataset", "parameters"),
    [
        (digits, {"test_fraction": 0.001}),  # 2 test examples for 10 classes
        (moons, {"test_fraction": 0.05, "samples": 10, "noise": 0.1}),  # 1 for 2
        (moons, {"test_fraction": 0.95, "samples": 10, "noise": 0.1}),  # no training example
        (DATASETS["spirals"], {"test_fraction": 0.1, "samples": 20, "arms": 3, "turns": 1.0, "noise": 0.0}),
        (DATASETS["gaussian"], {"test_fraction": 0.2, "samples": 10, "features": 2, "classes": 10}),  # one of each
        (
            DATASETS["teacher"],
            {"test_fraction": 0.999, "samples": 10, "features": 2, "hidden": 2, "noise": 0.0},
        ),
    ],
)
def test_a_split_too_small_for_its_classes_is_a_config_error(dataset, parameters):
    with pytest.raises(ConfigError, match=r"^data\.\S+ must be .*; got "):
        dataset(rng(), standardize="none", **parameters)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_are_read_back(folder, name, zipped):
    data = DATASETS[name](rng(), root=folder(zipped), standardize="none")
    assert (data.name, data.classes) == (name, 10)
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


@pytest.mark.parametrize(("name", "openml"), [("mnist", "mnist_784"), ("fashion_mnist", "Fashion-MNIST")])
def test_a_download_is_split_as_published(monkeypatch, name, openml):
    pixels = np.arange(70000, dtype=float)[:, None]
    labels = (np.arange(70000) % 10).astype(str)
    asked_for = []

    def fetch(name, **options):
        asked_for.append(name)
        return pixels, labels

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    data = DATASETS[name](rng(), root=None, standardize="none")
    assert asked_for == [openml]
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
