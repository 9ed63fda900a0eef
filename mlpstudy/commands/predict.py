"""`python -m mlpstudy.predict activation=gelu init.sigma_b=0.1`: the predictions of theory, without any training."""

import math
import sys
from collections.abc import Sequence

import numpy as np
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from mlpstudy import terminal, theory
from mlpstudy.cells.before import before_training
from mlpstudy.cells.cell import Cell, names
from mlpstudy.commands import printed
from mlpstudy.compose import SETTINGS_ERRORS, cells, one_line, wrapped
from mlpstudy.display import console
from mlpstudy.foresight.forecast import LOWER
from mlpstudy.network.activations import Activation
from mlpstudy.palette import VERDICT_COLOURS


def main(arguments: Sequence[str]) -> int:
    """Print what is foreseen of the cells, then gains, fixed points and the edge of chaos of their activations."""
    terminal.endure()
    try:
        if not printed.instead(arguments):
            show(cells(arguments))
    except SETTINGS_ERRORS as error:
        print(wrapped(f"mlpstudy: {one_line(error)}"), file=sys.stderr)
        return 1
    return 0


def show(cells: Sequence[Cell]) -> None:
    """Print it."""
    out = console()
    out.print(outcomes(cells))
    configs = [cell.config for cell in cells]
    different = {(c.activation_name, float(c.flat["init.sigma_b"])): c.activation for c in configs}
    for (name, sigma_b), activation in different.items():
        out.print(f"{name} in infinitely wide networks, sigma_b = {sigma_b:g}")
        out.print(f"gain that keeps unit variance, 1 / sqrt(E[g(x)^2]): {theory.gain(activation):.4f}")
        out.print(table(activation, sigma_b))
        out.print(edge(activation, sigma_b), soft_wrap=True)


def outcomes(cells: Sequence[Cell]) -> Table:
    """A row for each cell: what would come of its training."""
    rows = Table(title="Foreseen, without training", title_justify="left", box=SIMPLE)
    rows.add_column("cell", overflow="fold")
    for heading in ("verdict", "outcome"):
        rows.add_column(heading, no_wrap=True)
    for heading in (f"epochs to {LOWER:.0%} lower loss", "largest lr"):
        rows.add_column(heading, justify="right", max_width=12)
    rows.add_column("reason")
    for name, cell in zip(names(cells), cells, strict=True):
        verdict, outcome, _, _, epochs, largest, reason, _ = before_training(cell.config).row.values()
        coloured = Text(str(verdict), VERDICT_COLOURS.get(str(verdict), ""))
        rows.add_row(name, coloured, str(outcome), short(epochs), short(largest), Text(str(reason), "dim"))
    return rows


def short(value: str | float) -> str:
    """Two digits: 0.12, 130, 2.6e+15."""
    value = float(value)
    return f"{float(f'{value:.2g}'):.0f}" if 100 <= value < 1e5 else f"{value:.2g}"


def table(activation: Activation, sigma_b: float) -> Table:
    """A row for each common initializer, and one for the critical point if there is one."""
    rows = Table(box=SIMPLE)
    for heading in ("initializer", "sigma_w", "q*", "chi", "c*", "gradients", "trainable depth"):
        rows.add_column(heading, justify="left" if heading in ("initializer", "gradients") else "right")
    for row in theory.outlooks(activation, sigma_b):
        c = "-" if math.isnan(row.c) else f"{row.c:.4f}"
        depth = "any" if math.isinf(row.depth) else f"{row.depth:.0f}"
        rows.add_row(row.initializer, f"{row.sigma_w:.4f}", f"{row.q:.4g}", f"{row.chi:.4f}", c, row.gradients, depth)
    return rows


def edge(activation: Activation, sigma_b: float) -> str:
    """The critical point, or the reason why there is none."""
    try:
        with np.errstate(all="ignore"):  # the user's own function may overflow at large q
            point = theory.critical(activation, sigma_b)
    except theory.NoCriticalPoint as reason:
        return f"No critical point: {reason}."
    return f"Edge of chaos: sigma_w = {point.sigma_w:.5f} (sigma_w^2 = {point.sigma_w**2:.5f}), q* = {point.q:.5f}."
