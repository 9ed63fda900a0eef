"""`python -m reports`: what is drawn of what, how it looks, where it lands, and what is said of what is missing."""

import dataclasses
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text
from mlflow.tracking import MlflowClient

from mlpstudy.tracking.reading import load_runs
from mlpstudy.tracking.report import log_report
from mlpstudy.tracking.run import NotMeasured
from reports import __main__ as reports
from reports import gallery
from reports.drawing import hues, rendering, style, theme
from reports.figures import gradient_flow, jacobian, learning_curves, phase_diagram

FIGURES = {name: gallery.figure(name) for name in reports.FIGURES}


@pytest.fixture(scope="session")
def runs(sweep_uri):
    return load_runs(sweep_uri)


@pytest.fixture
def lost(tmp_path):
    """A run whose files are gone."""

    def lose(run):
        return dataclasses.replace(run, name=f"lost-{run.name}", artifact_uri=(tmp_path / "empty").as_uri())

    (tmp_path / "empty").mkdir()
    return lose


def like(run, init="xavier", activation="tanh", depth=3, extra=""):
    """A run of another cell."""
    params = {**run.params, "init": init, "activation": activation, "depth": str(depth)}
    return dataclasses.replace(run, name=f"{init}-{activation}-d{depth}{extra}", params=params)


def told(canvas):
    """What stands outside the panels: titles, labels, legends, footnotes."""
    found = [*canvas.texts, *(text for legend in canvas.legends for text in legend.texts)]
    found += [text for ax in canvas.axes if ax.axison for text in (ax.title, ax.xaxis.label, ax.yaxis.label)]
    return [text for text in found if text.get_text().strip()]


# what a figure is


@pytest.mark.parametrize("name", FIGURES)
def test_figures_have_titles(name):
    assert FIGURES[name].title
    assert FIGURES[name].title[0].isupper()


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_the_same_runs_give_the_same_bytes(name, runs):
    formats = list(rendering.SAVING)
    outcomes = [gallery.draw(name, runs, formats, "light") for _ in range(2)]
    assert outcomes[0] == outcomes[1]
    for page in outcomes[0].pages:
        assert page.pictures["png"].startswith(b"\x89PNG")
        assert ElementTree.fromstring(page.pictures["svg"]).tag.endswith("svg")
        assert page.pictures["pdf"].startswith(b"%PDF")


def pages(figure, runs, looks="light"):
    with matplotlib.rc_context(theme.THEMES[looks]):
        return [rendering.draw(figure, page) for page in figure.pages(figure.choose(runs))]


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("name", FIGURES)
def test_text_is_at_least_8_points_and_inside_the_page(name, count, runs, smallest):
    try:
        drawn = pages(FIGURES[name], runs[-count:])
    except style.CannotDraw:
        pytest.skip("not of these runs")
    for canvas in drawn:
        canvas.canvas.draw()
        width, height = canvas.get_size_inches() * canvas.dpi
        assert all(smallest(text) >= 8 for text in canvas.findobj(Text))
        for text in told(canvas):
            box = text.get_window_extent()
            assert box.x0 >= -1, text
            assert box.y0 >= -1, text
            assert box.x1 <= width + 1, text
            assert box.y1 <= height + 1, text


@pytest.mark.parametrize("name", FIGURES)
def test_text_stands_out_in_the_dark(name, runs):
    try:
        drawn = pages(FIGURES[name], runs, "dark")
    except style.CannotDraw:
        pytest.skip("not of these runs")
    for canvas in drawn:
        assert theme.luminance(canvas.get_facecolor()) < 0.02
        assert all(theme.luminance(to_rgb(text.get_color())) > 0.18 for text in told(canvas))


