"""Why is the uniform initialization that was standard in 2010 too small?"""

from math import log10, pi, sqrt

import numpy as np

from experiments import drawing
from experiments.measures import accuracy, log_change, measure, minus, profile, relative
from experiments.study import Canvas, Grid, Mean, Order, Runs, Study, Values, one

STANDARD, NORMALIZED = "lecun_uniform", "xavier_uniform"  # the first with gain 1/sqrt 3
WIDE, TRAINED = {"width": "1000"}, {"width": "200"}
NAMES = {STANDARD: "standard, U(-1/sqrt n, 1/sqrt n)", NORMALIZED: "normalized"}
Q = 0.05  # the mean square of z in the standard networks is below this: tanh takes off up to (1 - Q) a layer


@measure
def mean_singular_value(runs: Runs, init: str) -> Values:
    """Mean singular value of the Jacobians of layers 2 to 5.

    It is the root of the mean square, times 8 / (3 pi): their distribution is a quarter circle, as slopes are near 1.
    """
    squares = profile(runs, "jacobian_gain", init=init, **WIDE)[:, 1:]
    return np.asarray(np.sqrt(squares).mean(axis=1) * 8 / (3 * pi))


def early_fall(runs: Runs) -> Values:
    """Sigmoid: mean activation of layer 1 less that of layer 4, at the snapshot where that of layer 4 is lowest."""
    means = one(runs, activation="sigmoid", **TRAINED).arrays["activation_mean"]  # (S, R, depth)
    lowest = means[:, :, -1].argmin(axis=0)
    replicas = np.arange(means.shape[1])
    return np.asarray(means[lowest, replicas, 0] - means[lowest, replicas, -1])


@measure
def saturated(runs: Runs, activation: str, layer: int) -> Values:
    """Saturated share of a layer, counted from 0, after training from the standard start."""
    return profile(runs, "saturated_fraction", -1, activation=activation, init=STANDARD, **TRAINED)[:, layer]


@measure
def error(runs: Runs, activation: str, init: str = STANDARD) -> Values:
    """Test error after training."""
    return 1 - accuracy(activation=activation, init=init, **TRAINED)(runs)


def draw(figure: Canvas, runs: Runs) -> None:
    """Gradients by layer at the start, mean activation of sigmoid layers during training, and final errors."""
    left, middle, right = drawing.panels(figure, 3, width=3.6)
    layers = np.arange(1, 6)
    for place, (init, name) in enumerate(NAMES.items()):
        drawing.series(left, relative(runs, "delta_rms", init=init, **WIDE), place, name)
    drawing.published(left, layers, (1 / sqrt(3)) ** (5 - layers), "published: 1/sqrt 3 a layer")
    drawing.labelled(left, "Gradients at the start, tanh", "hidden layer", "gradient, relative to layer 5", log="y")
    arrays = one(runs, activation="sigmoid", **TRAINED).arrays
    for layer in range(4):
        means = arrays["activation_mean"][:, :, layer].T
        drawing.series(middle, means, layer, f"layer {layer + 1}", arrays["step"] + 1)
    drawing.labelled(middle, "Sigmoid: mean activation", "training step + 1", "mean activation", log="x")
    ends = {"sigmoid": error("sigmoid"), "tanh": error("tanh"), "tanh,\nnormalized": error("tanh", NORMALIZED),
            "softsign": error("softsign")}  # fmt: skip
    for place, errors in enumerate(ends.values()):
        drawing.dots(right, place, 100 * errors(runs), place)
    right.set_xticks(range(len(ends)), list(ends), fontsize=8)
    drawing.labelled(right, "After training", "", "test error (%)", log="y", legend=False)


STUDY = Study(
    name="glorot_2010",
    question="Why is the uniform initialization that was standard in 2010 too small for tanh networks?",
    source="Glorot & Bengio 2010: figures 2 to 7, section 4.2 and table 1; there with 1000 units on images of shapes, "
    "here with 1000 units at the start and 200 for training, on MNIST",
    varied={"init": (STANDARD, NORMALIZED), "activation": ("tanh", "sigmoid", "softsign")},
    grids=(
        Grid(("init.gain=0.57735",), mnist=True, quick=("replicas=3",)),
        Grid(("init=xavier_uniform", "init.gain=1"), mnist=True, quick=("replicas=3",)),
        *(Grid((*words, "network.width=200", "network.depth=4", "training.epochs=4", "training.batch_size=32",
                "optimizer.lr=0.1", "training.snapshots=16"), mnist=True, quick=("training.epochs=1", "replicas=3"))
          for words in (("init.gain=0.57735", "activation=sigmoid,tanh,softsign"),
                        ("init=xavier_uniform", "init.gain=1"))),
    ),
    claims=(
        Mean("standard: mean singular value of a layer's Jacobian is about 0.5", 0.5, mean_singular_value(STANDARD),
             0.05, rival=0.8),
        Mean("normalized: mean singular value is about 0.8", 0.8, mean_singular_value(NORMALIZED), 0.05, rival=0.5),
        Mean("standard: gradients fall by 1/sqrt 3 a layer (log10, layer 1 over layer 5)", 4 * log10(1 / sqrt(3)),
             log_change("delta_rms", init=STANDARD, **WIDE), -4 * log10(1 - Q), rival=0.0),
        Mean("standard: yet gradients of weights are level (log10, layer 2 over layer 5)", 0.0,
             log_change("weight_grad_rms", 1, init=STANDARD, **WIDE), -3 * log10(1 - Q), rival=3 * log10(1 / sqrt(3))),
        Order("sigmoid: the last hidden layer falls towards 0 early (mean activation of layer 1 less that of layer 4)",
              0.1, early_fall),
        Order("tanh: layer 1 saturates more than layer 2 (share after training, difference)", 0.0,
              minus(saturated("tanh", 0), saturated("tanh", 1))),
        Order("tanh saturates more than softsign (layer 1, difference)", 0.0,
              minus(saturated("tanh", 0), saturated("softsign", 0))),
        Order("test error: sigmoid is worse than tanh (difference)", 0.0, minus(error("sigmoid"), error("tanh"))),
        Order("test error: standard is worse than normalized, tanh (difference)", 0.0,
              minus(error("tanh"), error("tanh", NORMALIZED))),
    ),
    draw=draw,
)  # fmt: skip
