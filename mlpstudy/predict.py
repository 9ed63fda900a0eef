"""`python -m mlpstudy.predict activation=gelu init.sigma_b=0.1`: the predictions of theory, without any training."""

import contextlib
import math
import sys
from collections.abc import Sequence

import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from mlpstudy import theory
from mlpstudy.compose import SETTINGS_ERRORS, cells, one_line
from mlpstudy.display import console
from mlpstudy.network.activations import Activation

# sigma_w of the common initializers in layers of equal width, before init.gain
COMMON = {"lecun, xavier, orthogonal": 1.0, "he": math.sqrt(2)}


def main(arguments: Sequence[str]) -> int:
    """Print gains, fixed points and the edge of chaos of one activation and init.sigma_b."""
    try:
        asked_for = cells(arguments)
    except SETTINGS_ERRORS as error:
        print(f"mlpstudy: {one_line(error)}", file=sys.stderr)
        return 1
    for cell in asked_for:
        activation, sigma_b = cell.config.activation, float(cell.config.flat["init.sigma_b"])
        out = console()
        out.print(f"{cell.config.activation_name}, sigma_b = {sigma_b:g}")
        out.print(f"gain that keeps unit variance, 1 / sqrt(E[g(x)^2]): {theory.gain(activation):.4f}")
        with np.errstate(all="ignore"):  # the user's own function may overflow at large q
            found, critical = table(activation, sigma_b), edge(activation, sigma_b)
        out.print(found)
        out.print(critical, soft_wrap=True)
    return 0


def table(activation: Activation, sigma_b: float) -> Table:
    """A row for each common initializer, and one for the critical point if there is one."""
    rows = dict(COMMON) | {"gain": theory.gain(activation)}
    with contextlib.suppress(theory.NoCriticalPoint):  # `edge` prints the reason below the table
        rows["critical"] = theory.critical(activation, sigma_b).sigma_w
    found = Table(box=SIMPLE)
    for heading in ("initializer", "sigma_w", "q*", "chi", "c*", "gradients", "trainable depth"):
        found.add_column(heading, justify="left" if heading in ("initializer", "gradients") else "right")
    for name, sigma_w in rows.items():
        point = theory.fixed_point(activation, sigma_w, sigma_b)
        if point is None:  # signals shrink or grow without limit: use chi at that limit
            q = theory.fixed_length(activation, sigma_w, sigma_b)
            limit = theory.chi(activation, sigma_w, theory.SMALLEST_Q if q == 0 else theory.LARGEST_Q)
            chi, c = round(limit, 4), "-"  # rounded, since the limit itself is not reached
            depth = 1 / max(abs(math.log(chi)), 1e-9) if chi > 0 else 0.0
        else:
            q, chi, c = point.q, point.chi, f"{point.c:.4f}"
            depth = min(abs(point.xi_c), abs(point.xi_gradient))
        fate = "keep their scale" if abs(chi - 1) < 1e-6 else "vanish" if chi < 1 else "explode"
        through = "any" if depth > 1e6 else f"{theory.TRAINABLE * depth:.0f}"
        found.add_row(name, f"{sigma_w:.4f}", f"{q:.4g}", f"{chi:.4f}", c, fate, through)
    return found


def edge(activation: Activation, sigma_b: float) -> str:
    """The critical point, or the reason why there is none."""
    try:
        point = theory.critical(activation, sigma_b)
    except theory.NoCriticalPoint as reason:
        return f"No critical point: {reason}."
    return f"Edge of chaos: sigma_w = {point.sigma_w:.5f} (sigma_w^2 = {point.sigma_w**2:.5f}), q* = {point.q:.5f}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
