"""Why do deep ReLU networks need weights of twice the variance?"""

from collections.abc import Callable, Sequence
from math import log10, sqrt

import numpy as np
from numpy.typing import NDArray

from experiments.study import Mean, Order, Study, one
from mlpstudy.tracking.run import Run

WIDTH = 128
LAYERS = {"23": 22, "31": 30}  # depth -> factors of the gradient from the last to the first hidden layer


def gradient(init: str, depth: str) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: log10 of delta_rms in the first over the last hidden layer, at initialization."""

    def measure(runs: Sequence[Run]) -> NDArray[np.float64]:
        delta = one(runs, init=init, depth=depth).arrays["delta_rms"][0]
        return np.asarray(np.log10(delta[:, 0] / delta[:, -1]))

    return measure


def advantage(depth: str) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: training accuracy with He minus that with Xavier, for networks with the same number."""

    def measure(runs: Sequence[Run]) -> NDArray[np.float64]:
        he, xavier = (one(runs, init=init, depth=depth).arrays["curve_accuracy_train"][-1] for init in ("he", "xavier"))
        return np.asarray(he - xavier)

    return measure


def finite_width(depth: str) -> float:
    """How far the log10 of a typical gradient lies below that of the mean: 2.5 layers / width of the log of its square.

    Hanin & Rolnick 2018, for ReLU.
    """
    return 2.5 * LAYERS[depth] / WIDTH / 2 * log10(np.e)


STUDY = Study(
    name="he_2015",
    question="Why do deep ReLU networks need weights of twice the variance?",
    source="He et al. 2015, section 2.2: gradients shrink by 1/sqrt(2) a layer with Xavier, and not with He",
    varied=(("init", ("xavier", "he")), ("depth", tuple(LAYERS))),
    quick=("training.epochs=3", "replicas=6"),
    replicas=3,
    claims=(
        Mean("Xavier, 22 layers: log10 of the gradient ratio is 22 log10(1/sqrt 2) (4.9e-4)",
             22 * log10(1 / sqrt(2)), gradient("xavier", "23"), finite_width("23"), rival=0.0),
        Mean("Xavier, 30 layers: 30 log10(1/sqrt 2) (3.1e-5)",
             30 * log10(1 / sqrt(2)), gradient("xavier", "31"), finite_width("31"), rival=0.0),
        Mean("He, 22 layers: the gradient keeps its scale", 0.0, gradient("he", "23"), finite_width("23"),
             rival=22 * log10(1 / sqrt(2))),
        Mean("He, 30 layers: the gradient keeps its scale", 0.0, gradient("he", "31"), finite_width("31"),
             rival=30 * log10(1 / sqrt(2))),
        Order("30 layers: He trains where Xavier stalls (difference of training accuracies)", 0.0, advantage("31")),
    ),
)  # fmt: skip
