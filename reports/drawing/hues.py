"""How the line of each run looks: the hue and the marker of its initializer, in shades where labels share one."""

from collections.abc import Iterator, Sequence
from typing import Any

from mlpstudy import palette
from mlpstudy.palette import ACTIVATION_HUES, DEEPEST, HUES
from reports.drawing import theme
from reports.drawing.style import MIDDLE, AnyRun, Measured, hue, label, whole

# a second key beside the hue, different for every initializer: filled, then hollow in an order that gives the same
# shape to names whose hues all kinds of colour vision tell apart
MARKERS = tuple((shape, fill) for fill, shapes in (("full", "osD^vP<X>"), ("none", "^vP<X>osD")) for shape in shapes)


def looks(runs: Sequence[AnyRun]) -> Iterator[tuple[AnyRun, dict[str, Any]]]:
    """Each run of a panel with the colour, marker and label of its line; the initializer decides hue and marker.

    If several runs have the same initializer, each label gets its own shade, the same in all figures.
    """
    labels: dict[str, list[str]] = {}  # by initializer
    for run in whole(runs):
        mine = labels.setdefault(hue(run), [])
        if label(run) not in mine:
            mine.append(label(run))
    for run in runs:
        mine = labels[hue(run)]
        colour = shade(hue(run), mine.index(label(run)) / (len(mine) - 1)) if len(mine) > 1 else run_colour(run)
        yield run, {"color": colour, **marker(hue(run)), "label": label(run)}


def shade(init: str, place: float) -> str:
    """A shade of the initializer's hue: place 0 has the least contrast to the background, place 1 the most."""
    first = theme.legible(palette.colour(init, 1 if theme.is_light() else DEEPEST))
    last = theme.mixed(theme.legible(palette.colour(init, MIDDLE)), theme.ink(), 0.7)
    return theme.mixed(first, last, place)


def run_colour(run: Measured) -> str:
    """The initializer's colour, for a run that is alone in its panel."""
    return theme.legible(palette.colour(hue(run), MIDDLE))


def marker(init: str) -> dict[str, str]:
    """The marker of an initializer, or of an activation: its shape, and whether it is filled."""
    names = next((list(table) for table in (HUES, ACTIVATION_HUES) if init in table), [])
    shape, fill = MARKERS[names.index(init) % len(MARKERS)] if names else ("*", "full")
    return {"marker": shape, "fillstyle": fill}
