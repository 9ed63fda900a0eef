"""What theory needs to know of drawn weights and of data, and whether it applies to these weights at all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.sums import rms
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Layers
from mlpstudy.theory import Ensemble

GROUPS = 64  # groups of pairs of inputs with similar cosine
ROWS = 64  # rows of a weight matrix that are checked for randomness
ERRORS = 5  # a mean within so many standard errors of 0 counts as 0


@dataclass(frozen=True)
class Pairs:
    """The pairs of different inputs in GROUPS of equally many, ordered by the cosine of the two inputs."""

    one: NDArray[np.int64]  # the pair i is one[i], other[i]
    other: NDArray[np.int64]
    cosines: NDArray[np.float64]  # (P,): mean of each group

    @staticmethod
    def of(x: Array) -> "Pairs":
        """Those of x (batch, n_0)."""
        one, other = np.triu_indices(len(x), k=1)
        cosines = _cosines(x)[one, other]
        order = np.argsort(cosines)
        return Pairs(one[order], other[order], _groups(cosines[order]))

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of values (batch, batch) in each group, then of an input with itself, (P + 1,)."""
        return np.append(_groups(values[self.one, self.other]), np.diag(values).mean())


def _groups(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([group.mean() for group in np.array_split(ordered, min(GROUPS, len(ordered)))])


def is_random(W: Array, b: Array) -> bool:
    """Do these weights (R, n_out, n_in) and biases look like independent draws of mean 0?

    None is exactly 0; no two rows, of one replica or of two, share their smallest and largest |w|, as copies and
    permutations do; the means are 0 within five standard errors; and rows have no few dominant entries:
    (sum w^2)^2 / sum w^4 is n / 3 for normal ones, and has to be n / 6.
    """
    rows = W[:2, :ROWS].reshape(-1, W.shape[2])
    sizes = np.abs(rows)
    ends = np.stack([sizes.min(axis=1), sizes.max(axis=1)], axis=1)
    if (ends == 0).any() or len(set(map(tuple, ends.tolist()))) < len(rows):
        return False
    squares = np.square(rows, dtype=np.float64)
    participation = np.square(squares.sum(axis=1)) / np.einsum("ij,ij->i", squares, squares)
    return _centred(rows) and _centred(b) and bool(participation.mean() >= W.shape[2] / 6)


def _centred(values: Array) -> bool:
    mean, mean_square = float(values.mean()), np.square(rms(values)).mean()
    few = mean != 0 and values.size <= ERRORS**2  # with so few values, equal ones would pass the test of the mean
    return bool(abs(mean) <= ERRORS * np.sqrt(mean_square / values.size)) and not (few and np.ptp(values) == 0)


def ensemble(layers: Layers, x: Array, y: Array) -> Ensemble:
    """The layer sizes and the moments of weights and data that theory needs."""
    weight_variance, bias_variance = np.array([[np.square(rms(p)).mean() for p in layer] for layer in layers]).T
    pairs = Pairs.of(x)
    errors = np.square(_cosines(y.mean(axis=0, dtype=np.float64) - y))  # of the best constant output
    return Ensemble(
        sizes=(x.shape[1], *(W.shape[1] for W, _ in layers)),
        weight_variance=weight_variance,
        bias_variance=bias_variance,
        freedom=np.array([_freedom(W[0]) for W, _ in layers]),
        second_moment=np.square(x, dtype=np.float64).mean(axis=1),
        correlation=pairs.cosines,
        alignment=pairs.means(errors)[:-1],
    )


def _freedom(W: Array) -> float:
    """Mean squared inner product of two rows, or columns if there are fewer; 1 for independent entries."""
    rows = W if W.shape[0] <= W.shape[1] else W.T
    rows = rows[:ROWS].astype(np.float64)
    if len(rows) < 2 or not rows.any():
        return 1.0
    gram = rows @ rows.T
    others = gram[~np.eye(len(gram), dtype=bool)]
    return float(min(np.square(others).mean() / np.diag(gram).mean() ** 2 * rows.shape[1], 1.0))


def _cosines(x: Array) -> NDArray[np.float64]:
    x = x.astype(np.float64)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    unit = np.divide(x, length, out=np.zeros_like(x), where=length > 0)
    return np.asarray(np.clip(unit @ unit.T, -1, 1))
