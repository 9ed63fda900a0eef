import math
import re

import numpy as np
import pytest

from mlpstudy import training
from mlpstudy.activations import ACTIVATIONS
from mlpstudy.verdict import OUTCOMES, VERDICTS, judge, majority, outcome

TANH, RELU = ACTIVATIONS["tanh"], ACTIVATIONS["relu"]
WIDTH, DEPTH, REPLICAS = 8, 4, 3
HEALTHY = {
    "preactivation_std": 1.0,
    "activation_rms": 0.6,
    "delta_rms": 1e-3,
    "weight_grad_rms": 1e-3,
    "weight_rms": 0.1,
    "distinct_units": 1.0,
    "dead_fraction": 0.0,
    "saturated_fraction": 0.0,
}
BASIC = ("preactivation_std", "activation_rms", "delta_rms", "weight_grad_rms", "weight_rms")

# Findings as changes to HEALTHY: (statistic, layer counted from 1, value); delta ratio = first / last layer.
SYMPTOMS = {
    "non-finite": ("weight_rms", 2, np.nan),
    "symmetric": ("distinct_units", 3, 1 / WIDTH),
    "dead": ("dead_fraction", 2, 0.95),
    "saturated": ("saturated_fraction", 4, 0.6),
    "exploding": ("delta_rms", 1, 1.01),
    "vanishing": ("delta_rms", 1, 0.99e-6),
}


def name_of(symptom):
    return "exploding" if symptom == "non-finite" else symptom


@pytest.fixture
def thresholds(configure):
    return configure().thresholds


def statistics_with(*changes, replicas=REPLICAS, depth=DEPTH, affected=slice(None)):
    statistics = {name: np.full((replicas, depth), value) for name, value in HEALTHY.items()}
    for name, layer, value in changes:
        statistics[name][affected, layer - 1] = value
    return statistics


def judged(statistics, widths, activation, thresholds, broken=None):
    """The verdict where every loss is finite, or that of the replicas in `broken` is not."""
    replicas = len(statistics["delta_rms"])
    return judge(statistics, widths, activation, thresholds, np.zeros(replicas, bool) if broken is None else broken)


def verdict_of(thresholds, *changes, activation=TANH, width=WIDTH, **shape):
    statistics = statistics_with(*changes, **shape)
    return judged(statistics, [width] * statistics["delta_rms"].shape[1], activation, thresholds)


def test_thresholds_are_those_of_the_design(thresholds):
    assert (thresholds.dead, thresholds.saturated) == (0.9, 0.5)
    assert (thresholds.exploding, thresholds.vanishing) == (1e3, 1e-3)


def test_healthy(thresholds):
    verdict = verdict_of(thresholds)
    assert verdict.name == "healthy"
    assert verdict.all == ("healthy",)
    assert verdict.evidence


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_each_verdict_with_its_evidence(thresholds, symptom):
    verdict = verdict_of(thresholds, SYMPTOMS[symptom])
    assert verdict.name == name_of(symptom)
    assert verdict.all == (verdict.name,)
    assert "3 of 3 replicas" in verdict.evidence
    shown = {
        "non-finite": "layer 2",
        "symmetric": "distinct units in layer 3: 1 ",
        "dead": "dead_fraction in layer 2: 0.95 ",
        "saturated": "saturated_fraction in layer 4: 0.6 ",
        "exploding": ": 1.01e+03 ",
        "vanishing": ": 0.00099 ",
    }[symptom]
    assert shown in verdict.evidence


