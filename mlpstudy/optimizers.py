"""Optimizers as pairs of pure functions on the flat parameters theta, (R, P).

init(theta) -> state; update(gradient, state, theta) -> (step, state), and theta := theta + step.
To add one: a function and a row in OPTIMIZERS and `conf/optimizer/<name>.yaml`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlpstudy.activations import Array


@dataclass(frozen=True)
class Optimizer:
    """How a gradient becomes a step."""

    init: Callable[[Array], Any]
    update: Callable[[Array, Any, Array], tuple[Array, Any]]


def sgd(*, lr: float) -> Optimizer:
    """Theta := theta - lr dJ/dtheta (the notes' Algorithm 1)."""
    return Optimizer(init=lambda theta: None, update=lambda grad, state, theta: (-lr * grad, state))


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"sgd": sgd}
