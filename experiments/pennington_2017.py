"""Can all singular values of a deep network's Jacobian be near 1?"""

import numpy as np

from experiments import drawing
from experiments.measures import minus, spectral_variance
from experiments.study import Canvas, Grid, Mean, Order, Runs, Study, one

WIDTH = 400
DEPTHS = ("2", "4", "8", "16")
TANH_SUMS = {"2": 1.0469, "4": 1.4243, "8": 1.8714, "16": 2.5193}
# (activation, init) -> what layers add by mu_2 / mu_1^2 - 1, by depth, and what each matrix adds; mu_k = E[g'^(2k)].
# ReLU: both mu are 1/2. tanh at sigma_b = 0.05 on its edge of chaos: sums over layers by quadrature, from q = 1.26.
CHANGES: dict[tuple[str, str], tuple[dict[str, float], float]] = {
    ("relu", "he"): ({depth: float(depth) for depth in DEPTHS}, 1.0),
    ("relu", "orthogonal"): ({depth: float(depth) for depth in DEPTHS}, 0.0),
    ("tanh", "orthogonal"): (TANH_SUMS, 0.0),
}


def published(activation: str, init: str, depth: str) -> float:
    """L layers add L (mu_2 / mu_1^2 - 1), and their L + 1 matrices 1 each if they are Gaussian."""
    layers, matrix = CHANGES[activation, init]
    return layers[depth] + (int(depth) + 1) * matrix


def tolerance(activation: str, init: str, depth: str) -> float:
    """Corrections of relative order depth / width."""
    return published(activation, init, depth) * int(depth) / WIDTH


def draw(figure: Canvas, runs: Runs) -> None:
    """Variance against depth, and the singular values of the deepest networks."""
    left, right = drawing.panels(figure, 2)
    names = ("ReLU, Gaussian", "ReLU, orthogonal", "tanh, orthogonal")
    depths, ranks = np.array(DEPTHS, int), np.arange(1, WIDTH + 1) / WIDTH
    for place, ((activation, init), name) in enumerate(zip(CHANGES, names, strict=True)):
        variances = [spectral_variance(activation=activation, init=init, depth=depth)(runs) for depth in DEPTHS]
        drawing.series(left, np.stack(variances, axis=1), place, name, depths)
        drawing.published(left, depths, [published(activation, init, depth) for depth in DEPTHS])
        deepest = one(runs, activation=activation, init=init, depth=DEPTHS[-1]).arrays["jacobian_singular_values"]
        values = (deepest / np.sqrt((deepest**2).mean(axis=2, keepdims=True))).mean(axis=1)
        drawing.series(right, np.where(values > 1e-3, values, np.nan), place, name, ranks)
    left.set_xscale("log", base=2)
    left.set_xticks(depths, DEPTHS)
    drawing.labelled(left, "Variance of squared singular values", "hidden layers", "variance (mean 1)", log="y")
    drawing.labelled(right, f"Singular values, {DEPTHS[-1]} layers", "rank / width", "singular value", log="y")


STUDY = Study(
    name="pennington_2017",
    question="Can all singular values of a deep network's Jacobian be near 1?",
    source="Pennington, Schoenholz & Ganguli 2017: the variance of s^2 is L (mu_2 / mu_1^2 - 1 - s_1); "
    "2L for Gaussian and L for orthogonal ReLU layers, little for orthogonal tanh layers near q = 0",
    varied={"depth": DEPTHS, "activation": ("relu", "tanh")},
    grids=(
        Grid(quick=("replicas=3",)),
        Grid(("init=orthogonal", "init.gain=1.4142136"), quick=("replicas=3",)),
        Grid(("init=orthogonal", "init.gain=1.122539", "init.sigma_b=0.05", "activation=tanh"), quick=("replicas=3",)),
    ),
    claims=(
        *(Mean(f"{activation}, {'Gaussian' if init == 'he' else init}, {depth} layers: variance of s^2",
               published(activation, init, depth), spectral_variance(activation=activation, init=init, depth=depth),
               tolerance(activation, init, depth), rival=0.0)
          for activation, init in CHANGES for depth in ("4", "16")),
        Order("16 layers: ReLU has no isometry even with orthogonal weights (variance minus that of tanh)", 0.0,
              minus(*(spectral_variance(activation=name, init="orthogonal", depth="16") for name in ("relu", "tanh")))),
    ),
    draw=draw,
)  # fmt: skip
