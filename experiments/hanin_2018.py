"""How much do networks drawn from the same distribution differ? More with depth, less with width."""

from typing import Any

import numpy as np

from experiments import drawing
from experiments.measures import at_start, log_ratio, minus, relative
from experiments.study import Canvas, Grid, Mean, Measure, Order, Runs, Study, Values

DEPTHS, WIDTH = ("10", "40"), 50


def log_growth(depth: str) -> Measure:
    """measure: log of the squared length of the activations in the last layer over that in the first."""
    ratio = log_ratio(*(at_start("activation_rms", layer, depth=depth) for layer in (-1, 0)))
    return lambda runs: 2 * np.log(10) * ratio(runs)


def squared_distance(depth: str) -> Measure:
    """measure: squared distance of that log from its mean; their mean is the variance."""

    def measure(runs: Runs) -> Values:
        logs = log_growth(depth)(runs)
        return np.asarray(np.square(logs - logs.mean()) * len(logs) / (len(logs) - 1))

    return measure


def beta(depth: str) -> float:
    """Sum of 1 / width over the layers after the first."""
    return (int(depth) - 1) / WIDTH


def draw(figure: Canvas, runs: Runs) -> None:
    """Mean and variance by layer, and the distribution in the last layer."""
    left, right = drawing.panels(figure, 2)
    logs = 2 * np.log(relative(runs, "activation_rms", 0, depth="40"))
    layers = np.arange(1, 41)
    left.plot(layers, logs.mean(axis=0), label="mean", **drawing.look(0) | {"linestyle": ""})
    left.plot(layers, logs.var(axis=0, ddof=1), label="variance", **drawing.look(1) | {"linestyle": ""})
    drawing.published(left, layers, -2.5 * (layers - 1) / WIDTH)
    drawing.published(left, layers, 5 * (layers - 1) / WIDTH)
    drawing.labelled(left, "Log of the squared length, width 50", "hidden layer", "over networks")
    for place, depth in enumerate(DEPTHS):
        look: dict[str, Any] = {"color": drawing.SERIES[place], "alpha": 0.4, "density": True, "bins": 40}
        right.hist(log_growth(depth)(runs), label=f"{depth} layers", **look)
        x = np.linspace(-8, 4, 200)
        mean, variance = -2.5 * beta(depth), 5 * beta(depth)
        normal = np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
        drawing.published(right, x, normal)
    drawing.labelled(right, "Networks of the same distribution", "log of the squared length", "density")


STUDY = Study(
    name="hanin_2018",
    question="How much do ReLU networks drawn from the same distribution differ in their output?",
    source="Hanin & Rolnick 2018: the log of the squared length of one signal has mean -2.5 sum 1/n",
    varied=(("depth", DEPTHS),),
    grids=(Grid(quick=("replicas=100",)),),
    replicas=30,
    claims=(
        Mean("10 layers of 50: mean of the log of the squared length", -2.5 * beta("10"), log_growth("10"), rival=0.0),
        Mean("40 layers of 50: mean of the log of the squared length", -2.5 * beta("40"), log_growth("40"), rival=0.0),
        Mean("10 layers of 50: its variance", 5 * beta("10"), squared_distance("10"), rival=0.0),
        Mean("40 layers of 50: its variance", 5 * beta("40"), squared_distance("40"), rival=0.0),
        Order("the variance grows with depth", 0.0, minus(squared_distance("40"), squared_distance("10"))),
    ),
    draw=draw,
)  # fmt: skip
