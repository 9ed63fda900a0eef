"""What `import mlpstudy` offers a notebook or a script: run a sweep, foresee it, read theory. See docs/notebook.md."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
from threadpoolctl import threadpool_limits

from mlpstudy import interrupts, terminal, theory
from mlpstudy.cells import advice
from mlpstudy.cells.cell import names
from mlpstudy.compose import SETTINGS_ERRORS, Request, one_line, read
from mlpstudy.conduct import ahead, sweep
from mlpstudy.settings import from_python

if TYPE_CHECKING:
    from mlpstudy.tracking.run import Runs


def run(**settings: Any) -> "Runs":
    """Run a sweep, as `python -m mlpstudy` does, and return its runs.

    run(init=["xavier", "he"], activation="tanh", depth=[5, 20]) trains all combinations of the values. A setting has
    the name that it has on the command line, or the last part of it if that is unique (depth, lr, epochs); with dots,
    write run(**{"init.scale": 0.1}). also=[dict(init="he")] adds grids, each with its settings in place of the others.
    Cells that are done are not trained again. Raises ValueError for a setting that is wrong.
    """
    from mlpstudy.tracking.reading import load_runs

    with terminal.enduring():
        request = _request(settings)
        swept = sweep.sweep_of(request.cells, request.left_out)
    tracking = request.cells[0].raw["tracking"]
    return load_runs(tracking["uri"], sweep=swept.name, experiment=tracking["experiment"])


def predict(**settings: Any) -> pd.DataFrame:
    """What theory says of an activation in infinitely wide networks: a table with a row for each common initializer.

    predict(activation="gelu", sigma_b=0.1); the same as `python -m mlpstudy.predict`. Columns: sigma_w, q (q*), chi,
    c (c*), gradients, depth (the largest depth that a signal passes; inf for any). Several values give all tables.
    """
    tables = []
    for cell in _request(settings).cells:
        sigma_b = float(cell.config.flat["init.sigma_b"])
        rows = pd.DataFrame(theory.outlooks(cell.config.activation, sigma_b))
        rows.insert(0, "sigma_b", sigma_b)
        rows.insert(0, "activation", cell.config.activation_name)
        tables.append(rows)
    return pd.concat(tables).drop_duplicates(ignore_index=True)


def foresee(**settings: Any) -> pd.DataFrame:
    """What would come of cells, before any training: a table with a row for each.

    foresee(init=["xavier", "he"], depth=[5, 20], lr=0.1); the same as `python -m mlpstudy.predict`. Columns: the
    verdict by theory, the outcome by the pilot and that by theory's rule, how much of what can be learned is gained,
    the epochs to a loss 5 % below that of the best constant output, the largest learning rate with which it may learn,
    and both reasons. A cell that cannot be has the outcome `cannot be`, one that ended with an error `failed`.
    A notebook shows the reasons whole; `print(table.to_string())` does so in a script.
    """
    request = _request(settings)
    with terminal.enduring(), interrupts.heeded():
        rows = ahead.rows(request.cells, ahead.foresee(request.cells), request.left_out)
    return Foresight(pd.DataFrame.from_dict(rows, orient="index").rename_axis("cell"))


def advise(**settings: Any) -> pd.DataFrame:
    """What would help cells that are not expected to learn: a row for each piece of advice, the smallest change first.

    advise(activation="sigmoid", depth=20). Columns: the words of the change, why it helps, and how much of what can be
    learned its pilots gain. There is no row for a cell that is expected to learn, nor for one that nothing helps.
    """
    cells = _request(settings).cells
    with terminal.enduring(), threadpool_limits(1):
        rows = [
            {"cell": name, "change": " ".join(one.change.words), "reason": one.change.reason, "gained": one.gained}
            for name, cell in zip(names(cells), cells, strict=True)
            for one in advice.advise(cell.raw)
        ]
    return Foresight(pd.DataFrame(rows, columns=["cell", "change", "reason", "gained"]).set_index("cell"))


class Foresight(pd.DataFrame):  # type: ignore[misc]  # pandas has no types
    """A table of what is foreseen, which a notebook shows with its sentences whole."""

    def _repr_html_(self) -> str | None:
        with pd.option_context("display.max_colwidth", None):
            shown: str | None = super()._repr_html_()
        return shown


def _request(settings: Mapping[str, Any]) -> Request:
    with terminal.enduring():
        try:
            return read(from_python.words(settings))
        except SETTINGS_ERRORS as error:
            raise ValueError(one_line(error)) from None
