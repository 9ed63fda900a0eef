"""How large may weights be? Ten linear layers, and four ways to start a network on MNIST."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments import drawing
from experiments.measures import Values, accuracy, minus, profile
from experiments.study import Claim, Grid, Measure, Order, Study
from mlpstudy.tracking.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINEAR = {"init": "identity"}
STARTS: dict[str, dict[str, str]] = {
    "zeros": {"init": "zeros"},
    "too small (0.01)": {"init": "normal", "init.scale": "0.01"},
    "appropriate (he)": {"init": "he"},
    "too large (1)": {"init": "normal", "init.scale": "1"},
}
ON_MNIST = (
    "network.width=128", "network.depth=5", "activation=relu", "data.standardize=none", "training.epochs=1",
    "training.batch_size=128", "training.snapshots=2", "replicas=3", "init.gain=1.0",
)  # fmt: skip


def growth(gain: str) -> Measure:
    """measure: the scale of the activations in the last layer over that in the first, with weights of this scale."""

    def measure(runs: Sequence[Run]) -> NDArray[np.float64]:
        scales = profile(runs, "activation_rms", gain=gain, **LINEAR)
        return np.asarray(scales[:, -1] / scales[:, 0])

    return measure


def ended(start: str) -> Measure:
    """measure: test accuracy after training from this start; chance, 0.1, for a network that diverged."""

    def measure(runs: Sequence[Run]) -> Values:
        return np.nan_to_num(accuracy(depth="5", **STARTS[start])(runs), nan=0.1)

    return measure


def draw(figure: "Figure", runs: Sequence[Run]) -> None:
    """Signals through the linear layers, and accuracy after each start."""
    left, right = drawing.panels(figure, 2)
    layers = np.arange(1, 11)
    for place, gain in enumerate(("1.5", "0.5")):
        scales = profile(runs, "activation_rms", gain=gain, **LINEAR)
        drawing.series(left, layers, scales / scales[:, :1], place, f"weights {gain} I", linestyle="")
        drawing.published(left, layers, float(gain) ** (layers - 1), "_" if place else "published")
    drawing.labelled(left, "Ten linear layers", "hidden layer", "activations, relative to layer 1", log=True)
    for place, start in enumerate(STARTS):
        values = ended(start)(runs)
        right.bar(place, values.mean(), color=drawing.SERIES[place], alpha=0.35)
        right.plot(np.full(len(values), place), values, "o", color=drawing.SERIES[place])
    right.axhline(0.1, color="0.15", linestyle="--", linewidth=1.2, label="chance")
    right.set_xticks(range(len(STARTS)), [name.replace(" (", "\n(") for name in STARTS], fontsize=8)
    drawing.labelled(right, "ReLU, five hidden layers, one epoch", "", "test accuracy")


GOOD = "appropriate (he)"
STUDY = Study(
    name="too_small_too_large",
    question="What becomes of signals and of training if weights are too small or too large?",
    source="deeplearning.ai, Initializing neural networks (2019), which the founding notes cite",
    varied=(("gain", ("0.5", "1.5")), ("init", ("identity", "zeros", "normal", "he"))),
    grids=(
        Grid(),
        Grid((*ON_MNIST, "init=zeros,he"), mnist=True),
        Grid((*ON_MNIST, "init=normal", "init.scale=0.01,1"), mnist=True),
    ),
    claims=(
        Claim("weights 1.5 I: activations grow by 1.5^9 from layer 1 to layer 10", 1.5**9, growth("1.5"), 1e-3),
        Claim("weights 0.5 I: activations shrink by 0.5^9", 0.5**9, growth("0.5"), 1e-6),
        *(Order(f"on images, {GOOD} learns more than {start} (test accuracy, difference)", 0.0,
                minus(ended(GOOD), ended(start))) for start in STARTS if start != GOOD),
    ),
    draw=draw,
)  # fmt: skip
