"""How likely is a narrow ReLU network to be born dead, so that no gradient ever reaches it?"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.study import Mean, Study, one
from mlpstudy.tracking.run import Run

DEPTH, WIDTHS = 10, ("2", "3", "5")


def born_dead(width: str) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: 1 for a network with a layer in which all units are dead at initialization, else 0."""
    return lambda runs: (one(runs, width=width).arrays["dead_fraction"][0] == 1).any(axis=1).astype(float)


def published(width: str) -> float:
    """1 - (1 - 2^-N)^L: in each layer, all N units are off with probability 2^-N."""
    return 1 - (1 - 0.5 ** int(width)) ** DEPTH


STUDY = Study(
    name="dying_relu",
    question="How likely is a narrow ReLU network of ten layers to be born dead?",
    source="Lu et al. 2019, theorem 3: with probability 1 - (1 - 2^-N)^L for width N and depth L, for one input",
    varied=(("width", WIDTHS),),
    quick=("replicas=400",),
    replicas=100,
    claims=tuple(
        Mean(f"width {width}: share of networks that are born dead", published(width), born_dead(width), rival=0.0)
        for width in WIDTHS
    ),
)
