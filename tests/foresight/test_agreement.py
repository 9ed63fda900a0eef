"""How often outcomes and verdicts were foreseen: how it is counted and said."""

from mlpstudy.foresight.agreement import Counts, agreement, disagreement, forecast, foreseen
from mlpstudy.foresight.forecast import AHEAD
from mlpstudy.measure.outcomes import OUTCOMES


def test_outcomes_are_counted_for_each_verdict_and_each_foreseen_outcome():
    cells = [
        {"verdict": "vanishing", "outcome": "stalled", "outcome_by_pilot": "stalls"},
        {"verdict": "healthy", "outcome": "stalled", "outcome_by_pilot": "is slow"},
        {"verdict": "healthy", "outcome": "slow", "outcome_by_pilot": "is slow", "outcome_predicted": "learns"},
        {"verdict": "healthy", "outcome": "learned"},
        {"verdict": "healthy", "outcome": "unfinished"},
    ]
    by_verdict, by_forecast = Counts.of(cells)
    assert by_forecast.heading == "the pilot foresaw"
    assert by_verdict.columns == ["learned", "slow", "stalled"]
    assert by_verdict.rows == {"healthy": [1, 1, 1], "vanishing": [0, 0, 1]}
    assert by_forecast.columns == ["slow", "stalled"]
    assert by_forecast.rows == {"is slow": [1, 1], "stalls": [0, 1]}
    assert Counts.of([{"verdict": "healthy", "outcome": "unfinished"}]) == []


def both(pilot, rule, by="theory"):
    """The tags of both forecasts."""
    reasons = {"outcome_predicted_reason": f"{rule}, by {by}: why", "outcome_by_pilot_reason": "by the pilot: why"}
    return {"outcome_by_pilot": pilot, "outcome_predicted": rule} | reasons


def test_a_forecast_is_that_of_the_pilot_and_says_where_theory_disagrees():
    """The pilot runs a training, so what it says is never called theory."""
    agree, differ = both("is slow", "is slow"), both("learns", "stalls")
    assert forecast(agree) == "is slow"
    assert forecast(differ) == "learns (theory: stalls)"
    assert forecast(both("stalls", "learns", by="step 0")) == "stalls (step 0: learns)"
    assert forecast({"outcome_predicted": "stalls"}) == "stalls"  # of an earlier version
    assert forecast({}) == ""
    assert disagreement([("a", agree), ("b", differ), ("c", {}), ("d", {"outcome_predicted": "stalls"})]) == (
        "Theory and the pilot disagree on b: near a border."
    )
    assert disagreement([("a", agree)]) == ""


def test_how_often_the_outcome_was_foreseen_is_told():
    right = "a", both("learns", "learns"), "learned"
    wrong = "b", both("stalls", "diverges"), "diverged"
    none = "c", {}, "learned"
    assert foreseen([right, right, none]) == [
        "The pilot foresaw the outcome of 2 of 2 cells.",
        "Theory's rule foresaw the outcome of 2 of 2 cells.",
    ]
    assert foreseen([right, wrong]) == [
        "The pilot foresaw the outcome of 1 of 2 cells; not that of b (stalls foreseen, diverged).",
        "Theory's rule foresaw the outcome of 2 of 2 cells.",
    ]
    assert foreseen([none]) == foreseen([("d", both("learns", "learns"), "unfinished")]) == []
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
