"""Does SELU bring signals back to mean 0 and variance 1, and what becomes of gradients?"""

import numpy as np

from experiments import drawing
from experiments.measures import at_start, measure, profile, relative
from experiments.study import Canvas, Grid, Mean, Runs, Study, Values

WIDTH = 300
FAR, NEAR = "1200", "300"  # inputs: z of layer 1 has variance 4 or 1
# mean square of the activations in layers 1, 2, ... if z of layer 1 has variance 4: the published map
ATTRACTED = (3.006, 2.384, 1.980, 1.709, 1.521, 1.389, 1.293, 1.223, 1.170, 1.131,
             1.101, 1.078, 1.061, 1.047, 1.037, 1.029, 1.022, 1.017, 1.014, 1.011)  # fmt: skip
CHI = 1.0716
FIRST = 20  # from this layer on, signals are at the fixed point


@measure
def mean_square(runs: Runs, layer: int) -> Values:
    """The mean square of the activations in a layer, counted from 1."""
    return profile(runs, "activation_rms", **{"data.features": FAR})[:, layer - 1] ** 2


def growth(runs: Runs) -> Values:
    """The factor by which the squared gradient grows in a layer, on its way back: mean over the later layers."""
    gains = profile(runs, "jacobian_gain", **{"data.features": NEAR})[:, FIRST:]
    return np.asarray(np.exp(np.log(gains).mean(axis=1)))


def draw(figure: Canvas, runs: Runs) -> None:
    """Lengths by layer, from both starts, and the gradient on its way back."""
    left, right = drawing.panels(figure, 2)
    layers = np.arange(1, 51)
    for place, (inputs, start) in enumerate(((FAR, 4), (NEAR, 1))):
        squares = profile(runs, "activation_rms", **{"data.features": inputs}) ** 2
        drawing.series(left, squares, place, f"z of layer 1 has variance {start}")
    drawing.published(left, layers[: len(ATTRACTED)], ATTRACTED)
    drawing.labelled(left, "SELU brings the mean square back to 1 ...", "hidden layer", "mean square of activations")
    drawing.series(right, relative(runs, "delta_rms", **{"data.features": NEAR}), 0, "measured")
    drawing.published(right, layers, CHI ** ((50 - layers) / 2), "published: 1.0716 a layer (squared)")
    drawing.labelled(right, "... but gradients grow", "hidden layer", "gradient, relative to layer 50", log="y")


STUDY = Study(
    name="selu_2017",
    question="Does SELU bring signals back to mean 0 and variance 1, and do gradients keep their scale, too?",
    source="Klambauer et al. 2017, theorem 1: the fixed point (0, 1) attracts; chi = E[g'^2] there",
    varied={"data.features": (FAR, NEAR)},
    grids=(Grid(quick=("replicas=6",)),),
    claims=(
        *(Mean(f"from variance 4, the mean square in layer {layer} is {ATTRACTED[layer - 1]:.2f}", ATTRACTED[layer - 1],
               mean_square(layer), 1 / WIDTH, rival=4.0) for layer in (1, 2, 5, 20)),
        Mean("the mean stays 0 in layer 50", 0.0, at_start("activation_mean", **{"data.features": NEAR}), rival=0.5),
        Mean("squared gradients nevertheless grow by chi = 1.0716 a layer", CHI, growth, 1 / WIDTH, rival=1.0),
    ),
    draw=draw,
)  # fmt: skip
