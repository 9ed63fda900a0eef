"""The score of a network: its accuracy on the test split, or what comes nearest to it."""

from collections.abc import Container, Mapping

import numpy as np
from numpy.typing import NDArray

# (curve, whether it is a share, its name for people), the first that a run has
SCORES = (
    ("accuracy_test", True, "test accuracy"),
    ("accuracy_train", True, "training accuracy"),  # where there is no test split
    ("loss_test", False, "test loss"),  # of a regression
    ("loss_train", False, "training loss"),
)


def score_of(names: Container[str], prefix: str) -> tuple[str, bool, str]:
    """The row of SCORES for a run with these names, each of which has the prefix."""
    return next((row for row in SCORES if f"{prefix}{row[0]}" in names), SCORES[-1])


def final_scores(arrays: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float64]:
    """The score of each replica after training, (R,).

    What was kept in float32 is read as the shortest decimal that it stands for: 0.1135 rounds up as it did in float64.
    """
    return np.array([float(str(value)) for value in arrays[f"curve_{score_of(arrays, 'curve_')[0]}"][-1]])