def test_titles_tell_what_is_compared(runs):
    (canvas,) = pages(learning_curves.FIGURE, runs)
    found = [text.get_text() for text in told(canvas)]
    assert learning_curves.FIGURE.title in found
    assert "zeros, identical, constant, xavier   ×   tanh   ×   3 hidden layers" in found
    many = [like(runs[0], init=f"initializer_{i}") for i in range(12)]
    (canvas,) = pages(learning_curves.FIGURE, many)
    assert "12 initializers   ×   1 activation   ×   1 depth" in [text.get_text() for text in told(canvas)]
    assert f"sweep {runs[0].tags['sweep']}; data digits; sgd, learning rate 0.01" in canvas.get_supxlabel()


@pytest.mark.parametrize("background", theme.THEMES)
def test_colours_stand_out_from_the_background(background):
    with matplotlib.rc_context(theme.THEMES[background]):
        ground = theme.luminance(matplotlib.rcParams["figure.facecolor"])
        for colour in ("#000000", "#0072b2", "#e69f00", "#ffff99", "#ffffff"):
            low, high = sorted((ground, theme.luminance(theme.legible(colour))))
            assert (high + 0.05) / (low + 0.05) >= theme.CONTRAST
    assert theme.luminance("#ffffff") == pytest.approx(1)
    assert theme.luminance("#808080") == pytest.approx(0.2159, abs=1e-4)  # WCAG 2


def test_runs_that_share_an_initializer_get_shades_and_a_marker(runs):
    same = [like(runs[0], extra=f"-lr={i}") for i in range(3)]
    looks = [look for _, look in hues.looks(same)]
    assert len({look["color"] for look in looks}) == 3
    assert len({look["marker"] for look in looks}) == 1
    assert len({look["color"] for _, look in hues.looks(runs)}) == 4


@pytest.mark.parametrize("background", theme.THEMES)
@pytest.mark.parametrize("init", ["zeros", "xavier_uniform", "he", "normal"])
def test_six_shades_can_be_told_apart(background, init):
    """By 2 % of a channel and more."""
    with matplotlib.rc_context(theme.THEMES[background]):
        shades = [np.array(to_rgb(hues.shade(init, place))) for place in np.linspace(0, 1, 6)]
        assert min(np.abs(a - b).max() for a, b in itertools.pairwise(shades)) > 0.02
        ground = matplotlib.rcParams["figure.facecolor"]
        assert all(theme.contrast(ground, to_hex(shade)) >= theme.CONTRAST - 0.05 for shade in shades)


def test_a_label_has_one_colour_in_figures_that_show_some_of_the_runs(runs):
    whole = [like(runs[0], extra=f"-lr={i}") for i in range(3)]
    every = [look for _, look in hues.looks(whole)]
    assert [look for _, look in hues.looks(style.Part(whole[1:], whole))] == every[1:]
    assert [look for _, look in hues.looks(style.facet(style.Part(whole[1:], whole), "tanh", 3))] == every[1:]


def test_names_are_text(runs):
    """Also those that matplotlib would take for mathematics, or leave out of a legend."""
    odd = [like(runs[3], init, extra=extra) for init, extra in (("xavier", " $\\foo$"), ("_tiny", ""))]
    (canvas,) = pages(gradient_flow.FIGURE, odd)
    (legend,) = canvas.legends
    found = [text.get_text().strip() for text in legend.texts]
    assert "xavier $\\foo$" in found
    assert "_tiny" in found


@pytest.mark.parametrize("module", [jacobian, phase_diagram])
def test_a_page_makes_room_for_long_labels_and_long_legends(runs, module):
    xavier = next(run for run in runs if run.params["init"] == "xavier")
    many = [like(xavier, extra=f"-scale=0.1-lr=0.0{i}-momentum=0.9") for i in range(8)]
    (canvas,) = pages(module.FIGURE, many)
    canvas.draw_without_rendering()
    boxes = [legend.get_window_extent() for legend in canvas.legends]
    panels = [ax.get_window_extent() for ax in canvas.axes]
    note = canvas._supxlabel.get_window_extent()
    assert min(panel.height for panel in panels) > 60
    assert all(box.y0 > note.y1 - 1 and box.y1 <= canvas.bbox.y1 for box in boxes)
    assert not any(box.overlaps(panel) for box in boxes for panel in panels)


