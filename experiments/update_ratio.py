"""What do the gain of tanh layers and the ratio of update to weight tell about training?"""

from collections.abc import Callable
from math import log10

import numpy as np
from numpy.typing import NDArray

from experiments import drawing
from experiments.measures import accuracy, at_start, log_change, measure, minus, profile
from experiments.study import Canvas, Grid, Mean, Order, Runs, Study, Values, one

GAINS = ("0.5", "1", "1.6666667", "3")
RATES = ("0.003", "0.03", "0.3")
# The lecture printed these of one network, layers 1 to 5: standard deviation of tanh(z), share with |tanh(z)| > 0.97
DEVIATIONS = {"1": (0.62, 0.48, 0.41, 0.35, 0.32), "1.6666667": (0.75, 0.69, 0.67, 0.66, 0.66)}
SATURATED = {"1": (0.0350, 0.0003, 0.0006, 0.0, 0.0), "1.6666667": (0.2025, 0.0838, 0.0662, 0.0547, 0.0612)}
SHRINKS = (1.892402e-05, 3.053498e-04)  # gain 0.5: gradients in layers 1 and 5
LETTERS = {"data": "gaussian"}  # the lecture's inputs: 3 letters, each a vector of 10 normal numbers
GOOD, HALF = -3.0, 0.5  # log10 of the ratio that the lecture recommends, and how far from it is near


@measure
def typical_ratio(runs: Runs, gain: str, rate: str) -> Values:
    """Mean over layers and snapshots of log10 of the update ratio."""
    ratios = one(runs, gain=gain, lr=rate, data="digits").arrays["update_ratio"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nanmean(np.log10(ratios), axis=(0, 2)))


def shrinkage(runs: Runs) -> Values:
    """Gain 0.5: log10 of the rms of dJ/da[1] over that of dJ/da[5], which are what the lecture printed.

    dJ/da[1] = W[2]^T delta[2] has 0.5 times the rms of delta[2]. tanh is linear in layer 5, so dJ/da[5] = delta[5].
    """
    return log_change("delta_rms", 1, 4, gain="0.5", **LETTERS)(runs) + log10(0.5)


@measure
def near_less(runs: Runs, others: Callable[[Values], NDArray[np.bool_]]) -> Values:
    """Mean test accuracy of cells whose ratio is within half a decade of 1e-3, less that of other ratios."""
    cells = [(gain, rate) for gain in GAINS for rate in RATES]
    ratios = np.stack([typical_ratio(*cell)(runs) for cell in cells])
    accuracies = np.stack([accuracy(gain=gain, lr=rate, data="digits")(runs) for gain, rate in cells])
    near, far = (
        np.nanmean(np.where(those, accuracies, np.nan), axis=0)
        for those in (np.abs(ratios - GOOD) <= HALF, others(ratios))
    )
    return np.asarray(near - far)


def draw(figure: Canvas, runs: Runs) -> None:
    """Standard deviations and saturation by layer, and accuracy against the ratio."""
    left, middle, right = drawing.panels(figure, 3, width=3.6)
    for place, gain in enumerate(GAINS):
        name = f"gain {float(gain):.3g}"
        drawing.series(left, profile(runs, "activation_std", gain=gain, **LETTERS), place, name)
        drawing.series(middle, profile(runs, "saturated_fraction", gain=gain, **LETTERS), place, name)
        for rate in RATES:
            x, y = typical_ratio(gain, rate)(runs), accuracy(gain=gain, lr=rate, data="digits")(runs)
            drawing.points(right, 10**x, y, place)
    for axes, values in ((left, DEVIATIONS), (middle, SATURATED)):
        for gain in values:
            drawing.published(axes, range(1, 6), values[gain], marker="x")
    right.axvline(10**GOOD, label="recommended", **drawing.DASHED)
    drawing.labelled(left, "Standard deviation of tanh(z)", "hidden layer", "standard deviation")
    drawing.labelled(middle, "Saturation", "hidden layer", "share with |tanh(z)| > 0.97", legend=False)
    drawing.labelled(right, "After training on digits", "update / weight", "test accuracy", log="x")


STUDY = Study(
    name="update_ratio",
    question="What gain do tanh layers need, and is a ratio of update to weight near 1e-3 a good sign?",
    source="Karpathy 2022, Building makemore, part 3: standard deviations, saturation and gradients printed there; "
    "the ratio should be about 1e-3",
    varied={"gain": GAINS, "lr": RATES},
    grids=(
        Grid(quick=("replicas=3",)),
        Grid(("data=gaussian", "data.features=30", "data.classes=27", "optimizer.lr=0.01", "training.epochs=0",
              "replicas=40"), quick=("replicas=20",)),
    ),
    claims=(
        *(Mean(f"gain {float(gain):.3g}, layer {layer}: standard deviation of tanh(z)", DEVIATIONS[gain][layer - 1],
               at_start("activation_std", layer - 1, gain=gain, **LETTERS), 0.005, rival=1.0, networks=1)
          for gain in DEVIATIONS for layer in (1, 5)),
        *(Mean(f"gain 1.67, layer {layer}: saturated share", SATURATED["1.6666667"][layer - 1],
               at_start("saturated_fraction", layer - 1, gain="1.6666667", **LETTERS), 5e-5, rival=0.0, networks=1)
          for layer in (1, 5)),
        Mean("gain 0.5: log10 of the gradient by activations of layer 1 over that of layer 5",
             log10(SHRINKS[0] / SHRINKS[1]), shrinkage, rival=0.0, networks=1),
        Order("gain 5/3 keeps the standard deviation better than gain 1 (layer 5, difference)", 0.0,
              minus(*(at_start("activation_std", 4, gain=gain, **LETTERS) for gain in ("1.6666667", "1")))),
        Order("cells with a ratio near 1e-3 end better than those with a smaller one (test accuracy, difference)", 0.0,
              near_less(lambda ratios: ratios < GOOD - HALF)),
        Order("and better than those with a larger one (difference)", 0.0,
              near_less(lambda ratios: ratios > GOOD + HALF),
              note="Ten epochs on digits are 450 steps, in which ratios near 1e-2 learn most. "
                   "The lecture trains for 200,000 steps."),
    ),
    draw=draw,
)  # fmt: skip
