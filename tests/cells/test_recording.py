import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mlpstudy.cells import recording
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import evaluate_splits, log_spaced, train_and_record
from mlpstudy.cells.streams import DATA, ORDER, WEIGHTS, stream
from mlpstudy.errors import ConfigError
from mlpstudy.measure import evaluation
from mlpstudy.measure.arrays import ARRAYS, MOMENTS
from mlpstudy.measure.decision_regions import decision_frame, decision_regions
from mlpstudy.measure.jacobian import jacobian
from mlpstudy.measure.statistics import STATISTICS
from mlpstudy.measure.unit_paths import principal_axes
from mlpstudy.network import mlp, training
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.optimizers import OPTIMIZERS

TINY = (
    "data=moons",
    "data.samples=60",
    "network.hidden=[4,3]",
    "training.batch_size=10",
    "training.epochs=3",
    "optimizer.lr=0.1",
)
STEPS = ("schedule=step", "schedule.every=2", "schedule.factor=0.5")


def outcomes(problem, record):
    """The outcome of each replica that ended with this record."""
    loss = record.curves["loss_train"]
    gained = problem.yardstick.gained(loss, record.curves["accuracy_train"])
    return problem.yardstick.outcomes(loss, gained, problem.config.thresholds).tolist()


@pytest.fixture(scope="module")
def problem_of(configure):
    """(*overrides) -> Problem."""
    return lambda *overrides: prepare(configure(*overrides))


@pytest.fixture(scope="module")
def run(problem_of):
    """(*overrides, replicas=...) -> the list of records."""

    def _run(*overrides, replicas=range(2)):
        problem = problem_of(*overrides)
        return list(train_and_record(problem, initial_theta(problem, replicas)))

    return _run


def same(one, other):
    return all(
        (a.step, a.epoch, a.last) == (b.step, b.epoch, b.last)
        and a.arrays.keys() == b.arrays.keys()
        and all(np.array_equal(v, b.arrays[k], equal_nan=True) for k, v in a.arrays.items())
        for a, b in zip(one, other, strict=True)
    ) and all(np.array_equal(one[i].theta, other[i].theta, equal_nan=True) for i in (0, -1))


def test_streams_are_independent_of_one_another_and_of_their_number():
    keys = itertools.product((0, 1), (DATA, ORDER, WEIGHTS), (0, 1, 2))
    draws = {key: stream(*key).random(4).tobytes() for key in keys}
    assert len(set(draws.values())) == len(draws)
    assert stream(1, WEIGHTS, 2).random(4).tobytes() == draws[1, WEIGHTS, 2]


@pytest.mark.parametrize("last", [0, 1, 2, 7, 100, 900, 123456])
@pytest.mark.parametrize("count", [2, 5, 25])
def test_log_spaced_steps(last, count):
    steps = log_spaced(last, count)
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, last)
    assert len(steps) <= count
    # rounding moves a step by at most 1/2; only steps closer than that have merged
    ideal = [math.exp(math.log(last + 1) * i / (count - 1)) - 1 for i in range(count)]
    assert all(min(abs(s - step) for s in steps) <= 0.5 + 1e-6 for step in ideal)


def test_replacement_is_what_training_uses_on_request(run):
    assert not same(run(*TINY), run(*TINY, "training.sampling=replacement"))


def test_records(run):
    records = run(*TINY, "training.snapshots=6", replicas=range(3))
    steps = [record.step for record in records]
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, 3 * 5)  # 48 training examples in batches of 10
    assert [record.last for record in records] == [False] * (len(records) - 1) + [True]
    assert [record.epoch for record in records] == [step / 5 for step in steps]
    assert [record.done for record in records] == [step / 15 for step in steps]
    snapshots = [record.step for record in records if record.statistics is not None]
    assert snapshots == log_spaced(15, 6)
    assert [record.step for record in records if record.theta is not None] == [0, 15]
    for name in ("step", "epoch", "histogram_step", "delta_histogram", "unit_paths"):
        assert [record.step for record in records if name in record.arrays] == snapshots, name
    for record in records:
        assert set(record.curves) == {"loss_train", "loss_test", "accuracy_train", "accuracy_test"}
        assert {curve.shape for curve in record.curves.values()} == {(3,)}
        if record.statistics is not None:
            assert list(record.statistics) == list(STATISTICS)
            assert {value.shape for value in record.statistics.values()} == {(3, 2)}
            assert record.arrays["unit_paths"].shape == (4, 2)
    for name in ("preactivation", "activation", "delta"):
        counts = records[0].arrays[f"{name}_histogram"]
        assert counts.shape[:2] == (3, 2)
        assert counts.sum() == 3 * (4 + 3) * 48  # the probe is no larger than the training split


