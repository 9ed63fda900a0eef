"""Should the output layer start with zeros, so that the network starts with no opinion?"""

from math import log

from experiments import drawing
from experiments.measures import loss, minus
from experiments.study import Canvas, Claim, Grid, Measure, Order, Runs, Study, one

CLASSES = 10
OUTPUTS: dict[str, dict[str, str]] = {
    "he, as the other layers": {"init.output": "None"},
    "zeros": {"init.output.name": "zeros"},
}
RANDOM, ZEROS = OUTPUTS.values()


def saved(record: int) -> Measure:
    """How much lower the loss is with an output layer of zeros."""
    return minus(loss(record, **RANDOM), loss(record, **ZEROS))


def draw(figure: Canvas, runs: Runs) -> None:
    """The loss during training."""
    (axes,) = drawing.panels(figure, 1, width=7)
    for place, (name, output) in enumerate(OUTPUTS.items()):
        arrays = one(runs, **output).arrays
        drawing.series(axes, arrays["curve_loss_train"].T, place, f"output layer: {name}", arrays["curve_step"] + 1)
    drawing.published(axes, axes.get_xlim(), [log(CLASSES)] * 2, "published: ln 10 at the start")
    drawing.labelled(axes, "ReLU, five hidden layers, digits", "training step + 1", "training loss", log="xy")


STUDY = Study(
    name="zero_output",
    question="Should the output layer start with zeros?",
    source="Karpathy 2019, A recipe for training neural networks: the loss should start at -log(1 / classes)",
    varied={"init.output": ("None",), "init.output.name": ("zeros",)},
    grids=(Grid(quick=("replicas=5", "training.epochs=2")),),
    claims=(
        Claim("output layer of zeros: the loss starts at ln 10", log(CLASSES), loss(0, **ZEROS), 1e-5),
        Order("random output layer: the loss starts higher (difference)", 0.0, saved(0)),
        Order(
            "and is still higher after training (difference)",
            0.0,
            saved(-1),
            note="In the first step an output layer of zeros sends no gradient to the hidden layers. At this learning "
            "rate they start to learn later, and what was saved at the start is lost.",
        ),
    ),
    draw=draw,
)
