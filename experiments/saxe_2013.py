"""What do orthogonal weights do that Gaussian ones do not?"""

from math import log10

import numpy as np

from experiments import drawing
from experiments.measures import accuracy, farthest, log_ratio, measure, minus, spectral_variance
from experiments.study import Canvas, Claim, Grid, Mean, Order, Runs, Study, Values, one

GAUSSIAN, ORTHOGONAL = "lecun", "orthogonal"
DEPTH, MATRICES = "4", 5  # of the networks whose singular values are measured
WIDTHS = ("100", "400")
EDGE = (MATRICES + 1) ** (MATRICES + 1) / MATRICES**MATRICES
RATES = {"4": "0.02", "19": "0.005", "49": "0.002", "99": "0.001"}  # depth -> learning rate 0.1 / (number of matrices)
LEVEL = 0.5  # training loss that counts as learned


def singular_values(runs: Runs, init: str, width: str) -> Values:
    """The singular values of dh/dx, largest first, (R, n). A linear network has the same Jacobian at every input."""
    run = one(runs, init=init, width=width, depth=DEPTH, data="gaussian")
    return np.asarray(run.arrays["jacobian_singular_values"][:, 0])


def least_isometric(runs: Runs) -> Values:
    """The singular value of each wide orthogonal network that is farthest from 1."""
    return farthest(singular_values(runs, ORTHOGONAL, WIDTHS[1]), 1.0)


def largest_at_any_width(runs: Runs) -> Values:
    """The largest squared singular value, extrapolated to infinite width: the distance to it shrinks as n^(-2/3)."""
    narrow, wide = (int(width) ** (2 / 3) for width in WIDTHS)
    first, second = (singular_values(runs, GAUSSIAN, width).max(axis=1) ** 2 for width in WIDTHS)
    return np.asarray((wide * second - narrow * first) / (wide - narrow))


@measure
def time(runs: Runs, init: str, depth: str) -> Values:
    """Epochs until the training loss is LEVEL, by interpolation of its logarithm; NaN if it never is."""
    arrays = one(runs, init=init, depth=depth, activation="identity", data="digits").arrays
    losses = np.log(arrays["curve_loss_train"]).T
    return np.array([crossing(arrays["curve_epoch"], curve, np.log(LEVEL)) for curve in losses])


def crossing(x: Values, y: Values, level: float) -> float:
    """Where y first falls to the level; NaN if it never does."""
    below = np.flatnonzero(y <= level)
    if not below.size or below[0] == 0:
        return np.nan
    i = int(below[0])
    return float(np.interp(level, [y[i], y[i - 1]], [x[i], x[i - 1]]))


def draw(figure: Canvas, runs: Runs) -> None:
    """Singular values in order of size, and learning time against depth."""
    left, right = drawing.panels(figure, 2)
    ranks = np.arange(1, int(WIDTHS[1]) + 1) / int(WIDTHS[1])
    for place, (init, name) in enumerate(((GAUSSIAN, "Gaussian"), (ORTHOGONAL, "orthogonal"))):
        drawing.series(left, np.maximum(singular_values(runs, init, WIDTHS[1]), 1e-4), place, name, ranks)
        times = np.stack([time(init, depth)(runs) for depth in RATES], axis=1)
        drawing.series(right, times, place, name, np.array(list(RATES), int))
    drawing.level(left, EDGE**0.5, "published: largest of wide Gaussian")
    left.set_ylim(1e-4, 10)
    drawing.labelled(left, "Singular values of five layers", "rank / width", "singular value", log="y")
    drawing.labelled(right, "Linear networks, learning rate 0.1 / (depth + 1)", "hidden layers", "epochs to loss 0.5",
                     log="y")  # fmt: skip


STUDY = Study(
    name="saxe_2013",
    question="What do orthogonal weights do in deep networks that Gaussian weights do not?",
    source="Saxe et al. 2013: orthogonal products are isometries, and linear networks then learn as fast at any depth",
    varied={"init": (GAUSSIAN, ORTHOGONAL), "width": WIDTHS, "depth": RATES},
    grids=(
        *(Grid(("data=gaussian", f"data.features={width}", f"data.classes={width}", f"network.width={width}",
                "dtype=float64", "training.epochs=0", "replicas=20"), quick=("replicas=10",)) for width in WIDTHS),
        *(Grid((f"network.depth={depth}", f"optimizer.lr={lr}"), quick=("replicas=5",)) for depth, lr in RATES.items()),
        Grid(("activation=tanh", "network.depth=49", "optimizer.lr=0.002"), quick=("replicas=5",)),
    ),
    claims=(
        Claim("orthogonal, five layers: every singular value is 1", 1.0, least_isometric, 1e-12),
        Mean("Gaussian: the squared singular values have variance 5, the number of layers", float(MATRICES),
             spectral_variance(init=GAUSSIAN, width=WIDTHS[1], depth=DEPTH, data="gaussian"),
             MATRICES**2 / int(WIDTHS[1]), rival=1.0),
        Mean("Gaussian: the largest, squared, is 6^6 / 5^5 for infinite width", EDGE, largest_at_any_width, rival=4.0),
        Mean("orthogonal, linear: 100 layers learn as fast as 5 (log10 of the ratio of times)", 0.0,
             log_ratio(time(ORTHOGONAL, "99"), time(ORTHOGONAL, "4")), log10(1 + 1 / MATRICES), rival=log10(20)),
        Order("Gaussian, linear: 100 layers learn more slowly than 5 (log10 of the ratio)", 0.0,
              log_ratio(time(GAUSSIAN, "99"), time(GAUSSIAN, "4"))),
        Order("tanh, 49 layers: orthogonal weights learn better (difference of test accuracies)", 0.0,
              minus(accuracy(init=ORTHOGONAL, activation="tanh"), accuracy(init=GAUSSIAN, activation="tanh"))),
    ),
    draw=draw,
)  # fmt: skip
