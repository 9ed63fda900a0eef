"""The user's own activation, initializer or file of weights, checked before anything trains."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.npz import load_npz
from mlpstudy.data.splits import digest_of
from mlpstudy.errors import ConfigError
from mlpstudy.importing import load, without_exit
from mlpstudy.network.activations import Activation
from mlpstudy.network.initializers import Initializer, Shape, Weights

Float64 = NDArray[np.float64]

STEP = 1e-6  # step size of the central differences
TOLERANCE = 1e-4  # largest error of a derivative, relative to 1 + |g'|; central differences are exact to about 1e-9
GRID = np.linspace(-8, 8, 801) + 0.00317  # avoids round numbers, at which kinks are most likely
BISECTIONS = 50  # of a grid interval, until its ends are neighbouring floating-point numbers
JUMP, MOST_KINKS = 1e-6, 32  # the rounding of a smooth function is far smaller
WIDE = np.linspace(-1e4, 1e4, 200_001)

HOW = (
    "given, as module:name of a function of z "
    "(or let activation.function name a record: mlpstudy.Activation(g=..., dg=...))"
)


@dataclass(frozen=True)
class _Elementwise:
    """A function of the user, and where it was named. Raises ConfigError unless it gives a number for each z."""

    function: Callable[..., Any]
    key: str
    path: str | None

    def __call__(self, z: Float64) -> Float64:
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(self.function(z), dtype=np.float64)
        except Exception as error:  # the user's function can raise anything
            rule = f"a function of an array z ({type(error).__name__}: {error})"
            raise ConfigError(self.key, rule, self.path) from error
        if values.shape != z.shape:
            rule = f"elementwise: {z.size} values for {z.size} z, not shape {values.shape}"
            raise ConfigError(self.key, rule, self.path)
        return values


def activation(function: str | None, derivative: str | None) -> Activation:
    """The user's Activation record, or a record made of g and g' with measured properties; g' is checked on a grid."""
    given = load("activation.function", function)
    if isinstance(given, Activation):
        if derivative is not None:
            raise ConfigError("activation.derivative", "null where activation.function names a record", derivative)
        given = replace(given, g=without_exit(given.g), dg=without_exit(given.dg))
        g, dg = (_Elementwise(f, "activation.function", function) for f in (given.g, given.dg))
        _check_derivative(g, dg, given.kinks)
        return given
    if derivative is None:
        raise ConfigError("activation.derivative", HOW, None)
    g = _Elementwise(given, "activation.function", function)
    dg = _Elementwise(load("activation.derivative", derivative), "activation.derivative", derivative)
    for f in (g, dg):
        f(GRID)  # this refuses objects that are not functions, which the cache of _made could not handle
    return _made(g, dg)


@functools.cache  # all cells of a sweep share one record, so the theory of it is computed once
def _made(g: _Elementwise, dg: _Elementwise) -> Activation:
    kinks = _kinks(g, dg)
    _check_derivative(g, dg, kinks)
    values = g(WIDE)
    near = values[np.abs(WIDE) <= WIDE[-1] / 10]
    bounded = np.isfinite(values).all() and np.ptp(values) <= 1.01 * np.ptp(near)  # it grows no more
    return Activation(
        g=lambda z: np.asarray(g.function(z), dtype=z.dtype),
        dg=lambda z: np.asarray(dg.function(z), dtype=z.dtype),
        range=(float(values.min()), float(values.max())) if bounded else (-inf, inf),
        sup_dg=float(np.abs(dg(GRID)).max()) or 1.0,
        kinks=kinks,
    )


def _kinks(*functions: _Elementwise) -> tuple[float, ...]:
    """The z in [-8, 8] at which g or g' jumps, that is, differs between two neighbouring floating-point numbers."""
    kinks: set[float] = set()
    for f in functions:
        low, high = GRID[:-1], GRID[1:]
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            at_low, at_middle, at_high = f(low), f(middle), f(high)
            left = np.abs(at_middle - at_low) > np.abs(at_high - at_middle)
            low, high = np.where(left, low, middle), np.where(left, middle, high)
        above, below = f(high), f(low)
        jumps = np.abs(above - below) > JUMP * (1 + np.abs(above) + np.abs(below))
        kinks |= {round(float(z), 12) + 0.0 for z in high[jumps]}
    return tuple(sorted(kinks)) if len(kinks) <= MOST_KINKS else ()  # more than that are noise, not kinks


