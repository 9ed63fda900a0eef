"""The table of all cells: one row for each, with a number to sort by where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from urllib.parse import quote, urlsplit

from mlpstudy.tracking.run import Run
from reports.drawing.words import LABELS, NONE, is_number, outcome_in_full, plain, predicted, score

MLFLOW_UI = "http://127.0.0.1:5000"  # the address of `python -m mlflow ui`


@dataclass(frozen=True)
class Datum:
    """What one cell of the table tells."""

    heading: str
    text: str
    value: float | None = None  # what it is sorted by, if that is not the text
    is_verdict: bool = False  # drawn with its sign
    first: bool = False  # on a phone, where each row is a card

    @property
    def unknown(self) -> bool:
        """Such values are sorted last."""
        return (self.text == NONE and not self.is_verdict) or (self.value is not None and not isfinite(self.value))

    @property
    def shown(self) -> str:
        """Its text; a dash if it is not known, or a number that is not finite."""
        return NONE if self.unknown else self.text

    @property
    def sorted_by(self) -> float | str | None:
        """The number that it is sorted by, an empty text if it is unknown, None if it is sorted by its text."""
        if self.unknown:
            return ""
        return float(self.text) if self.value is None and is_number(self.text) else self.value

    @property
    def classes(self) -> str:
        """How it looks."""
        return " ".join(["first"] * self.first + ["number"] * (self.sorted_by not in (None, "")))


@dataclass(frozen=True)
class Row:
    """A cell of the sweep."""

    name: str
    verdict: str
    link: str  # to its page in MLflow
    data: Sequence[Datum]


@dataclass(frozen=True)
class Table:
    """All cells."""

    headings: Sequence[str]
    rows: Sequence[Row]


def table(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> Table:
    """One row for each cell, without columns that are empty or that have the same number in all rows."""
    heading = " or ".join(dict.fromkeys(score(run)[0] for run in runs))
    rows = [data(run, names, key, heading) for run, key in zip(runs, keys, strict=True)]
    same = {i for i, values in enumerate(zip(*keys, strict=True)) if alike(values)}  # settings are the first columns
    empty = {i for i, column in enumerate(zip(*rows, strict=True)) if all(datum.unknown for datum in column)}
    kept = [[datum for i, datum in enumerate(row) if i not in same | empty] for row in rows]
    return Table(
        [datum.heading for datum in kept[0]],
        [Row(run.name, run.tags["verdict"], link(run), row) for run, row in zip(runs, kept, strict=True)],
    )


def data(run: Run, names: Sequence[str], key: Sequence[str], heading: str) -> list[Datum]:
    """Everything that the row of a run may tell. heading: of the score."""
    _, text, value = score(run)
    ratio, off = (run.metrics.get(name, nan) for name in ("final/gradient_ratio_init", "theory/discrepancy"))
    return [
        *(Datum(LABELS.get(name, name), value) for name, value in zip(names, key, strict=True)),
        Datum("verdict", run.tags["verdict"], is_verdict=True, first=True),
        Datum("after training", run.tags.get("verdict_final", NONE), is_verdict=True),
        Datum("theory predicts", predicted(run)),
        Datum("outcome foreseen", run.tags.get("outcome_predicted", NONE)),
        Datum("outcome", outcome_in_full(run), first=True),
        Datum(heading, text, value, first=True),
        Datum("gradient first/last", f"{ratio:.2g}", ratio),
        Datum("error of theory (powers of ten)", f"{off:.2g}", off),
        Datum("evidence", plain(run.tags.get("evidence", NONE))),
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
