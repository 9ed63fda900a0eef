"""One moment of training, as the statistics see it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.sums import Statistic, moments, norms
from mlpstudy.network.activations import SATURATED_SLOPE, Activation, Array
from mlpstudy.network.mlp import Gradients, Layers, Trace


@dataclass(frozen=True)
class Snapshot:
    """One moment of training: the network, its passes on the probe batch, and a step of the optimizer.

    Its properties are values that several statistics need; each is computed once.
    """

    activation: Activation
    layers: Layers  # W[l], b[l]
    trace: Trace
    gradients: Gradients
    dlayers: Layers | None  # the next step (at the end: the last step taken); None without training

    @property
    def hidden(self) -> Layers:
        """Weights and biases of the hidden layers, without the output layer."""
        return self.layers[:-1]

    @property
    def replicas(self) -> int:
        """R."""
        return len(self.trace.h)

    @cached_property
    def slopes(self) -> list[Array]:
        """g'(z[l]) of the hidden layers, (R, batch, n_l) each."""
        return [self.activation.dg(z) for z in self.trace.z[:-1]]

    @cached_property
    def flat(self) -> list[NDArray[np.bool_]]:
        """True where g is flat, that is, |g'(z)| < 0.0591 sup|g'|; (R, batch, n_l) each."""
        return [np.abs(slope) < SATURATED_SLOPE * self.activation.sup_dg for slope in self.slopes]

    @cached_property
    def z_moments(self) -> tuple[Statistic, Statistic]:
        """Mean and standard deviation of z over batch and units, (R, depth) each."""
        return moments(self.trace.z[:-1], self.replicas)

    @cached_property
    def a_moments(self) -> tuple[Statistic, Statistic]:
        """Mean and standard deviation of a over batch and units, (R, depth) each."""
        return moments(self.trace.a[1:], self.replicas)

    @cached_property
    def a_norms(self) -> list[Statistic]:
        """|a[l]| of every sample, (R or 1, batch) each, starting with the input a[0]."""
        return [norms(a) for a in self.trace.a]

    @cached_property
    def delta_norms(self) -> list[Statistic]:
        """|delta[l]| of every sample in the hidden layers, (R, batch) each."""
        return [norms(delta) for delta in self.gradients.delta[:-1]]
