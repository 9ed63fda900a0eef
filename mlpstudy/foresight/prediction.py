"""What theory predicts before training, from initial weights and data."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlpstudy import theory
from mlpstudy.foresight.ensembles import GROUPS, Pairs, ensemble, is_random
from mlpstudy.measure.verdict import Thresholds, Verdict, judge
from mlpstudy.network.activations import SATURATED_SLOPE, Activation, Array
from mlpstudy.network.losses import Loss
from mlpstudy.network.mlp import Layers
from mlpstudy.theory import Ensemble, Profile

DRAWS = 512  # random outputs in a Monte Carlo mean
CHANCE = 0.3  # measured with tanh and erf at 100 times their usual scale


@dataclass(frozen=True)
class Prediction:
    """Mean field theory of one cell at initialization."""

    ensemble: Ensemble
    profile: Profile
    jacobian: tuple[float, float] | None  # as in the profile; None if the output layer is not random
    verdict: Verdict
    pairs: Pairs
    seen: NDArray[np.bool_]  # (batch,): false for an example that is all 0, which theory cannot follow

    def squared_gradients(self, errors: NDArray[np.float64]) -> NDArray[np.float64]:
        """|dJ/dW[l]|^2 and |dJ/db[l]|^2 of a typical network, (2L,), for these dJ/dh of the examples, (batch, n_L)."""
        errors = errors[self.seen]
        parts = self.profile.typical_kernel.squared_gradients(self.pairs.means(errors @ errors.T), len(errors))
        return np.maximum(np.stack(parts, axis=1).ravel(), 0.0)


def predict(
    layers: Layers, activation: Activation, loss: Loss, x: Array, y: Array, thresholds: Thresholds
) -> Prediction | None:
    """The prediction for drawn weights (R replicas), probe inputs x (batch, n_0) and targets y (batch, n_L).

    None if mean field theory does not apply. This is so without hidden layers, and if the weights or biases of a hidden
    layer are not independent random numbers of mean 0 (constant, identical, zero, sparse or identity matrices). It is
    also so if the user's own activation is not finite at the predicted scale of z, and if few units or none pass a
    gradient on, which alone would decide the verdict.
    """
    seen = np.asarray(x.any(axis=1))
    x, y = x[seen], y[seen]
    if len(layers) < 2 or len(x) < 2 or not all(is_random(W, b) for W, b in layers[:-1]):
        return None
    e = ensemble(layers, x, y)
    if not (e.weight_variance > 0).all() or not (e.second_moment > 0).all():
        return None
    pairs = Pairs.of(x)
    with np.errstate(all="ignore"):
        profile = theory.profile(activation, e, partial(reach, loss, y), partial(products, loss, y, pairs))
        if any(np.isnan(values).any() for values in profile.typical.values()):
            return None
        last_delta = _last_delta(profile, e.sizes[-2], loss, y)
        verdict = _verdict(profile, e.sizes[1:-1], activation, thresholds, layers[0][0].dtype, last_delta)
    if verdict is None:
        return None
    return Prediction(e, profile, profile.jacobian if is_random(*layers[-1]) else None, verdict, pairs, seen)


def reach(loss: Loss, y: Array, q: float) -> float:
    """E[sum (h . dJ/dh)^2 / q sum |dJ/dh|^2] - 1 of an output h ~ N(0, q), sums over targets y (batch, n_L).

    It is 0 if the errors dJ/dh do not depend on the output, and larger the more they point along it. It is computed by
    Monte Carlo, with the same output for all examples, since deep networks give similar outputs to all of them.
    """
    targets, counts = np.unique(y, axis=0, return_counts=True)
    unit = np.random.default_rng(0).normal(size=(DRAWS, 1, y.shape[1]))
    dh = loss.gradient(np.sqrt(q) * unit, targets[None])
    along, whole = np.square((unit * dh).sum(axis=-1)) @ counts, np.square(dh).sum(axis=-1) @ counts
    known = whole > 0  # 0 if every output is right up to rounding
    return float((along[known] / whole[known]).mean() - 1) if known.any() else 0.0


def products(loss: Loss, y: Array, pairs: Pairs, output: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean e . e' of two samples with e = dJ/dh, in each group of pairs, (P + 1,), for random outputs h.

    output (P + 1,): E[h h'] of an output unit. All losses here have e = f(h) - y, so that this is
    E[f . f'] - E[f] . (y + y') + y . y', the first two by Monte Carlo.
    """
    u, v = np.random.default_rng(0).normal(size=(2, 1, DRAWS, y.shape[1]))
    c = np.clip(output / output[-1], -1, 1)[:, None, None]
    none = np.zeros_like(u)
    one = loss.gradient(np.sqrt(output[-1]) * u, none)
    other = loss.gradient(np.sqrt(output[-1]) * (c * u + np.sqrt(1 - c * c) * v), none)
    mean = one.mean(axis=(0, 1))
    y = y.astype(np.float64)
    along = y @ mean
    return np.asarray((one * other).sum(axis=-1).mean(axis=1) + pairs.means(y @ y.T - along - along[:, None]))


