"""Saturation, gradient flow, symmetry, learning curves and the page of one run: the numbers drawn."""

import dataclasses
import types

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Canvas

from mlpstudy.palette import colour
from mlpstudy.tracking.reading import load_runs
from reports.drawing import arrangement, hues, marks, rendering, style, theme
from reports.figures import gradient_flow, gradient_over_time, learning_curves, run_page, saturation, symmetry


@pytest.fixture(scope="session")
def runs(sweep_uri):
    return load_runs(sweep_uri)


@pytest.fixture(scope="session")
def named(runs):
    return {run.params["init"]: run for run in runs}


def altered(run, params=None, **arrays):
    """The run with other arrays (None: without) and params."""
    copy = dataclasses.replace(run, params={**run.params, **(params or {})})
    kept = {name: array for name, array in {**run.arrays, **arrays}.items() if array is not None}
    copy.__dict__["arrays"] = kept
    return copy


def drawn(figure, runs, looks="light"):
    """The panels of the only page."""
    with matplotlib.rc_context(theme.THEMES[looks]):
        (page,) = figure.pages(figure.choose(runs))
        canvas = rendering.draw(figure, page)
    panels = [ax for ax in canvas.axes if ax.get_label() != "<colorbar>"]
    return np.array(panels).reshape(figure.panels(page))


def line(axes, label):
    (found,) = [artist for artist in axes.lines if artist.get_label() == label]
    return found.get_ydata()


def test_gradient_flow_draws_delta_relative_to_the_last_layer(runs, named):
    axes = drawn(gradient_flow.FIGURE, runs)
    assert axes.shape == (1, 4)
    for ax, snapshot in ((axes[0, 0], 0), (axes[0, 1], -1)):
        delta = named["xavier"].arrays["delta_rms"][snapshot]
        expected = 10 ** np.log10(delta / delta[:, -1:]).mean(axis=0)
        np.testing.assert_allclose(line(ax, "xavier"), expected)
        assert ax.get_yscale() == "log"
    # zeros has no gradient in any hidden layer: said, not drawn
    assert axes[0, 0].get_xlabel() == "0 in every layer: zeros"


def test_gradient_flow_draws_the_weight_gradients_on_one_scale(runs, named):
    axes = drawn(gradient_flow.FIGURE, runs)[0]
    for ax, snapshot in ((axes[2], 0), (axes[3], -1)):
        expected = 10 ** np.log10(named["constant"].arrays["weight_grad_rms"][snapshot]).mean(axis=0)
        np.testing.assert_allclose(line(ax, "constant"), expected)
    assert axes[2].get_ylim() == axes[3].get_ylim()


def test_gradient_flow_dashes_what_theory_says(runs, named):
    run = altered(named["xavier"], theory_delta_rms=np.array([0.5, 0.7, 1.0]))
    axes = drawn(gradient_flow.FIGURE, [run])[0]
    (dashed,) = [artist for artist in axes[0].lines if artist.get_linestyle() == "--"]
    np.testing.assert_array_equal(dashed.get_xydata(), [[1, 0.5], [2, 0.7], [3, 1.0]])
    assert not [artist for artist in axes[1].lines if artist.get_linestyle() == "--"]  # it is of the initialization
    assert "theory" in [text.get_text() for text in axes[0].figure.legends[0].texts]
    without = drawn(gradient_flow.FIGURE, [altered(run, theory_delta_rms=None)])[0, 0]
    assert "theory" not in [text.get_text() for text in without.figure.legends[0].texts]


def test_gradient_flow_tells_what_diverged_from_what_is_0(named):
    delta = np.full_like(named["xavier"].arrays["delta_rms"], np.nan)
    axes = drawn(gradient_flow.FIGURE, [named["zeros"], altered(named["xavier"], delta_rms=delta)])
    assert axes[0, 1].get_xlabel().splitlines()[-1] == "diverged: xavier"