def once(record):
    """The names of what is not measured at moments."""
    return {name for name in record.arrays if ARRAYS[name].axes[0] not in MOMENTS}


DECISION = {"decision_regions", "decision_axes", "decision_points", "decision_classes"}


@pytest.mark.parametrize(
    ("overrides", "at_the_end"),
    [
        (TINY, DECISION),
        ((*TINY, "loss=bce"), DECISION),
        ((*TINY, "network.hidden=[]"), DECISION),
        ((*TINY, "data=gaussian"), set()),
        ((*TINY, "data=gaussian", "data.features=2"), DECISION),
        ((*TINY, "data=teacher", "loss=mse", "data.features=2"), set()),
    ],
)
def test_closeups_at_the_start_and_at_the_end(run, overrides, at_the_end):
    """Data with two inputs and classes have decision regions, in the last record alone."""
    first, *between, last = run(*overrides)
    assert once(first) == {"jacobian_singular_values"}
    framed = ["decision_frames" in record.arrays for record in (first, *between, last)]
    assert framed == [bool(at_the_end) and record.statistics is not None for record in (first, *between, last)]
    assert all(once(record) == set() for record in between)
    assert once(last) == at_the_end
    (record,) = run(*overrides, "training.epochs=0")
    assert once(record) == {"jacobian_singular_values", *at_the_end}


def test_closeups_are_those_of_the_network(run, problem_of):
    problem, (first, *_, last) = problem_of(*TINY, "dtype=float64"), run(*TINY, "dtype=float64")
    tanh = ACTIVATIONS["tanh"]
    layers = mlp.unflatten(first.theta, problem.network.sizes)
    x, y = problem.x_train, problem.y_train
    slopes = [tanh.dg(z) for z in mlp.forward(layers, tanh, x[:, :8]).z[:-1]]
    values = np.linalg.svd(jacobian(layers, slopes, 8), compute_uv=False)
    np.testing.assert_allclose(first.arrays["jacobian_singular_values"], values, rtol=1e-9)
    axes = principal_axes(x[0])
    for record in (first, last):
        layers = mlp.unflatten(record.theta, problem.network.sizes)
        np.testing.assert_allclose(record.arrays["unit_paths"], layers[0][0][0] @ axes, rtol=1e-12)
        np.testing.assert_array_equal(record.arrays["decision_frames"], decision_frame(layers, tanh, x[0]))
    expected = decision_regions(layers, tanh, x[0], y)
    for name in DECISION:
        np.testing.assert_array_equal(last.arrays[name], expected[name])
    # what is drawn as right is what accuracy counts as right
    h = mlp.predict(layers, tanh, x)
    right = (h.argmax(axis=2) == last.arrays["decision_classes"]).mean(axis=1)
    np.testing.assert_array_equal(right, last.curves["accuracy_train"])


def test_no_epochs_give_exactly_one_record(run):
    (record,) = run(*TINY, "training.epochs=0")
    assert (record.step, record.epoch, record.done, record.last) == (0, 0, 1, True)
    assert record.theta is not None
    assert "delta_histogram" in record.arrays
    assert np.isnan(record.statistics["update_ratio"]).all()
    assert np.isfinite(record.statistics["delta_rms"]).all()


def test_without_hidden_layers(run):
    records = run(*TINY, "network.hidden=[]")
    assert records[-1].curves["loss_train"].max() < records[0].curves["loss_train"].min()
    assert {value.shape for value in records[0].statistics.values()} == {(2, 0)}


def test_no_record_depends_on_the_steps_after_it(run):
    """No array changes after it was handed out."""
    long, short = run(*TINY), run(*TINY, "training.epochs=1")
    np.testing.assert_array_equal(long[0].theta, short[0].theta)
    ends = next(record for record in long if record.step == 5)
    for name, curve in short[-1].curves.items():
        np.testing.assert_allclose(ends.curves[name], curve, rtol=1e-6)


