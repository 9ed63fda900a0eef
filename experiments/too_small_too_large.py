"""How large may weights be? A linear network of ten layers multiplies its input by the scale of each."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.study import Claim, Study, one
from mlpstudy.tracking.run import Run


def growth(gain: str) -> Callable[[Sequence[Run]], NDArray[np.float64]]:
    """measure: the scale of the activations in the last layer over that in the first, with weights of this scale."""

    def measure(runs: Sequence[Run]) -> NDArray[np.float64]:
        scales = one(runs, gain=gain).arrays["activation_rms"][0]
        return np.asarray(scales[:, -1] / scales[:, 0])

    return measure


STUDY = Study(
    name="too_small_too_large",
    question="What becomes of a signal in ten layers whose weights are 1.5 or 0.5 times the identity?",
    source="deeplearning.ai, Initializing neural networks (2019), which the founding notes cite",
    varied=(("gain", ("0.5", "1.5")),),
    claims=(
        Claim("weights 1.5 I: activations grow by 1.5^9 from layer 1 to layer 10", 1.5**9, growth("1.5"), 1e-3),
        Claim("weights 0.5 I: activations shrink by 0.5^9", 0.5**9, growth("0.5"), 1e-6),
    ),
)
