"""Why do deep ReLU networks need weights of twice the variance?"""

from math import log10, sqrt

import numpy as np

from experiments import drawing
from experiments.measures import accuracy, log_change, minus, relative
from experiments.study import Canvas, Grid, Mean, Order, Runs, Study

WIDTH = 128
LAYERS = {"23": 22, "31": 30}  # depth -> factors of the gradient from the last to the first hidden layer
SHRINKS = log10(1 / sqrt(2))  # a layer, with Xavier


def finite_width(depth: str) -> float:
    """How far the log10 of a typical gradient lies below that of the mean: 2.5 layers / width of the log of its square.

    Hanin & Rolnick 2018, for ReLU.
    """
    return 2.5 * LAYERS[depth] / WIDTH / 2 * log10(np.e)


def draw(figure: Canvas, runs: Runs) -> None:
    """The gradient by layer, and accuracy after training."""
    left, right = drawing.panels(figure, 2)
    layers = np.arange(1, 32)
    for place, init in enumerate(("xavier", "he")):
        drawing.series(left, relative(runs, "delta_rms", init=init, depth="31"), place, init)
        drawing.published(left, layers, 10 ** ((31 - layers) * SHRINKS * (1 - place)))
        for x, depth in enumerate(LAYERS):
            values = accuracy(init=init, depth=depth)(runs)
            drawing.dots(right, x + 0.2 * place - 0.1, values, place, "_" if x else init)
    right.set_xticks(range(len(LAYERS)), [f"{depth} hidden layers" for depth in LAYERS])
    drawing.labelled(left, "31 hidden ReLU layers", "hidden layer", "gradient, relative to layer 31", log="y")
    drawing.labelled(right, "After training on digits", "", "test accuracy")


STUDY = Study(
    name="he_2015",
    question="Why do deep ReLU networks need weights of twice the variance?",
    source="He et al. 2015, section 2.2: gradients shrink by 1/sqrt(2) a layer with Xavier, and not with He",
    varied={"init": ("xavier", "he"), "depth": LAYERS},
    grids=(Grid(quick=("training.epochs=3", "replicas=6")),),
    claims=(
        Mean("Xavier, 22 layers: log10 of the gradient ratio is 22 log10(1/sqrt 2) (4.9e-4)",
             22 * SHRINKS, log_change("delta_rms", init="xavier", depth="23"), finite_width("23"), rival=0.0),
        Mean("Xavier, 30 layers: 30 log10(1/sqrt 2) (3.1e-5)",
             30 * SHRINKS, log_change("delta_rms", init="xavier", depth="31"), finite_width("31"), rival=0.0),
        *(Mean(f"He, {layers} layers: the gradient keeps its scale", 0.0,
               log_change("delta_rms", init="he", depth=depth), finite_width(depth), rival=layers * SHRINKS)
          for depth, layers in LAYERS.items()),
        Order("30 layers: He trains where Xavier stalls (difference of training accuracies)", 0.0,
              minus(*(accuracy("train", init=init, depth="31") for init in ("he", "xavier")))),
    ),
    draw=draw,
)  # fmt: skip
