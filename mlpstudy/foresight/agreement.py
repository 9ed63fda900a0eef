"""What was foreseen of a cell, and how often that was right: tables and sentences for the end of a sweep.

The outcome is foreseen by the pilot and by theory's rule. The pilot is more often right, so it comes first.
"""

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
    "the pilot foresaw": ("outcome_by_pilot", tuple(AHEAD.values())),
}
# the tag of a foreseen outcome -> who foresaw it
FORECASTERS = {"outcome_by_pilot": "The pilot", "outcome_predicted": "Theory's rule"}
Tags = Mapping[str, str]


@dataclass(frozen=True)
class Counts:
    """How many cells of each row had which outcome."""

    heading: str
    columns: list[str]
    rows: dict[str, list[int]]

    @staticmethod
    def of(tags: Sequence[Tags]) -> "list[Counts]":
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


def foreseen(cells: Sequence[tuple[str, Tags, str]]) -> list[str]:
    """A sentence for each forecaster: in how many cells it foresaw the outcome, and which cells are the others.

    cells: name, tags and outcome.
    """
    sentences = []
    for tag, who in FORECASTERS.items():
        known = [(name, tags[tag], came) for name, tags, came in cells if tag in tags and came in AHEAD]
        wrong = [f"{name} ({ahead} foreseen, {came})" for name, ahead, came in known if ahead != AHEAD[came]]
        if known:
            text = f"{who} foresaw the outcome of {len(known) - len(wrong)} of {len(known)}"
            sentences.append(_and_the_others(f"{text} cell{'s' * (len(known) > 1)}", wrong))
    return sentences


def disagree(tags: Tags) -> bool:
    """Whether theory's rule and the pilot foresee different outcomes of a cell."""
    return len({tags[tag] for tag in FORECASTERS if tag in tags}) > 1


def forecast(tags: Tags) -> str:
    """The outcome that the pilot foresees, and the other one of theory's rule: `learns (theory: stalls)`.

    "" if none was foreseen.
    """
    pilot, rule = (tags.get(tag, "") for tag in FORECASTERS)
    by = tags.get("outcome_predicted_reason", "").partition(", by ")[2].partition(":")[0]  # theory or step 0
    return f"{pilot} ({by or 'theory'}: {rule})" if disagree(tags) else pilot or rule


def disagreement(cells: Sequence[tuple[str, Tags]]) -> str:
    """A sentence: of which cells both forecasters disagree; "" if there is none. cells: name and tags."""
    names = [name for name, tags in cells if disagree(tags)]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Theory and the pilot disagree on {', '.join(names[:NAMED])}{more}: near a border." if names else ""


def _and_the_others(text: str, wrong: Sequence[str]) -> str:
    more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return text + (f"; not that of {', '.join(wrong[:NAMED])}{more}." if wrong else ".")
