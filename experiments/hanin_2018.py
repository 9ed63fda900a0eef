"""How much do networks drawn from the same distribution differ? More with depth, less with width."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.study import Mean, Order, Study, one
from mlpstudy.tracking.run import Run

DEPTHS, WIDTH = ("10", "40"), 50


def log_growth(depth: str) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: log of the squared length of the activations in the last layer over that in the first."""

    def measure(runs: Sequence[Run]) -> NDArray[np.float64]:
        scales = one(runs, depth=depth).arrays["activation_rms"][0]
        return np.asarray(2 * np.log(scales[:, -1] / scales[:, 0]))

    return measure


def squared_distance(depth: str) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: squared distance of that log from its mean; their mean is the variance."""

    def measure(runs: Sequence[Run]) -> NDArray[np.float64]:
        logs = log_growth(depth)(runs)
        return np.asarray(np.square(logs - logs.mean()) * len(logs) / (len(logs) - 1))

    return measure


def difference(runs: Sequence[Run]) -> NDArray[np.float64]:
    """The squared distances of deep networks less those of shallow ones."""
    return squared_distance("40")(runs) - squared_distance("10")(runs)


def beta(depth: str) -> float:
    """Sum of 1 / width over the layers after the first."""
    return (int(depth) - 1) / WIDTH


STUDY = Study(
    name="hanin_2018",
    question="How much do ReLU networks drawn from the same distribution differ in their output?",
    source="Hanin & Rolnick 2018: the log of the squared length of one signal has mean -2.5 sum 1/n",
    varied=(("depth", DEPTHS),),
    quick=("replicas=100",),
    replicas=30,
    claims=(
        Mean("10 layers of 50: mean of the log of the squared length", -2.5 * beta("10"), log_growth("10"), rival=0.0),
        Mean("40 layers of 50: mean of the log of the squared length", -2.5 * beta("40"), log_growth("40"), rival=0.0),
        Mean("10 layers of 50: its variance", 5 * beta("10"), squared_distance("10"), rival=0.0),
        Mean("40 layers of 50: its variance", 5 * beta("40"), squared_distance("40"), rival=0.0),
        Order("the variance grows with depth", 0.0, difference),
    ),
)  # fmt: skip
