"""Do neurons that start out equal ever become different?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.study import Claim, Study, chosen
from mlpstudy.tracking.run import Run

SYMMETRIC = ("zeros", "constant", "identical")
RANDOM = ("xavier",)


def distinct_units(run: Run) -> NDArray[np.float64]:
    """Number of distinct neurons at the end of training, (R, depth)."""
    widths = [run.weights("final")[f"W{layer + 1}"].shape[1] for layer in range(int(run.params["depth"]))]
    return np.asarray(np.rint(run.arrays["distinct_units"][-1] * np.array(widths)))


def most_distinct_units(runs: Sequence[Run]) -> NDArray[np.float64]:
    """For each network with a symmetric initializer: the number of distinct neurons in the layer with the most."""
    return np.concatenate([distinct_units(run).max(axis=1) for run in chosen(runs, init=SYMMETRIC)])


def smallest_distinct_share(runs: Sequence[Run]) -> NDArray[np.float64]:
    """For each network with the random initializer: the share of distinct neurons in the layer with the fewest."""
    return np.concatenate([run.arrays["distinct_units"][-1].min(axis=1) for run in chosen(runs, init=RANDOM)])


STUDY = Study(
    name="symmetry",
    question="Do neurons that start with the same weights ever become different?",
    source="the founding notes, section 9; Goodfellow, Bengio & Courville 2016, section 8.4",
    varied=(("init", SYMMETRIC + RANDOM),),
    quick=("training.epochs=2", "replicas=2", "activation=tanh"),
    claims=(
        Claim(
            "zeros, constant and identical: every hidden layer has one distinct unit after training (number)",
            expected=1.0,
            measure=most_distinct_units,
        ),
        Claim(
            "xavier, which is random: all units of every hidden layer are distinct after training (share)",
            expected=1.0,
            measure=smallest_distinct_share,
        ),
    ),
)
