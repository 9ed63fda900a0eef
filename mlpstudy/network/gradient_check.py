"""Is backpropagation right for this network? It is compared with finite differences of the loss, in float64.

Single parameters: dJ/dtheta_i is compared with (J(theta + h e_i) - J(theta - h e_i)) / 2h. Random directions: the
total differential dJ = sum_i dJ/dtheta_i dtheta_i is compared in the same way, as in the last section of the notes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network import mlp
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Network

EXAMPLES = 8  # training examples that are used
REPLICAS = 2  # replicas that are checked; the code is the same for all
PER_LAYER = 4  # weights, and biases, tried in each layer
DIRECTIONS = 3  # for the total differential
STEPS = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)  # sizes of h to try, divided by max(1, |dJ|); no single size suits every network
SMALLEST_STEP = 1e-11  # a smaller h is lost when it is added to theta, so a gradient that large cannot be checked
TOLERANCE = 1e-6

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Report:
    """How many parameters were compared, and the largest relative errors."""

    checked: int  # number of parameters that were compared
    worst: float  # largest relative error of a single parameter; NaN if none was compared
    where: str  # the parameter with that error, such as W3[4, 5] of replica 0
    total: float  # largest relative error of the total differential

    @property
    def passed(self) -> bool:
        """At least one parameter was compared, and no error is above the tolerance."""
        return self.checked > 0 and not self.largest > TOLERANCE

    @property
    def largest(self) -> float:
        """The larger of the two errors; NaN counts as unknown."""
        return float(np.fmax(self.worst, self.total))


def check(network: Network, x: Array, y: Array, theta: Array) -> Report:
    """Compare a few weights and biases of every layer, and a few directions through all of them.

    x: (1, n, n_0), y: (n, n_L), theta: (R, P). The first EXAMPLES of x are used.
    """
    errors: dict[str, float] = {}
    totals: list[float] = []
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        for replica in range(min(REPLICAS, len(theta))):
            compared = _Comparison(network, x, y, theta[replica])
            for name, index in _chosen(network.sizes, rng):
                errors[f"{name} of replica {replica}"] = compared.error(np.eye(1, theta.shape[1], index)[0])
            directions = rng.normal(size=(DIRECTIONS, theta.shape[1])) / np.sqrt(theta.shape[1])
            totals += map(compared.error, directions)
    known = {name: error for name, error in errors.items() if not np.isnan(error)}
    where = max(known, key=lambda name: known[name], default="nothing")
    return Report(len(known), known.get(where, np.nan), where, float(np.fmax.reduce(totals)))


class _Comparison:
    """One replica on a few examples: its gradient by backpropagation, and J at nearby parameters."""

    def __init__(self, network: Network, x: Array, y: Array, theta: Array) -> None:
        self.network, self.theta = network, theta.astype(np.float64)
        self.x, self.y = x[:, :EXAMPLES].astype(np.float64), y[:EXAMPLES].astype(np.float64)
        trace, gradients = mlp.backpropagate(network, mlp.unflatten(self.theta[None], network.sizes), self.x, self.y)
        self.gradient = gradients.theta[0]
        # how much the rounding of every z can change J; this is large if gradients explode
        moves = sum(float(np.linalg.norm(d * z)) for d, z in zip(gradients.delta, trace.z, strict=True))
        self.rounding = 10 * np.finfo(np.float64).eps * (max(1.0, abs(self.loss(self.theta)[0])) + moves)

    def loss(self, theta: Float64) -> tuple[float, list[NDArray[np.bool_]]]:
        """J, and on which side of each kink every z is."""
        network = self.network
        trace = mlp.forward(mlp.unflatten(theta[None], network.sizes), network.activation, self.x)
        sides = [z > kink for z in trace.z[:-1] for kink in network.activation.kinks]
        return float(network.loss.value(trace.h, self.y[None]).mean()), sides

    def error(self, direction: Float64) -> float:
        """The relative error of the derivative along a direction, (P,), for the best step size.

        A difference that rounding can explain does not count: 0 means equal up to rounding. NaN means that every step
        size moves some z across a kink, so that finite differences do not approximate the derivative.
        """
        expected = float(self.gradient @ direction)
        best = np.nan
        for unit in STEPS:
            # the difference is J' + J''' h^2 / 6, and J''' grows with J': steep directions need a small h
            h = unit / max(1.0, abs(expected))
            if h < SMALLEST_STEP:
                break
            (above, sides), (below, others) = (self.loss(self.theta + step * direction) for step in (h, -h))
            if any((a != b).any() for a, b in zip(sides, others, strict=True)):
                continue
            measured = (above - below) / (2 * h)
            off = max(abs(measured - expected) - self.rounding / h, 0.0) / max(abs(measured), abs(expected), 1e-300)
            best = float(np.fmin(best, off)) if np.isfinite(off) else best
            if best <= TOLERANCE:
                break
        return best


def _chosen(sizes: tuple[int, ...], rng: np.random.Generator) -> Iterator[tuple[str, int]]:
    """Names and positions in theta of a few weights and biases of every layer."""
    positions = mlp.unflatten(np.arange(mlp.n_parameters(sizes))[None], sizes)
    for layer, (W, b) in enumerate(positions, start=1):
        for letter, array in (("W", W[0]), ("b", b[0, 0])):
            for i in rng.choice(array.size, min(PER_LAYER, array.size), replace=False):
                place = [int(n) for n in np.unravel_index(i, array.shape)]
                yield f"{letter}{layer}{place}", int(array.ravel()[i])
