"""What does the edge of chaos do for networks of 100 to 300 layers?"""

from math import pi, sqrt

import numpy as np

from experiments import drawing
from experiments.measures import late_mean, lengths, log_ratio, measure, minus, profile, squared_length
from experiments.study import Canvas, Grid, Mean, Measure, Order, Runs, Study, Values

WIDTH = 500
RELU = {"activation": "relu", "width": str(WIDTH)}
SMOOTH = {name: {"activation": name, "width": "300"} for name in ("tanh", "elu")}
TRAPS = {name: {"activation": name, "width": "300"} for name in ("gelu", "silu")}
RATE = sqrt(2) / (3 * pi)  # of 1 / sqrt(1 - c) a layer: then 1 - c becomes 9 pi^2 / (2 l^2)
FIRST, LAST = 10, 40  # layers between which it is measured: correlated enough, and few beside the width


def rate(runs: Runs) -> Values:
    """By how much 1 / sqrt(1 - c) grows a layer in ReLU networks."""
    c = profile(runs, "input_correlation", **RELU)
    first, last = (1 / np.sqrt(1 - c[:, layer - 1]) for layer in (FIRST, LAST))
    return np.asarray((last - first) / (LAST - FIRST))


@measure
def exponent(runs: Runs, params: dict[str, str]) -> Values:
    """p of 1 - c ~ l^-p, between layers FIRST and LAST."""
    away = np.log(1 - profile(runs, "input_correlation", **params))
    return np.asarray((away[:, FIRST - 1] - away[:, LAST - 1]) / np.log(LAST / FIRST))


def growth(params: dict[str, str], first: int, last: int) -> Measure:
    """log10 of the squared length in one layer, counted from 0, over that in an earlier one."""
    return log_ratio(squared_length(last, **params), squared_length(first, **params))


def draw(figure: Canvas, runs: Runs) -> None:
    """Correlations and lengths against depth."""
    left, right = drawing.panels(figure, 2)
    kinds = {"ReLU": RELU, "tanh": SMOOTH["tanh"], "ELU": SMOOTH["elu"]}
    for place, (name, params) in enumerate(kinds.items()):
        drawing.series(left, np.maximum(1 - profile(runs, "input_correlation", **params), 1e-6), place, name)
    layers = np.arange(20, 101)
    drawing.published(left, layers, 9 * pi**2 / 2 / layers**2.0, "published: 9 pi^2 / (2 l^2)")
    drawing.labelled(left, "On the edge of chaos, inputs become equal slowly", "hidden layer", "1 - c", log="xy")
    others = kinds | {"GELU": TRAPS["gelu"], "SiLU": TRAPS["silu"]}
    for place, (name, params) in enumerate(others.items()):
        drawing.series(right, lengths(runs, **params), place, name)
    right.set_ylim(1e-2, 1e6)
    drawing.labelled(right, "GELU and SiLU do not stay there", "hidden layer", "squared length q", log="y")


STUDY = Study(
    name="hayou_2019",
    question="How do signals and inputs behave in 100 to 300 layers on the edge of chaos?",
    source="Hayou, Doucet & Rousseau 2019: 1 - c ~ 9 pi^2 / (2 l^2) for ReLU, and c_l ~ 1 - k / l for smooth "
    "activations, k constant (propositions 1 to 3)",
    varied={"activation": ("relu", "tanh", "elu", "gelu", "silu")},
    grids=(
        Grid(quick=("network.depth=40", "replicas=6")),
        Grid(("init=critical", "init.sigma_b=0.2", "activation=tanh,elu", "network.width=300", "network.depth=300"),
             quick=("network.depth=150", "replicas=6")),
        *(Grid(("init=lecun", f"init.gain={gain}", "init.sigma_b=0.2", f"activation={name}", "network.width=300"),
               quick=("replicas=4",))
          for name, gain in (("gelu", "1.547"), ("silu", "1.68"))),
    ),
    claims=(
        Mean("ReLU: 1 / sqrt(1 - c) grows by sqrt 2 / (3 pi) a layer, so that 1 - c ~ 9 pi^2 / (2 l^2)", RATE, rate,
             RATE * (LAST / WIDTH + 1 / 20), rival=0.0),
        Order("tanh: inputs become equal more slowly than with ReLU (difference of exponents)", 0.0,
              minus(exponent(RELU), exponent(SMOOTH["tanh"]))),
        Order("ELU: so do they (difference of exponents)", 0.0, minus(exponent(RELU), exponent(SMOOTH["elu"]))),
        Mean("tanh: the squared length keeps its scale to the last layer (log10, over layer 100)", 0.0,
             growth(SMOOTH["tanh"], 99, -1), rival=1.0),
        Mean("ELU: so does it (log10, over layer 100)", 0.0, growth(SMOOTH["elu"], 99, -1), rival=1.0),
        Mean("tanh: squared gradients keep their scale (chi, mean over the last 50 layers)", 1.0,
             late_mean("jacobian_gain", -50, **SMOOTH["tanh"]), 2 / 300, rival=1.2),
        Order("GELU with chi = 1 at sigma_b = 0.2: in 100 layers, squared lengths grow 10 times or more (log10)",
              1.0, growth(TRAPS["gelu"], 0, 99)),
        Order("SiLU: so do they (log10)", 1.0, growth(TRAPS["silu"], 0, 99)),
    ),
    draw=draw,
)  # fmt: skip
