"""Gradients over time, forward signal, grid, Jacobian, phase diagram, update ratio, boundaries: the numbers drawn."""

import dataclasses
import math
from collections import Counter
from itertools import product

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

from mlpstudy import theory
from mlpstudy.cells.cell import check, names
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.palette import VERDICT_GLYPHS
from mlpstudy.tracking import metrics
from reports.drawing import hues, layout, rendering, style, theme, words
from reports.figures import (
    decision_boundary,
    forward_signal,
    gradient_flow,
    gradient_over_time,
    grid,
    jacobian,
    learning_curves,
    phase_diagram,
    saturation,
    update_ratio,
)

MODULES = (gradient_over_time, forward_signal, grid, jacobian, phase_diagram, update_ratio, decision_boundary)
SMALL = ("data=gaussian", "data.samples=80", "network.width=6", "training.epochs=2", "training.batch_size=16")
T_2 = 12.706  # Student's t for two values, from a table


@dataclasses.dataclass(frozen=True)
class Run:
    name: str
    params: dict
    tags: dict
    arrays: dict

    def but(self, *without, params=None, tags=None, **arrays):
        kept = {name: array for name, array in {**self.arrays, **arrays}.items() if name not in without}
        return Run(self.name, {**self.params, **(params or {})}, {**self.tags, **(tags or {})}, kept)


@pytest.fixture(scope="module")
def sweep(compose):
    """(*settings of a cell each, common to all) -> runs."""

    def _sweep(settings, *common):
        found = [check(compose(*SMALL, "replicas=2", *common, *cell), cell) for cell in settings]
        runs = []
        for name, cell in zip(names(found), found, strict=True):
            problem = prepare(cell.config)
            theta = initial_theta(problem, range(cell.config.replicas))
            result = collect(cell, list(train_and_record(problem, theta)))
            tags = {"sweep": "test", **metrics.tags(result)}
            runs.append(Run(name, metrics.parameters(cell.config), tags, dict(result.arrays)))
        return runs

    return _sweep


@pytest.fixture(scope="module")
def runs(sweep):
    inits, activations, depths = ("zeros", "xavier", "he"), ("tanh", "relu"), (1, 3)
    return sweep([
        (f"init={i}", f"activation={a}", f"network.depth={d}") for i, a, d in product(inits, activations, depths)
    ])  # fmt: skip


@pytest.fixture(scope="module")
def named(runs):
    return {run.name: run for run in runs}


@pytest.fixture(scope="module")
def plane(sweep):
    return sweep([("init=zeros",), ("init=xavier",)], "data=moons", "loss=bce", "network.depth=2", "training.epochs=1")


def drawn(module, runs, looks="light"):
    """The only page."""
    figure = module.FIGURE
    with matplotlib.rc_context(theme.THEMES[looks]):
        kept, left_out = rendering.having(figure.choose(runs), figure.needs)
        (page,) = figure.pages(kept)
        return rendering.draw(figure, page, left_out=left_out)


def panel(canvas, *words):
    """The panel whose title has all these words."""
    (found,) = [ax for ax in canvas.axes if all(word in ax.get_title() for word in words)]
    return found


