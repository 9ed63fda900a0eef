"""What is to be learned beyond the best constant output, and the gradients that this task sends back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlpstudy.foresight.inputs import uncentred, unscaled
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.sums import Statistic
from mlpstudy.network.activations import Array
from mlpstudy.network.losses import Loss
from mlpstudy.network.mlp import backward

LARGEST_OUTPUT = 30.0  # of the best constant output; that of a class without examples would be infinite
STEP = 1e-4  # of a central difference
FAR = 1e6  # an output far from all targets


@dataclass(frozen=True)
class Task:
    """What is to be learned beyond the best constant output."""

    errors: NDArray[np.float64]  # (S, n_L): dJ/dh of each example at that output, of mean 0
    mean_errors: NDArray[np.float64]  # (S, n_L): mean dJ/dh of outputs of 0, in every row; it is gone at that output
    room: float  # E = mean |e|^2 / curvature
    inputs: float  # |X^T errors / S|^2: the squared gradient of a network that is x -> W x
    size: float  # root mean square of the inputs
    gain: float  # how many times larger than its inputs the outputs of a network have to be; 1 where errors are bounded
    constant_loss: float
    unscaled: str  # why the inputs are unscaled, in words; empty if they are not
    uncentred: float  # how much of the mean square of the inputs is that of their means
    bounded: bool  # whether errors stay small when the output grows, so that they cannot drive it further and further

    @staticmethod
    def of(loss: Loss, x: Array, y: Array, constant_loss: float) -> "Task":
        """That of inputs x (S, n_0) with targets y (S, n_L)."""
        x, y = x.astype(np.float64), y.astype(np.float64)
        best = np.clip(loss.best_constant(y), -LARGEST_OUTPUT, LARGEST_OUTPUT)[None, None, :]
        errors = loss.gradient(best, y[None])[0]
        errors = errors - errors.mean(axis=0)
        # the curvature can round to 0 where all examples are of one class; then there are no errors either
        room = float(np.square(errors).sum(axis=1).mean()) / max(curvature(loss, best, y), np.finfo(float).tiny)
        bounded = float(np.abs(loss.gradient(best + FAR, y[None])).max()) < FAR / 2
        size = float(np.sqrt(np.square(x).mean()))
        return Task(
            errors=errors,
            mean_errors=np.zeros_like(y) + loss.gradient(np.zeros_like(y)[None], y[None])[0].mean(axis=0),
            room=room,
            inputs=float(np.square(x.T @ errors / len(x)).sum()),
            size=size,
            gain=1.0 if bounded or not size > 0 else float(np.sqrt(np.square(errors).mean()) / size),
            constant_loss=constant_loss,
            unscaled=unscaled(x),
            uncentred=uncentred(x),
            bounded=bounded,
        )


def curvature(loss: Loss, h: Array, y: Array) -> float:
    """The largest eigenvalue of d2J/dh2 at the output h (1, 1, n_L), by central differences."""
    columns = [
        (loss.gradient(h + STEP * unit, y[:1][None]) - loss.gradient(h - STEP * unit, y[:1][None]))[0, 0] / (2 * STEP)
        for unit in np.eye(y.shape[1])
    ]
    return float(np.linalg.eigvalsh(np.array(columns)).max())


def squared_gradients(moment: Snapshot, errors: NDArray[np.float64]) -> tuple[Statistic, NDArray[np.float64]]:
    """|dJ/dW[l]|^2 and |dJ/db[l]|^2 of these errors, (R, 2L), and the numbers of parameters, (2L,)."""
    dh = (errors / len(errors)).astype(moment.trace.h.dtype)
    dh = np.broadcast_to(dh, moment.trace.h.shape)
    gradients = backward(moment.layers, moment.activation, moment.trace, dh)
    parts = [part for layer in gradients.layers for part in layer]
    squares = [np.square(part, dtype=np.float64).sum(axis=(1, 2)) for part in parts]
    return np.stack(squares, axis=1), np.array([part[0].size for part in parts], dtype=np.float64)
