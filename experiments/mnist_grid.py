"""Which of 192 networks on MNIST learn: four activations, eight initializers, six depths."""

import numpy as np

from experiments import drawing
from experiments.measures import accuracy_or_chance, measure, minus
from experiments.study import Canvas, Claim, Grid, Mean, Measure, Order, Runs, Study, Values, chosen

ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu")
INITIALIZERS = ("he", "he_uniform", "xavier", "xavier_uniform", "normal", "truncated_normal", "orthogonal", "zeros")
ONE = {"training.epochs": "1"}
FEW = "Networks differ much after one epoch, and there are few of them."
LONG = (("relu", "he"), ("relu", "xavier"))  # with 5 layers, also for 50 epochs


def ended(activation: str, init: str, depth: str, epochs: dict[str, str] = ONE) -> Measure:
    """Test accuracy after training; chance, 0.1, for a network that diverged."""
    return accuracy_or_chance(activation=activation, init=init, depth=depth, **epochs)


def zeros(runs: Runs) -> Values:
    """Test accuracies of all networks that start with zeros."""
    return np.concatenate([run.arrays["curve_accuracy_test"][-1] for run in chosen(runs, init="zeros", **ONE)])


def gradient_ratios(runs: Runs) -> tuple[Values, Values]:
    """log10 of the gradient in the first over that in the last layer: predicted (cells,) and measured (cells, R)."""
    cells = [run for run in chosen(runs, **ONE) if "theory_delta_rms" in run.arrays]
    gradients = [run.arrays["delta_rms"][0] for run in cells]
    with np.errstate(divide="ignore"):
        predicted = np.log10([run.arrays["theory_delta_rms"][0] for run in cells])
        return predicted, np.log10([gradient[:, 0] / gradient[:, -1] for gradient in gradients])


def off_theory(runs: Runs) -> Values:
    """Measured less predicted log10 of the gradient ratio: median over cells, for each network."""
    predicted, measured = gradient_ratios(runs)
    return np.asarray(np.nanmedian(measured - predicted[:, None], axis=0))


def made_up(runs: Runs) -> Values:
    """Five ReLU layers: accuracy of he less that of xavier, after one epoch less the same after the most epochs."""
    longest = {"training.epochs": max((run.params["training.epochs"] for run in runs), key=int)}
    first, last = (
        minus(ended("relu", "he", "5", epochs), ended("relu", "xavier", "5", epochs))(runs) for epochs in (ONE, longest)
    )
    networks = min(len(first), len(last))
    return first[:networks] - last[:networks]


@measure
def deep(runs: Runs, first: tuple[str, str], second: tuple[str, str]) -> Values:
    """The test accuracy of (activation, init) less that of another, in the deepest networks."""
    deepest = max((run.params["depth"] for run in runs), key=int)
    return minus(ended(*first, deepest), ended(*second, deepest))(runs)


def draw(figure: Canvas, runs: Runs) -> None:
    """Accuracy of all cells, a panel for each activation; gradient ratios, measured against predicted."""
    from matplotlib.colors import Normalize

    inits = [name for name in INITIALIZERS if any(run.params["init"] == name for run in runs)]
    activations = [name for name in ACTIVATIONS if any(run.params["activation"] == name for run in runs)]
    axes = drawing.panels(figure, len(activations) + 1, width=3.0, height=3.8)
    depths = sorted({run.params["depth"] for run in chosen(runs, **ONE)}, key=int)
    for place, (panel, activation) in enumerate(zip(axes, activations, strict=False)):
        means = np.array([[ended(activation, init, depth)(runs).mean() for depth in depths] for init in inits])
        panel.imshow(means, norm=Normalize(0, 1), cmap="viridis", aspect="auto")
        for (row, column), value in np.ndenumerate(means):
            panel.text(column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", fontsize=7,
                       color="white" if value < 0.6 else "black")  # fmt: skip
        panel.set_xticks(range(len(depths)), depths)
        panel.set_yticks(range(len(inits)), inits if place == 0 else [""] * len(inits), fontsize=8)
        drawing.labelled(panel, f"{activation}: test accuracy", "hidden layers", "", legend=False)
    predicted, measured = gradient_ratios(runs)
    last = axes[-1]
    last.plot(predicted, measured, "o", color=drawing.SERIES[0], markersize=3, alpha=0.4)
    ends = [np.nanmin(predicted), np.nanmax(predicted)]
    drawing.published(last, ends, ends, "predicted")
    drawing.labelled(last, "Gradient, first / last layer (log10)", "predicted", "measured")


STUDY = Study(
    name="mnist_grid",
    question="Which of four activations, eight initializers and six depths learn MNIST in one epoch?",
    replicas=2,
    source="a public study of this grid with one seed and 50 epochs; gradients by theory: Schoenholz et al. 2017. "
    "ReLU needs He (He et al. 2015), orthogonal weights suit tanh (Saxe et al. 2013), sigmoid stalls (Glorot 2010)",
    varied={"init": ("he", "xavier", "orthogonal", "zeros"), "activation": ("relu", "tanh", "sigmoid")},
    grids=(
        Grid(mnist=True, quick=("init=he,xavier,zeros,orthogonal", "activation=relu,tanh,sigmoid",
                                "network.depth=5", "replicas=2")),
        Grid(("init=normal,truncated_normal", "init.scale=0.1"), mnist=True, quick=None),
        *(Grid((f"activation={activation}", f"init={init}", "network.depth=5", "training.epochs=50",
                "replicas=2"), mnist=True,
               quick=None) for activation, init in LONG),
    ),
    claims=(
        Mean("theory predicts the gradient ratio (log10 of measured over predicted, median over cells)", 0.0,
             off_theory, rival=0.3),
        Claim("zeros: all networks give every image the most frequent class", 0.1135, zeros, 5e-5, data="mnist"),
        Order("deepest networks, ReLU: he learns more than xavier (test accuracy, difference)", 0.0,
              deep(("relu", "he"), ("relu", "xavier")), note=FEW),
        Order("deepest networks, tanh: orthogonal learns more than xavier (difference)", 0.0,
              deep(("tanh", "orthogonal"), ("tanh", "xavier")), note=FEW),
        Order("five layers: sigmoid learns less than tanh with xavier (difference)", 0.0,
              minus(ended("tanh", "xavier", "5"), ended("sigmoid", "xavier", "5"))),
        Order("five layers, ReLU: 50 epochs make up for most of what xavier loses to he in the first (difference of "
              "differences)", 0.0, made_up, note=FEW),
    ),
    draw=draw,
)  # fmt: skip
