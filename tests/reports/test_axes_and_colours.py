"""Axes that panels share, what leaves them, and hues and markers that all kinds of colour vision tell apart."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Canvas

from mlpstudy.palette import ACTIVATION_HUES, CLASS_COLOURS, HUES, VERDICT_COLOURS
from reports.drawing import hues, scales

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
DIFFERENT = 0.08  # distance in OKLab: four times what is just noticed


def seen(colour, vision):
    """OKLab (Ottosson 2020) of a colour as this vision sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(VISIONS[vision]) @ linear, 0, 1)
    cones = np.cbrt(
        np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                  [0.0883024619, 0.2817188376, 0.6299787005]]) @ linear
    )  # fmt: skip
    return np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                     [0.0259040371, 0.7827717662, -0.8086757660]]) @ cones  # fmt: skip


def apart(one, other):
    """The least distance of two colours over all visions."""
    return min(np.linalg.norm(seen(one, vision) - seen(other, vision)) for vision in VISIONS)


@pytest.mark.parametrize("table", [HUES, ACTIVATION_HUES], ids=["initializers", "activations"])
def test_every_pair_is_told_apart_by_hue_or_by_the_shape_of_the_marker(table):
    looks = {name: hues.marker(name) for name in table}
    assert len({tuple(look.values()) for look in looks.values()}) == len(table)
    alike = [
        (one, other)
        for one, other in combinations(table, 2)
        if looks[one]["marker"] == looks[other]["marker"] and apart(table[one], table[other]) < DIFFERENT
    ]
    assert alike == []


def test_hues_are_known_colours_and_distances_are_those_of_vision():
    """Red and green of equal lightness differ for normal eyes and hardly with deuteranopia."""
    red, green = "#cc4444", "#7d8a2a"
    normal, deuteranopia = (
        np.linalg.norm(seen(red, vision) - seen(green, vision)) for vision in ("normal", "deuteranopia")
    )
    assert deuteranopia < 0.5 * normal
    assert apart("#000000", "#ffffff") == pytest.approx(1, abs=0.01)


def test_classes_are_a_code_of_their_own():
    others = {*HUES.values(), *ACTIVATION_HUES.values(), *VERDICT_COLOURS.values()}
    assert not others & set(CLASS_COLOURS)
    assert all(apart(one, other) > DIFFERENT for one, other in combinations(CLASS_COLOURS[:3], 2))


@pytest.fixture
def panels():
    """(values of one line for each panel, by row) -> panels that share an axis."""

    def _panels(rows):
        axes = Canvas().subplots(len(rows), len(rows[0]), squeeze=False)
        for ax, values in zip(axes.flat, [line for row in rows for line in row], strict=True):
            ax.plot(range(len(values)), values, label="he")
            scales.log_axis(ax)
        scales.same_limits(axes)
        return axes

    return _panels


def arrows(axes):
    """(x, shape) of the marks of lines that leave the axis, and what is written beside them."""
    found = [line for line in axes.lines if line.get_gid() == scales.OFF]
    return [(line.get_xdata()[0], line.get_marker()) for line in found], [text.get_text() for text in axes.texts]


def test_rows_share_an_axis_with_numbers_in_the_first_column(panels):
    axes = panels([[[1, 0.1], [1, 0.01]], [[1, 10.0], [1, 1]]])
    assert len({ax.get_ylim() for ax in axes.flat}) == 1
    low, high = axes[0, 0].get_ylim()
    assert low < 0.01
    assert high > 10
    labels = [[ax.yaxis.get_tick_params()["labelleft"] for ax in row] for row in axes]
    assert labels == [[True, False], [True, False]]
    assert all(arrows(ax) == ([], []) for ax in axes.flat)


def test_a_line_that_leaves_the_axis_is_marked_with_its_value(panels):
    axes = panels([[[1e-42, 1e-20, 1.0]], [[1.0, 1.0, 1.0]], [[1.0, 1.0, 2e30]]])
    low, high = axes[0, 0].get_ylim()
    assert low == pytest.approx(1e-8)
    assert high == pytest.approx(1e8)
    assert arrows(axes[0, 0]) == ([(0, "v")], ["1e-42"])
    assert arrows(axes[1, 0]) == ([], [])
    assert arrows(axes[2, 0]) == ([(2, "^")], ["2e30"])


def test_an_axis_of_many_decades_is_labelled_by_powers_alone(panels):
    (ax,) = panels([[[1e-6, 1e4]]])[0]
    ax.figure.draw_without_rendering()
    labels = [label.get_text() for label in ax.get_yticklabels() if label.get_text()]
    assert "1" in labels or "1e0" not in labels
    assert all(label == "1" or label.startswith("1e") for label in labels)