@pytest.mark.parametrize(
    ("statistic", "layer", "limit", "beyond", "name"),
    [
        ("dead_fraction", 3, 0.9, math.inf, "dead"),
        ("saturated_fraction", 1, 0.5, math.inf, "saturated"),
        ("delta_rms", 1, 1.0, math.inf, "exploding"),  # over 1e-3 in the last layer
        ("delta_rms", 1, 1e-6, 0.0, "vanishing"),
        ("distinct_units", 2, 2 / WIDTH, 0.0, "symmetric"),
    ],
)
def test_near_misses(thresholds, statistic, layer, limit, beyond, name):
    last = 1e-3
    if statistic == "delta_rms":  # the largest, or smallest, ratio that floating point keeps within the limit
        limit = {"exploding": thresholds.exploding, "vanishing": thresholds.vanishing}[name] * last
        limit = np.nextafter(limit, last)
    assert verdict_of(thresholds, (statistic, layer, limit)).name == "healthy"
    further = 1 / WIDTH if name == "symmetric" else limit + np.copysign(1e-9 * limit, beyond - limit)
    assert verdict_of(thresholds, (statistic, layer, further)).name == name


@pytest.mark.parametrize("statistic", BASIC)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_anything_non_finite_is_exploding(thresholds, statistic, bad):
    assert verdict_of(thresholds, (statistic, 3, bad)).name == "exploding"


@pytest.mark.parametrize("depth", [0, 1, DEPTH])
def test_a_loss_that_is_not_finite_is_exploding_even_where_every_layer_is_sound(thresholds, depth):
    statistics = statistics_with(depth=depth)
    for broken, name in (([1, 1, 1], "exploding"), ([1, 0, 1], "exploding"), ([0, 1, 0], "healthy")):
        verdict = judged(statistics, [WIDTH] * depth, TANH, thresholds, np.array(broken, bool))
        assert verdict.all == (name,)
        if name == "exploding":
            assert f"{sum(broken)} of 3 replicas" in verdict.evidence
            assert "loss" in verdict.evidence
            assert "layer 1" not in verdict.evidence


def test_replicas_that_broke_in_a_layer_and_in_the_loss_count_together(thresholds):
    statistics = statistics_with()
    statistics["weight_rms"][0, 2] = np.nan
    verdict = judged(statistics, [WIDTH] * DEPTH, TANH, thresholds, np.array([False, True, False]))
    assert verdict.all == ("exploding",)
    assert "2 of 3 replicas" in verdict.evidence
    assert "layer 1" not in verdict.evidence  # where nothing is amiss


def test_update_ratio_is_nan_at_the_start_of_zeros_and_is_no_explosion(thresholds):
    statistics = statistics_with() | {"update_ratio": np.full((REPLICAS, DEPTH), np.nan)}
    assert judged(statistics, [WIDTH] * DEPTH, TANH, thresholds).name == "healthy"


def test_order_of_precedence(thresholds):
    """All at once but one of the two that exclude each other; then without the first, and so on."""
    for last in ("exploding", "vanishing"):
        order = ["non-finite", "symmetric", "dead", "saturated", last]
        while order:
            verdict = verdict_of(thresholds, *(SYMPTOMS[symptom] for symptom in order))
            names = tuple(dict.fromkeys(name_of(symptom) for symptom in order))
            assert verdict.all == names
            assert verdict.name == names[0]
            order = order[1:]


def test_names():
    assert set(VERDICTS) == {"symmetric", "dead", "saturated", "exploding", "vanishing", "healthy"}


def test_exploding_for_two_reasons_is_named_once_with_the_first_reason(thresholds):
    verdict = verdict_of(thresholds, SYMPTOMS["non-finite"], SYMPTOMS["exploding"])
    assert verdict.all == ("exploding",)
    assert "non-finite" in verdict.evidence


@pytest.mark.parametrize("symptom", SYMPTOMS)
@pytest.mark.parametrize(("ill", "replicas"), [(1, 3), (2, 3), (1, 2), (1, 1), (2, 4), (3, 5)])
def test_more_than_half_of_the_replicas_decide(thresholds, symptom, ill, replicas):
    verdict = verdict_of(thresholds, SYMPTOMS[symptom], replicas=replicas, affected=slice(ill))
    assert verdict.name == (name_of(symptom) if ill > replicas / 2 else "healthy")
    if ill > replicas / 2:
        assert f"{ill} of {replicas} replicas" in verdict.evidence


