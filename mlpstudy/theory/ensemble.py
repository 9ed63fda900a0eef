"""What theory needs to know about networks and their data."""

from dataclasses import dataclass

import numpy as np

from mlpstudy.theory.quadrature import Float64


@dataclass(frozen=True)
class Ensemble:
    """Sizes and moments of weights and data; layer l = 1..L is at index l - 1."""

    sizes: tuple[int, ...]  # n_0, ..., n_L
    weight_variance: Float64  # (L,): E[W[l]^2]
    bias_variance: Float64  # (L,): E[b[l]^2]
    freedom: Float64  # (L,): 1 if the entries of W[l] are independent, 0 if W[l] is orthogonal
    second_moment: Float64  # (S,): mean(x_i^2) of each sample
    correlation: Float64  # (P,): mean cosine of two inputs, for groups of equally many pairs
    alignment: Float64  # (P,): squared cosine of the two errors dJ/dh, in the same groups

    @property
    def sigma_w(self) -> Float64:
        """sqrt(n_in E[W^2]) of each layer, (L,)."""
        return np.sqrt(np.array(self.sizes[:-1]) * self.weight_variance)

    def bound(self, i: int, backward: bool = False) -> float:
        """How far W[i + 1], or its transpose, keeps lengths: 1 if orthogonal, 0 if its entries are independent."""
        larger = self.sizes[i + 1] / self.sizes[i]
        return (1 - float(self.freedom[i])) * min(1.0, 1 / larger if backward else larger)