def _last_delta(profile: Profile, width: int, loss: Loss, y: Array) -> float:
    """Root mean square of dJ/dz in the last hidden layer, for random outputs; J is the mean loss over targets y."""
    q = profile.kernel.output[-1]
    h = np.sqrt(q) * np.random.default_rng(0).normal(size=(DRAWS, 1, y.shape[1]))
    errors = np.square(loss.gradient(h, y[None, :GROUPS])).sum(axis=-1).mean()
    return float(np.sqrt(profile.typical_kernel.of_biases[-2, -1] / width * errors) / len(y))


def _in_range(delta_rms: NDArray[np.float64], profile: Profile, dtype: np.dtype[np.floating]) -> NDArray[np.float64]:
    """These, or the largest number of this dtype where gates that are open by chance decide whether they are larger.

    Networks with few open gates have smaller gradients than their mean: by up to CHANCE decades for each layer that
    they pass, times the squared relative variance of the gates.
    """
    largest = float(np.finfo(dtype).max)
    passed = np.arange(len(delta_rms))[::-1]
    least = delta_rms * 10.0 ** (-CHANCE * profile.gates**2 * passed)
    return np.where((delta_rms > largest) & (least <= largest), largest, delta_rms)


def _verdict(
    profile: Profile,
    widths: tuple[int, ...],
    activation: Activation,
    thresholds: Thresholds,
    dtype: np.dtype[np.floating],
    last_delta: float = 1.0,
) -> Verdict | None:
    """The verdict of the typical profile, rounded to this dtype. In theory, no two units are equal.

    last_delta: root mean square of dJ/dz in the last hidden layer, to which those of the others are relative.

    If few units or none pass a gradient on, chance decides the scale of gradients: their mean comes from rare networks.
    The verdict is then that of the signals; None if these are in order.
    """
    with np.errstate(over="ignore", under="ignore"):
        absolute = {
            **profile.typical,
            "delta_rms": _in_range(last_delta * profile.typical["delta_rms"], profile, dtype),
        }
        statistics = {k: v.astype(dtype).astype(np.float64)[None] for k, v in absolute.items()}
    shape = (1, len(widths))
    given: dict[str, NDArray[np.float64]] = statistics | {
        "distinct_units": np.ones(shape),
        "inactive_fraction": np.full(shape, 0.5 if activation.inactive_side else 0.0),  # z is as often below 0 as above
        "weight_grad_rms": np.zeros(shape),
        "weight_rms": np.zeros(shape),
    }
    flat_at_0 = float(abs(activation.dg(np.zeros(1))[0]) < SATURATED_SLOPE * activation.sup_dg)
    given["dead_fraction"] = np.where(given["preactivation_std"] == 0, flat_at_0, given["dead_fraction"])  # all z are 0
    by_chance = profile.gates > 1
    if by_chance:
        given["delta_rms"] = np.ones(shape)
    verdict = judge(given, widths, activation, thresholds)
    return None if by_chance and verdict.name in ("collapsed", "healthy") else verdict
