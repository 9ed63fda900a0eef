"""What is to be learned, and how: all that a forecast needs besides initial weights."""

from dataclasses import dataclass

from mlpstudy.measure.outcomes import Yardstick
from mlpstudy.network.activations import Array
from mlpstudy.network.mlp import Network
from mlpstudy.network.training import Recipe


@dataclass(frozen=True)
class Lesson:
    """A network, its training, and the examples that it learns from."""

    network: Network
    recipe: Recipe
    x: Array  # (1, n, n_0)
    y: Array  # (n, n_L)
    constant_loss: float  # of the best constant output, of these targets
    yardstick: Yardstick  # in the user's units
    loss_unit: float  # a loss in the user's units over a loss of these targets
    classes: bool  # whether the targets are classes
