"""Each claim is reproduced by constructed right results, and by none of: swapped cells, a factor in a statistic."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from experiments import (
    STUDIES,
    dying_relu,
    glorot_2010,
    hanin_2018,
    hayou_2019,
    he_2015,
    lsuv_2015,
    mnist_grid,
    optimizers,
    pennington_2017,
    poole_2016,
    saxe_2013,
    schoenholz_2017,
    selu_2017,
    symmetry,
    too_small_too_large,
    update_ratio,
    zero_output,
)
from experiments.study import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, findings

R = 10  # networks of a run
RNG = np.random.default_rng(0)


def run(arrays, **params):
    return SimpleNamespace(params=params, arrays=arrays)


def near(*values, spread=0.003, networks=R):
    """Values of each layer with a relative spread over networks, as a statistic of one snapshot, (1, R, depth)."""
    return (np.array(values, dtype=float) * RNG.normal(1, spread, (networks, 1)))[None]


def ends(value, spread=0.01, networks=R):
    """A curve of one record, (1, R)."""
    return value + RNG.normal(0, spread, (1, networks))


def scaled(runs, name, factor, shift=0.0, **params):
    """A factor in an array of the runs with these params."""
    return [
        run({**r.arrays, name: factor * r.arrays[name] + shift}, **r.params)
        if name in r.arrays and params.items() <= r.params.items()
        else r
        for r in runs
    ]


def swapped(runs, key, one, other, **params):
    """The arrays of runs with one value of a param belong to those with the other, among the runs with these params."""
    values = {one: other, other: one}
    return [
        run(r.arrays, **r.params | {key: values[r.params[key]]})
        if r.params.get(key) in values and params.items() <= r.params.items()
        else r
        for r in runs
    ]


def exchanged(runs, first, second):
    """The arrays of the runs with some params belong to that with others."""
    one, other = (next(r for r in runs if params.items() <= r.params.items()) for params in (first, second))
    arrays = {id(one): other.arrays, id(other): one.arrays}
    return [run(arrays.get(id(r), r.arrays), **r.params) for r in runs]


# ---------------------------------------------------------------- right results


def symmetric():
    def one(share, accuracy, **more):
        arrays = {"distinct_units": np.full((1, R, 3), share), "curve_accuracy_test": ends(accuracy)}
        return run(arrays, **{"width": "64", "data": "digits", "dtype": "float32"} | more)

    zeros = {"curve_loss_train": np.full((1, 2), 2.30119), "curve_accuracy_test": np.full((1, 2), 0.1135),
             "distinct_units": np.full((1, 2, 3), 1 / 64)}  # fmt: skip
    return [
        *(one(1 / 64, 0.1, init=init, **{"init.noise": "0.0"}) for init in symmetry.SYMMETRIC),
        one(1.0, 0.9, init="xavier"),
        one(1.0, 0.2, **symmetry.noise("0.01")),
        one(1.0, 0.9, **symmetry.noise("1.0")),
        run(zeros, init="zeros", data="mnist", width="64"),
    ]


def growths():
    layers = np.arange(10)
    linear = [
        run({"activation_rms": at_start(np.tile(float(g) ** layers, (3, 1)))}, gain=g, init="identity", depth="10")
        for g in ("0.5", "1.5")
    ]
    starts = too_small_too_large.STARTS
    return linear + [
        run({"curve_accuracy_test": ends(0.9 if name == too_small_too_large.GOOD else 0.1)}, depth="5", **params)
        for name, params in starts.items()
    ]


def at_start(values):
    return np.asarray(values, dtype=float)[None]


def uniform():
    g = glorot_2010
    falls = (1 / math.sqrt(3)) ** np.arange(4, -1, -1)
    wide = {
        g.STANDARD: {"jacobian_gain": near(*[(0.5 * 3 * math.pi / 8) ** 2] * 5), "delta_rms": near(*falls) ,
                     "weight_grad_rms": near(1, 1, 1, 1, 1)},
        g.NORMALIZED: {"jacobian_gain": near(*[(0.8 * 3 * math.pi / 8) ** 2] * 5), "delta_rms": near(1, 1, 1, 1, 1),
                       "weight_grad_rms": near(0.3, 0.4, 0.6, 0.8, 1)},
    }  # fmt: skip

    def trained(activation, init, accuracy, sizes):
        saturated = near(*sizes, spread=0.01)
        arrays = {"saturated_fraction": saturated, "curve_accuracy_test": ends(accuracy, 0.002)}
        if activation == "sigmoid":
            means = np.full((5, R, 4), 0.5)
            means[1, :, 3] = RNG.normal(0.1, 0.01, R)
            arrays["activation_mean"] = means
        return run(arrays, activation=activation, init=init, width="200")

    return [
        *(run(arrays, init=init, width="1000", activation="tanh") for init, arrays in wide.items()),
        trained("sigmoid", g.STANDARD, 0.7, (0.5, 0.5, 0.5, 0.1)),
        trained("tanh", g.STANDARD, 0.9, (0.95, 0.9, 0.8, 0.7)),
        trained("softsign", g.STANDARD, 0.95, (0.6, 0.6, 0.6, 0.6)),
        trained("tanh", g.NORMALIZED, 0.97, (0.6, 0.6, 0.6, 0.6)),
    ]


def gradients():
    """He keeps gradients, Xavier loses 1 / sqrt 2 a layer."""
    found = []
    for init in ("xavier", "he"):
        for depth, layers in he_2015.LAYERS.items():
            delta = np.ones((R, int(depth)))
            delta[:, 0] = 10 ** (layers * he_2015.SHRINKS * (init == "xavier") + RNG.normal(0, 0.05, R))
            accuracy = ends(0.1 + 0.3 * (init == "he"))
            found.append(run({"delta_rms": delta[None], "curve_accuracy_train": accuracy}, init=init, depth=depth))
    return found


def orthogonal():
    s = saxe_2013
    found = []
    for width in s.WIDTHS:
        n = int(width)
        largest = s.EDGE * (1 - 2 * n ** (-2 / 3)) * RNG.normal(1, 0.01, (R, 1))
        value = ((1 + s.MATRICES) * n - largest**2) / (n - largest)  # of some others; then mean and variance are right
        count = np.rint((n - largest) / value)
        squares = np.where(np.arange(n) < count, (n - largest) / count, 0.0)
        squares[:, -1:] = largest
        gaussian = np.sqrt(squares)[:, None]
        for init, values in ((s.GAUSSIAN, gaussian), (s.ORTHOGONAL, np.ones((R, 1, n)))):
            arrays = {"jacobian_singular_values": values}
            found.append(run(arrays, init=init, width=width, depth=s.DEPTH, data="gaussian"))
    for init in (s.GAUSSIAN, s.ORTHOGONAL):
        for depth in s.RATES:
            time = 1.0 if init == s.ORTHOGONAL else int(depth) / 4
            times = time * RNG.normal(1, 0.01, (1, R))
            epochs = np.array([0.0, 1e-3, 100.0])
            curve = np.concatenate([np.full((1, R), 2.3), np.full((1, R), 2.2), 2.2 * (0.5 / 2.2) ** (100 / times)])
            arrays = {"curve_epoch": epochs, "curve_loss_train": curve}
            found.append(run(arrays, init=init, depth=depth, activation="identity", data="digits", width="64"))
        accuracy = ends(0.9 if init == s.ORTHOGONAL else 0.6)
        found.append(run({"curve_accuracy_test": accuracy}, init=init, activation="tanh", depth="49", data="digits"))
    return found


def lengths():
    found = []
    for gain, (q, chi, c) in poole_2016.PUBLISHED.items():
        depth = poole_2016.DEPTH
        arrays = {
            "preactivation_mean": np.zeros((1, R, depth)),
            "preactivation_std": np.sqrt(q * RNG.normal(1, 0.003, (1, R, depth))),
            "jacobian_gain": chi * RNG.normal(1, 0.003, (1, R, depth)),
            "input_correlation": c * RNG.normal(1, 0.003, (1, R, depth)),
        }
        found.append(run(arrays, gain=gain))
    return found


def depths():
    s = schoenholz_2017
    found = []
    for gain, scale in s.SCALES.items():
        for depth in s.DEPTHS:
            learned = int(depth) < min(s.SCALES_DEEP * scale * RNG.normal(1, 0.05), 75)
            arrays = {"curve_accuracy_test": ends(0.9 if learned else 0.1), "jacobian_gain": near(*[1.0] * 40)}
            found.append(run(arrays, gain=gain, depth=depth))
    return found


def spectra():
    p = pennington_2017
    found = []
    for activation, init in p.CHANGES:
        for depth in p.DEPTHS:
            variance = p.published(activation, init, depth) * RNG.normal(1, 0.005, (R, 1))
            found.append(
                run({"jacobian_singular_values": two_values(variance)}, activation=activation, init=init, depth=depth)
            )
    return found


def two_values(variance, n=1000):
    """Singular values whose squares have mean 1 and this variance, (R, 1): some are x, the others 0. (R, 1, n)."""
    share = 1 / (1 + variance)  # of those that are not 0: their squares are 1 / share
    count = np.maximum(np.rint(share * n), 1)
    squares = np.where(np.arange(n) < count, n / count, 0.0)
    return np.sqrt(squares)[:, None]


def attracted():
    s = selu_2017
    rms = np.sqrt([*s.ATTRACTED, *[1.0] * 30])
    far = {"activation_rms": near(*rms, spread=0.002)}
    still = {"activation_mean": RNG.normal(0, 0.01, (1, R, 50)), "jacobian_gain": near(*[s.CHI] * 50)}
    return [run(far, **{"data.features": s.FAR}), run(still, **{"data.features": s.NEAR})]


def unit_variance():
    s = lsuv_2015
    found = []
    for activation in s.ACTIVATIONS:
        for scheme in (s.ONCE, s.TEN):
            arrays = {"preactivation_std": np.ones((1, R, 20)), "curve_accuracy_test": ends(0.9)}
            found.append(run(arrays, activation=activation, **scheme))
        for scheme in s.OTHERS.values():
            found.append(run({"curve_accuracy_test": ends(0.5)}, activation=activation, **scheme))
    return found


def on_the_edge():
    s = hayou_2019

    def one(params, away, q, chi=1.0):
        layers = np.arange(1, 301)
        c = 1 - away(layers) * RNG.normal(1, 0.01, (1, R, 1))
        arrays = {"input_correlation": c, "preactivation_mean": np.zeros((1, R, 300)),
                  "preactivation_std": np.sqrt(q(layers) * RNG.normal(1, 0.01, (1, R, 1)) * np.ones((1, R, 300))),
                  "jacobian_gain": near(*[chi] * 300)}  # fmt: skip
        return run(arrays, **params)

    level = lambda layers: np.ones(300)  # noqa: E731
    grows = lambda layers: 10.0 ** (layers / 20)  # noqa: E731
    relu = lambda layers: 1 / (1.5 + s.RATE * layers) ** 2  # noqa: E731
    smooth = lambda layers: 0.5 / layers  # noqa: E731
    return [
        one(s.RELU, relu, level),
        *(one(params, smooth, level) for params in s.SMOOTH.values()),
        *(one(params, smooth, grows) for params in s.TRAPS.values()),
    ]


def spreads():
    found = []
    for depth in hanin_2018.DEPTHS:
        beta = hanin_2018.beta(depth)
        logs = RNG.normal(-2.5 * beta, math.sqrt(5 * beta), 2000)
        scales = np.stack([np.ones(2000), np.exp(logs / 2)], axis=1)
        found.append(run({"activation_rms": scales[None]}, depth=depth))
    return found


def births():
    found = []
    for width in dying_relu.WIDTHS:
        dead = np.zeros((1, 4000, dying_relu.DEPTH))
        dead[0, : round(4000 * dying_relu.published(width))] = 1
        found.append(run({"dead_fraction": dead}, width=width))
    return found


def ratios():
    u = update_ratio
    found = []
    for gain in u.GAINS:
        arrays = {
            "activation_std": near(*u.DEVIATIONS.get(gain, [0.5] * 5)),
            "saturated_fraction": near(*u.SATURATED.get(gain, [0.1] * 5), spread=0.02),
            "delta_rms": near(1e-5, 2 * u.SHRINKS[0], 1e-4, 1e-4, u.SHRINKS[1]),
        }
        arrays["delta_rms"][..., 1] *= RNG.normal(1, 0.02, R)
        found.append(run(arrays, gain=gain, lr="0.01", **u.LETTERS))
        for ratio, value, rate in zip((1e-5, 1e-3, 1e-1), (0.4, 0.9, 0.6), u.RATES, strict=True):
            ratios = ratio * RNG.normal(1, 0.01, (2, R, 5))
            ended = {"update_ratio": ratios, "curve_accuracy_test": ends(value)}
            found.append(run(ended, gain=gain, lr=rate, data="digits"))
    return found


def optimized():
    o = optimizers
    reached = {"zeros": (0.1, 0.1, 0.1), "too small": (0.1, 0.2, 0.6), "xavier": (0.9, 0.9, 0.9),
               "too large": (0.4, 0.7, 0.3)}  # fmt: skip
    found = []
    for name, start in o.STARTS.items():
        for accuracy, optimizer in zip(reached[name], o.OPTIMIZERS.values(), strict=True):
            units = np.full((1, R, 5), 1 / 64 if name == "zeros" else 1.0)
            arrays = {"distinct_units": units, "curve_accuracy_test": ends(accuracy)}
            found.append(run(arrays, width="64", **start, **optimizer))
    return found


def opinions():
    z = zero_output
    ends_of = {"curve_loss_train": np.concatenate([ends(3.0, 0.1), ends(0.6)])}
    zeros = {"curve_loss_train": np.concatenate([np.full((1, R), math.log(10)), ends(0.3)])}
    return [run(ends_of, **z.RANDOM), run(zeros, **z.ZEROS)]


def grid():
    m = mnist_grid
    found = [
        run({"curve_accuracy_test": ends(0.97)}, activation="relu", init=init, depth="5", **{"training.epochs": "50"})
        for init in ("he", "xavier")
    ]
    for activation in m.ACTIVATIONS:
        for init in m.INITIALIZERS:
            for depth in ("5", "50"):
                good = (activation, init) in {("relu", "he"), ("tanh", "orthogonal")} or (activation, init, depth) == (
                    "tanh", "xavier", "5"
                )  # fmt: skip
                accuracy = np.full((1, R), 0.1135) if init == "zeros" else ends(0.9 if good else 0.2)
                predicted = np.array([10.0 ** RNG.uniform(-6, 2), 1.0])
                arrays = {"curve_accuracy_test": accuracy}
                if init != "zeros":
                    delta = predicted * 10 ** RNG.normal(0, 0.05, (R, 2))
                    arrays |= {"theory_delta_rms": predicted, "delta_rms": delta[None]}
                found.append(run(arrays, activation=activation, init=init, depth=depth, data="mnist", **m.ONE))
    return found


RIGHT = {
    "symmetry": symmetric,
    "too_small_too_large": growths,
    "glorot_2010": uniform,
    "he_2015": gradients,
    "saxe_2013": orthogonal,
    "poole_2016": lengths,
    "schoenholz_2017": depths,
    "pennington_2017": spectra,
    "selu_2017": attracted,
    "lsuv_2015": unit_variance,
    "hayou_2019": on_the_edge,
    "hanin_2018": spreads,
    "dying_relu": births,
    "update_ratio": ratios,
    "optimizers": optimized,
    "mnist_grid": grid,
    "zero_output": opinions,
}
S = "curve_accuracy_test"
SABOTAGED = {  # for every claim, some of these is not reproduced
    "symmetry": [
        lambda r: swapped(r, "init", "xavier", "constant"),
        lambda r: scaled(r, "curve_loss_train", 1.001),
        lambda r: scaled(r, S, 1.001),
        lambda r: scaled(r, "distinct_units", 0.99),
        lambda r: swapped(r, "init.noise", "1.0", "0.01"),
    ],
    "too_small_too_large": [
        lambda r: scaled(r, "activation_rms", np.linspace(1, 1.01, 10)),
        lambda r: scaled(r, S, -1.0, 1.0),
    ],
    "glorot_2010": [
        lambda r: swapped(r, "init", glorot_2010.STANDARD, glorot_2010.NORMALIZED, activation="tanh"),
        lambda r: scaled(r, "jacobian_gain", 2.0),
        lambda r: scaled(r, "delta_rms", np.array([3, 1, 1, 1, 1])),
        lambda r: scaled(r, "weight_grad_rms", np.array([1, 0.2, 1, 1, 1])),
        lambda r: scaled(r, "activation_mean", np.array([1, 1, 1, 5])),
        lambda r: swapped(r, "activation", "tanh", "softsign", init=glorot_2010.STANDARD, width="200"),
        lambda r: scaled(r, "saturated_fraction", np.array([1, 2, 1, 1])),
        lambda r: scaled(r, S, -1.0, 1.8),
    ],
    "he_2015": [
        lambda r: scaled(r, "delta_rms", np.r_[3, np.ones(22)], depth="23"),
        lambda r: scaled(r, "delta_rms", np.r_[3, np.ones(30)], depth="31"),
        lambda r: swapped(r, "init", "he", "xavier"),
    ],
    "saxe_2013": [
        lambda r: scaled(r, "jacobian_singular_values", 1.001),
        lambda r: scaled(r, "jacobian_singular_values", 1.1),
        lambda r: scaled(r, "jacobian_singular_values", 1.0, 0.5),
        lambda r: swapped(r, "init", "lecun", "orthogonal", data="digits"),
        lambda r: swapped(r, "depth", "4", "99", data="digits"),
    ],
    "poole_2016": [
        lambda r: scaled(scaled(r, "preactivation_std", 1.1), "jacobian_gain", 1.2),
        lambda r: scaled(r, "input_correlation", 1.0, -0.05),
        lambda r: scaled(r, "preactivation_std", np.linspace(1, 2, poole_2016.DEPTH)),
    ],
    "schoenholz_2017": [
        lambda r: swapped(swapped(r, "gain", "1.2", "2.5"), "gain", "1.45", "2.1"),
        lambda r: swapped(r, "depth", "5", "40"),
        lambda r: [run({**x.arrays, S: 0 * x.arrays[S] + (0.9 if x.params["depth"] == "5" else 0.1)}, **x.params)
                   for x in r],
        lambda r: scaled(r, "jacobian_gain", 1.1),
        lambda r: [run(x.arrays, **x.params | {"gain": dict(zip(G, reversed(G), strict=True))[x.params["gain"]]})
                   if x.params["gain"] in G else x for x in r],
    ],
    "pennington_2017": [
        lambda r: scaled(r, "jacobian_singular_values", 1.0, 1.0),
        lambda r: swapped(r, "activation", "relu", "tanh") + [x for x in r if x.params["init"] == "he"],
    ],
    "selu_2017": [
        lambda r: scaled(r, "activation_rms", 1.05),
        lambda r: scaled(r, "activation_mean", 1.0, 0.1),
        lambda r: scaled(r, "jacobian_gain", 0.95),
    ],
    "lsuv_2015": [
        lambda r: scaled(r, "preactivation_std", 1.2),
        lambda r: [run({**x.arrays, S: -x.arrays[S]}, **x.params) for x in r],
    ],
    "hayou_2019": [
        lambda r: scaled(r, "input_correlation", 0.5, 0.5),
        lambda r: exchanged(r, hayou_2019.RELU, hayou_2019.SMOOTH["tanh"]),
        lambda r: [run({**x.arrays, "input_correlation": 1 - (1 - x.arrays["input_correlation"]) ** 3}, **x.params)
                   if x.params["activation"] in ("tanh", "elu") else x for x in r],
        lambda r: scaled(r, "preactivation_std", 10.0 ** (np.arange(300) / 100)),
        lambda r: scaled(r, "preactivation_std", 10.0 ** (-np.arange(300) / 40)),
        lambda r: scaled(r, "jacobian_gain", 1.05),
    ],
    "hanin_2018": [
        lambda r: scaled(r, "activation_rms", np.array([[[1.0, 1.5]]])),
        lambda r: [run({"activation_rms": x.arrays["activation_rms"] ** 2}, **x.params) for x in r],
        lambda r: swapped(r, "depth", "10", "40"),
    ],
    "dying_relu": [lambda r: swapped(r, "width", "2", "5"), lambda r: swapped(r, "width", "3", "5")],
    "update_ratio": [
        lambda r: scaled(r, "activation_std", 1.1),
        lambda r: scaled(r, "saturated_fraction", 1.5),
        lambda r: scaled(r, "delta_rms", np.array([1, 2, 1, 1, 1])),
        lambda r: swapped(r, "gain", "1", "1.6666667"),
        lambda r: scaled(r, S, -1.0, 1.0),
    ],
    "optimizers": [
        lambda r: scaled(r, S, -1.0, 1.0),
        lambda r: scaled(r, "distinct_units", 2.0),
    ],
    "zero_output": [
        lambda r: scaled(r, "curve_loss_train", 1.01),
        lambda r: exchanged(r, zero_output.RANDOM, zero_output.ZEROS),
    ],
    "mnist_grid": [
        lambda r: scaled(r, "delta_rms", np.array([2.0, 1.0])),
        lambda r: scaled(r, S, -1.0, 1.0),
    ],
}  # fmt: skip
G = sorted(schoenholz_2017.SCALES, key=lambda gain: schoenholz_2017.SCALES[gain])[:-1]  # the last is critical


def test_every_study_has_its_sabotage_here():
    assert set(RIGHT) == set(SABOTAGED) == set(STUDIES)


@pytest.mark.parametrize("name", RIGHT)
def test_claims_pass_on_right_results(name):
    found = findings(STUDIES[name], RIGHT[name]())
    assert {f.claim.statement: f.measured_text for f in found if f.verdict != REPRODUCED} == {}


@pytest.mark.parametrize("name", SABOTAGED)
def test_every_claim_fails_on_sabotaged_results(name):
    verdicts = [
        [finding.verdict for finding in findings(STUDIES[name], broken(RIGHT[name]()))] for broken in SABOTAGED[name]
    ]
    claims = zip(STUDIES[name].claims, zip(*verdicts, strict=True), strict=True)
    assert [claim.statement for claim, found in claims if NOT_REPRODUCED not in found] == []


def test_claims_about_mnist_are_not_decided_on_digits():
    runs = [r for r in RIGHT["symmetry"]() if r.params["data"] != "mnist"]
    found = [f for f in findings(STUDIES["symmetry"], runs) if f.claim.data == "mnist"]
    assert [f.verdict for f in found] == [INCONCLUSIVE] * 2
    assert found[0].measured_text == "not measured, since it is about mnist"