def test_one_figure_that_fails_does_not_stop_the_others(runs, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug\nof two lines")

    monkeypatch.setattr(rendering, "render", broken)
    outcome = gallery.draw("grid", runs, ["png"], "light")
    assert outcome.missing == "it failed (RuntimeError: a bug of two lines)"


def test_a_label_has_one_colour_on_a_page_that_misses_some_runs(runs):
    page = [like(runs[0], activation=a, extra=f"-lr={i}") for a in ("tanh", "relu") for i in range(3)]
    del page[0]
    some, every = ([look for _, look in hues.looks(style.facet(page, a, 3))] for a in ("tanh", "relu"))
    assert len({look["color"] for look in every}) == 3
    assert some == every[1:]


# pages


def test_pages_of_two_hundred_cells_are_legible(runs):
    inits, activations = [f"init{i}" for i in range(10)], ("tanh", "relu", "gelu", "elu", "sin")
    many = [like(runs[0], i, a, d) for i in inits for a in activations for d in (2, 5, 10, 20)]
    split = style.by_facets(many)
    assert sorted(id(run) for page in split for run in page) == sorted(map(id, many))
    for page in split:
        assert len(style.facets(page)) <= style.ROWS
        assert len({run.params["activation"] for run in page}) == 1  # whose depths stay together
    lines = [like(runs[0], extra=f"-lr={i}") for i in range(60)]
    assert [len(page) for page in style.by_facets(lines)] == [12] * 5  # never a legend of 60 rows


def test_few_facets_share_a_page(runs):
    few = [like(runs[0], activation=a, depth=d) for a in ("tanh", "relu", "gelu") for d in (2, 5)]
    assert [style.facets(page) for page in style.by_facets(few)] == [
        [("tanh", 2), ("tanh", 5), ("relu", 2), ("relu", 5)],
        [("gelu", 2), ("gelu", 5)],
    ]


def test_pages_are_numbered_in_names_and_titles(runs, tmp_path):
    figure = dataclasses.replace(learning_curves.FIGURE, pages=lambda runs: style.evenly(runs, 2))
    drawn = tuple(rendering.render(figure, runs, ["png"]))
    for name in ("curves.png", "curves-2.png", "curves-3.png", "curves-extra.png", "curves-2.svg"):
        (tmp_path / name).write_text("old")
    written = gallery.write(tmp_path, gallery.Outcome("curves", "", drawn), ["png"])
    assert [path.name for path in written["png"]] == ["curves.png", "curves-2.png"]
    assert written["png"][1].read_bytes() == drawn[1].pictures["png"]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"curves.png", "curves-2.png", "curves-extra.png", "curves-2.svg"}  # none of an earlier drawing
    svg = rendering.render(figure, runs, ["svg"])[1].pictures["svg"].decode()
    assert "(page 2 of 2)" in svg  # matplotlib notes the text beside its outlines


# what is missing


def test_runs_without_an_array_are_left_out_and_named(runs):
    figure = dataclasses.replace(learning_curves.FIGURE, needs=("curve_loss_test",))
    old = dataclasses.replace(runs[0])
    old.__dict__["arrays"] = {k: v for k, v in runs[0].arrays.items() if k != "curve_loss_test"}
    found, remark = rendering.having([old, *runs[1:]], figure.needs)
    assert found == runs[1:]
    assert remark == "left out, without curve_loss_test: zeros-tanh-d3"
    (page,) = rendering.render(figure, [old, *runs[1:]], ["svg"])
    assert remark in page.pictures["svg"].decode()
    assert "zeros, identical" not in page.pictures["svg"].decode()
    with pytest.raises(style.CannotDraw, match="none of these runs holds curve_loss_test"):
        rendering.having([old], figure.needs)


