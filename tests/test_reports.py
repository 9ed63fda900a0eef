"""Figures: the numbers drawn, not only that a file appeared."""

import dataclasses

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from mlpstudy.tracking import load_runs
from reports import __main__ as reports
from reports import gradient_flow, learning_curves, saturation, style, symmetry
from reports.__main__ import FIGURES


@pytest.fixture(scope="session")
def runs(sweep_uri):
    return load_runs(sweep_uri)


def drawn(figure, runs):
    with matplotlib.rc_context(style.RC):
        axes = Figure(layout="constrained").subplots(*figure.panels(runs), squeeze=False)
        figure.draw(axes, runs)
        return axes


def line(axes, label):
    (found,) = [artist for artist in axes.lines if artist.get_label() == label]
    return found.get_ydata()


def test_gradient_flow_draws_delta_relative_to_the_last_layer(runs):
    axes = drawn(gradient_flow.FIGURE, runs)
    assert axes.shape == (1, 1)
    (run,) = [r for r in runs if r.params["init"] == "xavier"]
    delta = run.arrays["delta_rms"][0]
    expected = 10 ** np.log10(delta / delta[:, -1:]).mean(axis=0)
    np.testing.assert_allclose(line(axes[0, 0], "xavier"), expected)
    assert axes[0, 0].get_yscale() == "log"
    # zeros has no gradient in any hidden layer: said, not drawn
    assert any("no gradient" in t.get_text() and "zeros" in t.get_text() for t in axes[0, 0].texts)


def test_learning_curves_draw_the_logged_curves(runs):
    axes = drawn(learning_curves.FIGURE, runs)
    (run,) = [r for r in runs if r.params["init"] == "zeros"]
    np.testing.assert_allclose(line(axes[1, 0], "zeros"), run.arrays["curve_accuracy_test"].mean(axis=1))


def test_the_loss_panel_draws_the_loss_and_its_band(runs):
    axes = drawn(learning_curves.FIGURE, runs)
    (run,) = [r for r in runs if r.params["init"] == "xavier"]
    loss = run.arrays["curve_loss_train"]
    np.testing.assert_allclose(line(axes[0, 0], "xavier"), 10 ** np.log10(loss).mean(axis=1))
    assert axes[0, 0].get_yscale() == "log"
    accuracy = run.arrays["curve_accuracy_test"]
    half = 12.706 * accuracy[-1].std(ddof=1) / np.sqrt(2)  # Student's t for two values, from a table
    band = axes[1, 0].collections[[line.get_label() for line in axes[1, 0].lines].index("xavier")]
    drawn_at_the_end = band.get_paths()[0].vertices
    last = drawn_at_the_end[drawn_at_the_end[:, 0] == run.arrays["curve_step"][-1]][:, 1]
    np.testing.assert_allclose([last.min(), last.max()], accuracy[-1].mean() + half * np.array([-1, 1]), rtol=1e-3)


def test_gradient_flow_shades_the_thresholds_of_the_verdicts(runs):
    ax = drawn(gradient_flow.FIGURE, runs)[0, 0]
    assert {"vanishing", "exploding"} <= {text.get_text().strip() for text in ax.texts}
    edges = sorted(y for patch in ax.patches for y in (patch.get_y(), patch.get_y() + patch.get_height()))
    assert edges[1:3] == pytest.approx([1e-3, 1e3])


def test_runs_that_share_an_initializer_get_shades(runs):
    same = [dataclasses.replace(runs[0], id=str(i)) for i in range(3)]
    assert len(set(style.colours(same).values())) == 3
    assert len(set(style.colours(runs).values())) == 4


def test_symmetry_shows_the_weight_rows(runs):
    axes = drawn(symmetry.FIGURE, runs)
    names = [ax.get_title().splitlines()[0] for ax in axes[0]]
    assert names == ["zeros", "constant", "identical", "xavier"]
    assert not axes[1, 0].images  # all weights are 0
    image = axes[2, 2].images[0].get_array()
    assert (image == image[:1]).all()  # every row of identical is the same to the end
    assert len(np.unique(axes[2, 3].images[0].get_array()[:, 0])) > 1
    assert "one distinct unit" in axes[0, 1].texts[0].get_text()
    assert "100% distinct" in axes[0, 3].texts[0].get_text()


def test_saturation_draws_shares_by_layer(runs):
    axes = drawn(saturation.FIGURE, runs)
    (run,) = [r for r in runs if r.params["init"] == "xavier"]
    expected = run.arrays["saturated_fraction"][0].mean(axis=0)
    np.testing.assert_allclose(line(axes[0, 0], "xavier, 3 layers"), expected)
    worst = run.arrays["saturated_fraction"].max(axis=2).mean(axis=1)
    over_training = axes[0, 1].lines[[r.params["init"] for r in runs].index("xavier")]
    np.testing.assert_allclose(over_training.get_ydata(), worst)
    ridges = axes[1, 0]
    assert len(ridges.collections) == 3  # a filled histogram for each layer
    assert len(ridges.lines) == 3


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_title_and_is_saved_the_same_twice(name, runs, tmp_path):
    for copy in ("a.png", "b.png"):
        reports.render(FIGURES[name], runs, tmp_path / copy)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert FIGURES[name].title


def test_a_figure_that_cannot_be_drawn_says_why(runs, monkeypatch):
    flat = [dataclasses.replace(run, params={**run.params, "depth": "0"}) for run in runs]
    for figure in (gradient_flow.FIGURE, symmetry.FIGURE, saturation.FIGURE):
        with pytest.raises(style.CannotDraw, match="hidden layer"):
            figure.panels(flat)


def test_runs_without_final_weights_leave_out_their_figure_only(runs, tmp_path, monkeypatch, capsys):
    stopped = [dataclasses.replace(run, status="KILLED") for run in runs]
    monkeypatch.setattr(reports, "load_runs", lambda *_, **__: stopped)
    (tmp_path / "symmetry.png").write_text("of an earlier sweep")
    assert reports.main(["--out", str(tmp_path)]) == 0
    assert "symmetry: not drawn, none of these runs came to its end" in capsys.readouterr().out
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"saturation.png", "gradient_flow.png", "learning_curves.png"}


def test_nothing_to_draw_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert reports.main([]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "python -m mlpstudy -m" in error
    assert list(tmp_path.iterdir()) == []
