import math
import re
from dataclasses import replace

import numpy as np
import pytest

from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.measure.snapshot import Snapshot
from mlpstudy.measure.statistics import measure
from mlpstudy.measure.verdict import VERDICTS, judge
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS

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
    "inactive_fraction": 0.0,
    "input_correlation": 0.3,
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
    "collapsed": ("input_correlation", DEPTH, 0.9991),
}


def name_of(symptom):
    return "exploding" if symptom == "non-finite" else symptom


@pytest.fixture
def thresholds(configure):
    return configure().thresholds


@pytest.fixture
def but_collapse(thresholds):
    """Without the verdict collapsed: inputs of constructed networks with sigmoid, say, are alike by themselves."""
    return replace(thresholds, collapsed=np.inf)


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
        "collapsed": f"input_correlation in layer {DEPTH}: 0.9991 ",
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
    assert set(VERDICTS) == {"symmetric", "dead", "saturated", "exploding", "vanishing", "collapsed", "healthy"}


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
    between = [("delta_rms", layer, last) for layer in range(2, DEPTH + 1)]
    assert verdict_of(thresholds, ("delta_rms", 1, first), *between).name == name


@pytest.mark.parametrize(
    ("layer", "factor", "name", "evidence"),
    [
        (2, 1.1e3, "exploding", "delta_rms layer 2 / layer 3: 1.1e+03 (3 of 3 replicas)"),
        (3, 0.9e-3, "exploding", "delta_rms layer 1 / layer 3: 1.11e+03 (3 of 3 replicas)"),
        (2, 900, "healthy", "no layer beyond a threshold"),
    ],
)
def test_a_bad_layer_in_the_middle_is_not_hidden_by_good_ones_at_the_ends(thresholds, layer, factor, name, evidence):
    """Also the other way round: from layer 1 to a large one in the middle, the gradient vanishes."""
    verdict = verdict_of(thresholds, ("delta_rms", layer, factor * HEALTHY["delta_rms"]))
    assert verdict.name == name
    assert verdict.evidence == evidence
    assert verdict.all == (("healthy",) if name == "healthy" else ("exploding", "vanishing"))


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
        ("init=constant activation=sigmoid network.width=5", {"symmetric", "vanishing", "collapsed"}),
        ("init=identical activation=tanh network.hidden=[37,5]", {"symmetric"}),
        ("init=normal activation=tanh network.depth=20", {"saturated", "exploding"}),
        ("init=normal init.scale=0.02 activation=tanh", {"vanishing"}),
        ("init=normal activation=relu", {"exploding"}),
        ("init=xavier activation=tanh", {"healthy"}),
        ("init=he activation=relu", {"healthy"}),
        ("init=xavier activation=sigmoid", {"vanishing", "collapsed"}),
        ("init=xavier activation=sigmoid network.depth=5", {"collapsed"}),
        ("init=he activation=relu dtype=float64 init.gain=1e300", {"exploding"}),
    ],
)
def test_verdicts_of_real_networks_at_the_start(configure, overrides, expected):
    """The textbook cases; N(0, 1) weights with tanh are saturated *and* exploding (design.md)."""
    config = configure(*overrides.split(), "training.epochs=0")
    problem = prepare(config)
    (record,) = train_and_record(problem, initial_theta(problem, range(3)))
    broken = ~np.isfinite(record.curves["loss_train"])
    verdict = judge(record.statistics, config.hidden, config.activation, config.thresholds, broken)
    assert set(verdict.all) == expected


# ---------------------------------------------------------------- from the weights of constructed networks


UNITS, SAMPLES = 20, 10
ROUND = np.add.outer(np.arange(SAMPLES), np.arange(UNITS)) % SAMPLES  # every unit has every number once


def permutations(replicas=3, dtype=np.float64):
    """Four hidden layers that pass on what they get, each unit to one other, and an output that adds up.

    With inputs in (0.2, 0.9) none of the activations is flat anywhere.
    """
    sizes = (UNITS,) * (DEPTH + 1) + (2,)
    layers = mlp.unflatten(np.zeros((replicas, mlp.n_parameters(sizes)), dtype), sizes)
    rng = np.random.default_rng(0)
    for W, _ in layers[:-1]:
        for one in W:
            one[...] = np.eye(UNITS)[rng.permutation(UNITS)]
    layers[-1][0][...] = 1
    return layers


def verdict_of_network(layers, activation, thresholds, x=0.2 + 0.07 * ROUND):
    with np.errstate(all="ignore"):  # some overflow, which is what is asked for
        trace = mlp.forward(layers, activation, x[None].astype(layers[0][0].dtype))
        gradients = mlp.backward(layers, activation, trace, np.full_like(trace.h, 1 / SAMPLES))
    statistics = measure(Snapshot(activation, layers, trace, gradients, None))
    return judge(statistics, [UNITS] * DEPTH, activation, thresholds)