def test_same_seed_same_numbers_and_another_seed_others(run):
    assert same(run(*TINY, "seed=3"), run(*TINY, "seed=3"))
    one, other = run(*TINY, "seed=3"), run(*TINY, "seed=4")
    W_one, W_other = one[0].theta[one[0].theta != 0], other[0].theta[other[0].theta != 0]
    assert not np.isclose(W_one, W_other).any()
    assert one[-1].curves["loss_train"][0] != other[-1].curves["loss_train"][0]


def test_the_seed_decides_data_order_and_weights_each(problem_of):
    one, other = problem_of(*TINY, "seed=3"), problem_of(*TINY, "seed=4")
    assert not np.isin(one.x_train, other.x_train).any()
    theta = initial_theta(one, [0])
    *_, last = train_and_record(one, theta)
    *_, same = train_and_record(one, theta)
    *_, reordered = train_and_record(replace(one, config=other.config), theta)
    np.testing.assert_array_equal(last.theta, same.theta)
    assert not np.isclose(last.theta, reordered.theta, rtol=1e-6, atol=0).any()


def test_training_changes_neither_the_data_nor_the_theta_it_was_given(problem_of):
    problem = problem_of(*TINY)
    theta = initial_theta(problem, range(2))
    given = theta, problem.x_train, problem.y_train, problem.x_test, problem.y_test
    before = [array.copy() for array in given]
    list(train_and_record(problem, theta))
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_replicas_differ(run):
    first, second = run(*TINY)[0].theta
    assert not np.isclose(first[first != 0], second[second != 0]).any()


@pytest.mark.parametrize("cell", ["tanh xavier", "relu he", "sigmoid identical"])
def test_a_replica_alone_is_that_replica_among_others(run, cell):
    activation, init = cell.split()
    overrides = (*TINY, f"activation={activation}", f"init={init}", "dtype=float64", "network.hidden=[17,5]")
    together = run(*overrides, replicas=range(4))
    for r in range(4):
        alone = run(*overrides, replicas=[r])
        np.testing.assert_allclose(alone[-1].theta[0], together[-1].theta[r], rtol=1e-12, atol=1e-13)
        for a, b in zip(alone, together, strict=True):
            for name, curve in a.curves.items():
                np.testing.assert_allclose(curve[0], b.curves[name][r], rtol=1e-12)
            for name, value in (a.statistics or {}).items():
                np.testing.assert_allclose(value[0], b.statistics[name][r], rtol=1e-9, atol=1e-13)


def test_all_replicas_see_the_same_minibatches(problem_of):
    problem = problem_of(*TINY, "dtype=float64")
    theta = np.repeat(initial_theta(problem, [0]), 3, axis=0)
    *_, last = train_and_record(problem, theta)
    assert (last.theta != theta).any()
    np.testing.assert_allclose(last.theta, last.theta[:1].repeat(3, axis=0), rtol=1e-12, atol=1e-13)


def loss_by_hand(theta, sizes, x, y):
    """Mean cross-entropy of a tanh network with one theta (P,): W and b of each layer in turn."""
    a, start = x, 0
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        W = theta[start : start + n_in * n_out].reshape(n_out, n_in)
        b = theta[start + n_in * n_out : start + (n_in + 1) * n_out]
        start += (n_in + 1) * n_out
        z = np.array([[W[j] @ row + b[j] for j in range(n_out)] for row in a])
        a = np.tanh(z) if layer < len(sizes) - 2 else z
    return np.mean([math.log(np.exp(h).sum()) - h[target.argmax()] for h, target in zip(a, y, strict=True)])


@pytest.mark.parametrize("batch_size", ["null", 20])
def test_training_is_the_notes_algorithm(problem_of, batch_size):
    """theta := theta - lr dJ/dtheta with the gradient from central differences, on the same minibatches."""
    problem = problem_of(
        *TINY, "dtype=float64", "network.hidden=[3]", "training.epochs=2", "optimizer.lr=0.3",
        f"training.batch_size={batch_size}",
    )  # fmt: skip
    theta = start = initial_theta(problem, [0])
    batches = training.batches(stream(0, ORDER), 48, problem.config.recipe.batch_size or 48, replacement=False)
    expected = theta[0].copy()
    for _ in range(2 * problem.config.recipe.steps_per_epoch(48)):
        batch = next(batches)
        rest = problem.network.sizes, problem.x_train[0, batch], problem.y_train[batch]
        rises = [
            loss_by_hand(expected + step, *rest) - loss_by_hand(expected - step, *rest)
            for step in 1e-5 * np.eye(len(expected))
        ]
        expected = expected - 0.3 * np.array(rises) / 2e-5
    *_, last = train_and_record(problem, theta)
    np.testing.assert_allclose(last.theta[0], expected, rtol=0, atol=1e-8)
    assert np.abs(last.theta - start).max() > 0.1


