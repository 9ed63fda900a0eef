"""How likely is a narrow ReLU network to be born dead, so that no gradient ever reaches it?"""

import numpy as np

from experiments import drawing
from experiments.measures import measure, profile
from experiments.study import Canvas, Grid, Mean, Runs, Study, Values

DEPTH, WIDTHS = 10, ("2", "3", "5")


@measure
def born_dead(runs: Runs, width: str) -> Values:
    """1 for a network with a layer in which all units are dead at initialization, else 0."""
    return np.asarray((profile(runs, "dead_fraction", width=width) == 1).any(axis=1), float)


def published(width: str, depth: int = DEPTH) -> float:
    """1 - (1 - 2^-N)^L: in each layer, all N units are off with probability 2^-N."""
    return 1 - (1 - 0.5 ** int(width)) ** depth


def draw(figure: Canvas, runs: Runs) -> None:
    """The share of networks with a dead layer, up to each layer."""
    (axes,) = drawing.panels(figure, 1, width=7)
    layers = np.arange(1, DEPTH + 1)
    for place, width in enumerate(WIDTHS):
        dead = np.maximum.accumulate(profile(runs, "dead_fraction", width=width) == 1, axis=1).mean(axis=0)
        drawing.points(axes, layers, dead, place, f"width {width}")
        drawing.published(axes, layers, [published(width, int(layer)) for layer in layers])
    drawing.labelled(axes, "Networks that are born dead", "up to hidden layer", "share of networks")


STUDY = Study(
    name="dying_relu",
    question="How likely is a narrow ReLU network of ten layers to be born dead?",
    source="Lu et al. 2019, theorem 3: with probability 1 - (1 - 2^-N)^L for width N and depth L, for one input",
    varied={"width": WIDTHS},
    grids=(Grid(quick=("replicas=400",)),),
    replicas=100,
    claims=tuple(
        Mean(f"width {width}: share of networks that are born dead", published(width), born_dead(width), rival=0.0)
        for width in WIDTHS
    ),
    draw=draw,
)
