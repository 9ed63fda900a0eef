"""Claims: how often true ones are rejected, and that each is reproduced by right numbers and not by sabotaged ones."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import STUDIES, dying_relu, hanin_2018, he_2015, poole_2016
from experiments import __main__ as experiments
from experiments.study import INCONCLUSIVE, LEVEL, NOT_REPRODUCED, REPRODUCED, Claim, Mean, Order, check, chosen, one

RNG = np.random.default_rng(0)


# ---------------------------------------------------------------- statistics


@pytest.mark.parametrize("networks", [3, 10])
@pytest.mark.parametrize("claims", [1, 5])
def test_true_claims_are_rejected_no_more_often_than_the_level_says(networks, claims):
    """Families of true claims, simulated 4000 times: some claim of a family is said not to be reproduced in 5 %."""
    rng = np.random.default_rng(1)
    families = 4000
    claim, rejected = Mean("", 2.0, lambda runs: np.empty(0)), 0
    for values in rng.normal(2.0, 1.0, (families, claims, networks)):
        rejected += any(claim.verdict(one, claims) == NOT_REPRODUCED for one in values)
    error = math.sqrt(LEVEL * (1 - LEVEL) / families)
    assert rejected / families < LEVEL + 3 * error
    assert rejected / families > LEVEL / 2  # nor is the test blind


def test_true_orders_are_rejected_no_more_often_than_the_level_says():
    rng = np.random.default_rng(2)
    claim = Order("", 0.0, lambda runs: np.empty(0))
    verdicts = [claim.verdict(values, 3) for values in rng.normal(0.0, 1.0, (4000, 8))]
    assert np.mean([verdict == NOT_REPRODUCED for verdict in verdicts]) < LEVEL / 3
    assert (
        np.mean([verdict == REPRODUCED for verdict in verdicts]) < LEVEL / 3
    )  # nor is it reproduced where there is none


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([1.0, 1.01, 0.99], REPRODUCED),
        ([1.3, 1.31, 1.29], NOT_REPRODUCED),
        ([-2.0, 1.0, 4.0], INCONCLUSIVE),  # the rival is in the interval, too
        ([1.0], INCONCLUSIVE),
        ([1.0, np.nan, 1.0], INCONCLUSIVE),
        ([1.1, 1.1, 1.1], REPRODUCED),  # at the tolerance
    ],
)
def test_verdicts_of_means(values, verdict):
    assert Mean("", 1.0, lambda runs: np.empty(0), tolerance=0.1, rival=0.0).verdict(np.array(values), 1) == verdict


def test_verdicts_of_orders_and_exact_claims():
    order = Order("", 0.0, lambda runs: np.empty(0))
    found = [order.verdict(np.array(v), 1) for v in ([1.0, 1.1], [-1.0, -1.1], [-1.0, 1.0])]
    assert found == [REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE]
    exact = Claim("", 1.0, lambda runs: np.empty(0), 1e-3)
    assert exact.verdict(np.array([1.0, 1.0005]), 1) == REPRODUCED
    assert exact.verdict(np.array([1.0, 1.002]), 1) == NOT_REPRODUCED
    assert exact.verdict(np.array([1.0, np.nan]), 1) == NOT_REPRODUCED


# ---------------------------------------------------------------- right and sabotaged results


def run(arrays, **params):
    return SimpleNamespace(params=params, arrays=arrays)


def at_start(values):
    """A statistic of one snapshot, (1, R, depth)."""
    return np.asarray(values, dtype=float)[None]


def growths(factor=1.0):
    layers = np.arange(10)
    return [
        run({"activation_rms": at_start(np.tile((factor * float(gain)) ** layers, (3, 1)))}, gain=gain)
        for gain in ("0.5", "1.5")
    ]


def gradients(shift=0.0, gained=0.3, swapped=False):
    """He keeps gradients, Xavier loses 1 / sqrt 2 a layer; with noise of 0.05 decades."""
    found = []
    for init in ("xavier", "he"):
        for depth, layers in he_2015.LAYERS.items():
            loses = (init == "xavier") != swapped
            logs = -layers * math.log10(math.sqrt(2)) * loses + shift + RNG.normal(0, 0.05, 10)
            delta = np.ones((10, int(depth)))
            delta[:, 0] = 10**logs
            accuracy = 0.1 + gained * (init == "he") + RNG.normal(0, 0.02, (2, 10))
            found.append(run({"delta_rms": at_start(delta), "curve_accuracy_train": accuracy}, init=init, depth=depth))
    return found


def lengths(scale=1.0, shift=0.0):
    found = []
    for gain, (q, chi, c) in poole_2016.PUBLISHED.items():
        noise = RNG.normal(1, 0.003, (10, poole_2016.DEPTH))
        ones = np.ones((10, poole_2016.DEPTH))
        arrays = {
            "preactivation_mean": at_start(0 * ones),
            "preactivation_std": at_start(np.sqrt(scale * q * noise)),
            "jacobian_gain": at_start(scale * chi * noise),
            "input_correlation": at_start((c + shift) * noise),
        }
        found.append(run(arrays, gain=gain))
    return found


def spreads(factor=1.0, swapped=False):
    found = []
    for depth in hanin_2018.DEPTHS:
        other = hanin_2018.DEPTHS[1 - hanin_2018.DEPTHS.index(depth)] if swapped else depth
        beta = hanin_2018.beta(other)
        logs = RNG.normal(-2.5 * factor * beta, math.sqrt(5 * factor * beta), 2000)
        scales = np.stack([np.ones(2000), np.exp(logs / 2)], axis=1)
        found.append(run({"activation_rms": at_start(scales)}, depth=depth))
    return found


def births(deadlier=0.0):
    found = []
    for width in dying_relu.WIDTHS:
        dead = np.zeros((4000, dying_relu.DEPTH))
        dead[: round(4000 * (dying_relu.published(width) * (1 - deadlier)))] = 1
        found.append(run({"dead_fraction": at_start(dead)}, width=width))
    return found


RIGHT = {
    "dying_relu": births,
    "too_small_too_large": growths,
    "he_2015": gradients,
    "poole_2016": lengths,
    "hanin_2018": spreads,
}
SABOTAGED = {  # for every claim, some of these is not reproduced
    "dying_relu": [lambda: births(0.2)],
    "too_small_too_large": [lambda: growths(1.001)],
    "he_2015": [lambda: gradients(shift=0.5), lambda: gradients(swapped=True), lambda: gradients(gained=-0.3)],
    "poole_2016": [lambda: lengths(scale=1.2), lambda: lengths(shift=-0.05), settled := lambda: [
        run({**r.arrays, "preactivation_std": r.arrays["preactivation_std"] * np.linspace(1, 2, poole_2016.DEPTH)},
            **r.params) for r in lengths()
    ]],
    "hanin_2018": [lambda: spreads(factor=2.0), lambda: spreads(swapped=True)],
}  # fmt: skip


def test_every_study_has_its_sabotage_here():
    assert set(RIGHT) == set(SABOTAGED) == set(STUDIES) - {"symmetry"}  # which has tests of its own


@pytest.mark.parametrize("name", RIGHT)
def test_claims_pass_on_right_results(name):
    assert [finding.verdict for finding in check(STUDIES[name], RIGHT[name]())] == [REPRODUCED] * len(
        STUDIES[name].claims
    )


@pytest.mark.parametrize("name", SABOTAGED)
def test_every_claim_fails_on_sabotaged_results(name):
    verdicts = [[finding.verdict for finding in check(STUDIES[name], broken())] for broken in SABOTAGED[name]]
    for claim, found in zip(STUDIES[name].claims, zip(*verdicts, strict=True), strict=True):
        assert NOT_REPRODUCED in found, claim.statement


# ---------------------------------------------------------------- bad input


def test_runs_that_are_missing_or_ambiguous_are_told():
    runs = growths()
    with pytest.raises(ValueError, match=r"the sweep has no run with gain=3"):
        chosen(runs, gain="3")
    with pytest.raises(ValueError, match="2 runs"):
        one([*runs, *runs], gain="0.5")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["he_2015", "init=he"], "init must be swept over xavier, he for the claims of he_2015"),
        (["he_2015", "replicas=2"], "replicas must be an integer >= 3 for the tests of he_2015; got 2"),
        (["poole_2016", "init.gain=2.5"], "gain must be swept over 1.3, 2.5, 4.0"),
        (["symmetry", "network.depth=0"], "network.depth must be an integer >= 1"),
        (["he_2015", "lr=1"], "did you mean optimizer.lr=1?"),
    ],
)
def test_an_override_that_takes_away_what_a_claim_needs(words, told, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlpstudy.conduct.run", lambda *_: pytest.fail("a cell trains"))
    assert experiments.main(words) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_list_of_studies(capsys):
    assert experiments.main([]) == 0
    out = capsys.readouterr().out
    for study in STUDIES.values():
        assert f"{study.name} " in out
        assert study.question in out


@pytest.mark.slow
def test_quick_studies_reproduce_their_claims(tmp_path, monkeypatch):
    """All at once, as users do; about a minute each on two cores."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert experiments.main(["all", "--quick"]) == 0
    html = (tmp_path / "studies" / "index.html").read_text()
    for study in STUDIES.values():
        assert f"<h2>{study.name}</h2>" in html
        assert (tmp_path / "studies" / f"{study.name}.png").stat().st_size > 10_000
