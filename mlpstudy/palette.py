"""One colour per initializer, in MLflow and in every figure: the hue is the initializer, the shade the depth."""

import colorsys
import math
import zlib

# Okabe & Ito (2008): all kinds of colour vision can tell these apart. Similar initializers have similar hues.
HUES: dict[str, str] = {
    "zeros": "#7f7f7f",
    "constant": "#a0522d",
    "identical": "#cc79a7",
    "normal": "#d55e00",
    "uniform": "#e69f00",
    "xavier": "#0072b2",
    "xavier_uniform": "#56b4e9",
    "he": "#009e73",
    "he_uniform": "#66c2a5",
    "lecun": "#8c6bb1",
    "lecun_uniform": "#b39ddb",
    "critical": "#c51b7d",
    "orthogonal": "#999933",
    "lsuv": "#01665e",
    "truncated_normal": "#b35806",
    "sparse": "#8c510a",
    "identity": "#35978f",
}
# of activations, in figures in which each line is one
ACTIVATION_HUES: dict[str, str] = {
    "tanh": "#0072b2",
    "sigmoid": "#d55e00",
    "relu": "#009e73",
    "gelu": "#cc79a7",
    "silu": "#e69f00",
    "elu": "#56b4e9",
    "selu": "#8c6bb1",
    "leaky_relu": "#b2df8a",
    "softplus": "#a0522d",
    "softsign": "#c51b7d",
    "hard_tanh": "#01665e",
    "erf": "#999933",
    "sin": "#8c510a",
    "mish": "#b39ddb",
    "relu6": "#66c2a5",
    "gelu_tanh": "#b35806",
    "identity": "#35978f",  # as the initializer of this name
}
# of classes of data in the plane: Paul Tol's high contrast scheme, then some of his muted one
CLASS_COLOURS = ("#004488", "#ddaa33", "#bb5566", "#88ccee", "#117733", "#aa4499", "#bbbbbb", "#222255")
VERDICT_COLOURS: dict[str, str] = {
    "healthy": "#009e73",
    "symmetric": "#7f7f7f",
    "dead": "#4d4d4d",
    "saturated": "#e69f00",
    "exploding": "#d55e00",
    "vanishing": "#0072b2",
    "collapsed": "#cc79a7",
}
VERDICT_GLYPHS: dict[str, str] = {
    "healthy": "●",
    "symmetric": "=",
    "dead": "†",
    "saturated": "⊓",
    "exploding": "▲",
    "vanishing": "▼",
    "collapsed": "◆",
}
DEEPEST = 100  # at this depth and beyond, the shade is darkest


def colour(init: str, depth: int) -> str:
    """`#rrggbb` for an initializer, or an activation, at a depth; deeper is darker.

    A name that is not in the tables gets a colour too.
    """
    names = sorted(HUES)
    hue = (HUES | ACTIVATION_HUES).get(init) or HUES[names[zlib.crc32(init.encode()) % len(names)]]
    h, lightness, s = colorsys.rgb_to_hls(*(int(hue[i : i + 2], 16) / 255 for i in (1, 3, 5)))
    deep = math.log1p(min(depth, DEEPEST)) / math.log1p(DEEPEST)  # 0 to 1, evenly in log depth
    lightness = min(0.9, max(0.12, lightness * (1.75 - 1.25 * deep)))
    return "#" + "".join(f"{round(255 * c):02x}" for c in colorsys.hls_to_rgb(h, lightness, s))
