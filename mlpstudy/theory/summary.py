"""What theory says of an activation in infinitely wide networks, for the common initializers."""

import contextlib
import math
from dataclasses import dataclass

import numpy as np

from mlpstudy.network.activations import Activation
from mlpstudy.theory.edge import NoCriticalPoint, critical
from mlpstudy.theory.maps import LARGEST_Q, SMALLEST_Q, chi, fixed_length, fixed_point
from mlpstudy.theory.plane import TRAINABLE
from mlpstudy.theory.quadrature import gain


@dataclass(frozen=True)
class Outlook:
    """What comes of signals and gradients with weights of variance sigma_w^2 / n_in."""

    initializer: str
    sigma_w: float
    q: float  # q*, the squared length of a signal far from the input: 0 or inf if it has no limit
    chi: float  # factor of the squared gradient from layer to layer
    c: float  # c*, the correlation of two inputs far from the input; NaN if signals have no limit
    gradients: str
    depth: float  # the largest depth that a signal passes


def outlooks(activation: Activation, sigma_b: float) -> list[Outlook]:
    """One for each common initializer (layers of equal width, init.gain=1), and one for the critical point, if any."""
    he = math.sqrt(2 / (1 + activation.leak**2))
    sigmas = {"lecun, xavier, orthogonal": 1.0, "he": he, "gain": gain(activation)}
    with contextlib.suppress(NoCriticalPoint), np.errstate(all="ignore"):
        sigmas["critical"] = critical(activation, sigma_b).sigma_w
    return [_outlook(activation, name, sigma_w, sigma_b) for name, sigma_w in sigmas.items()]


def _outlook(activation: Activation, name: str, sigma_w: float, sigma_b: float) -> Outlook:
    with np.errstate(all="ignore"):  # the user's own function may overflow at large q
        point = fixed_point(activation, sigma_w, sigma_b)
        if point is None:  # signals shrink or grow without limit: use chi at that limit
            q, c = fixed_length(activation, sigma_w, sigma_b), math.nan
            limit = chi(activation, sigma_w, SMALLEST_Q if q == 0 else LARGEST_Q)
            factor = round(limit, 4)  # the limit itself is not reached
            depth = 1 / max(abs(math.log(factor)), 1e-9) if factor > 0 else 0.0
        else:
            q, factor, c = point.q, point.chi, point.c
            depth = min(abs(point.xi_c), abs(point.xi_gradient))
    fate = "keep their scale" if abs(factor - 1) < 1e-6 else "vanish" if factor < 1 else "explode"
    return Outlook(name, sigma_w, q, factor, c, fate, math.inf if depth > 1e6 else TRAINABLE * depth)
