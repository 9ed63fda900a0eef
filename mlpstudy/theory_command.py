"""What `python -m mlpstudy.predict` prints: the predictions of theory, without any training."""

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
        out.print(table(activation, sigma_b))
        out.print(edge(activation, sigma_b), soft_wrap=True)
    return 0


def table(activation: Activation, sigma_b: float) -> Table:
    """A row for each common initializer, and one for the critical point if there is one."""
    found = Table(box=SIMPLE)
    for heading in ("initializer", "sigma_w", "q*", "chi", "c*", "gradients", "trainable depth"):
        found.add_column(heading, justify="left" if heading in ("initializer", "gradients") else "right")
    for row in theory.outlooks(activation, sigma_b):
        c = "-" if math.isnan(row.c) else f"{row.c:.4f}"
        depth = "any" if math.isinf(row.depth) else f"{row.depth:.0f}"
        found.add_row(row.initializer, f"{row.sigma_w:.4f}", f"{row.q:.4g}", f"{row.chi:.4f}", c, row.gradients, depth)
    return found


def edge(activation: Activation, sigma_b: float) -> str:
    """The critical point, or the reason why there is none."""
    try:
        with np.errstate(all="ignore"):  # the user's own function may overflow at large q
            point = theory.critical(activation, sigma_b)
    except theory.NoCriticalPoint as reason:
        return f"No critical point: {reason}."
    return f"Edge of chaos: sigma_w = {point.sigma_w:.5f} (sigma_w^2 = {point.sigma_w**2:.5f}), q* = {point.q:.5f}."