def equal_rows(layers, name, beyond):
    """In layer 3 all units are the same, or all but one by a hundred-thousandth."""
    W, _ = layers[2]
    W[...] = W[:, :1]
    if not beyond:
        W[:, -1] *= 1 + 1e-5


def far_below(layers, name, beyond):
    """In layer 2 19 or 18 of 20 units have z near -30 for every sample."""
    layers[1][1][:, :, : 19 if beyond else 18] = -30


FLAT_AT = {"tanh": 5, "sigmoid": 20, "softsign": 50, "hard_tanh": 3, "erf": 5, "relu6": 10, "sin": math.pi / 2}
SLOPE_AT_0 = {
    "identity": 1, "relu": 1, "tanh": 1, "elu": 1, "leaky_relu": 1, "sin": 1, "gelu": 1 / 2, "silu": 1 / 2,
    "selu": 1.0507009873554805, "erf": 2 / math.sqrt(math.pi),
}  # fmt: skip


def large(layers, name, beyond):
    """In layer 1 z is where g is flat for inputs of 1."""
    layers[0][0][...] *= FLAT_AT[name]


def partly(beyond):
    """Inputs 1 in six or in five of ten samples of every unit, 0.001 in the others."""
    return np.where((6 if beyond else 5) > ROUND, 1.0, 1e-3)


def by_factors(ratio):
    """delta grows or shrinks by `ratio` from the last to the first hidden layer, at z so small that g is linear."""

    def _by_factors(layers, name, beyond):
        layers[0][0][...] *= 1e-12
        nudge = 1e-6 if beyond == (ratio > 1) else -1e-6
        for W, _ in layers[1:DEPTH]:
            W *= ratio ** (1 / (DEPTH - 1)) / SLOPE_AT_0[name] * (1 + nudge)

    return _by_factors


def beyond_float32(layers, name, beyond):
    """In layer 1 one unit adds up to 10^39, or to 10^37: float32 ends at 3.4 10^38."""
    layers[0][0][:, 3] = 1e38 if beyond else 1e36