def test_a_figure_of_layers_needs_hidden_layers(runs):
    flat = [like(run, depth=0) for run in runs]
    for name in ("gradient_flow", "symmetry", "saturation"):
        outcome = gallery.draw(name, flat, ["png"], "light")
        assert outcome.pages == ()
        assert outcome.missing == "none of these runs has a hidden layer"
    assert gallery.draw("learning_curves", flat, ["png"], "light").pages
    assert gallery.draw("gradient_flow", [*flat, *runs], ["png"], "light").pages


def test_a_run_without_its_files_does_not_stop_the_others(runs, lost, tmp_path, monkeypatch, capsys):
    broken = lost(runs[0])
    with pytest.raises(NotMeasured, match=r"lost-zeros-tanh-d3 \(finished\) has no statistics.npz"):
        _ = broken.arrays
    monkeypatch.setattr("mlpstudy.tracking.reading.load_runs", lambda *_: [broken, *runs[1:]])
    monkeypatch.setattr("mlpstudy.tracking.report.log_report", lambda *_: "not in this test")
    assert reports.main(["--out", str(tmp_path / "out"), "--figures", "gradient_flow"]) == 0
    output = capsys.readouterr().out
    assert "left out: lost-zeros-tanh-d3 (finished) has no statistics.npz" in output
    assert (tmp_path / "out" / "gradient_flow.png").exists()


def test_nothing_measured_is_said(runs, lost, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("mlpstudy.tracking.reading.load_runs", lambda *_: [lost(run) for run in runs])
    monkeypatch.setattr("mlpstudy.tracking.report.log_report", lambda *_: "")
    assert reports.main(["--out", str(tmp_path / "out"), "--figures", "gradient_flow"]) == 1
    assert "gradient_flow      not drawn: none of these runs kept what it measured" in capsys.readouterr().out


def test_a_figure_that_cannot_be_drawn_is_missing_and_the_others_are_drawn(runs, tmp_path, monkeypatch, capsys):
    stopped = [dataclasses.replace(run, status="KILLED") for run in runs]
    monkeypatch.setattr("mlpstudy.tracking.reading.load_runs", lambda *_: stopped)
    monkeypatch.setattr("mlpstudy.tracking.report.log_report", lambda *_: "")
    (tmp_path / "symmetry.png").write_text("of an earlier sweep")
    assert reports.main(["--out", str(tmp_path), "--figures", "symmetry,learning_curves"]) == 0
    assert "symmetry           not drawn: none of these runs came to its end" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"learning_curves.png", "index.html"}
    assert "none of these runs came to its end" in (tmp_path / "index.html").read_text()


# the command


@pytest.mark.slow
def test_the_command_draws_the_latest_sweep_and_logs_it(sweep_copy, tmp_path, capsys):
    arguments = ["--uri", sweep_copy, "--out", str(tmp_path / "out"), "--format", "svg,png"]
    assert reports.main([*arguments, "--figures", "symmetry,gradient_flow"]) == 0
    output = capsys.readouterr().out
    assert "gradient_flow      gradient_flow.png, gradient_flow.svg\n" in output
    assert f"-m webbrowser {(tmp_path / 'out' / 'index.html').as_uri()}" in output
    files = {"symmetry.png", "symmetry.svg", "gradient_flow.png", "gradient_flow.svg"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*files, "index.html"}
    client = MlflowClient(sweep_copy)

    def logged():
        (report,) = client.search_runs(["1"], "tags.report LIKE '%'")
        return report, {file.path for file in client.list_artifacts(report.info.run_id)}

    report, names = logged()
    assert names == files
    assert report.info.run_name == f"report {report.data.tags['report']}"
    assert report.info.status == "FINISHED"
    assert report.data.tags["report"] == load_runs(sweep_copy)[0].tags["sweep"]
    assert "sweep" not in report.data.tags
    assert reports.main(["--uri", sweep_copy, "--out", str(tmp_path / "again"), "--figures", "gradient_flow"]) == 0
    again, names = logged()  # the same run: what was drawn last, and what was drawn of other figures before
    assert again.info.run_id == report.info.run_id
    assert names == {"symmetry.png", "symmetry.svg", "gradient_flow.png"}  # a page is kept that has all figures
    assert [run.name for run in load_runs(sweep_copy)] == [run.name for run in load_runs(sweep_copy, where="")]


