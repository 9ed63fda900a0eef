"""How often a verdict or an outcome was foreseen: tables and sentences for the end of a sweep."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlpstudy.foresight.forecast import AHEAD
from mlpstudy.measure.intervals import NAMED
from mlpstudy.measure.outcomes import OUTCOMES
from mlpstudy.measure.verdict import VERDICTS

# heading of a table -> the tag that has its rows, and their order
TABLES = {
    "verdict at the start": ("verdict", VERDICTS[::-1]),
    "foreseen outcome": ("outcome_predicted", tuple(AHEAD.values())),
}


@dataclass(frozen=True)
class Counts:
    """How many cells of each row had which outcome."""

    heading: str
    columns: list[str]
    rows: dict[str, list[int]]

    @staticmethod
    def of(tags: Sequence[Mapping[str, str]]) -> "list[Counts]":
        """The tables of trained cells with these tags; no table if no cell has its tag."""
        trained = [tag for tag in tags if tag.get("outcome") in OUTCOMES]
        tables = []
        for heading, (name, order) in TABLES.items():
            counts = Counter((tag[name], tag["outcome"]) for tag in trained if name in tag)
            rows = sorted({row for row, _ in counts}, key=lambda row: order.index(row) if row in order else len(order))
            columns = sorted({column for _, column in counts}, key=OUTCOMES.index)
            if counts:
                tables.append(Counts(heading, columns, {row: [counts[row, name] for name in columns] for row in rows}))
        return tables


def agreement(cells: Sequence[tuple[str, str | None, str]]) -> str:
    """A sentence: in how many cells theory predicted the measured verdict, and which cells are the others.

    cells: name, predicted verdict (None if theory does not apply) and measured verdict.
    """
    judged = [cell for cell in cells if cell[1] is not None]
    wrong = [f"{name} ({theory} predicted, {came} measured)" for name, theory, came in judged if theory != came]
    if not judged:
        return "Theory: no prediction, as that needs hidden layers of independent random weights, and finite signals."
    text = f"Theory predicted the verdict of {len(judged) - len(wrong)} of {len(judged)} cell{'s' * (len(judged) > 1)}"
    if len(judged) < len(cells):
        text += f" (it does not apply to the other {len(cells) - len(judged)})"
    return _and_the_others(text, wrong)


def foreseen(cells: Sequence[tuple[str, str | None, str]]) -> str:
    """A sentence: in how many cells the outcome was foreseen, and which cells are the others.

    cells: name, foreseen outcome (None if none was foreseen) and outcome.
    """
    known = [cell for cell in cells if cell[1] is not None and cell[2] in AHEAD]
    wrong = [f"{name} ({ahead} foreseen, {came})" for name, ahead, came in known if ahead != AHEAD[came]]
    if not known:
        return ""
    text = f"The outcome of {len(known) - len(wrong)} of {len(known)} cell{'s' * (len(known) > 1)} was foreseen"
    return _and_the_others(text, wrong)


def _and_the_others(text: str, wrong: Sequence[str]) -> str:
    more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return text + (f"; not that of {', '.join(wrong[:NAMED])}{more}." if wrong else ".")
