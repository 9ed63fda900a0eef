"""Optimizers as pairs of pure functions on the flat parameters theta, (R, P), and learning rates over time.

init(theta) -> state; update(gradient, state, theta, lr) -> (step, state); then theta := theta + step. Each replica is
updated by its own gradient alone. Every optimizer takes the same steps as the one of that name in PyTorch. `merged`
takes many steps at once, as if the gradient stayed the same; only the pilot uses it. To add an optimizer: a function, a
row in OPTIMIZERS and the file `conf/optimizer/<name>.yaml`. To add a schedule: a row in SCHEDULES and the file
`conf/schedule/<name>.yaml`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, floor, pi
from typing import Any

import numpy as np

from mlpstudy.network.activations import Array


@dataclass(frozen=True)
class Merged:
    """The gradient of `steps` updates that are taken as one, (1, P), from one or two parts of its examples."""

    parts: Array  # (1 or 2, P): the gradients of both halves of the examples
    steps: int
    batches: float  # how many minibatches the examples are

    @property
    def gradient(self) -> Array:
        """Their mean, (1, P)."""
        return np.asarray(self.parts.mean(axis=0, keepdims=True))

    @property
    def square(self) -> Array:
        """The mean square of the gradient of one minibatch, whose variance is larger than that of all examples."""
        noise = np.square(np.ptp(self.parts, axis=0, keepdims=True)) / 4  # an estimate of the variance of `gradient`
        return np.asarray(np.square(self.gradient) + max(self.batches - 1, 0) * noise)


@dataclass(frozen=True)
class Optimizer:
    """How a gradient becomes a step."""

    init: Callable[[Array], Any]
    update: Callable[[Array, Any, Array, float], tuple[Array, Any]]
    merged: Callable[["Merged", Any, Array, float], tuple[Array, Any]]  # s updates by one gradient: their sum, state
    boost: float = 1.0  # with momentum: 1 / (1 - momentum), how much longer a step becomes under a constant gradient
    adaptive: bool = False  # steps have the length lr in every parameter, whatever the size of its gradient
    epsilon: float = 0.0  # if adaptive: gradients below it take shorter steps


def sgd(*, momentum: float, nesterov: bool, weight_decay: float) -> Optimizer:
    """theta := theta - lr v, v := momentum v + gradient (the notes' Algorithm 1 where momentum is 0).

    nesterov: theta := theta - lr (gradient + momentum v) (Sutskever et al. 2013). weight_decay: the gradient is
    replaced by gradient + weight_decay theta.
    """

    def update(gradient: Array, v: Any, theta: Array, lr: float) -> tuple[Array, Any]:
        if weight_decay:
            gradient = gradient + weight_decay * theta
        if not momentum:
            return -lr * gradient, v
        v = momentum * v + gradient
        return -lr * (gradient + momentum * v if nesterov else v), v

    def merged(m: Merged, v: Any, theta: Array, lr: float) -> tuple[Array, Any]:
        s, gradient = m.steps, m.gradient + weight_decay * theta
        if not momentum:
            return -lr * s * gradient, v
        once = (1 - momentum**s) / (1 - momentum)  # 1 + momentum + ... + momentum^(s - 1)
        all_v = momentum * once * v + (s - momentum * once) / (1 - momentum) * gradient
        step = s * gradient + momentum * all_v if nesterov else all_v
        return -lr * step, momentum**s * v + once * gradient

    init = np.zeros_like if momentum else lambda theta: None
    return Optimizer(init, update, merged, boost=1 / (1 - momentum))


def rmsprop(*, decay: float, epsilon: float) -> Optimizer:
    """s := decay s + (1 - decay) gradient^2, step = -lr gradient / (sqrt(s) + epsilon) (Tieleman & Hinton 2012)."""

    def update(gradient: Array, s: Array, theta: Array, lr: float) -> tuple[Array, Any]:
        s = decay * s + (1 - decay) * np.square(gradient)
        return -lr * gradient / (np.sqrt(s) + epsilon), s

    def merged(m: Merged, s: Array, theta: Array, lr: float) -> tuple[Array, Any]:
        kept = decay**m.steps
        s = kept * s + (1 - kept) * m.square
        return -lr * m.steps * m.gradient / (np.sqrt(s) + epsilon), s

    return Optimizer(np.zeros_like, update, merged, adaptive=True, epsilon=epsilon)


def adamw(*, beta1: float, beta2: float, epsilon: float, weight_decay: float) -> Optimizer:
    """step = -lr (m_hat / (sqrt(v_hat) + epsilon) + weight_decay theta) (Loshchilov & Hutter 2019).

    m, v: running means of the gradient and its square, m_hat = m / (1 - beta1^t), v_hat = v / (1 - beta2^t).
    """

    def update(gradient: Array, state: Any, theta: Array, lr: float) -> tuple[Array, Any]:
        t, m, v = state
        t += 1
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * np.square(gradient)
        step = -lr / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        return (step - lr * weight_decay * theta if weight_decay else step), (t, m, v)

    def merged(g: Merged, state: Any, theta: Array, lr: float) -> tuple[Array, Any]:
        (t, m, v), kept, kept_square = state, beta1**g.steps, beta2**g.steps
        t += g.steps
        m = kept * m + (1 - kept) * g.gradient
        v = kept_square * v + (1 - kept_square) * g.square
        step = -lr * g.steps / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        return step - lr * g.steps * weight_decay * theta, (t, m, v)

    return Optimizer(
        lambda theta: (0, np.zeros_like(theta), np.zeros_like(theta)), update, merged, adaptive=True, epsilon=epsilon
    )


def adam(*, beta1: float, beta2: float, epsilon: float) -> Optimizer:
    """adamw without weight decay (Kingma & Ba 2015)."""
    return adamw(beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=0.0)


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"sgd": sgd, "rmsprop": rmsprop, "adam": adam, "adamw": adamw}


# The share of optimizer.lr at `epoch` (a fraction is possible) of `epochs`; both count from the end of the warm-up.
SCHEDULES: dict[str, Callable[..., float]] = {
    "constant": lambda epoch, epochs: 1.0,
    "step": lambda epoch, epochs, *, every, factor: factor ** floor(epoch / every + 1e-9),  # rounding
    "cosine": lambda epoch, epochs: (1 + cos(pi * epoch / epochs)) / 2,  # Loshchilov & Hutter 2017
}


def warmed_up(schedule: Callable[..., float], warmup: float, epoch: float, epochs: float, one_step: float) -> float:
    """The share of the learning rate for the step that starts at `epoch` and takes `one_step` epochs.

    It rises linearly over the first `warmup` epochs and is 1 in the last step of them.
    """
    if epoch + one_step <= warmup:
        return (epoch + one_step) / warmup
    return schedule(max(epoch - warmup, 0.0), max(epochs - warmup, one_step))


def clip(gradient: Array, largest: float) -> Array:
    """Each replica's gradient, scaled down to norm `largest` if its norm is larger (Pascanu et al. 2013)."""
    top = np.abs(gradient).max(axis=1, keepdims=True)
    top = np.where(top > 0, top, 1)
    relative = np.sqrt(np.square(gradient / top).sum(axis=1, keepdims=True))  # norm / top: squares cannot overflow
    factor = np.minimum(1, largest / top / np.maximum(relative, 1))
    return np.asarray(gradient * factor.astype(gradient.dtype))