def test_part_of_a_sweep_is_not_logged_and_a_pdf_has_a_page(sweep_copy, tmp_path, capsys):
    arguments = ["--uri", sweep_copy, "--out", str(tmp_path), "--format", "pdf", "--figures", "learning_curves"]
    assert reports.main([*arguments, "--where", "params.init = 'xavier'"]) == 0
    assert "1 run\n" in capsys.readouterr().out
    assert (tmp_path / "learning_curves.pdf").exists()
    assert "data:image/png" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not MlflowClient(sweep_copy).search_runs(["1"], "tags.report LIKE '%'")


def test_a_store_that_cannot_be_written_is_one_line(runs, tmp_path, monkeypatch):
    def refused(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("mlflow.tracking.MlflowClient.search_runs", refused)
    assert log_report(runs, []) == "OSError: disk full"


BAD = {
    "--figures nope": "--figures must be one of .*gradient_flow, .*; got 'nope'",
    "--figures ,": "--figures must be one of .*; got ''",
    "--format png,bmp": "--format must be one of pdf, png, svg; got 'bmp'",
    "--theme blue": "--theme must be one of dark, light; got 'blue'",
    "--sweep nope": r"--sweep must be one of \d{4}-.*; got 'nope'",
    "--sweep it's": "--sweep must be null or a name",
    "--experiment nope": "--experiment must be one of Default, mlpstudy; got 'nope'",
    "--where params.init==": r"--where must be an MLflow filter such as .* \(.*\); got 'params.init=='",
    "--where params.init='nope'": "--where must be a filter that some run of a sweep meets, on params.activation, ",
}


@pytest.mark.parametrize("typed", BAD)
def test_bad_names_are_one_line_and_nothing_is_written(typed, sweep_uri, tmp_path, capsys):
    option, value = typed.split(" ", 1)
    out = tmp_path / "out"
    assert reports.main(["--uri", sweep_uri, "--out", str(out), option, value]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("reports: --")
    assert re.search(BAD[typed], error), error
    assert not out.exists()


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_drawn(sweep_uri, tmp_path, capsys):
    (tmp_path / "file").write_text("no folder")
    assert reports.main(["--uri", sweep_uri, "--out", str(tmp_path / "file")]) == 1
    assert "--out must be a folder that can be written (" in capsys.readouterr().err


def test_nothing_to_draw_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert reports.main([]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "python -m mlpstudy -m" in error
    assert list(tmp_path.iterdir()) == []


def test_help_and_bad_names_do_not_wait_for_mlflow():
    code = "import sys; from reports.__main__ import main; main(['--figures', 'nope']); print('mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.slow
def test_two_processes_draw_what_one_draws(runs, monkeypatch):
    names = ["symmetry", "learning_curves"]
    alone = {o.name: o for o in gallery.draw_all(None, names, runs, ["png"], "light")}
    monkeypatch.setattr(gallery, "available_cores", lambda: 2)
    with gallery.workers(2) as pool:
        assert {o.name: o for o in gallery.draw_all(pool, names, runs, ["png"], "light")} == alone


@pytest.mark.skipif(sys.platform == "win32", reason="groups of processes are those of POSIX")
@pytest.mark.parametrize("seconds", [1.5, 2.5])  # while processes import, and later
def test_ctrl_c_at_any_time_prints_one_line(sweep_uri, tmp_path, seconds):
    command = [sys.executable, "-m", "reports", "--uri", sweep_uri, "--out", str(tmp_path)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    told, _ = process.communicate(timeout=60)
    assert told.endswith("reports: interrupted\n")
    assert "Traceback" not in told
    assert process.returncode == 130
