"""How good the network is on some examples: loss and accuracy."""

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array
from mlpstudy.network.losses import accuracy
from mlpstudy.network.mlp import Layers, Network, predict

CHUNK = 512  # examples evaluated at a time, so that memory does not grow with the data


def evaluate(
    network: Network, layers: Layers, x: Array, y: Array, classification: bool
) -> dict[str, NDArray[np.float64]]:
    """The mean loss, and the accuracy of a classifier, on x (1, n, n_0) with targets y (n, n_L): (R,) each."""
    chunks = range(0, len(y), CHUNK)
    h = np.concatenate([predict(layers, network.activation, x[:, i : i + CHUNK]) for i in chunks], axis=1)
    scores = {"loss": network.loss.value(h, y[None]).mean(axis=1, dtype=np.float64)}
    return scores | ({"accuracy": accuracy(h, y)} if classification else {})
