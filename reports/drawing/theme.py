"""Light and dark: what matplotlib is told, and colours that stand out on either background."""

import colorsys
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb

SHARED: dict[Any, Any] = {
    "font.size": 9,
    "text.parse_math": False,  # names are text, also one with two dollars in it
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.formatter.useoffset": False,  # a sum above an axis is overlooked
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 3.5,
    "savefig.dpi": 150,
    "svg.hashsalt": "mlpstudy",  # the same picture is the same bytes
}
INK = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
GROUND = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
CONTRAST = 2.0  # WCAG luminance ratio of a line to the background: the palette's lightest hue has it on white


def _theme(ink: str, ground: str, grid: str) -> dict[Any, Any]:
    return SHARED | dict.fromkeys(INK, ink) | dict.fromkeys(GROUND, ground) | {"grid.color": grid}


THEMES: Mapping[str, dict[Any, Any]] = {
    "light": _theme(ink="#1a1a1a", ground="#ffffff", grid="#e8e8e8"),
    "dark": _theme(ink="#e8e8e8", ground="#15171c", grid="#2c2f36"),
}


def ink(strength: float = 1.0) -> str:
    """The colour of text, faded towards the background: 1 is text, 0 the background."""
    return mixed(matplotlib.rcParams["figure.facecolor"], matplotlib.rcParams["text.color"], strength)


def mixed(start: str, end: str, share: float) -> str:
    """The colour at this share of the way from start to end."""
    first, last = np.array(to_rgb(start)), np.array(to_rgb(end))
    return to_hex(first + share * (last - first))


def legible(colour: str) -> str:
    """The colour, of its hue, lighter or darker by no more than it takes to stand out from the background."""
    ground = matplotlib.rcParams["figure.facecolor"]
    hue, lightness, saturation = colorsys.rgb_to_hls(*to_rgb(colour))
    step = -0.02 if is_light() else 0.02
    needed = CONTRAST if is_light() else 1.5 * CONTRAST  # thin lines fade more on black
    while True:
        found = to_hex(colorsys.hls_to_rgb(hue, lightness, saturation))
        if contrast(ground, found) >= needed:
            return found
        lightness += step


def is_light() -> bool:
    """Is the background nearer to white than to black?"""
    return luminance(matplotlib.rcParams["figure.facecolor"]) > 0.18


def contrast(one: str, other: str) -> float:
    """From 1, none, to 21, black on white: WCAG 2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
