"""Losses as functions of the network's output h = z[L], and their gradients dJ/dh.

J is the mean loss over the batch. Targets are (batch, n_L): one-hot rows for classes, 0 or 1 for bce, numbers for a
regression. To add a loss: a row in LOSSES and the file `conf/loss/<name>.yaml`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.network.activations import Array, sigmoid

Labels = NDArray[np.generic]  # class numbers (n,), or the values of a regression (n, n_L)
NUMBERS = "mse for targets that are numbers"  # what the loss must be


@dataclass(frozen=True)
class Loss:
    """The loss of each example and its gradient with respect to h."""

    value: Callable[[Array, Array], Array]  # (h, target) -> (R, batch)
    gradient: Callable[[Array, Array], Array]  # (h, target) -> (R, batch, n_L), of one example's loss
    targets: Callable[[Labels, int | None], Array]  # (labels, number of classes) -> targets, or ValueError
    best_constant: Callable[[Array], Array]  # targets -> the constant h of smallest loss, (n_L,)


def one_hot(labels: Labels, classes: int | None) -> Array:
    """Rows of the identity: class c becomes e_c. The values of a regression (classes = None) stay as they are."""
    return np.eye(classes)[labels] if classes else np.asarray(labels, dtype=float)


def class_targets(labels: Labels, classes: int | None) -> Array:
    """One-hot rows; only for classes."""
    if not classes:
        raise ValueError(NUMBERS)
    return one_hot(labels, classes)


def binary_targets(labels: Labels, classes: int | None) -> Array:
    """One column of 0 and 1; only for two classes."""
    if classes != 2:
        raise ValueError(f"cross_entropy or mse for {classes} classes" if classes else NUMBERS)
    return np.asarray(labels, dtype=float)[:, None]


def log_softmax(h: Array) -> Array:
    """log(softmax(h)) = h - log(sum(exp(h))) over the last axis; h is shifted first, so that exp cannot overflow."""
    shifted: Array = h - h.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def softmax(h: Array) -> Array:
    """exp(h) / sum(exp(h)) over the last axis, safe for large h."""
    e = np.moveaxis(h, -1, 0).copy()  # NumPy reduces a short first axis three times as fast as a short last one
    e -= e.max(axis=0)
    np.exp(e, out=e)
    e /= e.sum(axis=0)
    return np.moveaxis(e, 0, -1)


def _log_prior(target: Array) -> Array:
    with np.errstate(divide="ignore"):  # the log-probability of a class without examples is -inf
        return np.asarray(np.log(target.mean(axis=0)))


LOSSES: dict[str, Loss] = {
    # 1/2 (h - o)^2 as in the notes, summed over the outputs
    "mse": Loss(
        value=lambda h, o: 0.5 * np.square(h - o).sum(axis=-1),
        gradient=lambda h, o: h - o,
        targets=one_hot,
        best_constant=lambda o: o.mean(axis=0),
    ),
    # -y log(sigma(h)) - (1 - y) log(1 - sigma(h)); the form log(1 + exp(h)) - y h would lose digits for large h
    "bce": Loss(
        value=lambda h, y: (y * np.logaddexp(0, -h) + (1 - y) * np.logaddexp(0, h)).sum(axis=-1),
        gradient=lambda h, y: sigmoid(h) - y,
        targets=binary_targets,
        best_constant=lambda y: _log_prior(y) - _log_prior(1 - y),
    ),
    # -sum_k y_k log(softmax(h)_k)
    "cross_entropy": Loss(
        value=lambda h, y: -(y * log_softmax(h)).sum(axis=-1),
        gradient=lambda h, y: softmax(h) - y,
        targets=class_targets,
        best_constant=_log_prior,
    ),
}


def constant_predictor_loss(loss: Loss, target: Array) -> float:
    """The loss of the best constant output: the lowest loss of a network that ignores its input."""
    h = np.clip(loss.best_constant(target), -1e9, 1e9)  # so that the mean has no 0 * inf
    return float(loss.value(h[None, None, :], target[None]).mean())


def accuracy(h: Array, target: Array) -> NDArray[np.float64]:
    """The share of examples with the right class, (R,). With one output, h > 0 means class 1."""
    if target.shape[-1] == 1:
        right = ((h > 0) == (target > 0.5))[..., 0]
    else:
        right = h.argmax(axis=-1) == target.argmax(axis=-1)
    # NaN would count as a wrong answer; a network with an output that is not finite has no accuracy.
    return np.where(np.isfinite(h).all(axis=(1, 2)), right.mean(axis=1), np.nan)
