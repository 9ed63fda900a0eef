"""Losses as functions of the last pre-activation h = z[L], and their gradients dJ/dh.

J is the mean over the batch. Targets are (batch, n_L): one-hot rows for classes, 0/1 for bce, values for
regression. To add one: a row in LOSSES and `conf/loss/<name>.yaml`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.activations import Array, sigmoid
from mlpstudy.data import Data
from mlpstudy.errors import ConfigError


@dataclass(frozen=True)
class Loss:
    """Per-example loss and its gradient with respect to h, both of shape (R, batch, ...)."""

    value: Callable[[Array, Array], Array]  # (h, target) -> (R, batch)
    gradient: Callable[[Array, Array], Array]  # (h, target) -> (R, batch, n_L), of one example's loss
    targets: Callable[[Data, NDArray[np.generic]], Array]  # labels -> targets; raises where they do not fit
    best_constant: Callable[[Array], Array]  # targets -> the constant h of smallest loss, (n_L,)


def one_hot(data: Data, y: NDArray[np.generic]) -> Array:
    """Rows of the identity: class c becomes e_c. Values of a regression stay as they are."""
    return np.eye(data.classes)[y] if data.classes else np.asarray(y, dtype=float)


def class_targets(data: Data, y: NDArray[np.generic]) -> Array:
    """One-hot rows; only for classes."""
    if not data.classes:
        raise ConfigError("loss", f"mse for data={data.name}, whose targets are values", "cross_entropy")
    return one_hot(data, y)


def binary_targets(data: Data, y: NDArray[np.generic]) -> Array:
    """One 0/1 column; only for two classes."""
    if data.classes != 2:
        kind = f"{data.classes} classes" if data.classes else "values"
        raise ConfigError("loss", f"cross_entropy or mse for data={data.name}, which has {kind}", "bce")
    return np.asarray(y, dtype=float)[:, None]


def log_softmax(h: Array) -> Array:
    """Log of softmax, h - log(sum(exp(h))), over the last axis; shifted first, so that large h cannot cancel."""
    shifted: Array = h - h.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def softmax(h: Array) -> Array:
    """exp(h) / sum(exp(h)) over the last axis, safe for large h."""
    e: Array = np.exp(h - h.max(axis=-1, keepdims=True))
    e /= e.sum(axis=-1, keepdims=True)
    return e


def _log_prior(target: Array) -> Array:
    with np.errstate(divide="ignore"):  # a class absent from the sample has log-probability -inf
        return np.asarray(np.log(target.mean(axis=0)))


LOSSES: dict[str, Loss] = {
    # J = 1/2 (h - o)^2 as in the notes, summed over outputs
    "mse": Loss(
        value=lambda h, o: 0.5 * np.square(h - o).sum(axis=-1),
        gradient=lambda h, o: h - o,
        targets=one_hot,
        best_constant=lambda o: o.mean(axis=0),
    ),
    # -y log(sigma(h)) - (1 - y) log(1 - sigma(h)); log(1 + exp(h)) - y h would cancel where h is large
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
    """The loss of the best constant output: what a network reaches that learns nothing of its input."""
    h = np.clip(loss.best_constant(target), -1e9, 1e9)  # keeps 0 * inf out of the mean
    return float(loss.value(h[None, None, :], target[None]).mean())


def accuracy(h: Array, target: Array) -> NDArray[np.float64]:
    """Share of examples whose predicted class is the target's, (R,); one output means the class h > 0."""
    if target.shape[-1] == 1:
        right = ((h > 0) == (target > 0.5))[..., 0]
    else:
        right = h.argmax(axis=-1) == target.argmax(axis=-1)
    # NaN compares as a wrong answer here; a network without finite outputs has no accuracy at all.
    return np.where(np.isfinite(h).all(axis=(1, 2)), right.mean(axis=1), np.nan)
