"""A cell is done before only if all that defines its numbers is the same: settings, and the content of its files."""

import shutil
import struct
from itertools import pairwise

import numpy as np
import pytest

from mlpstudy.cells import one_cell
from mlpstudy.cells.parts import TABLES
from mlpstudy.commands import cli
from mlpstudy.data.datasets import DATASETS
from mlpstudy.settings.files import defaults
from mlpstudy.settings.table import SETTINGS
from mlpstudy.tracking.reading import load_runs

TINY = ["network.depth=2", "network.width=3", "training.epochs=1", "replicas=2", "training.snapshots=2", "workers=1"]
TINY += ["training.batch_size=4"]
RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(30, 4)), np.arange(30) % 2


def images(folder, changed):
    """The four IDX files: 2 x 2 pixels; `changed` names the part that has another value."""
    folder.mkdir()
    for split, n in (("train", 30), ("t10k", 20)):
        pixels, labels = np.arange(4 * n) % 251, np.arange(n) % 10
        pixels[5] += f"x {split}" == changed
        labels[5] -= f"y {split}" == changed
        packed = struct.pack(">4B3I", 0, 0, 8, 3, n, 2, 2) + pixels.astype(np.uint8).tobytes()
        (folder / f"{split}-images-idx3-ubyte").write_bytes(packed)
        packed = struct.pack(">4B1I", 0, 0, 8, 1, n) + labels.astype(np.uint8).tobytes()
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(packed)
    return folder


def archive(path, changed):
    arrays = {"x": X.copy(), "y": Y.copy(), "x_test": X[:9].copy(), "y_test": Y[:9].copy()}
    if changed in arrays:
        arrays[changed][2] = arrays[changed][3]
    arrays["x"] = arrays["x"] * (2 if changed == "units" else 1)  # the same after they are standardized
    np.savez(path, **arrays)
    return path.with_suffix(".npz")


def table(path, changed):
    rows = [[*map(str, x), str(y)] for x, y in zip(X, Y, strict=True)]
    if changed != "none":
        rows[2][int(changed)] = rows[3][int(changed)]
    path.write_text("\n".join(",".join(row) for row in [["a", "b", "c", "d", "y"], *rows]))
    return path


def weights(path, changed):
    sizes, arrays = (2, 3, 3, 2), {}
    for layer, (n_in, n_out) in enumerate(pairwise(sizes), start=1):
        arrays |= {f"W{layer}": np.ones((n_out, n_in)), f"b{layer}": np.zeros(n_out)}
    if changed != "none":
        arrays[changed].flat[0] += 0.5
    np.savez(path, **arrays)
    return path.with_suffix(".npz")


# kind -> (a function that writes it, the words that name it, what can change in it)
SOURCES = {
    "mnist": (images, ["data=mnist", "data.root={}"], ["x train", "y train", "x t10k", "y t10k"]),
    "fashion_mnist": (images, ["data=fashion_mnist", "data.root={}"], ["x train"]),
    "npz": (archive, ["data=npz", "data.path={}"], ["x", "y", "x_test", "y_test", "units"]),
    "csv": (table, ["data=csv", "data.path={}"], ["0", "3", "4"]),
    "init": (weights, ["data=moons", "init=file", "init.path={}"], ["W1", "b2", "W3"]),
    "output": (weights, ["data=moons", "+init.output.name=file", "+init.output.path={}"], ["W3"]),
}


def hash_of(words, path, *more):
    (cell,) = cli.cells([*TINY, *(word.format(f"'{path}'") for word in words), *more])
    assert not cell.config.own_functions
    return cell.hash, cell.hash_any_replicas


@pytest.mark.parametrize("kind", SOURCES)
def test_the_content_of_files_counts_and_not_their_place(tmp_path, kind):
    write, words, changes = SOURCES[kind]
    mine = write(tmp_path / "mine", "none")
    same = write(tmp_path / "same", "none")
    one = hash_of(words, mine)
    assert hash_of(words, same) == one
    others = [hash_of(words, write(tmp_path / f"other {i}", part)) for i, part in enumerate(changes)]
    for number in (0, 1):  # of the hashes with and without the number of replicas
        assert len({found[number] for found in [one, *others]}) == 1 + len(changes)
    assert hash_of(words, mine, "seed=1") != one


