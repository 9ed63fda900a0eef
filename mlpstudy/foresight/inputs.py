"""Whether inputs have the scale that initializers are made for, which is 1 in every column."""

import numpy as np

from mlpstudy.network.activations import Array

LARGE, SMALL = 10.0, 0.1  # root mean squares: of the largest column, and of all columns
USUAL = "(1 is usual)"


def unscaled(x: Array) -> str:
    """Why the inputs x (S, n_0) are unscaled, in words; empty if they are not."""
    sizes = np.sqrt(np.square(x, dtype=np.float64).mean(axis=0))
    whole = float(np.sqrt(np.square(sizes).mean()))
    if not whole > 0:
        return "all are 0"
    column = int(sizes.argmax())
    if sizes[column] > LARGE:
        return _large(np.abs(x).max(axis=0).astype(np.float64), sizes, column)
    return f"all have a root mean square of {whole:.2g} {USUAL}" if whole < SMALL else ""


def _large(tops: Array, sizes: Array, column: int) -> str:
    """Words on large inputs: how large they are, and, in columns of very different size, where."""
    least = int(np.where(sizes > 0, sizes, np.inf).argmin())
    if len(sizes) <= 20 and sizes[column] > LARGE * sizes[least]:
        return (
            f"column {column + 1} goes up to {tops[column]:.3g} and column {least + 1} to {tops[least]:.3g}, with root "
            f"mean squares of {sizes[column]:.2g} and {sizes[least]:.2g} {USUAL}"
        )
    return (
        f"values go up to {tops.max():.3g}, with a root mean square of {np.sqrt(np.square(sizes).mean()):.2g} {USUAL}"
    )


def uncentred(x: Array) -> float:
    """How much of the mean square of the inputs x (S, n_0) is that of their means: 0 if centred, 1 if all are alike."""
    x = x.astype(np.float64)
    whole = float(np.square(x).mean())
    return float(np.square(x.mean(axis=0)).mean()) / whole if whole > 0 else 0.0