def test_a_replica_that_diverged_does_not_make_the_others_diverge(named):
    delta, distinct = (named["xavier"].arrays[name].copy() for name in ("delta_rms", "distinct_units"))
    delta[-1], delta[-1, 0] = 0.0, np.nan
    distinct[-1, 0] = np.nan
    run = altered(named["xavier"], delta_rms=delta, distinct_units=distinct)
    assert drawn(gradient_flow.FIGURE, [run])[0, 1].get_xlabel() == "0, or diverged: xavier"
    assert symmetry.at_the_end(run) == "100% distinct\nof those that are finite"
    values = gradient_over_time.relative(run)
    assert np.isneginf(values[:, -1]).all()
    assert np.isfinite(values[:, 0]).all()


def test_what_is_not_finite_from_the_start_costs_no_figure(named):
    lost = {
        k: np.full_like(v[:1], np.nan) for k, v in named["xavier"].arrays.items() if v.dtype.kind == "f" and v.ndim == 3
    }
    curves = {f"curve_{name}": np.full((1, 2), np.nan) for name in learning_curves.CURVES}
    run = altered(named["xavier"], step=np.array([0]), curve_step=np.array([0]), **lost | curves)
    for module in (saturation, gradient_flow, gradient_over_time, learning_curves):
        assert len(rendering.render(module.FIGURE, [run], ["png"])) == 1


def test_lines_that_coincide_are_told(named):
    same = dataclasses.replace(
        named["xavier"], name="lecun-tanh-d3", params={**named["xavier"].params, "init": "lecun"}
    )
    same.__dict__["arrays"] = {k: v * (1 + 1e-6) if k.endswith("rms") else v for k, v in named["xavier"].arrays.items()}
    axes = drawn(gradient_flow.FIGURE, [named["xavier"], same])[0]
    assert [ax.get_xlabel() for ax in axes] == ["same as xavier: lecun"] * 4
    same.__dict__["arrays"] = {
        k: v[:, :1] if k in ("delta_rms", "weight_grad_rms") else v for k, v in named["xavier"].arrays.items()
    }
    axes = drawn(gradient_flow.FIGURE, [named["xavier"], same])[0]  # of one replica less
    assert [ax.get_xlabel() for ax in axes] == [""] * 4


def test_remarks_are_no_wider_than_their_panel(runs, named):
    odd = [dataclasses.replace(named["zeros"], name=f"a-rather-long-name-{i}-tanh-d3") for i in range(4)]
    for run in odd:
        run.__dict__["arrays"] = named["zeros"].arrays
    ax = drawn(gradient_flow.FIGURE, odd)[0, 0]
    ax.figure.draw_without_rendering()
    assert ax.xaxis.label.get_window_extent().width < 1.3 * ax.get_window_extent().width


def test_gradient_flow_shades_the_thresholds_of_the_verdicts(runs):
    ax = drawn(gradient_flow.FIGURE, runs)[0, 0]
    assert {"vanishing", "exploding"} <= {text.get_text().strip() for text in ax.texts}
    edges = sorted(y for patch in ax.patches for y in (patch.get_y(), patch.get_y() + patch.get_height()))
    assert edges[1:3] == pytest.approx([1e-3, 1e3])