def test_replicas_may_fail_for_different_reasons_without_a_majority(thresholds):
    statistics = statistics_with()
    for replica, symptom in enumerate(("symmetric", "dead", "vanishing")):
        name, layer, value = SYMPTOMS[symptom]
        statistics[name][replica, layer - 1] = value
    assert judged(statistics, [WIDTH] * DEPTH, TANH, thresholds).all == ("healthy",)


def test_evidence_quotes_the_worst_layer(thresholds):
    verdict = verdict_of(thresholds, ("dead_fraction", 2, 0.92), ("dead_fraction", 4, 0.97))
    assert "layer 4: 0.97" in verdict.evidence


def test_evidence_is_of_the_replicas_for_which_the_verdict_holds(thresholds):
    statistics = statistics_with()
    statistics["dead_fraction"][:, 1] = 0.95, 0.97, 0.5
    assert "layer 2: 0.96 (2 of 3 replicas)" in judged(statistics, [WIDTH] * DEPTH, TANH, thresholds).evidence


def test_a_layer_that_diverged_does_not_hide_what_ails_another(thresholds):
    broken = [(name, 4, np.nan) for name in HEALTHY]
    for symptom in ("symmetric", "dead"):
        verdict = verdict_of(thresholds, SYMPTOMS[symptom], *broken)
        assert verdict.all == ("exploding", symptom)


@pytest.mark.parametrize("name", ["dead", "saturated"])
def test_evidence_supports_the_verdict_when_replicas_fail_in_different_layers(thresholds, name):
    statistic, _, value = SYMPTOMS[name]
    statistics = statistics_with()
    statistics[statistic][0, 0] = statistics[statistic][1, 2] = value
    verdict = judged(statistics, [WIDTH] * DEPTH, TANH, thresholds)
    assert verdict.name == name
    number = float(re.search(r": (\S+) \(2 of 3", verdict.evidence)[1])
    assert number > getattr(thresholds, name)


def test_evidence_of_symmetric_when_replicas_fail_in_different_layers(thresholds):
    statistics = statistics_with()
    statistics["distinct_units"][0, 0] = statistics["distinct_units"][1, 2] = 1 / WIDTH
    verdict = judged(statistics, [WIDTH] * DEPTH, TANH, thresholds)
    assert verdict.name == "symmetric"
    assert re.search(r": 1 \(2 of 3", verdict.evidence)


def test_evidence_is_not_misled_by_a_replica_that_diverged(thresholds):
    statistics = statistics_with(("dead_fraction", 3, 0.95))
    for values in statistics.values():
        values[2] = np.nan
    verdict = judged(statistics, [WIDTH] * DEPTH, RELU, thresholds)
    assert verdict.name == "dead"
    assert "layer 3: 0.95 (2 of 3 replicas)" in verdict.evidence


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_only_a_bounded_activation_saturates(thresholds, activation_named, name):
    activation = activation_named(name)
    expected = "saturated" if np.isfinite(activation.range).all() else "healthy"
    assert verdict_of(thresholds, SYMPTOMS["saturated"], activation=activation).name == expected


def test_one_unit_is_not_symmetric(thresholds):
    assert verdict_of(thresholds, ("distinct_units", 2, 1.0), width=1).name == "healthy"


@pytest.mark.parametrize("width", [2, 3, 5, 7, 37, 49, 64, 1000])
def test_one_of_any_width_is_symmetric_and_two_are_not(thresholds, width):
    assert verdict_of(thresholds, ("distinct_units", 2, 1 / width), width=width).name == "symmetric"
    assert verdict_of(thresholds, ("distinct_units", 2, 2 / width), width=width).name == "healthy"


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (0.0, 0.0, "vanishing"),  # nothing arrives anywhere
        (0.0, 1e-3, "vanishing"),
        (1e-3, 0.0, "exploding"),
        (1e-30, 1e-30, "healthy"),
        (1e-300, 1e-299, "healthy"),
        (1e-30, 1e-20, "vanishing"),
        (1e200, 1e-200, "exploding"),  # the ratio overflows
    ],
)
def test_delta_ratio_at_the_extremes(thresholds, first, last, name):
    assert verdict_of(thresholds, ("delta_rms", 1, first), ("delta_rms", DEPTH, last)).name == name