def _check_derivative(g: _Elementwise, dg: _Elementwise, kinks: tuple[float, ...]) -> None:
    z = GRID[np.abs(GRID[:, None] - np.array([*kinks, inf])).min(axis=1) > 2 * STEP]
    given, expected = dg(z), (g(z + STEP) - g(z - STEP)) / (2 * STEP)
    off = np.abs(given - expected) / (1 + np.abs(expected))
    worst = int(np.argmax(np.where(np.isfinite(off), off, inf)))
    if not off[worst] <= TOLERANCE:
        rule = (
            f"the derivative of g: at z = {z[worst]:.4g} it gives {given[worst]:.6g}, "
            f"central differences of g give {expected[worst]:.6g}"
        )
        raise ConfigError(dg.key, rule, dg.path)


def initializer(function: str | None) -> Initializer:
    """The user's function (rng, shape) -> W, which then raises ConfigError if its result is not such a matrix."""
    draws = load("init.function", function)
    if not callable(draws):
        raise ConfigError("init.function", "a function (rng, shape) -> W", function)

    @functools.wraps(draws)
    def checked(rng: np.random.Generator, shape: Shape, **asked_for: Any) -> tuple[Float64, Float64]:
        fan_out, fan_in = shape
        try:
            drawn = draws(rng, shape, **asked_for)
            W, b = drawn if isinstance(drawn, tuple) else (drawn, np.zeros(fan_out))
            W, b = np.asarray(W, dtype=np.float64), np.asarray(b, dtype=np.float64)
        except Exception as error:  # the user's function can raise anything
            reason = f"a function (rng, shape) -> W ({type(error).__name__}: {error})"
            raise ConfigError("init.function", reason, function) from error
        expected = (("weights", "(fan_out, fan_in)", (fan_out, fan_in), W), ("biases", "(fan_out,)", (fan_out,), b))
        for name, letters, wanted, array in expected:
            if array.shape != wanted or not np.isfinite(array).all():
                rule = f"a function that returns finite {name} of shape {letters} = {wanted}, not {array.shape}"
                raise ConfigError("init.function", rule, function)
        return W, b

    return checked


@functools.lru_cache(maxsize=4)
def archive(path: str) -> Mapping[str, NDArray[Any]]:
    """The arrays of a file of weights."""
    return load_npz("init.path", path, "of W1, b1, W2, ...")


@functools.lru_cache(maxsize=4)
def weights_digest(path: str) -> str:
    """Follows from the names and the arrays of a file of weights."""
    arrays = archive(path)
    return digest_of(np.frombuffer(" ".join(sorted(arrays)).encode(), np.uint8), *(arrays[n] for n in sorted(arrays)))


def from_file(
    rng: np.random.Generator, shape: Shape, *, path: str, layer: int, replica: int
) -> tuple[Weights, Weights]:
    """W1, b1, W2, ... of an .npz file such as `weights_final.npz` of a run; a missing bias is 0.

    Each is one array for all replicas, or has a leading axis with at least as many replicas as are trained.
    """
    file = archive(path)

    def array(name: str, wanted: tuple[int, ...]) -> Weights:
        kept = file[name]
        one = kept[replica] if kept.ndim > len(wanted) and replica < len(kept) else kept
        if one.shape != wanted:
            rule = f"an .npz whose {name} (layer {layer}) has shape {wanted}, not {kept.shape}"
            raise ConfigError("init.path", rule, path)
        if not (np.issubdtype(one.dtype, np.number) and np.isfinite(one).all()):
            raise ConfigError("init.path", f"an .npz whose {name} (layer {layer}) holds finite numbers", path)
        return one.astype(np.float64)

    if f"W{layer}" not in file:
        raise ConfigError("init.path", f"an .npz with W{layer} (it has {', '.join(sorted(file))})", path)
    bias = array(f"b{layer}", shape[:1]) if f"b{layer}" in file else np.zeros(shape[0])
    return array(f"W{layer}", shape), bias
