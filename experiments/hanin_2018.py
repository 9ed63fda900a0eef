"""How much do networks drawn from the same distribution differ? More with depth, less with width."""

import numpy as np
from scipy import stats

from experiments import drawing
from experiments.measures import log_change, measure, minus, relative
from experiments.study import Canvas, Grid, Mean, Order, Runs, Study, Values

DEPTHS, WIDTH = ("10", "40"), 50


@measure
def log_growth(runs: Runs, depth: str) -> Values:
    """Log of the squared length of the activations in the last layer over that in the first."""
    return np.asarray(2 * np.log(10) * log_change("activation_rms", -1, 0, depth=depth)(runs))


@measure
def squared_distance(runs: Runs, depth: str) -> Values:
    """Squared distance of that log from its mean; their mean is the variance."""
    logs = log_growth(depth)(runs)
    return np.asarray(np.square(logs - logs.mean()) * len(logs) / (len(logs) - 1))


def beta(depth: str) -> float:
    """Sum of 1 / width over the layers after the first."""
    return (int(depth) - 1) / WIDTH


def draw(figure: Canvas, runs: Runs) -> None:
    """Mean and variance by layer, and the distribution in the last layer."""
    left, right = drawing.panels(figure, 2)
    logs = 2 * np.log(relative(runs, "activation_rms", 0, depth="40"))
    layers = np.arange(1, 41)
    drawing.points(left, layers, logs.mean(axis=0), 0, "mean")
    drawing.points(left, layers, logs.var(axis=0, ddof=1), 1, "variance")
    drawing.published(left, layers, -2.5 * (layers - 1) / WIDTH)
    drawing.published(left, layers, 5 * (layers - 1) / WIDTH)
    drawing.labelled(left, "Log of the squared length, width 50", "hidden layer", "over networks")
    x = np.linspace(-8, 4, 200)
    for place, depth in enumerate(DEPTHS):
        logs, colour = log_growth(depth)(runs), drawing.SERIES[place]
        right.hist(logs, bins=40, density=True, label=f"{depth} layers", color=colour, alpha=0.4)
        drawing.published(right, x, stats.norm.pdf(x, -2.5 * beta(depth), np.sqrt(5 * beta(depth))))
    drawing.labelled(right, "Networks of the same distribution", "log of the squared length", "density")


STUDY = Study(
    name="hanin_2018",
    question="How much do ReLU networks drawn from the same distribution differ in their output?",
    source="Hanin & Rolnick 2018: the log of the squared length of one signal has mean -2.5 sum 1/n",
    varied={"depth": DEPTHS},
    grids=(Grid(quick=("replicas=100",)),),
    replicas=30,
    claims=(
        *(Mean(f"{depth} layers of 50: mean of the log of the squared length", -2.5 * beta(depth), log_growth(depth),
               rival=0.0) for depth in DEPTHS),
        *(Mean(f"{depth} layers of 50: its variance", 5 * beta(depth), squared_distance(depth), rival=0.0)
          for depth in DEPTHS),
        Order("the variance grows with depth", 0.0, minus(squared_distance("40"), squared_distance("10"))),
    ),
    draw=draw,
)  # fmt: skip
