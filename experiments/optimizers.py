"""Does Adam hide what initialization breaks?"""

from experiments import drawing
from experiments.measures import accuracy, measure, minus, most_distinct
from experiments.study import Canvas, Claim, Grid, Measure, Order, Runs, Study, Values, one

SMALL, LARGE = {"init": "normal", "init.scale": "0.01"}, {"init": "normal", "init.scale": "1"}
STARTS: dict[str, dict[str, str]] = {
    "zeros": {"init": "zeros"}, "too small": SMALL, "xavier": {"init": "xavier"}, "too large": LARGE,
}  # fmt: skip
SGD, MOMENTUM = ({"optimizer": "sgd", "optimizer.momentum": momentum} for momentum in ("0", "0.9"))
ADAM = {"optimizer": "adam"}
OPTIMIZERS: dict[str, dict[str, str]] = {"SGD": SGD, "momentum 0.9": MOMENTUM, "Adam": ADAM}


@measure
def distinct(runs: Runs, optimizer: str) -> Values:
    """The number of distinct units in the layer with the most, after training from zeros."""
    return most_distinct(one(runs, **STARTS["zeros"], **OPTIMIZERS[optimizer]))


def gained(start: dict[str, str], better: dict[str, str], worse: dict[str, str]) -> Measure:
    """Test accuracy with one optimizer less that with another, from the same weights."""
    return minus(accuracy(**start, **better), accuracy(**start, **worse))


def draw(figure: Canvas, runs: Runs) -> None:
    """Accuracy of every start under every optimizer."""
    (axes,) = drawing.panels(figure, 1, width=7.5)
    for place, (name, optimizer) in enumerate(OPTIMIZERS.items()):
        for x, start in enumerate(STARTS.values()):
            values = accuracy(**start, **optimizer)(runs)
            drawing.dots(axes, x + 0.25 * (place - 1), values, place, name if x == 0 else "_")
    drawing.level(axes, 0.1)
    axes.set_xticks(range(len(STARTS)), list(STARTS))
    drawing.labelled(axes, "tanh, five hidden layers, after training on digits", "initial weights", "test accuracy")


STUDY = Study(
    name="optimizers",
    question="Does Adam hide what a bad initialization breaks?",
    source="Kingma & Ba 2015: steps of Adam do not depend on the scale of the gradient. So it should mend weights that "
    "are too small, but neither equal nor saturated units",
    varied={"init": ("zeros", "normal", "xavier"), "optimizer": ("sgd", "adam")},
    grids=(
        Grid(("optimizer.momentum=0,0.9",), quick=("replicas=6",)),
        Grid(("optimizer.momentum=0,0.9", "init=normal", "init.scale=0.01,1"), quick=("replicas=6",)),
        Grid(("optimizer=adam", "init=zeros,xavier"), quick=("replicas=6",)),
        Grid(("optimizer=adam", "init=normal", "init.scale=0.01,1"), quick=("replicas=6",)),
    ),
    claims=(
        Order("too small: Adam learns more than SGD (difference of test accuracies)", 0.0, gained(SMALL, ADAM, SGD)),
        Order("too small: Adam learns more than momentum", 0.0, gained(SMALL, ADAM, MOMENTUM)),
        Order("too large: Adam learns less than momentum", 0.0, gained(LARGE, MOMENTUM, ADAM)),
        *(Claim(f"zeros: every hidden layer has one distinct unit after training with {name}", 1.0, distinct(name))
          for name in OPTIMIZERS),
        Order("too small: xavier is better than small weights even with Adam", 0.0,
              minus(accuracy(**STARTS["xavier"], **ADAM), accuracy(**SMALL, **ADAM))),
    ),
    draw=draw,
)  # fmt: skip
