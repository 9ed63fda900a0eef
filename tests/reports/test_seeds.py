"""The figure of seeds: what is drawn, and both deviations against simulated data."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest

from reports.drawing import rendering, style, theme
from reports.figures import seeds


def run(init, seed, scores, depth=3):
    name = f"{init}-tanh-d{depth}-seed={seed}"
    params = {"init": init, "activation": "tanh", "depth": str(depth), "seed": str(seed), "replicas": str(len(scores))}
    params |= {"training.epochs": "5", "data": "digits", "optimizer": "sgd", "lr": "0.1"}
    return SimpleNamespace(
        name=name, params=params, tags={"sweep": "s"}, arrays={"curve_accuracy_test": np.array([scores, scores])}
    )


def test_deviations_of_simulated_scores():
    """Within 0.1 and over seeds 0.3, in 4000 seeds of 6 replicas."""
    rng = np.random.default_rng(0)
    scores = [rng.normal(mean, 0.1, 6) for mean in rng.normal(0, 0.3, 4000)]
    within, beyond = seeds.deviations(scores)
    assert within == pytest.approx(0.1, rel=0.02)
    assert beyond == pytest.approx(0.3, rel=0.04)


def test_seeds_that_differ_by_chance_alone_add_nothing():
    """On average over 200 sweeps; shuffled among seeds, scores of seeds that do differ add nothing either."""
    rng = np.random.default_rng(1)
    found = [seeds.deviations(list(rng.normal(0, 0.1, (5, 4)))) for _ in range(200)]
    assert np.mean([beyond**2 for _, beyond in found]) < 0.1**2 / 4
    real = rng.normal(0, 0.01, (8, 4)) + rng.normal(0, 0.3, (8, 1))
    shuffled = rng.permutation(real.ravel()).reshape(8, 4)
    assert seeds.deviations(list(shuffled))[1] < 0.5 * seeds.deviations(list(real))[1]


def test_with_one_seed_or_one_replica_there_is_no_deviation():
    assert np.isnan(seeds.deviations([np.ones(3)])).all()
    assert np.isnan(seeds.deviations([np.ones(1), np.zeros(1)])).all()
    assert np.isnan(seeds.deviations([np.full(3, np.nan), np.ones(3)])).all()


def test_every_replica_is_a_dot_and_every_seed_a_line():
    scores = {("he", 0): [0.8, 0.9], ("he", 1): [0.7, 0.6], ("xavier", 0): [0.5, np.nan], ("xavier", 1): [0.4, 0.2]}
    runs = seeds.FIGURE.choose([run(init, seed, values) for (init, seed), values in scores.items()])
    with matplotlib.rc_context(theme.THEMES["light"]):
        (page,) = seeds.FIGURE.pages(runs)
        canvas = rendering.draw(seeds.FIGURE, page)
    (axes,) = canvas.axes
    dots = [line.get_ydata() for line in axes.lines if line.get_marker() == "."]
    means = [line.get_ydata()[0] for line in axes.lines if line.get_marker() != "."]
    np.testing.assert_array_equal(dots, list(scores.values()))
    np.testing.assert_allclose(means, [0.85, 0.65, 0.5, 0.3])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["he", "xavier"]


def test_runs_without_another_seed_are_left_out():
    alone, pair = run("he", 0, [0.5, 0.6]), [run("xavier", seed, [0.5, 0.6]) for seed in (0, 1)]
    assert seeds.FIGURE.choose([alone, *pair]) == pair
    with pytest.raises(style.CannotDraw, match="differ in their seed alone"):
        seeds.FIGURE.choose([alone])