def test_learning_curves_draw_the_logged_curves_and_their_bands(runs, named):
    axes = drawn(learning_curves.FIGURE, runs)[0]
    assert [ax.get_title() for ax in axes] == list(learning_curves.CURVES.values())
    for ax, curve in zip(axes[:2], ("loss_train", "loss_test"), strict=True):
        loss = named["xavier"].arrays[f"curve_{curve}"]
        np.testing.assert_allclose(line(ax, "xavier"), 10 ** np.log10(loss).mean(axis=1))
        assert ax.get_yscale() == "log"
    accuracy = named["xavier"].arrays["curve_accuracy_test"]
    np.testing.assert_allclose(line(axes[3], "xavier"), accuracy.mean(axis=1))
    lines = axes[3].collections[[line.get_label() for line in axes[3].lines].index("xavier")]
    for replica, drawn_one in zip(accuracy.T, lines.get_segments(), strict=True):  # two: each is drawn
        np.testing.assert_allclose(drawn_one[:, 1], replica)
    four = altered(named["xavier"], curve_accuracy_test=np.concatenate([accuracy, accuracy], axis=1))
    band = drawn(learning_curves.FIGURE, [four])[0, 3].collections[0]
    mean, half = accuracy[-1].mean(), 3.18245 * np.repeat(accuracy[-1], 2).std(ddof=1) / 2  # Student's t, from a table
    angle, spread = np.arcsin(np.sqrt(mean)), half / (2 * np.sqrt(mean * (1 - mean)))
    ends = np.sin(np.clip([angle - spread, angle + spread], 0, np.pi / 2)) ** 2  # an interval inside [0, 1]
    vertices = band.get_paths()[0].vertices
    last = vertices[vertices[:, 0] == named["xavier"].arrays["curve_step"][-1]][:, 1]
    np.testing.assert_allclose([last.min(), last.max()], ends, rtol=1e-3)


def test_the_curve_that_was_foreseen_is_dashed_beside_that_of_training_examples(named):
    """It is of training examples: beside a test curve it would mislead."""
    run = named["xavier"]
    axes = drawn(learning_curves.FIGURE, [run])[0]
    for ax, curve in zip(axes, learning_curves.CURVES, strict=True):
        dashed = [line for line in ax.lines if line.is_dashed()]
        assert len(dashed) == curve.endswith("train")
        if dashed:
            np.testing.assert_array_equal(dashed[0].get_xdata(), run.arrays["foreseen_step"])
            np.testing.assert_array_equal(dashed[0].get_ydata(), run.arrays[f"foreseen_{curve}"])
    labels = [text.get_text() for text in axes[0].figure.legends[0].texts]
    assert "foreseen by the pilot" in labels
    assert "theory" not in labels
    assert learning_curves.ERROR in axes[0].figure.get_supxlabel().replace("\n", " ")
    none = altered(run, foreseen_step=None, foreseen_loss_train=None, foreseen_accuracy_train=None)
    without = drawn(learning_curves.FIGURE, [none])[0]
    assert not any(line.is_dashed() for ax in without for line in ax.lines)
    assert "dashes" not in without[0].figure.get_supxlabel()


def test_learning_curves_mark_the_last_point_before_a_replica_diverged(named):
    run = named["xavier"]
    steps, loss = run.arrays["curve_step"], run.arrays["curve_loss_train"].copy()
    loss[3:, 1] = np.nan
    ax = drawn(learning_curves.FIGURE, [altered(run, curve_loss_train=loss)])[0, 0]
    (cross,) = [artist for artist in ax.lines if artist.get_marker() == "x"]
    np.testing.assert_allclose(cross.get_xydata(), [[steps[2], loss[2].mean()]])
    np.testing.assert_allclose(line(ax, "xavier")[3:], loss[3:, 0])  # the other goes on
    assert "a replica diverged" in [text.get_text() for text in ax.figure.legends[0].texts]


def test_learning_curves_of_a_regression_are_losses(named):
    run = altered(named["xavier"], curve_accuracy_train=None, curve_accuracy_test=None)
    assert drawn(learning_curves.FIGURE, [run]).shape == (1, 2)


def leaving(ax):
    return [text.get_text() for text in ax.texts if text.get_text().startswith("above")]


def test_learning_curves_have_room_for_large_losses(named):
    """Of targets that are not standardized, say."""
    large = {name: 1e7 * named["xavier"].arrays[name] for name in ("curve_loss_train", "curve_loss_test")}
    ax = drawn(learning_curves.FIGURE, [altered(named["xavier"], **large)])[0, 0]
    low, high = ax.get_ylim()
    assert low < line(ax, "xavier").min()
    assert line(ax, "xavier").max() < high
    assert not leaving(ax)