@pytest.mark.parametrize("clip_norm", [None, 0.05])
@pytest.mark.parametrize("schedule", [("schedule=constant",), ("schedule=cosine", "schedule.warmup=1"), STEPS])
def test_learning_rate_momentum_and_clipping_by_hand(problem_of, schedule, clip_norm):
    """v := 0.9 v + g and theta := theta - lr v, with g shortened first and lr by its closed form."""
    epochs, per_epoch, lr = 4, 5, 0.2
    problem = problem_of(
        *TINY, "dtype=float64", f"training.epochs={epochs}", f"optimizer.lr={lr}", "optimizer.momentum=0.9", *schedule,
        f"training.clip_norm={'null' if clip_norm is None else clip_norm}",
    )  # fmt: skip
    share = {
        "schedule=constant": lambda s: 1,
        "schedule=cosine": lambda s: (s + 1) / 5 if s < 5 else (1 + math.cos(math.pi * (s - 5) / 15)) / 2,
        "schedule=step": lambda s: 0.5 ** (s // 10),
    }[schedule[0]]
    batches = training.batches(stream(0, ORDER), 48, 10, replacement=False)
    start = theta = initial_theta(problem, range(2))
    v = np.zeros_like(theta)
    tanh, loss = ACTIVATIONS["tanh"], problem.config.loss
    clipped = 0
    for s in range(epochs * per_epoch):
        batch = next(batches)
        layers = mlp.unflatten(theta, problem.network.sizes)
        trace = mlp.forward(layers, tanh, problem.x_train[:, batch])
        dh = loss.gradient(trace.h, problem.y_train[batch][None]) / len(batch)
        g = mlp.backward(layers, tanh, trace, dh).theta
        for r in range(2):
            length = math.sqrt(sum(g[r] ** 2))
            if clip_norm is not None and length > clip_norm:
                g[r] *= clip_norm / length
                clipped += 1
        v = 0.9 * v + g
        theta = theta - lr * share(s) * v
    *_, last = train_and_record(problem, start)
    np.testing.assert_allclose(last.theta, theta, rtol=1e-10, atol=1e-12)
    assert (clipped > 0) == (clip_norm is not None)


def test_a_clipped_step_of_sgd_is_no_longer_than_lr_times_the_norm(run):
    first, last = run(
        *TINY, "training.epochs=1", "training.batch_size=null", "training.clip_norm=1e-3", "dtype=float64"
    )
    np.testing.assert_allclose(np.linalg.norm(last.theta - first.theta, axis=1), 0.1 * 1e-3, rtol=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns_moons(run, problem_of, optimizer):
    overrides = (
        "data=moons", "network.hidden=[16,16]", "training.epochs=15", f"optimizer={optimizer}", "optimizer.lr=0.02",
        *(["optimizer.momentum=0.9"] if optimizer == "sgd" else []), "training.snapshots=2",
    )  # fmt: skip
    last = run(*overrides)[-1]
    problem = problem_of(*overrides)
    assert outcomes(problem, last) == ["learned"] * 2
    assert (last.curves["accuracy_test"] > 0.8).all()


@pytest.mark.slow
@pytest.mark.parametrize("init", ["orthogonal", "he", "lsuv"])
def test_a_network_of_a_thousand_layers_is_measured_at_initialization(run, init):
    (record,) = run(
        "data=moons", f"init={init}", "network.depth=1000", "network.width=6", "training.epochs=0", replicas=range(2)
    )
    assert np.isfinite(record.arrays["jacobian_singular_values"]).all()
    for name, values in record.statistics.items():
        assert values.shape == (2, 1000)
        # with He's weights in float32 the smallest delta is 0, and so is every gradient
        lost = record.statistics["delta_rms"] == 0 if name == "gradient_snr" else False
        assert (np.isfinite(values) | lost).all() or name == "update_ratio"


def test_curves_are_loss_and_accuracy_of_every_example(problem_of):
    problem = problem_of(*TINY, "dtype=float64")
    theta = initial_theta(problem, range(2))
    curves = evaluate_splits(problem, theta)
    for r in range(2):
        for split, x, y in [
            ("train", problem.x_train[0], problem.y_train),
            ("test", problem.x_test[0], problem.y_test),
        ]:
            loss = loss_by_hand(theta[r], problem.network.sizes, x, y)
            assert curves[f"loss_{split}"][r] == pytest.approx(loss, rel=1e-12)
            h = mlp.predict(mlp.unflatten(theta[r : r + 1], problem.network.sizes), ACTIVATIONS["tanh"], x[None])[0]
            right = sum(int(row.argmax() == target.argmax()) for row, target in zip(h, y, strict=True))
            assert curves[f"accuracy_{split}"][r] == right / len(y)


def test_curves_do_not_depend_on_the_chunk(problem_of, monkeypatch):
    problem = problem_of("network.depth=2", "dtype=float64")
    theta = initial_theta(problem, range(2))
    whole = evaluate_splits(problem, theta)
    monkeypatch.setattr(evaluation, "CHUNK", 100)
    for name, curve in evaluate_splits(problem, theta).items():
        np.testing.assert_allclose(curve, whole[name], rtol=1e-12)


def test_curves_on_a_part_are_near_those_on_all(problem_of):
    problem = problem_of("network.depth=2")
    theta = initial_theta(problem, range(2))
    whole, part = evaluate_splits(problem, theta), evaluate_splits(problem, theta, 300)
    for name in ("loss_train", "loss_test"):
        np.testing.assert_allclose(part[name], whole[name], rtol=0.1)
    assert (part["loss_train"] != whole["loss_train"]).all()


def test_the_last_record_is_on_every_example(run, problem_of):
    overrides = (*TINY, "data.samples=20000", "training.batch_size=8000", "training.epochs=1")
    first, *_, last = run(*overrides)
    problem = problem_of(*overrides)
    for name, curve in evaluate_splits(problem, last.theta).items():
        np.testing.assert_array_equal(last.curves[name], curve)
    assert (first.curves["loss_train"] != evaluate_splits(problem, first.theta)["loss_train"]).all()


def test_update_ratio_is_that_of_the_step_taken(run):
    first, last = run(*TINY, "dtype=float64", "training.epochs=1", "training.batch_size=null")
    sizes = (2, 4, 3, 2)
    before, after = mlp.unflatten(first.theta, sizes), mlp.unflatten(last.theta, sizes)
    for layer in range(2):
        W, W_after = before[layer][0], after[layer][0]
        ratio = np.linalg.norm(W_after - W, axis=(1, 2)) / np.linalg.norm(W, axis=(1, 2))
        np.testing.assert_allclose(first.statistics["update_ratio"][:, layer], ratio, rtol=1e-9)


def test_statistics_are_those_of_the_probe(run, problem_of):
    overrides = ("network.depth=2", "dtype=float64", "training.epochs=0", "training.probe_size=300")
    problem = problem_of(*overrides)
    (record,) = run(*overrides)
    W, b = mlp.unflatten(record.theta, problem.network.sizes)[0]
    z = problem.x_train[0, :300] @ W[1].T + b[1]
    assert record.statistics["preactivation_std"][1, 0] == pytest.approx(z.std(), rel=1e-12)
    for name in ("preactivation", "activation", "delta"):
        counts = record.arrays[f"{name}_histogram"]
        assert counts.sum(axis=2).tolist() == [[300 * 64] * 2] * 2


def test_prepare_gives_arrays_in_the_dtype_of_the_cell(problem_of):
    for dtype in ("float32", "float64"):
        problem = problem_of(*TINY, f"dtype={dtype}")
        arrays = (problem.x_train, problem.y_train, problem.x_test, problem.y_test)
        assert {array.dtype for array in arrays} == {np.dtype(dtype)}
        assert problem.network.sizes == (2, 4, 3, 2)
        assert initial_theta(problem, range(2)).dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_keeps_the_dtype(run, dtype):
    assert run(*TINY, f"dtype={dtype}")[-1].theta.dtype == dtype


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ("training.batch_size=1438",),
            "training.batch_size must be null or at most the 1437 training examples of data=digits; got 1438",
        ),
        (("loss=bce",), "loss must be cross_entropy or mse for 10 classes (data=digits); got 'bce'"),
    ],
)
def test_settings_that_do_not_fit_the_data_are_refused(problem_of, overrides, message):
    with pytest.raises(ConfigError) as error:
        problem_of(*overrides)
    assert str(error.value) == message


