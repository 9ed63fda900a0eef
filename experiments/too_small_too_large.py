"""How large may weights be? Ten linear layers, and four ways to start a network on MNIST."""

import numpy as np

from experiments import drawing
from experiments.measures import accuracy_or_chance, measure, minus, relative
from experiments.study import Canvas, Claim, Grid, Measure, Order, Runs, Study, Values

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


@measure
def growth(runs: Runs, gain: str) -> Values:
    """The scale of the activations in the last layer over that in the first, with weights of this scale."""
    return relative(runs, "activation_rms", 0, gain=gain, **LINEAR)[:, -1]


def ended(start: str) -> Measure:
    """Test accuracy after training from this start; chance, 0.1, for a network that diverged."""
    return accuracy_or_chance(depth="5", **STARTS[start])


def draw(figure: Canvas, runs: Runs) -> None:
    """Signals through the linear layers, and accuracy after each start."""
    left, right = drawing.panels(figure, 2)
    layers = np.arange(1, 11)
    for place, gain in enumerate(("1.5", "0.5")):
        scales = relative(runs, "activation_rms", 0, gain=gain, **LINEAR)
        drawing.series(left, scales, place, f"weights {gain} I", linestyle="")
        drawing.published(left, layers, float(gain) ** (layers - 1))
    drawing.labelled(left, "Ten linear layers", "hidden layer", "activations, relative to layer 1", log="y")
    for place, start in enumerate(STARTS):
        values = ended(start)(runs)
        right.bar(place, values.mean(), color=drawing.SERIES[place], alpha=0.35)
        right.plot(np.full(len(values), place), values, "o", color=drawing.SERIES[place])
    drawing.level(right, 0.1)
    right.set_xticks(range(len(STARTS)), [name.replace(" (", "\n(") for name in STARTS], fontsize=8)
    drawing.labelled(right, "ReLU, five hidden layers, one epoch", "", "test accuracy")


GOOD = "appropriate (he)"
STUDY = Study(
    name="too_small_too_large",
    question="What becomes of signals and of training if weights are too small or too large?",
    source="deeplearning.ai, Initializing neural networks (2019), which the founding notes cite",
    replicas=2,
    varied={"gain": ("0.5", "1.5"), "init": ("identity", "zeros", "normal", "he")},
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