def test_learning_curves_say_which_losses_leave_the_axis(named):
    loss = named["xavier"].arrays["curve_loss_train"].copy()
    start = loss[0].mean()
    loss[2:] *= 1e6
    other = altered(named["zeros"])
    ax = drawn(learning_curves.FIGURE, [altered(named["xavier"], curve_loss_train=loss), other])[0, 0]
    assert ax.get_ylim()[1] == pytest.approx(100 * start, rel=0.3)
    assert leaving(ax) == [f"above {learning_curves.ceiling([other]):g}: xavier"]


def test_symmetry_shows_the_weight_rows(runs, named):
    axes = drawn(symmetry.FIGURE, runs)
    assert [ax.get_title() for ax in axes[0]] == ["zeros", "constant", "identical", "xavier"]
    assert not axes[1, 0].images  # all weights are 0
    assert axes[1, 0].get_xlabel() == "input (all 0)"
    image = axes[2, 2].images[0].get_array()
    assert (image == image[:1]).all()  # every row of identical changes by the same
    start, end = (named["xavier"].weights(when)["W1"][0][:, :32] for when in ("initial", "final"))
    np.testing.assert_array_equal(axes[1, 3].images[0].get_array(), start)
    np.testing.assert_array_equal(axes[2, 3].images[0].get_array(), end - start)


def test_symmetry_draws_the_share_of_distinct_units(runs, named):
    axes = drawn(symmetry.FIGURE, runs)
    share = named["xavier"].arrays["distinct_units"] * np.array([1, 0.5, 0.25])
    ax = drawn(symmetry.FIGURE, [altered(named["xavier"], distinct_units=share)])[0, 0]
    lines = [artist.get_ydata() for artist in ax.lines]
    np.testing.assert_allclose(lines, share.mean(axis=1).T)  # one a layer
    assert "25% distinct" in ax.texts[0].get_text()
    assert "one distinct unit" in axes[0, 1].texts[0].get_text()
    assert "100% distinct" in axes[0, 3].texts[0].get_text()


def test_symmetry_draws_paths_of_units_that_coincide_or_separate(named):
    together = np.linspace([0.0, 0.0], [1.0, 2.0], 5)[:, None].repeat(4, axis=1)  # (S, units, 2)
    apart = together + np.arange(4)[None, :, None]
    runs = [altered(named["constant"], unit_paths=together), altered(named["xavier"], unit_paths=apart)]
    axes = drawn(symmetry.FIGURE, runs)[3]
    paths = [[artist.get_xydata() for artist in ax.lines if len(artist.get_xdata()) > 1] for ax in axes]
    np.testing.assert_array_equal(np.stack(paths[0], axis=1), together)
    np.testing.assert_array_equal(np.stack(paths[1], axis=1), apart)
    assert [ax.get_xlabel() for ax in axes] == ["first axis (4 units, 1 path)", "first axis (4 units, 4 paths)"]
    still = altered(named["zeros"], unit_paths=np.zeros((5, 4, 2)))
    assert "no unit moves" in drawn(symmetry.FIGURE, [still])[3, 0].get_xlabel()


def test_symmetry_goes_without_paths_where_no_run_has_them(runs):
    old = [altered(run, unit_paths=None) for run in runs]
    assert drawn(symmetry.FIGURE, old).shape == (3, 4)


def test_symmetry_takes_runs_that_came_to_their_end(runs):
    stopped = [dataclasses.replace(run, status="KILLED") for run in runs]
    with pytest.raises(style.CannotDraw, match="none of these runs came to its end"):
        symmetry.FIGURE.choose(stopped)
    assert symmetry.FIGURE.choose([*stopped[:2], *runs[2:]]) == runs[2:]