# ailment -> (verdict, what it does to a network, the activations it can befall, the evidence)
AILMENTS = {
    "overflow": ("exploding", beyond_float32, list(ACTIVATIONS), "non-finite values, first in layer 1: "),
    "equal": ("symmetric", equal_rows, list(ACTIVATIONS), "distinct units in layer 3: 1 "),
    "far below": (
        "dead",
        far_below,
        ["relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "mish", "softplus"],
        "dead_fraction in layer 2: 0.95 ",
    ),
    "flat": ("saturated", large, list(FLAT_AT), " in layer 1: 0.6 "),
    "growing": ("exploding", by_factors(1e3), list(SLOPE_AT_0), "first / last layer: 1e+03 "),
    "shrinking": ("vanishing", by_factors(1e-3), list(SLOPE_AT_0), "first / last layer: 0.001 "),
}
EVERY = [(ailment, name) for ailment, (_, _, names, _) in AILMENTS.items() for name in names]


def ailing(ailment, name, beyond, ill=3, replicas=3):
    """Network and inputs of that ailment in the first `ill` replicas, beyond its threshold or just within."""
    layers = permutations(replicas, np.float32 if ailment == "overflow" else np.float64)
    AILMENTS[ailment][1]([(W[:ill], b[:ill]) for W, b in layers], name, beyond)
    return layers, partly(beyond) if ailment == "flat" else 0.2 + 0.07 * ROUND


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constructed_network_is_healthy(but_collapse, activation_named, name, dtype):
    assert verdict_of_network(permutations(dtype=dtype), activation_named(name), but_collapse).all == ("healthy",)


@pytest.mark.parametrize(("ailment", "name"), EVERY)
def test_a_constructed_network_has_the_verdict_of_its_ailment_alone(but_collapse, activation_named, ailment, name):
    layers, x = ailing(ailment, name, beyond=True)
    verdict = verdict_of_network(layers, activation_named(name), but_collapse, x)
    expected, _, _, evidence = AILMENTS[ailment]
    assert verdict.name == expected
    assert set(verdict.all) <= {expected, "vanishing"} if ailment == "overflow" else verdict.all == (expected,)
    assert evidence in verdict.evidence
    assert "(3 of 3 replicas)" in verdict.evidence


@pytest.mark.parametrize(("ailment", "name"), EVERY)
def test_a_constructed_network_just_within_every_threshold_is_healthy(but_collapse, activation_named, ailment, name):
    layers, x = ailing(ailment, name, beyond=False)
    assert verdict_of_network(layers, activation_named(name), but_collapse, x).all == ("healthy",)


@pytest.mark.parametrize("ill", [2, 3])
@pytest.mark.parametrize("ailment", AILMENTS)
def test_the_majority_of_constructed_replicas_decides(but_collapse, activation_named, ailment, ill):
    expected, _, names, evidence = AILMENTS[ailment]
    for name in names[:3]:
        layers, x = ailing(ailment, name, beyond=True, ill=ill, replicas=5)
        verdict = verdict_of_network(layers, activation_named(name), but_collapse, x)
        assert verdict.name == (expected if ill == 3 else "healthy")
        assert (evidence in verdict.evidence and "(3 of 5 replicas)" in verdict.evidence) == (ill == 3)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu6"])
def test_a_bounded_activation_is_dead_before_it_is_saturated(but_collapse, activation_named, name):
    for beyond, expected in ((True, ("dead", "saturated")), (False, ("saturated",))):
        layers = permutations()
        far_below(layers, name, beyond)
        assert verdict_of_network(layers, activation_named(name), but_collapse).all == expected


@pytest.mark.parametrize(
    ("correlation", "found"),
    [((0.999, 0.5, 0.98), "healthy"), ((0.1, 0.5, 0.9991), "collapsed"), ((1, 1, np.nan), "healthy")],
)
def test_inputs_that_look_the_same_in_the_last_layer(
    correlation, found, thresholds, activation_named, measured_statistics
):
    statistics = measured_statistics | {"input_correlation": np.tile(correlation, (3, 1))}
    verdict = judge(statistics, (8, 8, 8), activation_named("tanh"), thresholds)
    assert verdict.name == found
    if found == "collapsed":
        assert verdict.evidence == "input_correlation in layer 3: 0.9991 (3 of 3 replicas)"


def test_a_vanishing_gradient_is_named_before_the_collapse(thresholds, activation_named, measured_statistics):
    delta = np.tile([1e-9, 1e-4, 1.0], (3, 1))
    statistics = measured_statistics | {"input_correlation": np.full((3, 3), 0.9999), "delta_rms": delta}
    assert judge(statistics, (8, 8, 8), activation_named("tanh"), thresholds).all == ("vanishing", "collapsed")


@pytest.fixture
def measured_statistics():
    """Statistics of three replicas and three layers without any failure."""
    ones = dict.fromkeys(("preactivation_std", "activation_rms", "delta_rms", "weight_grad_rms", "weight_rms"), 1.0)
    shares = {"distinct_units": 1.0, "dead_fraction": 0.0, "input_correlation": 0.0}
    shares |= {"saturated_fraction": 0.0, "inactive_fraction": 0.0}
    return {name: np.full((3, 3), value) for name, value in (ones | shares).items()}


# ---------------------------------------------------------------- switched off is not saturated


def drawn(name, gain, replicas=5, depth=DEPTH, width=64):
    """Statistics of networks with He's initialization times `gain`, on normal inputs."""
    rng = np.random.default_rng(0)
    layers = [
        (gain * math.sqrt(2 / width) * rng.normal(size=(replicas, width, width)), np.zeros((replicas, 1, width)))
        for _ in range(depth + 1)
    ]
    trace = mlp.forward(layers, ACTIVATIONS[name], rng.normal(size=(1, 100, width)))
    gradients = mlp.backward(layers, ACTIVATIONS[name], trace, rng.normal(size=trace.h.shape))
    return measure(Snapshot(ACTIVATIONS[name], layers, trace, gradients, None))


def test_relu6_is_as_healthy_as_relu_while_gradients_pass_as_well(thresholds):
    """Half the units are switched off in both, and the gradient keeps its scale: He's factor 2 makes up for it."""
    widths = (64,) * DEPTH
    found, relu = drawn("relu6", 1.0), drawn("relu", 1.0)
    assert found["saturated_fraction"].mean() > 0.49  # of all values
    np.testing.assert_allclose(found["inactive_fraction"], relu["inactive_fraction"], atol=0.05)
    np.testing.assert_allclose(found["delta_rms"], relu["delta_rms"], rtol=0.1)
    assert judge(found, widths, ACTIVATIONS["relu6"], thresholds).name == "healthy"


def test_relu6_is_saturated_where_the_upper_flat_part_holds_back_gradients(thresholds):
    """With weights ten times as large most active units are above 6, and gradients that pass them are lost."""
    widths = (64,) * DEPTH
    found, relu = drawn("relu6", 10.0), drawn("relu", 10.0)
    assert ((found["delta_rms"] / relu["delta_rms"])[:, 0] < 0.1).all()
    verdict = judge(found, widths, ACTIVATIONS["relu6"], thresholds)
    assert verdict.all[0] == "saturated"
    assert verdict.evidence.startswith("saturated_fraction of active values in layer")


@pytest.mark.parametrize(("name", "side"), [("relu", -1), ("relu6", -1), ("tanh", 0), ("elu", 0), ("hard_tanh", 0)])
def test_only_functions_that_are_flat_from_0_on_switch_off(activation_named, name, side):
    assert activation_named(name).inactive_side == side
