"""Intervals of shares: inside [0, 1], near the usual one where that is inside, and they cover what they say."""

import numpy as np
import pytest

from mlpstudy.measure.intervals import mean_and_interval, share_interval, share_text


@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.9, 0.98])
def test_the_interval_of_a_share_covers_it_as_often_as_it_says(p):
    """Five replicas, each a share of 360 examples, as in the digits test split."""
    rng, n = np.random.default_rng(1), 4000
    shares = rng.binomial(360, p, (5, n)) / 360
    low, high = share_interval(*mean_and_interval(shares))
    covered = ((low <= p) & (p <= high)).mean()
    error = np.sqrt(0.95 * 0.05 / n)
    assert covered > 0.95 - 0.015 - 4 * error  # the shares are discrete, and five of them are few
    assert covered < 0.95 + 0.015 + 4 * error
    assert ((low >= 0) & (high <= 1)).all()


def test_a_narrow_interval_is_the_usual_one():
    low, high = share_interval(0.6, 0.01)
    assert (low, high) == (pytest.approx(0.59, abs=2e-4), pytest.approx(0.61, abs=2e-4))


@pytest.mark.parametrize(("mean", "half"), [(0.95, 0.2), (0.03, 0.5), (0.75, 3.177), (1.0, 0.0), (0.0, 0.0)])
def test_no_interval_leaves_the_shares(mean, half):
    low, high = share_interval(mean, half)
    assert 0 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1


def test_what_is_not_known_stays_so():
    assert np.isnan(share_interval(np.nan, np.nan)).all()
    assert np.isnan(share_interval(0.5, np.nan)).all()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.94, 0.95, 0.936], "0.942 ± 0.018"),
        ([0.5, 1.0], "0.500, 1.000"),
        ([0.1, 0.1], "0.100"),
        ([0.9], "0.900"),
        ([0.999, 0.9, 0.95, 0.8], "0.912 (0.736 to 0.996)"),  # 3.182 / 2 standard errors on either side, on asin(sqrt)
        ([np.nan, np.nan], ""),
    ],
)
def test_a_share_in_words(values, text):
    mean, half = (float(v) for v in mean_and_interval(np.array(values)))
    assert share_text(mean, half, int(np.isfinite(values).sum())) == text
