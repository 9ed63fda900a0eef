"""How often outcomes and verdicts were foreseen: how it is counted and said."""

from mlpstudy.foresight.agreement import Counts, agreement, foreseen
from mlpstudy.foresight.forecast import AHEAD
from mlpstudy.measure.outcomes import OUTCOMES


def test_outcomes_are_counted_for_each_verdict_and_each_foreseen_outcome():
    cells = [
        {"verdict": "vanishing", "outcome": "stalled", "outcome_predicted": "stalls"},
        {"verdict": "healthy", "outcome": "stalled", "outcome_predicted": "learns"},
        {"verdict": "healthy", "outcome": "learned", "outcome_predicted": "learns"},
        {"verdict": "healthy", "outcome": "learned"},
        {"verdict": "healthy", "outcome": "unfinished"},
    ]
    by_verdict, by_forecast = Counts.of(cells)
    assert by_verdict.columns == by_forecast.columns == ["learned", "stalled"]
    assert by_verdict.rows == {"healthy": [2, 1], "vanishing": [0, 1]}
    assert by_forecast.rows == {"learns": [1, 1], "stalls": [0, 1]}
    assert Counts.of([{"verdict": "healthy", "outcome": "unfinished"}]) == []


def test_how_often_the_outcome_was_foreseen_is_told():
    right, wrong, none = ("a", "learns", "learned"), ("b", "stalls", "diverged"), ("c", None, "learned")
    assert foreseen([right, right, none]) == "The outcome of 2 of 2 cells was foreseen."
    assert foreseen([right, wrong]) == (
        "The outcome of 1 of 2 cells was foreseen; not that of b (stalls foreseen, diverged)."
    )
    assert foreseen([none]) == foreseen([("d", "learns", "unfinished")]) == ""
    assert set(AHEAD) == set(OUTCOMES)


def test_agreement_is_told():
    agree, differ, none = ("a", "vanishing", "vanishing"), ("b", "vanishing", "healthy"), ("c", None, "healthy")
    assert agreement([agree, agree]) == "Theory predicted the verdict of 2 of 2 cells."
    assert agreement([agree, differ, none]) == (
        "Theory predicted the verdict of 1 of 2 cells (it does not apply to the other 1); "
        "not that of b (vanishing predicted, healthy measured)."
    )
    assert agreement([differ, ("d", "healthy", "saturated")]) == (
        "Theory predicted the verdict of 0 of 2 cells; "
        "not that of b (vanishing predicted, healthy measured), d (healthy predicted, saturated measured)."
    )
    assert agreement([agree, none]) == "Theory predicted the verdict of 1 of 1 cell (it does not apply to the other 1)."
    assert agreement([none]).startswith("Theory: no prediction, as that needs hidden layers")
    many = agreement([differ] * 30)
    assert many.count("b (") == 8
    assert many.endswith(" and 22 more.")
