"""The map of what is foreseen: it shows the numbers, and nothing in it looks as if it was measured."""

import re

import numpy as np
import pytest

from mlpstudy import run_picture
from mlpstudy.cells.cell import names
from mlpstudy.compose import read
from mlpstudy.conduct import ahead
from mlpstudy.measure.arrays import CURVES
from mlpstudy.measure.statistics import STATISTICS
from reports.drawing import rendering
from reports.figures import foreseen

SMALL = ["network.width=16", "training.epochs=5", "replicas=2"]


@pytest.fixture(scope="module")
def runs():
    cells = read(["-m", "init=zeros,xavier", "activation=tanh,relu", "network.depth=2,4", *SMALL]).cells
    told = ahead.foresee(cells, whole=True)
    return [run_picture.foreseen(*triple) for triple in zip(names(cells), cells, told, strict=True)]


@pytest.fixture(scope="module")
def page(runs):
    (page,) = rendering.pictures(foreseen.FIGURE, runs)
    return page


def test_no_name_is_that_of_something_measured(runs):
    for run in runs:
        assert not {"verdict", "verdict_final", "outcome", "outcomes", "evidence"} & run.tags.keys()
        assert not {f"curve_{name}" for name in CURVES} & run.arrays.keys()
        assert not set(STATISTICS) & run.arrays.keys()


def test_tiles_are_hatched_and_lines_are_dashed(page, runs):
    tiles = [patch for ax in page.axes for patch in ax.patches]
    assert len(tiles) == len(runs) == 8
    assert all(tile.get_hatch() and tile.get_linestyle() == "--" for tile in tiles)
    lines = [line for ax in page.axes for line in ax.lines]
    assert len(lines) == 8
    assert all(line.is_dashed() and line.get_fillstyle() == "none" for line in lines)
    assert not [collection for ax in page.axes for collection in ax.collections]  # no bands over replicas


def test_it_says_that_it_is_foreseen(page, runs):
    learns = sum(run.tags["outcome_by_pilot"] == "learns" for run in runs)
    assert (
        page.title.get_text().replace("\n", " ").startswith(f"Foreseen, not trained: {learns} of 8 cells would learn")
    )
    assert "nothing here was measured" in page.get_supxlabel()
    assert {ax.get_ylabel() for ax in page.axes} == {"", "foreseen training accuracy"}


def test_each_tile_has_its_number_and_its_outcome(page, runs):
    texts = " ".join(text.get_text().replace("\n", " ") for ax in page.axes for text in ax.texts)
    told = re.findall(r"(-?\d\.\d\d)\s\S*\s?(learns|is slow|stalls|diverges)", texts)
    expected = [(f"{float(run.arrays['foreseen_gained']):.2f}", run.tags["outcome_by_pilot"]) for run in runs]
    assert sorted(told) == sorted(expected)


def test_lines_are_the_curves_of_the_pilot(page, runs):
    drawn = sorted(tuple(line.get_ydata()) for ax in page.axes for line in ax.lines)
    assert drawn == sorted(tuple(run.arrays["foreseen_accuracy_train"]) for run in runs)


def test_a_regression_has_a_map_of_its_own_beside_a_classifier(runs):
    cells = read(["data=diabetes", "loss=mse", "network.depth=2", *SMALL]).cells
    (told,) = ahead.foresee(cells, whole=True)
    regression = run_picture.foreseen("values", cells[0], told)
    assert np.isnan(regression.arrays["chance"])
    one, other = rendering.pictures(foreseen.FIGURE, [*runs, regression])
    assert "explained variance" in other.get_supxlabel()
    assert "explained variance" not in one.get_supxlabel()
    nothing = run_picture.ForeseenRun(
        "none", runs[0].params, {"sweep": "none"}, {"foreseen_gained": np.array(np.nan), "chance": np.array(0.1)}
    )
    assert "0 of 1 cell would learn" in next(rendering.pictures(foreseen.FIGURE, [nothing])).title.get_text()
