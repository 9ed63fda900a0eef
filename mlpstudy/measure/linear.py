"""What a linear model learns of the same examples: the yardstick for a training that learned something, but little."""

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array

EXAMPLES = 2000  # a linear model is fitted to at most so many
PARTS = 3  # two of which are fitted, and the third is predicted


def linear_outputs(x: Array, y: Array) -> NDArray[np.float64] | None:
    """Predicted targets (n, n_L) of the first examples x (n, n_0), y (n, n_L), by ridge regression on other examples.

    Features are standardized, since a linear model does not care about their scale and its penalty does. None for
    fewer examples than PARTS.
    """
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = (values[:EXAMPLES].astype(np.float64) for values in (x, y))
    if len(y) < PARTS:
        return None
    folds = KFold(PARTS, shuffle=True, random_state=0)  # the order of a file may not be random
    return np.asarray(cross_val_predict(make_pipeline(StandardScaler(), Ridge()), x, y, cv=folds)).reshape(y.shape)
