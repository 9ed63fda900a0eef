"""`python -m mlpstudy.predict activation=gelu init.sigma_b=0.1`: what is foreseen of cells, without any training.

`--map FILE.png` also draws it, by default into foreseen.png.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text
from threadpoolctl import threadpool_limits

from mlpstudy import shell, terminal, theory
from mlpstudy.cells.advice import advise, may_learn
from mlpstudy.cells.before import Foreseen
from mlpstudy.cells.cell import Cell, names
from mlpstudy.cells.changes import retyped
from mlpstudy.cells.events import Failure
from mlpstudy.commands import printed
from mlpstudy.compose import SETTINGS_ERRORS, Request, one_line, progress, read, wrapped
from mlpstudy.conduct import ahead
from mlpstudy.conduct.report import LONGEST_TABLE
from mlpstudy.display import console
from mlpstudy.errors import ConfigError
from mlpstudy.network.activations import Activation
from mlpstudy.palette import VERDICT_COLOURS

MAP = "--map"
ADVISED = 5  # cells with advice; looking for it takes as long as about ten forecasts


def main(arguments: Sequence[str]) -> int:
    """Print what is foreseen of the cells, then gains, fixed points and the edge of chaos of their activations."""
    terminal.endure()
    try:
        words, path = map_of(arguments)
        if not printed.instead(words):
            show(read(words), path)
    except SETTINGS_ERRORS as error:
        progress("")
        print(wrapped(f"mlpstudy: {one_line(error)}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("mlpstudy: interrupted", file=sys.stderr)
        return 130
    return 0


def map_of(arguments: Sequence[str]) -> tuple[list[str], Path | None]:
    """The other words, and the file of `--map FILE.png` or `--map`; None if no map is asked for.

    Raises ConfigError before anything is foreseen if the file cannot be written.
    """
    words = list(arguments)
    places = [i for i, word in enumerate(words) if word.partition("=")[0] == MAP]
    if not places:
        return words, None
    name = words.pop(places[0]).partition("=")[2]
    following = "".join(words[places[0] : places[0] + 1])
    if not name and following.lower().endswith(".png") and "=" not in following:
        name = words.pop(places[0])
    path = Path(name or "foreseen.png")
    if path.suffix.lower() != ".png":
        raise ConfigError(MAP, "followed by the name of a .png, or by none", name)
    if not path.parent.is_dir() or path.is_dir():
        raise ConfigError(MAP, "a file in a folder that exists", name)
    return words, path


def show(request: Request, path: Path | None = None) -> None:
    """Print it, and draw the map."""
    out, cells = console(), request.cells
    told = ahead.foresee(cells, whole=path is not None)
    table = ahead.rows(cells, told, request.left_out)
    if len(table) <= LONGEST_TABLE:
        out.print(outcomes(table))
    else:
        out.print(f"{len(table)} cells are too many for a table here. `mlpstudy.foresee` in Python gives all of them.")
    out.print(ahead.counts(table), soft_wrap=True)
    say_what_would_help(out, cells, list(table.values()))
    if path is not None:
        out.print(draw_map(request, told, path), soft_wrap=True)
    configs = [cell.config for cell in cells]
    different = {(c.activation_name, float(c.flat["init.sigma_b"])): c.activation for c in configs}
    for (name, sigma_b), activation in different.items():
        out.print(f"\n{name} in infinitely wide networks, sigma_b = {sigma_b:g}")
        out.print(f"gain that keeps unit variance, 1 / sqrt(E[g(x)^2]): {theory.gain(activation):.4f}")
        out.print(limits(activation, sigma_b))
        out.print(edge(activation, sigma_b), soft_wrap=True)


def say_what_would_help(out: Console, cells: Sequence[Cell], rows: Sequence[Mapping[str, str | float]]) -> None:
    """Advice for the first ADVISED cells that are not expected to learn."""
    failing = [i for i, row in enumerate(rows[: len(cells)]) if row["outcome"] in ahead.EXPECTED]
    for count, index in enumerate(failing[:ADVISED], start=1):
        progress(f"looking for advice: cell {count} of {min(len(failing), ADVISED)}")
        with threadpool_limits(1):
            border = may_learn(cells[index].raw)
            found = [] if border else advise(cells[index].raw, failed=True)
        progress("")
        none = "perhaps nothing is needed: another replica's pilot learns" if border else "nothing that was tried"
        out.print(f"\nWhat would help {names(cells)[index]}: {'' if found else none}".rstrip(), soft_wrap=True)
        for one in found:
            out.print(f"  {one.text}", soft_wrap=True)
        if found:
            words = retyped(cells[index].overrides, found[0].change)
            out.print(f"  To try the first:  {shell.command('mlpstudy', *words)}", soft_wrap=True)
    if len(failing) > ADVISED:
        out.print(f"For the other {len(failing) - ADVISED} cells, call mlpstudy.advise in Python.")


def draw_map(request: Request, told: Sequence[Foreseen | Failure], path: Path) -> str:
    """Draw the map into the file, and its further pages beside it. What was written, in words."""
    from mlpstudy import run_picture

    known = zip(names(request.cells), request.cells, told, strict=True)
    pages = run_picture.foreseen_map([(n, cell, one) for n, cell, one in known if isinstance(one, Foreseen)])
    paths = [path if i == 1 else path.with_stem(f"{path.stem}-{i}") for i in range(1, len(pages) + 1)]
    for file, png in zip(paths, pages, strict=True):
        file.write_bytes(png)
    return f"Map of what is foreseen:  {', '.join(map(str, paths))}"


def outcomes(table: Mapping[str, Mapping[str, str | float]]) -> Table:
    """A row for each cell: what would come of its training."""
    rows = Table(title="Foreseen, without training", title_justify="left", box=SIMPLE)
    rows.add_column("cell", overflow="fold")
    rows.add_column("verdict", no_wrap=True)
    rows.add_column("outcome", min_width=len(ahead.BORDER))
    for heading in ("gained", "largest lr"):
        rows.add_column(heading, justify="right", no_wrap=True)
    rows.add_column("reason", overflow="fold")
    for name, row in table.items():
        verdict, outcome, reason = (str(row[key]) for key in ("verdict", "outcome", "reason"))
        if ahead.near_a_border(row):
            outcome += f"\n{ahead.BORDER}"
            reason = f"theory's rule: {row['by_theory']}, {row['reason_by_theory']}"
        elif outcome not in ("learns", "-") and row["reason_by_theory"] != "-":
            reason = str(row["reason_by_theory"])  # the cause; how far the pilot came is in its column
        gained = float(row["gained"])
        rows.add_row(
            name, Text(verdict, VERDICT_COLOURS.get(verdict, "")), outcome,
            "-" if math.isnan(gained) else f"{gained:.2f}", short(row["largest_lr"]), Text(reason, "dim"),
        )  # fmt: skip
    return rows


def short(value: str | float) -> str:
    """Two digits: 0.12, 130, 2.6e+15."""
    value = float(value)
    if math.isnan(value):
        return "-"
    return f"{float(f'{value:.2g}'):.0f}" if 100 <= value < 1e5 else f"{value:.2g}"


def limits(activation: Activation, sigma_b: float) -> Table:
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
