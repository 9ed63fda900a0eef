"""What a linear model gains: the yardstick for a network that learned something, but little."""

import numpy as np
from numpy.typing import NDArray

EXAMPLES = 2000  # a linear model is fitted to at most so many
FOLDS = 3  # two thirds are fitted, and the other third is predicted


def linear_gain(x: NDArray[np.floating], y: NDArray[np.generic], classes: int | None) -> float:
    """How far ridge regression comes from the best constant output (0) to a perfect one (1); at least 0.

    It is measured on examples x (n, n_0), y (n,) or (n, n_L) that the model was not fitted to, as the share of
    (accuracy - chance) / (1 - chance), or as the explained variance of values. Features are standardized first.
    """
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    some = np.random.default_rng(0).permutation(len(y))[:EXAMPLES]
    features, labels = x[some].astype(np.float64), np.asarray(y)[some]
    targets = np.eye(classes)[labels] if classes else np.asarray(labels, np.float64).reshape(len(some), -1)
    if len(some) < FOLDS or not np.ptp(targets, axis=0).any():
        return 0.0
    model = make_pipeline(StandardScaler(), Ridge())
    h = np.asarray(cross_val_predict(model, features, targets, cv=KFold(FOLDS))).reshape(targets.shape)
    if classes:
        chance = targets.mean(axis=0).max()
        return max(0.0, float((h.argmax(axis=1) == labels).mean() - chance) / float(1 - chance))
    return max(0.0, 1 - float(np.square(h - targets).sum() / np.square(targets - targets.mean(axis=0)).sum()))
