"""Outcomes of trainings, and what is said of first losses."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mlpstudy.measure.outcomes import OUTCOMES, Yardstick, first_losses, majority


@pytest.mark.parametrize(("linear", "needed"), [(0.0, 0.1), (0.2, 0.1), (0.9, 0.45)])
def test_outcome(thresholds, linear, needed):
    """Stalled up to a tenth of the way, slow up to half of what a linear model gains, if that is more."""
    loss = np.array([2.0, 0.95, 0.9, 0.9, 0.0, np.nan, np.inf, -np.inf, 0.9])
    share = np.array([-0.1, 0.1, needed, np.nextafter(needed, 1), 1.0, 1.0, 1.0, 1.0, np.nan])
    little = "slow" if needed > 0.1 else "stalled"
    expected = ["stalled", "stalled", little, "learned", "learned", "diverged", "diverged", "diverged", "stalled"]
    yardstick = Yardstick(1.0, 0.5, linear)
    assert yardstick.needed(thresholds) == pytest.approx(needed)
    assert yardstick.outcomes(loss, share, thresholds).tolist() == expected
    strict = replace(thresholds, stalled=0.5)
    assert yardstick.outcomes(np.ones(2), np.array([0.5, 0.51]), strict).tolist() == ["stalled", "learned"]


def test_what_was_gained_is_between_chance_and_perfect():
    """By hand: half the examples are of one class; a network that is right for three quarters is half way."""
    accuracy = np.array([0.5, 0.75, 1.0, 0.25])
    np.testing.assert_allclose(Yardstick(1.0, 0.5, 0.0).gained(np.ones(4), accuracy), [0, 0.5, 1, -0.5])
    y = np.array([1.0, 2.0, 3.0, 6.0])  # explained variance of predictions that are off by 1 everywhere
    gained = Yardstick(0.5 * y.var(), np.nan, 0.0).gained(0.5 * np.ones(1), None)
    np.testing.assert_allclose(gained, 1 - 1 / y.var())


@pytest.fixture
def thresholds(configure):
    return configure().thresholds


@pytest.mark.parametrize(
    ("outcomes", "name"),
    [
        ("learned learned stalled", "learned"),
        ("stalled diverged stalled", "stalled"),
        ("learned", "learned"),
        ("learned stalled", "stalled"),
        ("learned slow", "slow"),
        ("slow stalled learned slow", "slow"),
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
    assert OUTCOMES == ("learned", "slow", "stalled", "diverged")


# ---------------------------------------------------------------- theory beside measurement


def test_a_large_first_loss_is_told_once_with_the_numbers_of_the_worst_cell():
    ten, two = math.log(10), math.log(2)
    small = [("a", 1.29 * ten, ten, False), ("b", math.inf, ten, False), ("c", math.nan, two, False)]
    assert first_losses([]) == first_losses(small) == first_losses([("a", 3.0, 0.0, False)]) == ""
    assert first_losses([("a", 3.5, ten, False), ("b", 2.4, ten, False)]) == (
        "a starts with a training loss of 3.5. Outputs of 0, which know nothing, have 2.3; its random outputs add 1.2. "
        "For small ones, type: 'init.output={name:lecun,gain:0.1}'"
    )
    large = [("a", 3.5, ten, False), ("b", 2.0, two, False)]
    told = first_losses(large)
    assert told.startswith(
        "b starts with a training loss of 2. Outputs of 0, which know nothing, have 0.693; its random "
    )
    assert " (and those of 1 more cell too) add 1.3." in told
    assert " (and those of 2 more cells too) " in first_losses([*large, ("c", 3.6, ten, False)])


def test_with_standardized_targets_an_output_of_0_is_their_mean():
    assert first_losses([("a", 3.5, 0.6, True)]) == (
        "a starts with a training loss of 3.5. The mean of the targets as output, which knows nothing, has 0.6; its "
        "random outputs add 2.9. For small ones, type: 'init.output={name:lecun,gain:0.1}'"
    )
