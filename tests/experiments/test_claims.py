"""Claims: how often true ones are rejected, and that each is reproduced by right numbers and not by sabotaged ones."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import STUDIES
from experiments import __main__ as experiments
from experiments.measures import farthest
from experiments.study import INCONCLUSIVE, LEVEL, NOT_REPRODUCED, REPRODUCED, Claim, Mean, Order, chosen, one

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


@pytest.mark.parametrize("published_of", [1, 5])
def test_published_means_of_few_networks_are_rejected_no_more_often_either(published_of):
    """The published number is itself measured, on one network or five: it may be as far off as these networks are."""
    rng = np.random.default_rng(3)
    trials, rejected = 4000, 0
    for values in rng.normal(2.0, 1.0, (trials, 8 + published_of)):
        claim = Mean("", values[8:].mean(), lambda runs: np.empty(0), networks=published_of)
        rejected += claim.verdict(values[:8], 1) == NOT_REPRODUCED
    error = math.sqrt(LEVEL * (1 - LEVEL) / trials)
    assert abs(rejected / trials - LEVEL) < 4 * error


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
    assert exact.measured_text(np.array([1 - 1e-9, 1 + 1e-9]), 1) == "1"
    assert exact.measured_text(np.array([1.0, 1.5]), 1) == "1 to 1.5"


def test_exact_claims_take_the_worst_number_of_each_network():
    values = np.array([[1.0, 1.2, 0.9], [0.5, 1.0, 1.4]])
    np.testing.assert_array_equal(farthest(values, 1.0), [1.2, 0.5])


# ---------------------------------------------------------------- bad input


def test_runs_that_are_missing_or_ambiguous_are_told():
    runs = [SimpleNamespace(params={"gain": gain}, arrays={}) for gain in ("0.5", "1.5")]
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
    monkeypatch.setattr("mlpstudy.conduct.sweep.run", lambda *_: pytest.fail("a cell trains"))
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


QUICK = ("dying_relu", "hanin_2018", "he_2015", "optimizers", "selu_2017", "too_small_too_large")


@pytest.mark.slow
def test_quick_studies_reproduce_their_claims(tmp_path, monkeypatch):
    """As `all` does, without those that take longer; half a minute each on two cores."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(experiments, "without_mnist", lambda: "no network")
    monkeypatch.setattr(experiments, "STUDIES", {name: STUDIES[name] for name in QUICK})
    assert experiments.main(["all", "--quick"]) in (0, 1)  # 1: a claim may be inconclusive with few networks
    html, markdown = ((tmp_path / "studies" / name).read_text() for name in ("index.html", "studies.md"))
    for name in QUICK:
        assert f'<h2 id="{name}">{name}</h2>' in html
        assert (tmp_path / "studies" / f"{name}.png").stat().st_size > 10_000
        section = markdown.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert section.splitlines()[-len(STUDIES[name].claims)].endswith("| reproduced |")  # the first, main claim
        assert "| not reproduced |" not in section
    assert "(on digits, not MNIST)" in html


def test_the_documentation_has_every_study_and_claim(root):
    text = (root / "docs" / "studies.md").read_text()
    for study in STUDIES.values():
        section = text.partition(f"\n## {study.name}\n")[2].partition("\n## ")[0]
        assert (root / "docs" / "images" / "studies" / f"{study.name}.png").is_file()
        for claim in study.claims:
            assert claim.statement.replace("|", "\\|").replace("*", "\\*") in section


def test_a_study_that_fails_does_not_stop_the_others(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiments, "STUDIES", {name: STUDIES[name] for name in ("he_2015", "dying_relu")})
    ran = []
    monkeypatch.setattr("mlpstudy.conduct.sweep.run", lambda cells, again: ran.append(cells))
    assert experiments.main(["all", "--quick"]) == 2
    assert len(ran) == 2
    assert capsys.readouterr().err.count("did not end well; type the command again to go on") == 2