def test_batch_size(problem_of):
    for batch_size, steps in ((1437, 1), (1436, 2), ("null", 1)):
        problem = problem_of(f"training.batch_size={batch_size}")
        assert problem.config.recipe.steps_per_epoch(len(problem.y_train)) == steps


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "bce"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divergence_is_a_record_not_an_exception(run, problem_of, loss, dtype):
    overrides = ("data=moons", "activation=relu", "init=he", "optimizer.lr=1e6", f"loss={loss}", f"dtype={dtype}")
    records = run(*overrides)
    assert [record.last for record in records] == [False] * (len(records) - 1) + [True]
    assert not np.isfinite(records[-1].curves["loss_train"]).any()
    assert np.isnan(records[-1].curves["accuracy_test"]).all()
    assert records[-1].statistics is not None
    assert records[-1].theta is not None
    assert "delta_histogram" in records[-1].arrays
    assert np.isnan(records[-1].statistics["jacobian_gain"]).all()
    assert (records[-1].arrays["decision_regions"] == -1).all()
    assert outcomes(problem_of(*overrides), records[-1]) == ["diverged"] * 2


def test_training_ends_once_every_replica_has_diverged(run):
    records = run("activation=relu", "init=he", "loss=mse", "optimizer.lr=1e6")
    assert records[-1].step < 50  # of 900
    assert records[-1].done == 1


