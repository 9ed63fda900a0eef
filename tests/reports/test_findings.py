"""What the titles of figures say, on runs whose numbers are chosen; and that other numbers give other titles."""

from types import SimpleNamespace

import numpy as np
import pytest

from reports.figures import forward_signal as signal
from reports.figures import (
    gradient_flow,
    gradient_over_time,
    grid,
    jacobian,
    learning_curves,
    saturation,
    seeds,
    symmetry,
    update_ratio,
)


def run(activation="tanh", init="he", depth=4, ratio=1.0, outcome="learned", score=0.9, seed=0, **arrays):
    """A run of two replicas; its gradient at the first layer is `ratio` of that at the last."""
    delta = np.geomspace(ratio, 1.0, depth) * np.ones((2, 2, 1))
    name = f"{init}-{activation}-d{depth}"
    found = {
        "delta_rms": delta, "activation_rms": np.ones_like(delta), "saturated_fraction": np.full_like(delta, 0.1),
        "distinct_units": np.ones_like(delta), "update_ratio": np.full_like(delta, 1e-3),
        "curve_accuracy_test": np.array([[0.1, 0.1], [score, score]]), "curve_loss_train": np.ones((2, 2)),
        "jacobian_singular_values": np.ones((2, 3, 4)),
    }  # fmt: skip
    params = {"activation": activation, "init": init, "depth": str(depth), "training.epochs": "1", "seed": str(seed)}
    return SimpleNamespace(
        name=name,
        params=params | {"verdict.vanishing": "0.001"},
        tags={"outcome": outcome},
        arrays=found | arrays,
    )


def test_gradients_are_told_by_activation_at_the_largest_depth():
    runs = [run(ratio=0.5), run("sigmoid", ratio=1e-12), run("sigmoid", depth=2, ratio=1e-30), run("relu", ratio=1e3)]
    told = "Through 4 layers, tanh keeps its gradient within a decade, sigmoid loses 12 decades, relu gains 3 decades"
    assert gradient_flow.finding(runs) == told
    assert gradient_flow.finding(runs[:1] + [run(init="zeros", ratio=np.nan)]) == (
        "Through 4 layers, he keeps its gradient within a decade, zeros has no gradient to measure"
    )
    alike = [run("tanh"), run("relu"), run("sigmoid", ratio=1e-5)]
    assert "tanh and relu keep their gradient within a decade, sigmoid loses" in gradient_flow.finding(alike)


def test_the_worst_initializer_of_an_activation_is_told():
    runs = [run(init="he"), run(init="normal", ratio=1e-6), run("relu")]
    assert "tanh loses 6 decades" in gradient_flow.finding(runs)


def test_the_signal_is_told_from_the_first_layer_to_the_last():
    shrinks = np.geomspace(1.0, 1e-7, 4) * np.ones((2, 2, 1))
    runs = [run(), run("relu", activation_rms=shrinks)]
    assert signal.finding(runs) == "Through 4 layers, tanh keeps its signal within a decade, relu loses 7 decades"


def test_vanishing_is_counted_at_the_start_and_at_the_end():
    """As their verdicts say, so that figure and table agree."""
    nothing = np.zeros((2, 2, 4))
    runs = [run(), run("relu"), run("sigmoid"), run("tanh", init="zeros", delta_rms=nothing)]
    starts = ("healthy", "vanishing", "vanishing", "symmetric")
    ends = ("healthy", "dead", "vanishing", "symmetric")
    for one, start, end in zip(runs, starts, ends, strict=True):
        one.tags |= {"verdict": start, "verdict_final": end}
    told = "Gradients vanish in 2 of 4 cells at the start, and in 1 at the end"
    assert gradient_over_time.finding(runs) == f"{told}; the first layer of 1 gets none at all"
    assert gradient_over_time.finding(runs[:1]) == "Gradients vanish in 0 of 1 cell at the start, and in 0 at the end"


def test_the_grid_tells_what_learned_and_what_never_did():
    runs = [run(), run("sigmoid", outcome="slow"), run("sigmoid", depth=2, outcome="diverged"), run("relu")]
    assert grid.finding(runs) == "2 of 4 cells learned, none with sigmoid"
    assert grid.finding([run(), run("relu")]) == "2 of 2 cells learned"
    assert grid.finding([run(outcome="stalled"), run("relu", outcome="stalled")]) == "0 of 2 cells learned"


def test_the_best_cell_is_told_with_its_score():
    runs = [run(score=0.5), run("relu", score=0.8), run("sigmoid", score=0.1, outcome="stalled")]
    told = learning_curves.finding(runs)
    assert told.startswith("he-relu-d4 ends best, with test accuracy 0.8")
    assert told.endswith("; 1 of 3 stalled")
    runs += [run("elu", score=0.2, outcome="slow"), run("selu", score=0.2, outcome="diverged")]
    assert learning_curves.finding(runs).endswith("; 1 of 5 slow, 1 of 5 stalled and 1 of 5 diverged")
    losses = [run(outcome="diverged", curve_accuracy_test=np.full((2, 2), np.nan))]
    assert learning_curves.finding(losses) == "No network ended with a finite loss"


def test_the_most_saturated_layer_is_told():
    flat = np.full((2, 2, 4), 0.2)
    flat[0, :, 1], flat[1, :, 3] = 0.8, 0.95
    runs = [run(), run("sigmoid", saturated_fraction=flat)]
    assert saturation.finding(runs) == (
        "Where g is flat, at the start: up to 80% of a layer (he-sigmoid-d4); "
        "after training: up to 95% of a layer (he-sigmoid-d4)"
    )
    none = np.zeros((2, 2, 4))
    assert saturation.finding([run(saturated_fraction=none)]) == (
        "Where g is flat, at the start: up to 0% of a layer; after training: up to 0% of a layer"
    )


def test_symmetry_tells_who_keeps_who_breaks_and_who_never_had_equal_units():
    one, parts = np.full((2, 2, 4), 0.25), np.ones((2, 2, 4))
    parts[0] = 0.25
    runs = [run(init="zeros", distinct_units=one), run(init="identical", distinct_units=parts), run()]
    assert symmetry.finding(runs) == (
        "zeros keeps equal units to the end, identical has equal units that training separates, he has no equal units"
    )


def test_the_jacobian_tells_best_and_worst():
    runs = [run(), run("relu", jacobian_singular_values=np.full((2, 3, 4), 1e-4))]
    assert jacobian.finding(runs) == (
        "A small change is multiplied by 1 in he-tanh-d4 (rms over all directions), by 1e-04 in he-relu-d4"
    )
    nothing = [run(jacobian_singular_values=np.zeros((2, 3, 4)))]
    assert jacobian.finding(nothing) == "No network lets a small change through"


def test_steps_near_a_thousandth_are_counted():
    runs = [run(), run("relu", update_ratio=np.full((2, 2, 4), 1e-6)), run("elu", update_ratio=np.zeros((2, 2, 4)))]
    assert update_ratio.finding(runs) == "In 1 of 2 cells, first steps are within a decade of 0.001 of the weights"


@pytest.mark.parametrize(("apart", "expected"), [(0.5, "1 of 1"), (0.0, "0 of 1")])
def test_seeds_that_spread_more_are_counted(apart, expected):
    runs = [
        run(seed=seed, curve_accuracy_test=np.array([[0.1, 0.1], [0.3 + seed * apart, 0.32 + seed * apart]]))
        for seed in (0, 1)
    ]
    told = f"Seeds spread the score more than initializations in {expected} combination"
    assert seeds.finding(runs) == told + "s" * expected.endswith("0")