def test_symmetry_shows_each_initializer_before_it_shows_one_again(named):
    again = [dataclasses.replace(named[init], name=f"{init}-{i}") for init in ("xavier", "zeros") for i in range(3)]
    assert [run.name for run in symmetry.choose(again)] == ["zeros-0", "xavier-0", "zeros-1", "xavier-1"]


def test_saturation_draws_shares_by_layer_and_over_training(runs, named):
    axes = drawn(saturation.FIGURE, runs)[0]
    share = named["xavier"].arrays["saturated_fraction"]
    np.testing.assert_allclose(line(axes[0], "xavier"), share[0].mean(axis=0))
    dotted = [artist for artist in axes[0].lines if artist.get_linestyle() == ":"]
    np.testing.assert_allclose(dotted[-1].get_ydata(), share[-1].mean(axis=0))
    np.testing.assert_allclose(line(axes[1], "xavier"), share.max(axis=2).mean(axis=1))


def test_saturation_draws_dead_units_beside_theory(named):
    dead = np.linspace(0, 1, 2 * 3 * 3).reshape(2, 3, 3)
    run = altered(named["xavier"], dead_fraction=dead, theory_dead_fraction=np.array([0.1, 0.2, 0.3]))
    ax = drawn(saturation.FIGURE, [run])[0, 2]
    np.testing.assert_allclose(line(ax, "xavier"), dead[0].mean(axis=0))
    by_style = {artist.get_linestyle(): artist.get_ydata() for artist in ax.lines}
    np.testing.assert_allclose(by_style[":"], dead[-1].mean(axis=0))
    np.testing.assert_allclose(by_style["--"], [0.1, 0.2, 0.3])
    assert [patch.get_y() for patch in ax.patches] == [0.9]  # where the verdict begins
    assert ax.get_title() == "dead units"


def test_saturation_draws_histograms_of_the_activations(runs, named):
    ax = drawn(saturation.FIGURE, runs)[0, 6]
    assert ax.get_title() == "xavier"
    assert len(ax.collections) == 3  # a filled histogram for each layer
    counts = named["xavier"].arrays["activation_histogram"][-1, :, 1].sum(axis=0)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), 1 + 0.85 * np.sqrt(counts / counts.max()))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-1, 1, "saturated"),
        (0, 1, "saturated"),
        (0, 6, "saturated"),
        (0, np.inf, "inactive"),
        (-np.inf, np.inf, "on the flat side"),
    ],
)
def test_saturation_reads_each_family_rightly(named, low, high, expected):
    run = altered(named["xavier"], activation_range=np.array([low, high]))
    axes = drawn(saturation.FIGURE, [run])[0]
    assert axes[0].get_ylabel() == f"share\n{expected}"
    spans = [patch.get_y() for patch in axes[0].patches]
    assert spans == ([0.5] if expected == "saturated" else [])  # where the verdict begins: it is of bounded ones alone


def test_one_init_has_one_colour_in_every_figure_and_the_hue_of_mlflow(runs, named):
    found = set()
    for figure in (gradient_flow.FIGURE, learning_curves.FIGURE, saturation.FIGURE):
        for ax in drawn(figure, runs)[0, :2]:
            (artist,) = [artist for artist in ax.lines if artist.get_label() == "xavier"]
            found.add((to_hex(artist.get_color()), artist.get_marker()))
    assert found == {(colour("xavier", style.MIDDLE), hues.marker("xavier")["marker"])}