def test_a_diverged_replica_leaves_the_others_alone(problem_of, run):
    overrides = (*TINY, "dtype=float64")
    problem = problem_of(*overrides)
    theta = initial_theta(problem, range(3))
    theta[1, 0] = np.nan
    records = list(train_and_record(problem, theta))
    assert records[-1].step == 15
    assert not np.isfinite(records[-1].curves["loss_train"][1])
    assert np.isnan(records[-1].curves["accuracy_train"][1])
    alone = run(*overrides, replicas=range(3))
    for r in (0, 2):
        np.testing.assert_allclose(records[-1].theta[r], alone[-1].theta[r], rtol=1e-12, atol=1e-13)


def test_tanh_with_xavier_learns_digits(run, problem_of):
    overrides = ("network.depth=3", "training.epochs=4", "optimizer.lr=0.1")
    records = run(*overrides)
    losses = np.array([record.curves["loss_train"] for record in records])
    assert (losses[-1] < 0.3 * losses[0]).all()
    assert (records[-1].curves["accuracy_test"] > 0.85).all()
    assert outcomes(problem_of(*overrides), records[-1]) == ["learned"] * 2


def test_zeros_stays_at_the_class_prior(run, problem_of):
    """A constant output can only learn the prior: its loss is the entropy, and its answer is always the same class."""
    overrides = ("init=zeros", "network.depth=3", "training.epochs=8", "optimizer.lr=0.05")
    last = run(*overrides, replicas=[0])[-1]
    problem = problem_of(*overrides)
    entropy = stats.entropy(problem.y_train.sum(axis=0))
    assert entropy <= last.curves["loss_train"][0] < 1.005 * entropy
    assert last.curves["accuracy_test"][0] in [count / 360 for count in problem.y_test.sum(axis=0).tolist()]
    assert problem.yardstick.constant_loss == pytest.approx(entropy)
    gained = problem.yardstick.gained(last.curves["loss_train"], last.curves["accuracy_train"])
    np.testing.assert_allclose(gained, 0, atol=1e-12)  # it always says the most frequent class
    assert outcomes(problem, last) == ["stalled"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_zeros_move_the_output_bias_alone(run, activation_named, activation):
    """If g(0) = 0, no signal goes forward; W = 0 lets no gradient back. Otherwise the output weights move too."""
    records = run(*TINY, "init=zeros", f"activation={activation}")
    theta = records[-1].theta
    if activation_named(activation).g(np.zeros(1)) == 0:
        assert (theta[:, :-2] == 0).all()
        assert (theta[:, -2:] != 0).all()
    else:
        assert (theta[:, -2 * (3 + 1) :] != 0).all()


def hidden_units_equal(theta, sizes):
    """Every unit of every hidden layer has the same weights in, bias and weights out, to the last bit."""
    return all(
        np.ptp(W, axis=1).max() == 0 and np.ptp(b, axis=2).max() == 0 and np.ptp(W_out, axis=2).max() == 0
        for (W, b), (W_out, _) in itertools.pairwise(mlp.unflatten(theta, sizes))
    )


# Every activation at one width, and every width, which decides how BLAS cuts its blocks, at some activations.
WIDTHS = [
    (activation, width)
    for activation in ACTIVATIONS
    for width in ((5, 17, 37, 64) if activation in ("identity", "sigmoid", "tanh", "relu", "leaky_relu") else (37,))
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("init", ["zeros", "constant", "identical"])
@pytest.mark.parametrize(("activation", "width"), WIDTHS)
def test_equal_units_stay_equal(run, problem_of, monkeypatch, activation, init, width, dtype):
    monkeypatch.setattr(recording, "EVALUATIONS", 1)  # curves at the snapshots alone, which is faster
    overrides = (
        f"activation={activation}", f"init={init}", f"network.width={width}", f"dtype={dtype}",
        "network.depth=3", "training.epochs=1", "training.batch_size=48", "training.snapshots=3",
        "optimizer.lr=0.01",
    )  # fmt: skip
    records = run(*overrides)
    assert np.isfinite(records[-1].theta).all()
    assert (records[-1].theta != records[0].theta).any(axis=1).all()
    assert hidden_units_equal(records[-1].theta, problem_of(*overrides).network.sizes)
    for record in records:
        if record.statistics is not None:
            np.testing.assert_allclose(record.statistics["distinct_units"] * width, 1)


@pytest.mark.parametrize(("activation", "init"), [("tanh", "identical"), ("sigmoid", "constant")])
def test_equal_units_stay_equal_for_ever(run, problem_of, activation, init):
    """Thousands of steps, which would amplify rounding until it is visible."""
    overrides = (f"activation={activation}", f"init={init}", "network.hidden=[37,17]", "training.epochs=60")
    records = run(*overrides, "training.batch_size=16", "optimizer.lr=0.5")
    assert hidden_units_equal(records[-1].theta, problem_of(*overrides).network.sizes)
    assert records[-1].curves["loss_train"].max() < 0.9 * records[0].curves["loss_train"].min()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_random_units_stay_distinct(run, activation):
    records = run(*TINY, f"activation={activation}", "init=lecun")
    assert (records[-1].statistics["distinct_units"] == 1).all()


def test_curves_are_of_a_random_sample(configure):
    """If classes alternate, every second example is of one class; a random sample agrees to 5 standard errors."""
    config = configure("data=moons", "data.samples=20000", "loss=bce", "network.depth=1", "network.width=4")
    problem = prepare(config)
    order = np.argsort(problem.y_train[:, 0], kind="stable")  # one class after the other, then in turn
    half = len(order) // 2
    turns = np.stack([order[:half], order[half : 2 * half]], axis=1).ravel()
    problem = replace(problem, x_train=problem.x_train[:, turns], y_train=problem.y_train[turns])
    theta = initial_theta(problem, range(2))
    theta[:, -1] += 3  # one class is called
    every, some = evaluate_splits(problem, theta), evaluate_splits(problem, theta, 1000)
    error = np.sqrt(0.25 / 1000)
    np.testing.assert_allclose(some["accuracy_train"], every["accuracy_train"], atol=5 * error)
    again = evaluate_splits(problem, theta, 1000)
    np.testing.assert_array_equal(some["loss_train"], again["loss_train"])


@pytest.mark.parametrize(("epochs", "largest"), [(0, [10, 10]), (1, [48, 12])])
def test_all_examples_are_evaluated_after_training_alone(run, monkeypatch, epochs, largest):
    """An untrained cell costs what its snapshot costs; a trained cell is evaluated on all examples at the end."""
    evaluate, sizes = recording.evaluate, []

    def counting(network, layers, x, y, classification):
        sizes.append(len(y))
        return evaluate(network, layers, x, y, classification)

    monkeypatch.setattr(recording, "evaluate", counting)
    monkeypatch.setattr(recording, "EVALUATION_SIZE", 10)
    run(*TINY, f"training.epochs={epochs}")
    assert sizes[-2:] == largest  # training split, test split
    assert sizes[:2] == [10, 10]  # at step 0
