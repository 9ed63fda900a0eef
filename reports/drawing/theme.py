"""The light and the dark theme: matplotlib settings, and colours with enough contrast to the background."""

import colorsys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb

from mlpstudy.errors import ConfigError

SMALL = 8  # points: the smallest text
SHARED: dict[Any, Any] = {
    "font.size": 9,
    "text.parse_math": False,  # names are plain text, also if they contain dollar signs
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.formatter.useoffset": False,  # readers overlook an offset that is printed above an axis
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 3.5,
    "savefig.dpi": 150,
    "svg.hashsalt": "mlpstudy",  # the same picture then has the same bytes
}
INK = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color")
GROUND = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
CONTRAST = 2.0  # least WCAG contrast of a line to the background; the lightest hue of the palette has it on white


def _theme(ink: str, ground: str, grid: str) -> dict[Any, Any]:
    return SHARED | dict.fromkeys(INK, ink) | dict.fromkeys(GROUND, ground) | {"grid.color": grid}


THEMES: Mapping[str, dict[Any, Any]] = {
    "light": _theme(ink="#1a1a1a", ground="#ffffff", grid="#e8e8e8"),
    "dark": _theme(ink="#e8e8e8", ground="#15171c", grid="#2c2f36"),
}


def settings(looks: str, style: Path | None = None) -> dict[Any, Any]:
    """The settings of a theme, and over them those of a matplotlib style file. Raises ConfigError."""
    if style is None:
        return THEMES[looks]
    try:
        own = matplotlib.rc_params_from_file(style, use_default_template=False)
        own.pop("backend", None)  # that of a notebook stays
        return THEMES[looks] | own
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError("--style", f"a matplotlib style file ({error})", str(style)) from error


def ink(strength: float = 1.0) -> str:
    """A colour between that of the background (0) and that of text (1)."""
    return mixed(matplotlib.rcParams["figure.facecolor"], matplotlib.rcParams["text.color"], strength)


def mixed(start: str, end: str, share: float) -> str:
    """The mixture of two colours: share 0 is start, share 1 is end."""
    first, last = np.array(to_rgb(start)), np.array(to_rgb(end))
    return to_hex(first + share * (last - first))


def legible(colour: str) -> str:
    """The colour, made just light or dark enough to have contrast to the background."""
    ground = matplotlib.rcParams["figure.facecolor"]
    hue, lightness, saturation = colorsys.rgb_to_hls(*to_rgb(colour))
    step = -0.02 if is_light() else 0.02
    needed = CONTRAST if is_light() else 1.5 * CONTRAST  # thin lines need more contrast on black
    while True:
        shade = to_hex(colorsys.hls_to_rgb(hue, lightness, saturation))
        if contrast(ground, shade) >= needed:
            return shade
        lightness += step


def is_light() -> bool:
    """Is the background nearer to white than to black?"""
    return luminance(matplotlib.rcParams["figure.facecolor"]) > 0.18


def contrast(one: str, other: str) -> float:
    """The WCAG 2 contrast of two colours, from 1 (none) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """The WCAG 2 relative luminance."""
    channels = np.array(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