def test_the_page_of_a_run_draws_its_profiles_and_curves(named):
    run = altered(named["xavier"], theory_activation_rms=np.array([0.9, 0.8, 0.7]))
    alike = types.SimpleNamespace(name=run.name, params=run.params, tags=run.tags, arrays=run.arrays)
    canvas = run_page.draw(alike)
    gradient, activation, loss, accuracy = canvas.axes
    delta = run.arrays["delta_rms"][0]
    np.testing.assert_allclose(line(gradient, "xavier"), 10 ** np.log10(delta / delta[:, -1:]).mean(axis=0))
    rms = run.arrays["activation_rms"][0]
    np.testing.assert_allclose(line(activation, "xavier"), 10 ** np.log10(rms).mean(axis=0))
    (dashed,) = [artist for artist in activation.lines if artist.get_linestyle() == "--"]
    np.testing.assert_array_equal(dashed.get_ydata(), [0.9, 0.8, 0.7])
    np.testing.assert_allclose(line(accuracy, "xavier"), run.arrays["curve_accuracy_test"].mean(axis=1))
    assert loss.get_title() == "training loss"
    assert "xavier-tanh-d3: healthy, " + run.tags["outcome"] in [text.get_text() for text in canvas.texts]
    flat = types.SimpleNamespace(**vars(alike) | {"params": {**run.params, "depth": "0"}})
    assert len(run_page.draw(flat).axes) == 2


def test_theory_reaches_as_far_as_it_is_finite(named):
    ax = drawn(gradient_flow.FIGURE, [altered(named["xavier"], theory_delta_rms=np.array([np.nan, 0.7, 1.0]))])[0, 0]
    assert np.isfinite(ax.get_ylim()).all()
    assert theme.SMALL >= 8


@pytest.mark.parametrize("log", [False, True])
def test_a_band_is_the_mean_and_its_95_percent_interval(log):
    """On a log axis of the logarithms. Student's t of 95 % for four values is 3.182446."""
    values = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 80.0], [3.0, 50.0]])
    axes = Canvas().subplots()
    line = marks.band(axes, np.array([1, 2]), values, log=log)
    (shade,) = axes.collections
    of = np.log10(values) if log else values
    half = 3.182446 * of.std(axis=0, ddof=1) / np.sqrt(4)
    low, middle, high = (
        10**edge if log else edge for edge in (of.mean(axis=0) - half, of.mean(axis=0), of.mean(axis=0) + half)
    )
    np.testing.assert_allclose(line.get_ydata(), middle)
    corners = shade.get_paths()[0].vertices
    for edge in (low, high):
        for corner in zip([1, 2], edge, strict=True):
            assert np.isclose(corners, corner, rtol=1e-5).all(axis=1).any()


def test_where_only_activation_and_depth_vary_lines_are_activations(named):
    relu = dataclasses.replace(altered(named["xavier"], {"activation": "relu"}), name="xavier-relu-d3")
    runs = [named["xavier"], relu]
    lines = arrangement.arranged(runs)
    assert style.facets(lines) == [("xavier", style.depth(runs[0]))]  # one panel
    looks = [look for _, look in hues.looks(lines)]
    assert [look["label"] for look in looks] == ["tanh", "relu"]
    assert len({look["color"] for look in looks}) == len({look["marker"] for look in looks}) == 2
    assert arrangement.arranged(runs[:1]) == runs[:1]
    other = dataclasses.replace(runs[0], name="he-tanh-d3")
    assert arrangement.arranged([*runs, other]) == [*runs, other]  # the initializer varies, too


def test_two_settings_that_vary_make_lines_and_panels(named):
    """Of a sweep over learning rate and width, the learning rate, with more values, makes the lines."""
    run, runs = named["xavier"], []
    for lr in ("0.01", "0.1", "1e-05"):
        for width in ("16", "64"):
            runs.append(dataclasses.replace(run, name=f"xavier-tanh-d3-lr={lr}-width={width}"))
            runs[-1].__dict__["arrays"] = run.arrays
    found = arrangement.arranged(runs)
    assert style.facets(found) == [("tanh width=16", 3), ("tanh width=64", 3)]
    assert [style.label(one) for one in found[::2]] == ["xavier-lr=0.01", "xavier-lr=0.1", "xavier-lr=1e-05"]
    axes = drawn(gradient_flow.FIGURE, found)
    assert axes.shape == (2, 4)
    assert arrangement.arranged(runs[::2]) == runs[::2]  # one setting makes lines as it is