@pytest.mark.parametrize("kind", SOURCES)
def test_a_file_that_changes_under_its_name_is_noticed_in_the_same_process(tmp_path, kind):
    write, words, changes = SOURCES[kind]
    mine = write(tmp_path / "mine", "none")
    one = hash_of(words, mine)
    shutil.rmtree(mine) if mine.is_dir() else mine.unlink()
    write(tmp_path / "mine", changes[0])
    assert hash_of(words, mine) != one


def test_content_is_only_that_of_files():
    """So that the hashes of all other cells stay what they were."""
    for name in set(DATASETS) - {"mnist", "fashion_mnist", "npz", "csv", "custom"}:
        words = [f"data={name}", f"loss={'mse' if name in ('diabetes', 'teacher') else 'cross_entropy'}"]
        (cell,) = cli.cells([*TINY, *words])
        assert cell.content == {}
        assert cell.identity == cell.config.identity


@pytest.mark.parametrize("group", TABLES)
def test_whatever_holds_a_path_or_a_function_is_known(group):
    """A new option with a file of its own must count its content; one with a function is trained again."""
    for name in TABLES[group]:
        for key in {"path", "root"} & set(defaults(group, name)):
            assert SETTINGS[f"{group}.{key}"].identity == "content"


# ---------------------------------------------------------------- whole sweeps


def test_own_files_are_done_before_until_they_change(trained, tmp_path):
    table(tmp_path / "own.csv", "none")
    words = ("data=csv", "data.path=own.csv")
    assert [len(trained(*more)) for more in (words, words, (*words, "replicas=3"))] == [1, 0, 1]
    assert {run.replicas for run in load_runs(trained.uri)} == {3}
    table(tmp_path / "own.csv", "1")
    assert [len(trained(*words)) for _ in range(2)] == [1, 0]


def test_cells_with_the_same_content_are_one_cell(trained, tmp_path, capsys):
    for name, changed in (("a", "none"), ("b", "none"), ("c", "0")):
        table(tmp_path / f"{name}.csv", changed)
    assert len(trained("data=csv", "data.path=a.csv,b.csv,c.csv")) == 2
    assert "Left out: xavier-tanh-d2-path=b.csv (the same cell as xavier-tanh-d2-path=a.csv)" in capsys.readouterr().err


def test_cells_with_files_in_two_folders_are_told_apart_by_name(trained, tmp_path):
    images(tmp_path / "A", "none")
    images(tmp_path / "B", "x train")
    assert len(trained("data=mnist", "data.root=A,B")) == 2
    assert {run.name for run in load_runs(trained.uri)} == {"xavier-tanh-d2-root=A", "xavier-tanh-d2-root=B"}
    assert trained("data=mnist", "data.root=A") == []


@pytest.mark.parametrize("asked", ["full", "log_model"])
def test_a_run_that_kept_less_than_is_asked_for_is_not_enough(trained, monkeypatch, asked):
    monkeypatch.setattr("mlpstudy.tracking.logged_model.save", lambda *_: None)
    less, more = ("data=moons",), ("data=moons", f"tracking.{asked}=true")
    assert [len(trained(*words)) for words in (less, more, more, less)] == [1, 1, 0, 0]


def test_own_functions_are_trained_again_and_the_sweep_says_why(trained, tmp_path, monkeypatch, capsys):
    code = "import numpy as np\ndef load():\n    return np.arange(40.0).reshape(20, 2), np.arange(20) % 2\n"
    (tmp_path / "own_data_function.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    words = ("data=custom", "data.function=own_data_function:load")
    assert [len(trained(*words)) for _ in range(2)] == [1, 1]
    told = "1 with a function of your own (always trained again, since the function may have changed)"
    assert capsys.readouterr().out.count(told) == 2


@pytest.mark.parametrize("kind", SOURCES)
def test_a_file_that_changes_during_a_sweep_fails_its_cell_in_one_line(tmp_path, kind):
    write, words, changes = SOURCES[kind]
    mine, other = write(tmp_path / "mine", "none"), write(tmp_path / "other", changes[-1])
    before, now = (cli.cells([*TINY, *(word.format(f"'{path}'") for word in words)])[0] for path in (mine, other))
    (event,) = one_cell.events_of(one_cell.Job(0, now.raw, 0, 0.0, before.content), None)
    assert event.reason.startswith("ConfigError: ")
    assert "must be a file with the content that it had when the sweep began (type the sweep again)" in event.reason
    assert str(other) in event.reason
    assert "\n" not in event.reason