def test_only_the_first_and_last_layer_enter_the_delta_ratio(thresholds):
    assert verdict_of(thresholds, ("delta_rms", 2, 1e9), ("delta_rms", 3, 1e-9)).name == "healthy"


def test_without_hidden_layers_nothing_can_fail(thresholds):
    assert verdict_of(thresholds, depth=0).all == ("healthy",)


@pytest.mark.parametrize("symptom", ["non-finite", "symmetric", "dead", "saturated"])
def test_one_hidden_layer(thresholds, symptom):
    statistic, _, value = SYMPTOMS[symptom]
    verdict = verdict_of(thresholds, (statistic, 1, value), depth=1)
    assert verdict.name == name_of(symptom)


@pytest.mark.parametrize(("delta", "name"), [(1e-30, "healthy"), (1e30, "healthy"), (0.0, "vanishing")])
def test_one_hidden_layer_has_a_delta_ratio_of_one_unless_nothing_arrives(thresholds, delta, name):
    assert verdict_of(thresholds, ("delta_rms", 1, delta), depth=1).name == name


def test_widths_may_differ(thresholds):
    statistics = statistics_with(depth=3)
    statistics["distinct_units"][:, 1] = 0.25
    assert judged(statistics, [4, 4, 1], TANH, thresholds).name == "symmetric"
    assert judged(statistics, [4, 8, 1], TANH, thresholds).name == "healthy"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ("init=zeros activation=tanh", {"symmetric", "vanishing"}),
        ("init=constant activation=sigmoid network.width=5", {"symmetric", "vanishing"}),
        ("init=identical activation=tanh network.hidden=[37,5]", {"symmetric"}),
        ("init=normal activation=tanh network.depth=20", {"saturated", "exploding"}),
        ("init=normal init.scale=0.02 activation=tanh", {"vanishing"}),
        ("init=normal activation=relu", {"exploding"}),
        ("init=xavier activation=tanh", {"healthy"}),
        ("init=he activation=relu", {"healthy"}),
        ("init=xavier activation=sigmoid", {"vanishing"}),
        ("init=he activation=relu dtype=float64 init.gain=1e300", {"exploding"}),
    ],
)
def test_verdicts_of_real_networks_at_the_start(configure, overrides, expected):
    """The textbook cases; N(0, 1) weights with tanh are saturated *and* exploding (design.md)."""
    config = configure(*overrides.split(), "training.epochs=0")
    problem = training.prepare(config)
    (record,) = training.train(problem, training.initial_theta(problem, range(3)))
    broken = ~np.isfinite(record.curves["loss_train"])
    verdict = judge(record.statistics, config.hidden, config.activation, config.thresholds, broken)
    assert set(verdict.all) == expected


def test_outcome():
    loss = np.array([2.0, 0.95, np.nextafter(0.95, 0), 0.0, np.nan, np.inf, -np.inf])
    expected = ["stalled", "stalled", "learned", "learned", "diverged", "diverged", "diverged"]
    assert outcome(loss, 1.0).tolist() == expected


@pytest.mark.parametrize(
    ("outcomes", "name"),
    [
        ("learned learned stalled", "learned"),
        ("stalled diverged stalled", "stalled"),
        ("learned", "learned"),
        ("learned stalled", "stalled"),
        ("stalled learned", "stalled"),
        ("learned diverged", "diverged"),
        ("diverged stalled stalled diverged", "diverged"),
        ("learned stalled diverged", "diverged"),
        ("learned learned stalled diverged", "learned"),
    ],
)
def test_majority_and_of_a_tie_the_worse(outcomes, name):
    assert majority(np.array(outcomes.split())) == name


def test_outcomes_from_best_to_worst():
    assert OUTCOMES == ("learned", "stalled", "diverged")
