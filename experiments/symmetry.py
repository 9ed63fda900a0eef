"""Do neurons that start out equal ever become different, and how much noise does it take?"""

import numpy as np

from experiments import drawing
from experiments.measures import accuracy, loss, minus, most_distinct, profile
from experiments.study import Canvas, Claim, Grid, Order, Runs, Study, Values, chosen, one

SYMMETRIC = ("zeros", "constant", "identical")
RANDOM = ("xavier",)
NOISES = ("1e-10", "1e-08", "1e-06", "0.0001", "0.01", "0.1", "1.0")  # relative to random weights of variance 1/n
ZEROS = {"init": "zeros", "data": "mnist"}


def noise(value: str) -> dict[str, str]:
    """The params of the networks whose neurons differ by so much at the start."""
    return {"init": "identical", "init.noise": value, "dtype": "float64"}


def most_distinct_units(runs: Runs) -> Values:
    """For each network with a symmetric initializer: the number of distinct neurons in the layer with the most."""
    equal = [run for run in chosen(runs, init=SYMMETRIC) if float(run.params.get("init.noise", 0)) == 0]
    return np.concatenate([most_distinct(run) for run in equal])


def smallest_distinct_share(runs: Runs) -> Values:
    """For each network with the random initializer: the share of distinct neurons in the layer with the fewest."""
    return np.concatenate([run.arrays["distinct_units"][-1].min(axis=1) for run in chosen(runs, init=RANDOM)])


def draw(figure: Canvas, runs: Runs) -> None:
    """Distinct units and effective rank against steps for each noise, and accuracy against noise."""
    left, middle, right = drawing.panels(figure, 3, width=3.6)
    swept = [value for value in NOISES if any(noise(value).items() <= run.params.items() for run in runs)]
    ends = []
    for place, value in enumerate(swept):
        run = one(runs, **noise(value))
        for axes, name in ((left, "distinct_units"), (middle, "effective_rank")):
            units = run.arrays[name].min(axis=2).T * int(run.params["width"])
            drawing.series(axes, units, place, f"{float(value):g}", run.arrays["step"] + 1)
        ends.append(accuracy(**noise(value))(runs))
    drawing.series(right, np.stack(ends, axis=1), 0, "measured", np.array(swept, float))
    for axes, height, label in ((left, 1, "_"), (middle, 1, "_"), (right, 0.1, "chance")):
        drawing.level(axes, height, label)
    step = "training step + 1"
    drawing.labelled(left, "Distinct units (dashed: all are equal)", step, "units", log="xy", legend=False)
    left.legend(fontsize=7, frameon=False, title="noise", loc="center", ncols=2)
    drawing.labelled(middle, "Units that differ in effect", step, "effective rank x width", log="xy", legend=False)
    drawing.labelled(right, "Accuracy after training", "noise at the start", "test accuracy", log="x")


STUDY = Study(
    name="symmetry",
    question="Do neurons that start with the same weights ever become different, and how much noise breaks the tie?",
    source="the founding notes, section 9; Goodfellow, Bengio & Courville 2016, section 8.4; the entropy of the "
    "classes of MNIST is 2.3012, and 11.35 % of its test images are a 1",
    replicas=2,
    varied={"init": SYMMETRIC + RANDOM, "init.noise": ("0.01", "1.0")},
    grids=(
        Grid(quick=("training.epochs=2", "replicas=2", "activation=tanh")),
        Grid(("init=identical", f"init.noise={','.join(NOISES)}", "activation=tanh", "dtype=float64"),
             quick=("init.noise=1e-08,0.01,1.0", "replicas=3")),
        Grid(("init=zeros", "activation=tanh", "training.epochs=4", "training.batch_size=128", "optimizer.lr=0.05",
              "data.standardize=none", "training.snapshots=2", "replicas=2"), mnist=True),
    ),
    claims=(
        Claim("zeros, constant and identical: every hidden layer has one distinct unit after training (number)", 1.0,
              most_distinct_units),
        Claim("xavier, which is random: all units of every hidden layer are distinct after training (share)", 1.0,
              smallest_distinct_share),
        Claim("zeros on MNIST: the training loss becomes the entropy of the classes", 2.3012, loss(**ZEROS), 5e-5,
              data="mnist"),
        Claim("zeros on MNIST: the test accuracy is the share of the most frequent class", 0.1135, accuracy(**ZEROS),
              5e-5, data="mnist"),
        Claim("identical with noise 0.01: all units are distinct after training (share)", 1.0,
              lambda runs: profile(runs, "distinct_units", -1, **noise("0.01")).min(axis=1)),
        Order("but distinct units alone do not help: noise 1 learns more than noise 0.01 (test accuracy, difference)",
              0.0, minus(accuracy(**noise("1.0")), accuracy(**noise("0.01")))),
    ),
    draw=draw,
)  # fmt: skip
