"""Does LSUV give every layer variance 1, how fast, and does it help?"""

from experiments import drawing
from experiments.measures import accuracy, farthest, measure, minus, profile
from experiments.study import Canvas, Claim, Grid, Measure, Order, Runs, Study, Values

ACTIVATIONS = ("tanh", "relu", "gelu")
ONCE, TEN = ({"init": "lsuv", "init.iterations": n} for n in ("1", "10"))
NOTES = {  # what was found where a claim does not hold
    "tanh": "The paper trains convolutional networks for 230 epochs, and this study dense ones for 10. With variance "
    "1, z is on the curved part of tanh, and gradients grow 5 times on their way to layer 1. With Xavier, z is small, "
    "and tanh is nearly linear.",
}
OTHERS = {"he": {"init": "he"}, "xavier": {"init": "xavier"}}


@measure
def variance(runs: Runs, activation: str, scheme: dict[str, str]) -> Values:
    """The variance of z at initialization in the hidden layer where it is farthest from 1."""
    return farthest(profile(runs, "preactivation_std", activation=activation, **scheme) ** 2, 1.0)


def gained(activation: str, other: str) -> Measure:
    """Test accuracy with LSUV less that with another initializer."""
    return minus(accuracy(activation=activation, **TEN), accuracy(activation=activation, **OTHERS[other]))


def draw(figure: Canvas, runs: Runs) -> None:
    """Variance by layer and test accuracy, a column for each activation."""
    axes = drawing.panels(figure, len(ACTIVATIONS), 2, width=3.6, height=2.9)
    for i, activation in enumerate(ACTIVATIONS):
        top, bottom = axes[i], axes[i + len(ACTIVATIONS)]
        for place, (name, scheme) in enumerate(({"LSUV": TEN} | OTHERS).items()):
            values = profile(runs, "preactivation_std", activation=activation, **scheme) ** 2
            drawing.series(top, values, place, name)
            drawing.dots(bottom, place, accuracy(activation=activation, **scheme)(runs), place)
        drawing.published(top, [1, 20], [1, 1])
        bottom.set_xticks(range(1 + len(OTHERS)), ["LSUV", *OTHERS])
        bottom.set_ylim(0, 1)
        drawing.labelled(top, activation, "hidden layer", "variance of z", log="y", legend=i == 0)
        drawing.labelled(bottom, f"{activation}, after training", "", "test accuracy", legend=False)


STUDY = Study(
    name="lsuv_2015",
    question="Does LSUV give every layer variance 1, in how many iterations, and does it help training?",
    source="Mishkin & Matas 2016 (arXiv 2015): variance within 0.1 of 1 after at most 10 iterations a layer",
    varied={"activation": ACTIVATIONS, "init": ("lsuv", "he", "xavier")},
    grids=(
        Grid(("init.iterations=10",), quick=("replicas=5", "training.epochs=5")),
        Grid(("init.iterations=1", "training.epochs=0"), quick=("replicas=5",)),
        Grid(("init=he,xavier", "activation=tanh,relu,gelu"), quick=("replicas=5", "training.epochs=5")),
    ),
    claims=(
        *(Claim(f"{activation}: at most 10 iterations bring the variance of every layer to 1", 1.0,
                variance(activation, TEN), 0.1) for activation in ACTIVATIONS),
        *(Claim(f"{activation}: one iteration is enough", 1.0, variance(activation, ONCE), 0.1,
                note="z is linear in the weights of its layer.") for activation in ACTIVATIONS),
        *(Order(f"{activation}: LSUV ends with a higher test accuracy than {other} (difference)", 0.0,
                gained(activation, other), note=NOTES.get(activation, "")) for activation, other in
          (("relu", "xavier"), ("gelu", "xavier"), ("relu", "he"), ("gelu", "he"), ("tanh", "xavier"))),
    ),
    draw=draw,
)  # fmt: skip
