"""The table of all cells: one row for each, with a number to sort by where there is one."""

from collections.abc import Sequence
from math import isfinite, nan
from typing import Any
from urllib.parse import quote, urlsplit

from mlpstudy.foresight.agreement import forecast
from mlpstudy.tracking.run import Run
from reports.drawing.words import LABELS, NONE, gained, is_number, outcome_in_full, plain, predicted, score

MLFLOW_UI = "http://127.0.0.1:5000"  # the address of `python -m mlflow ui`


def datum(
    heading: str, text: str, value: float | None = None, is_verdict: bool = False, first: bool = False
) -> dict[str, Any]:
    """What one cell of the table tells.

    value: what it is sorted by, if that is not the text; what is unknown comes last. is_verdict: drawn with its sign.
    first: at the top on a phone, where each row is a card.
    """
    unknown = (text == NONE and not is_verdict) or (value is not None and not isfinite(value))
    number = float(text) if value is None and is_number(text) else value
    return {
        "heading": heading,
        "text": NONE if unknown else text,
        "unknown": unknown,
        "is_verdict": is_verdict,
        "sorted_by": "" if unknown else number,  # None: by its text
        "classes": " ".join(["first"] * first + ["number"] * (number is not None and not unknown)),
    }


def table(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Headings, and one row for each cell, without columns that are empty or that have the same number in all rows."""
    heading = " or ".join(dict.fromkeys(score(run)[0] for run in runs))
    rows = [data(run, names, key, heading) for run, key in zip(runs, keys, strict=True)]
    same = {i for i, values in enumerate(zip(*keys, strict=True)) if alike(values)}  # settings are the first columns
    empty = {i for i, column in enumerate(zip(*rows, strict=True)) if all(cell["unknown"] for cell in column)}
    rows = [[cell for i, cell in enumerate(row) if i not in same | empty] for row in rows]
    return {
        "headings": [cell["heading"] for cell in rows[0]],
        "rows": [
            {"name": run.name, "verdict": run.tags["verdict"], "link": link(run), "data": row}
            for run, row in zip(runs, rows, strict=True)
        ],
    }


def data(run: Run, names: Sequence[str], key: Sequence[str], heading: str) -> list[dict[str, Any]]:
    """Everything that the row of a run may tell. heading: of the score."""
    _, text, value = score(run)
    ratio, off = (run.metrics.get(name, nan) for name in ("final/gradient_ratio_init", "theory/discrepancy"))
    return [
        *(datum(LABELS.get(name, name), value) for name, value in zip(names, key, strict=True)),
        datum("verdict", run.tags["verdict"], is_verdict=True, first=True),
        datum("after training", run.tags.get("verdict_final", NONE), is_verdict=True),
        datum("theory predicts", predicted(run)),
        datum("outcome foreseen", forecast(run.tags) or NONE),
        datum("outcome", outcome_in_full(run), first=True),
        datum("gained", f"{gained(run):.2f}", gained(run)),
        datum(heading, text, value, first=True),
        datum("gradient first/last", f"{ratio:.2g}", ratio),
        datum("error of theory (powers of ten)", f"{off:.2g}", off),
        datum("evidence", plain(run.tags.get("evidence", NONE))),
    ]


def alike(values: Sequence[str]) -> bool:
    """Do all of several cells have the same number? Columns of names stay, since the filter can search them."""
    return len(values) > 1 and len(set(values)) == 1 and is_number(values[0])


def link(run: Run) -> str:
    """The run's page in MLflow, without a password."""
    store = urlsplit(run.uri)
    remote = f"{store.scheme}://{store.netloc.rpartition('@')[2]}{store.path.rstrip('/')}"
    base = remote if store.scheme in ("http", "https") else MLFLOW_UI
    return f"{base}/#/experiments/{quote(run.experiment_id)}/runs/{quote(run.id)}"
