"""Training as a film: a frame for each snapshot, on axes that do not move."""

import numpy as np
import pytest
from PIL import Image

from mlpstudy.tracking.reading import load_runs
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


@pytest.mark.parametrize("looks", ["light", "dark"])
def test_films_of_what_is_0_or_not_finite(sweep_uri, tmp_path, looks):
    runs = load_runs(sweep_uri)
    assert film.write(runs, "zeros-tanh-d3", tmp_path, looks)[0].exists()