def texts(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def told(canvas):
    """Everything below the panels and in the legend, on one line."""
    legend = [text.get_text() for legend in canvas.legends for text in legend.texts]
    return " ".join(" ".join([canvas.get_supxlabel(), *legend]).split())


def line(axes, label):
    return next(artist for artist in axes.lines if artist.get_label() == label)


# what holds for all of them


@pytest.mark.parametrize("looks", theme.THEMES)
@pytest.mark.parametrize("module", MODULES)
def test_all_text_can_be_read(module, looks, runs, plane, smallest):
    canvas = drawn(module, plane if module is decision_boundary else runs, looks)
    ground = theme.THEMES[looks]["figure.facecolor"]
    for text in canvas.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            assert smallest(text) >= 8, text
            assert to_hex(text.get_color()) != ground or text.get_bbox_patch() is not None, text


@pytest.mark.parametrize("module", MODULES)
def test_what_stands_beside_the_panels_fits_the_narrowest_page(module, named, plane):
    canvas = drawn(module, [plane[1] if module is decision_boundary else named["xavier-tanh-d3"]])
    renderer = canvas.canvas.get_renderer()
    for text in canvas.texts:
        assert text.get_window_extent(renderer).x1 <= canvas.bbox.x1, text
    assert all(legend.get_window_extent(renderer).x1 <= canvas.bbox.x1 for legend in canvas.legends)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_runs_without_an_array_are_left_out_and_named(module, runs):
    for name in module.FIGURE.needs:
        assert f"left out, without {name}: xavier-tanh-d3" in told(
            drawn(module, [run.but(name) if run.name == "xavier-tanh-d3" else run for run in runs])
        )
        with pytest.raises(style.CannotDraw):
            drawn(module, [run.but(name) for run in runs])


@pytest.mark.parametrize("module", MODULES)
def test_large_sweeps_are_split_over_pages_that_hold_every_run_once(module, named):
    def like(i, a, d):
        params = {"init": f"init{i}", "activation": f"g{a}", "activation.name": "tanh", "depth": str(d)}
        return dataclasses.replace(named["xavier-tanh-d3"].but(params=params), name=f"init{i}-g{a}-d{d}")

    sweep = [like(i, a, d) for i, a, d in product(range(10), range(4), (2, 3, 5, 8, 13))]
    pages = module.FIGURE.pages(sweep)
    assert Counter(run.name for page in pages for run in page) == Counter(run.name for run in sweep)
    for page in pages:
        rows, columns = module.FIGURE.panels(page)
        width, height = module.FIGURE.panel_size
        assert columns * width <= 15
        assert rows * height <= 10.5


# gradients over time


def test_the_heat_map_is_log10_of_delta_relative_to_the_last_layer(runs, named):
    canvas = drawn(gradient_over_time, runs)
    run = named["xavier-relu-d3"]
    row = style.facets([r for r in runs if style.depth(r) > 1]).index(("relu", 3))
    ax = [ax for ax in canvas.axes if ax.get_title() == "xavier"][row]
    (mesh,) = ax.collections
    delta = run.arrays["delta_rms"]  # (S, R, depth)
    expected = np.log10(delta / delta[:, :, -1:]).mean(axis=1).T
    np.testing.assert_allclose(np.asarray(mesh.get_array()), expected)
    assert mesh.get_clim() == (-3, 3)
    across, up = mesh.get_coordinates().T  # (columns + 1, rows + 1) each
    steps = run.arrays["step"] + 1
    assert ((across[:-1, 0] < steps) & (steps < across[1:, 0])).all()
    np.testing.assert_array_equal(up[0], [0.5, 1.5, 2.5, 3.5])  # the input side at the bottom
    assert ax.get_xscale() == "log"


def test_all_heat_maps_have_the_same_colours_and_steps(runs):
    canvas = drawn(gradient_over_time, runs)
    meshes = [ax.collections[0] for ax in canvas.axes if ax.get_title()]
    assert len(meshes) == 6
    assert len({mesh.get_clim() for mesh in meshes}) == 1
    assert len({ax.get_xlim() for ax in canvas.axes if ax.get_title()}) == 1
    (bar,) = [ax for ax in canvas.axes if not ax.get_title()]
    labels = [label.get_text() for label in bar.get_yticklabels()]
    assert "vanishing" in labels[0]
    assert "exploding" in labels[-1]


def test_no_gradient_and_divergence_are_said_in_the_panel(named):
    run = named["xavier-tanh-d3"]
    delta = run.arrays["delta_rms"].copy()
    delta[4:] = np.nan
    canvas = drawn(gradient_over_time, [named["zeros-tanh-d3"], run.but(delta_rms=delta)])
    assert texts(panel(canvas, "zeros"))[1:] == ["no gradient\nin any layer"]  # after the name of the row
    diverged = panel(canvas, "xavier")
    assert texts(diverged) == ["diverged"]
    mask = np.ma.getmaskarray(diverged.collections[0].get_array())
    assert mask[:, 4:].all()
    assert not mask[:, :4].any()


def test_a_layer_without_gradient_is_below_all_colours(named):
    delta = named["xavier-tanh-d3"].arrays["delta_rms"].copy()
    delta[:, :, 0] = 0
    (mesh,) = panel(drawn(gradient_over_time, [named["xavier-tanh-d3"].but(delta_rms=delta)]), "xavier").collections
    assert (mesh.get_array()[0] < -3).all()


def test_one_layer_has_nothing_to_be_compared_with(named):
    with pytest.raises(style.CannotDraw, match="two hidden layers"):
        drawn(gradient_over_time, [named["xavier-tanh-d1"]])


# forward signal


@pytest.mark.parametrize("column", range(4))
def test_forward_signal_draws_each_statistic_and_its_prediction(column, runs, named):
    run = named["xavier-tanh-d3"]
    name = forward_signal.NEEDS[column]
    ax = drawn(forward_signal, runs).axes[4 * style.facets(runs).index(("tanh", 3)) + column]
    values = run.arrays[name][0]
    log = name != "input_correlation"
    expected = 10 ** np.log10(values).mean(axis=0) if log else values.mean(axis=0)
    np.testing.assert_allclose(line(ax, "xavier").get_ydata(), expected)
    assert ax.get_yscale() == ("log" if log else "linear")
    dashed = [artist.get_ydata() for artist in ax.lines if artist.get_linestyle() == "--"]
    theirs = [r.arrays.get(f"theory_{name}") for r in style.facet(runs, "tanh", 3)]
    assert len(dashed) == sum(values is not None for values in theirs)
    for drawn_values, values in zip(dashed, [v for v in theirs if v is not None], strict=True):
        np.testing.assert_array_equal(drawn_values, values)


def test_signals_that_are_0_have_no_correlation(named):
    axes = drawn(forward_signal, [named["zeros-tanh-d3"]]).axes
    assert axes[0].get_xlabel() == "0 in every layer: zeros"
    assert not axes[2].lines
    assert not axes[3].lines


# grid


def tiles(axes):
    """(column, row) -> colour, text."""
    found = {}
    for text in axes.texts:
        at = text.get_position()
        (here,) = [patch for patch in axes.patches if np.hypot(*(np.array(centre(patch)) - at)) < 0.1]
        found[tuple(int(i) for i in at)] = to_hex(here.get_facecolor()), text.get_text()
    return found


def centre(patch):
    return patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2


@pytest.mark.parametrize("depth", [1, 3])
def test_tiles_show_verdict_accuracy_and_outcome(depth, runs, named):
    canvas = drawn(grid, runs)
    ax, labels = panel(canvas, f"{depth} hidden layer"), panel(canvas, "1 hidden layer").get_yticklabels()
    rows, columns = ([t.get_text() for t in ticks] for ticks in (labels, ax.get_xticklabels()))
    assert (rows, columns) == (["zeros", "xavier", "he"], ["tanh", "relu"])
    found = tiles(ax)
    assert len(found) == 6
    for (x, y), (colour, text) in found.items():
        run = named[f"{rows[y]}-{columns[x]}-d{depth}"]
        accuracy = run.arrays["curve_accuracy_test"][-1]
        assert colour == grid.filled(accuracy.mean())
        words = text.replace(",", "").split()
        numbers = [float(word) for word in words if word[0].isdigit()]  # both replicas, once if they are equal
        np.testing.assert_allclose(numbers, sorted(set(np.round(accuracy, 3).tolist())), atol=1.1e-3)
        start, end = (VERDICT_GLYPHS[run.tags[tag]] for tag in ("verdict", "verdict_final"))
        signs = [start] if start == end else [start, "›", end]
        assert words[len(numbers) :] == signs + ([] if run.tags["outcome"] == "learned" else [run.tags["outcome"]])


def test_every_initializer_has_an_accuracy_curve_with_its_intervals(runs, named):
    ax = panel(drawn(grid, runs), "relu")
    (bars,) = [container for container in ax.containers if container.get_label() == "he"]
    curve, _, (intervals,) = bars
    accuracies = [named[f"he-relu-d{depth}"].arrays["curve_accuracy_test"][-1] for depth in (1, 3)]
    np.testing.assert_allclose(curve.get_ydata(), np.mean(accuracies, axis=1))
    np.testing.assert_allclose(curve.get_xdata(), [1, 3], rtol=0.13)  # beside those of other initializers
    for segment, values in zip(intervals.get_segments(), accuracies, strict=True):
        mean, half = values.mean(), T_2 * values.std(ddof=1) / np.sqrt(2)
        angle, spread = math.asin(math.sqrt(mean)), half / (2 * math.sqrt(mean * (1 - mean)))
        ends = [math.sin(min(max(angle + side * spread, 0), math.pi / 2)) ** 2 for side in (-1, 1)]
        np.testing.assert_allclose(segment[:, 1], ends, rtol=1e-4)
    zeros, xavier = (next(c for c in ax.containers if c.get_label() == name)[0] for name in ("zeros", "xavier"))
    assert (zeros.get_xdata() < xavier.get_xdata()).all()  # lines of equal height do not cover each other


def test_divergence_is_a_word_in_the_table_and_a_cross_below_the_curves(named):
    nothing = np.full_like(named["he-tanh-d3"].arrays["curve_accuracy_test"], np.nan)
    lost = named["he-tanh-d3"].but(curve_accuracy_test=nothing, tags={"outcome": "diverged", "outcomes": "2 diverged"})
    canvas = drawn(grid, [named["he-tanh-d1"], lost])
    assert tiles(panel(canvas, "3 hidden"))[0, 0][1] == "● diverged"
    crosses = [artist for artist in panel(canvas, "tanh").lines if artist.get_marker() == layout.SHAPES["diverged"]]
    assert [artist.get_xdata()[0] for artist in crosses] == [3]
    assert "diverged" in told(canvas)


def test_a_run_that_is_shorter_than_others_is_not_taken_for_diverged(named):
    run = named["xavier-tanh-d3"]
    short = run.but(step=run.arrays["step"][:3], delta_rms=run.arrays["delta_rms"][:3])
    lost = short.but(delta_rms=np.concatenate([short.arrays["delta_rms"][:2], np.full((1, 2, 3), np.nan)]))
    for other, spans in ((short, 0), (lost, 1)):
        other = dataclasses.replace(other, name="he-tanh-d3")
        canvas = drawn(gradient_over_time, [run, other])
        assert [len(ax.patches) for ax in canvas.axes[:2]] == [0, spans]


def test_tiles_keep_their_width_beside_long_names(named):
    run = named["he-tanh-d3"]
    long = dataclasses.replace(run, name="he-tanh-d3-scale=0.1-lr=0.01-momentum=0.9")
    widths = []
    for one in (run, long):
        canvas = drawn(grid, [one])
        canvas.draw_without_rendering()
        widths.append(canvas.axes[0].get_window_extent().width)
    assert widths[1] > 0.85 * widths[0]


def test_replicas_that_came_to_something_else_are_counted(named):
    run = named["he-tanh-d3"].but(tags={"outcome": "learned", "outcomes": "1 diverged, 4 learned"})
    stalled = run.but(tags={"outcome": "stalled", "outcomes": "2 learned, 3 stalled"})
    for canvas, told_of in ((drawn(grid, [run]), "4 of 5 learned"), (drawn(grid, [stalled]), "3 of 5 stalled")):
        ((_, text),) = tiles(canvas.axes[0]).values()
        assert text.endswith(told_of)
    many = [run.but(params={"activation": f"g{i}"}) for i in range(5)]  # narrow tiles
    for _, text in tiles(drawn(grid, many).axes[0]).values():
        assert text.split("\n") == [f"{run.arrays['curve_accuracy_test'][-1].mean():.3f}", "4 of 5 ●", "learned"]
    most = run.but(tags={"outcome": "diverged", "outcomes": "4 diverged, 1 learned"})
    curves = panel(drawn(grid, [named["he-tanh-d1"], most]), "tanh")
    assert any(artist.get_marker() == layout.SHAPES["diverged"] for artist in curves.lines)
    (points,) = [line for line in curves.containers if line.get_label() == "he"]
    assert np.isfinite(points[0].get_ydata()).tolist() == [True, False]


def test_classifiers_and_regressions_share_no_page(named, sweep):
    (regression,) = sweep([("network.depth=1",)], "data=teacher", "data.samples=60", "loss=mse")
    for module in (grid, learning_curves):
        pages = module.FIGURE.pages([regression, named["he-tanh-d1"], named["he-tanh-d3"]])
        assert [[run.params["data"] for run in page] for page in pages] == [["gaussian"] * 2, ["teacher"]]


def test_one_depth_needs_no_curves(named):
    canvas = drawn(grid, [named["he-tanh-d3"], named["he-relu-d3"]])
    assert [ax.get_title() for ax in canvas.axes] == ["3 hidden layers"]


def test_a_regression_is_scored_by_its_test_loss(sweep):
    regression = sweep([("network.depth=1",), ("network.depth=2",)], "data=teacher", "data.samples=60", "loss=mse")
    canvas = drawn(grid, regression)
    for run in regression:
        loss = run.arrays["curve_loss_test"][-1]
        (tile,) = tiles(panel(canvas, f"{run.params['depth']} hidden")).values()
        assert tile[1].split()[0] == f"{loss.mean():.3g}"
    curve = panel(canvas, "tanh")
    assert curve.get_ylabel() == "test loss"
    assert curve.get_yscale() == "log"
    with pytest.raises(style.CannotDraw, match="classes of two features; the data are teacher"):
        drawn(decision_boundary, regression)


def test_what_was_not_trained_is_called_so(sweep):
    runs = sweep([("init=he",)], "training.epochs=0")
    (tile,) = tiles(drawn(grid, runs).axes[0]).values()
    assert tile[1].split("\n")[1:] == ["● not trained"]
    assert "after training" not in told(drawn(grid, runs))
    for module, columns in ((gradient_flow, 2), (saturation, 4)):
        canvas = drawn(module, runs)
        assert len(canvas.axes) == columns
        assert "after training" not in told(canvas) + " ".join(ax.get_title() for ax in canvas.axes)
    with pytest.raises(style.CannotDraw, match="was trained"):
        drawn(learning_curves, runs)
    with pytest.raises(style.CannotDraw, match="took a step"):
        drawn(update_ratio, runs)
    assert len(drawn(gradient_over_time, runs).axes) == 2  # the map of one snapshot, and the colour bar


def test_what_was_stopped_has_no_outcome_yet(named):
    run = named["he-tanh-d3"].but()
    object.__setattr__(run, "status", "KILLED")
    (tile,) = tiles(drawn(grid, [run]).axes[0]).values()
    assert tile[1].endswith("unfinished")
    assert line(drawn(phase_diagram, [run]).axes[0], "he").get_marker() == "*"


@pytest.mark.parametrize("looks", theme.THEMES)
@pytest.mark.parametrize("share", [*np.linspace(0, 1, 11), np.nan])
def test_text_stands_out_from_every_tile(share, looks):
    def luminance(colour):
        channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return np.dot(channels, (0.2126, 0.7152, 0.0722)) + 0.05

    with matplotlib.rc_context(theme.THEMES[looks]):
        tile = grid.filled(share)
        text = layout.text_on(tile)
    low, high = sorted((luminance(text), luminance(tile)))
    assert high / low > 4


# Jacobian


def test_dots_are_the_sorted_squares_and_circles_their_means(runs, named):
    ax = panel(drawn(jacobian, runs), "tanh, 3")
    run = named["xavier-tanh-d3"]
    squares = np.sort(run.arrays["jacobian_singular_values"].ravel() ** 2)
    dots, measured, predicted = [artist for artist in ax.lines if abs(np.mean(artist.get_xdata()) - 1) < 0.5]
    np.testing.assert_allclose(dots.get_ydata(), squares[squares > 1e-12 * squares.max()])
    assert (np.diff(dots.get_xdata()) > 0).all()
    np.testing.assert_allclose(measured.get_ydata(), [squares.mean(), squares.mean() + squares.std()])
    mean, variance = run.arrays["theory_jacobian"]
    np.testing.assert_allclose(predicted.get_ydata(), [mean, mean + np.sqrt(variance)])
    assert ax.get_yscale() == "log"
    ticks = [tick.get_text() for tick in panel(drawn(jacobian, runs), "relu, 3").get_xticklabels()]
    assert ticks == ["zeros", "xavier", "he"]


def test_a_jacobian_that_no_logarithm_can_show_is_put_in_words(named):
    broken = named["xavier-tanh-d3"]
    broken = broken.but(jacobian_singular_values=np.full_like(broken.arrays["jacobian_singular_values"], np.nan))
    assert texts(drawn(jacobian, [named["zeros-tanh-d3"], broken]).axes[0]) == ["all 0", "overflows"]


def test_a_jacobian_that_is_too_large_for_an_axis_leaves_the_others_drawn(named):
    huge = named["he-tanh-d3"]
    values = np.full_like(huge.arrays["jacobian_singular_values"], 1e160)
    huge = huge.but(jacobian_singular_values=values, theory_jacobian=np.array([1e304, np.inf]))
    ax = drawn(jacobian, [named["xavier-tanh-d3"], huge]).axes[0]
    assert texts(ax) == ["overflows"]
    assert ax.get_ylim()[1] < 1e3


# phase diagram


def test_the_edge_of_chaos_is_that_of_theory(runs):
    ax = panel(drawn(phase_diagram, runs), "tanh, 3")
    edge = next(artist for artist in ax.lines if len(artist.get_xdata()) > 1)
    expected = theory.edge_of_chaos(ACTIVATIONS["tanh"])
    shown = expected.sigma_b <= 1  # of no use but far beyond
    assert expected.stable[shown].all()
    np.testing.assert_array_equal(edge.get_xdata()[shown], expected.sigma_w[shown])
    np.testing.assert_array_equal(edge.get_ydata()[shown], expected.sigma_b[shown])
    assert edge.get_linestyle() == "-"


def test_an_unstable_edge_is_dotted(named):
    run = named["xavier-tanh-d3"].but(params={"activation": "gelu", "activation.name": "gelu"})
    canvas = drawn(phase_diagram, [run])
    edge = theory.edge_of_chaos(ACTIVATIONS["gelu"])
    assert 0 < edge.stable.sum() < edge.q.size
    lines = {
        artist.get_linestyle(): artist.get_xdata() for artist in canvas.axes[0].lines if artist.get_xdata().size > 1
    }
    np.testing.assert_array_equal(lines["-"], np.where(edge.stable, edge.sigma_w, np.nan))
    np.testing.assert_array_equal(lines[":"], np.where(edge.stable, np.nan, edge.sigma_w))
    assert "edge, unstable or saturated" in told(canvas)


def test_the_edge_of_relu_is_one_point(runs):
    canvas = drawn(phase_diagram, runs)
    (point,) = [artist for artist in panel(canvas, "relu, 3").lines if artist.get_marker() == "d"]
    np.testing.assert_allclose(point.get_xydata(), [[np.sqrt(2), 0]])
    assert "a single point" in told(canvas)


def test_colour_is_the_trainable_depth_of_theory(runs):
    mesh = panel(drawn(phase_diagram, runs), "tanh, 3").collections[0]
    w, b = (np.unique(side) for side in mesh.get_coordinates().reshape(-1, 2).T)
    expected = np.clip(theory.plane(ACTIVATIONS["tanh"], w, b).depth, 3, 1000)
    np.testing.assert_allclose(np.asarray(mesh.get_array()), expected)
    assert mesh.get_clim() == (3, 1000)


def test_cells_are_marked_where_their_weights_are(runs, named):
    ax = panel(drawn(phase_diagram, runs), "relu, 3")
    for name in ("xavier", "he"):
        run = named[f"{name}-relu-d3"]
        mark = line(ax, name)
        np.testing.assert_allclose(mark.get_xydata(), [[np.median(run.arrays["theory_sigma_w"][1:3]), 0]])
        assert mark.get_marker() == layout.SHAPES[run.tags["outcome"]]
        with matplotlib.rc_context(theme.THEMES["light"]):
            assert mark.get_color() == hues.run_colour(run)


def test_a_single_hidden_layer_is_marked_where_its_own_weights_are(named):
    run = named["he-relu-d1"]
    assert phase_diagram.place(run) == (run.arrays["theory_sigma_w"][0], 0)


def test_marks_of_one_place_are_around_each_other(named):
    run = named["xavier-tanh-d3"]
    twin = dataclasses.replace(run.but(params={"init": "lecun"}), name="lecun-tanh-d3")
    canvas = drawn(phase_diagram, [run, twin])
    around, within = (line(canvas.axes[0], name) for name in ("xavier", "lecun"))
    np.testing.assert_array_equal(around.get_xydata(), within.get_xydata())  # no false sigma_b
    assert around.get_markersize() > within.get_markersize() + 4
    assert around.get_zorder() <= within.get_zorder()


def test_initializers_without_a_prediction_are_named(runs, named):
    assert "as theory needs independent random weights and finite signals: zeros" in told(drawn(phase_diagram, runs))
    with pytest.raises(style.CannotDraw, match="independent random weights"):
        drawn(phase_diagram, [named["zeros-tanh-d3"]])


def test_the_plane_of_a_custom_activation_is_missing_and_why(named):
    run = named["he-tanh-d3"].but(
        params={"activation": "mine", "activation.name": "custom", "activation.function": "m:f"}
    )
    canvas = drawn(phase_diagram, [run])
    assert any("MLflow does not" in text for text in texts(canvas.axes[0]))
    assert not canvas.axes[0].collections
    np.testing.assert_allclose(canvas.axes[0].lines[0].get_ydata(), 0)


def test_each_slope_has_a_plane_of_its_own(named):
    def leaky(slope):
        params = {"activation": "leaky_relu", "activation.name": "leaky_relu", "activation.slope": slope}
        return named["he-relu-d3"].but(params=params)

    canvas = drawn(phase_diagram, [leaky("0.01"), leaky("0.5")])
    for slope in (0.01, 0.5):
        (point,) = [a for a in panel(canvas, f"slope={slope},").lines if a.get_marker() == "d"]
        np.testing.assert_allclose(point.get_xdata(), np.sqrt(2 / (1 + slope**2)))


# update ratio


def test_update_ratios_by_layer_and_over_training(runs, named):
    run = named["he-tanh-d3"]
    row = style.facets(runs).index(("tanh", 3))
    first, late, over = drawn(update_ratio, runs).axes[3 * row : 3 * row + 3]
    logs, steps = np.log10(run.arrays["update_ratio"]), run.arrays["step"]  # (S, R, depth)
    np.testing.assert_allclose(line(first, "he").get_ydata(), 10 ** logs[0].mean(axis=0))
    np.testing.assert_allclose(line(late, "he").get_ydata(), 10 ** logs[steps >= steps[-1] / 2].mean(axis=(0, 1)))
    np.testing.assert_allclose(line(over, "he").get_ydata(), 10 ** logs.mean(axis=(1, 2)))
    np.testing.assert_array_equal(line(over, "he").get_xdata(), steps + 1)
    for ax in (first, late, over):
        assert ax.get_yscale() == "log"
        assert [1e-3, 1e-3] in [list(artist.get_ydata()) for artist in ax.lines]
    assert " ".join(first.get_xlabel().split()) == "no step, or none that is finite: zeros"


# decision boundary


def test_shading_is_the_lead_of_the_first_class():
    regions = np.array([[[0, 0, -1]], [[0, 1, -1]], [[0, 1, 1]], [[0, 2, -1]]])  # four replicas, three points
    leader, lead = decision_boundary.agreement(regions)
    np.testing.assert_array_equal(leader, [[0, 1, -1]])
    np.testing.assert_allclose(lead, [[1, 0.25, 0.5]])
    with matplotlib.rc_context(theme.THEMES["light"]):
        shown = decision_boundary.shading(regions)[0]
        full = np.array(to_rgb(decision_boundary.hue(0)))
    np.testing.assert_allclose(shown[0], 1 - 0.6 * (1 - full))


def test_panels_show_regions_examples_and_accuracy(plane):
    canvas = drawn(decision_boundary, plane)
    for run in plane:
        lower = run.arrays["curve_accuracy_test"][-1].min()
        ax = panel(canvas, run.params["init"], f"{lower:.3f}")
        with matplotlib.rc_context(theme.THEMES["light"]):
            expected = decision_boundary.shading(run.arrays["decision_regions"])
        np.testing.assert_allclose(ax.images[0].get_array(), expected)
        across, up = run.arrays["decision_axes"]
        assert ax.images[0].get_extent() == [across[0], across[-1], up[0], up[-1]]
        assert ax.images[0].origin == "lower"
        (points,) = ax.collections
        np.testing.assert_allclose(points.get_offsets(), run.arrays["decision_points"][: decision_boundary.POINTS])
        with matplotlib.rc_context(theme.THEMES["light"]):
            hues = [decision_boundary.hue(int(k)) for k in run.arrays["decision_classes"][: decision_boundary.POINTS]]
        assert [to_hex(colour) for colour in points.get_facecolors()] == hues
    assert "class 0 class 1" in told(canvas)


def test_networks_that_are_not_finite_are_grey_and_said_to_be_so(plane):
    regions = np.full_like(plane[0].arrays["decision_regions"], -1)
    nothing = np.full_like(plane[0].arrays["curve_accuracy_test"], np.nan)
    lost = plane[0].but(decision_regions=regions, curve_accuracy_test=nothing, tags={"outcome": "diverged"})
    canvas = drawn(decision_boundary, [lost])
    assert canvas.axes[0].get_title() == "zeros\ndiverged"
    assert "not finite" in told(canvas)


def test_data_that_are_not_in_the_plane_have_no_boundary(runs):
    with pytest.raises(style.CannotDraw, match="classes of two features; the data are gaussian"):
        drawn(decision_boundary, runs)


# cells


@pytest.mark.parametrize(("many", "most", "sizes"), [(8, 8, [8]), (9, 8, [4, 5]), (20, 8, [6, 7, 7])])
def test_parts_are_even(many, most, sizes):
    parts = style.evenly(range(many), most)
    assert sorted(map(len, parts)) == sizes
    assert [item for part in parts for item in part] == list(range(many))


def test_a_missing_cell_leaves_its_panel_empty(runs):
    some = [run for run in runs if run.name != "xavier-relu-d3" and style.depth(run) == 3]
    canvas = drawn(gradient_over_time, some)
    assert sorted(ax.get_title() for ax in canvas.axes if ax.collections and ax.get_title()) == [
        "he", "he", "xavier", "zeros", "zeros"
    ]  # fmt: skip


def test_scores_in_words():
    assert words.score_text("accuracy", 0.9421, 0.0084, 5) == "0.942 ± 0.008"
    assert words.score_text("accuracy", 0.9421, np.nan, 1) == "0.942"
    assert words.score_text("accuracy", 0.95, 0.2, 5, "\n").startswith("0.950\n(")
    assert words.score_text("loss", 0.04113, 0.00621, 5, "\n") == "0.0411\n± 0.0062"
    assert words.score_text("loss", np.nan, np.nan, 5) == ""
