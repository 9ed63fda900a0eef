"""Training as a film: a frame for each snapshot, on axes that do not move."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mlpstudy.errors import ConfigError
from mlpstudy.tracking.reading import load_runs
from mlpstudy.tracking.run import NotMeasured
from reports import __main__ as reports
from reports import film


def test_a_film_has_a_frame_for_each_snapshot_and_stays_at_the_end(sweep_uri, tmp_path, capsys):
    assert reports.main(["--uri", sweep_uri, "--film", "xavier-tanh-d3", "--out", str(tmp_path)]) == 0
    path = tmp_path / "film-xavier-tanh-d3.gif"
    assert str(path) in capsys.readouterr().out
    assert path.stat().st_size < 1_000_000
    run = next(run for run in load_runs(sweep_uri) if run.name == "xavier-tanh-d3")
    with Image.open(path) as picture:
        shown = picture.n_frames
        frames = []
        for i in range(shown):
            picture.seek(i)
            frames.append(np.asarray(picture.convert("L"), dtype=float))
    snapshots = len(run.arrays["step"])
    assert snapshots <= shown <= snapshots + film.LAST  # equal frames at the end may be one
    assert np.abs(frames[0] - frames[-1]).max() > 50


def test_a_cell_that_is_not_there_or_was_not_trained_is_told(sweep_uri, tmp_path, capsys):
    assert reports.main(["--uri", sweep_uri, "--film", "nope", "--out", str(tmp_path)]) == 1
    assert "--film must be one of constant-tanh-d3, " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_its_file_and_a_name_with_a_slash(sweep_uri, tmp_path, monkeypatch):
    class Gone(SimpleNamespace):
        @property
        def arrays(self):
            raise NotMeasured("gone (killed) has no statistics.npz")

    with pytest.raises(ConfigError, match="a cell that kept what it measured"):
        film.write([Gone(name="gone")], "gone", tmp_path, "light")
    monkeypatch.setattr(film, "frame", lambda *_: None)  # it takes seconds, and is not what this is about
    run = dataclasses.replace(load_runs(sweep_uri)[-1], name="../a/b")
    assert [path.parent for path in film.write([run], "../a/b", tmp_path, "light")] == [tmp_path]


@pytest.mark.parametrize("looks", ["light", "dark"])
def test_films_of_what_is_0_or_not_finite(sweep_uri, tmp_path, looks):
    runs = load_runs(sweep_uri)
    assert film.write(runs, "zeros-tanh-d3", tmp_path, looks)[0].exists()


def test_the_last_panel_shows_activations_or_the_plane(sweep_uri):
    run = next(run for run in load_runs(sweep_uri) if run.name == "xavier-tanh-d3")
    axes = Figure().subplots(2, 3)
    film.frame(axes, run, 0)
    (picture,) = axes[1, 2].images
    counts = run.arrays["activation_histogram"][0].sum(axis=0)
    shown = picture.get_array().T  # layers, bins
    assert shown.shape == counts.shape
    np.testing.assert_allclose(shown[1] ** 2 * counts[1].max(), counts[1])
    plane = {"decision_frames": np.arange(2 * 3 * 3).reshape(2, 3, 3) % 2, "decision_points": np.zeros((4, 2))}
    plane |= {"decision_axes": np.array([[0.0, 1, 2], [0, 1, 2]]), "decision_classes": np.zeros(4, int)}
    flat = dataclasses.replace(run)
    flat.__dict__["arrays"] = dict(run.arrays) | plane
    film.frame(axes, flat, 0)
    assert axes[1, 2].get_title() == "class, by one of the networks"
    assert axes[1, 2].images[0].get_array().shape == (3, 3, 3)
