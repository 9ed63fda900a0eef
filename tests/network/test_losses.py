import math

import numpy as np
import pytest
from scipy import special, stats

from mlpstudy.network.losses import LOSSES, accuracy, constant_predictor_loss

# Per-example loss by scipy, and the gradient by its textbook form.
VALUES = {
    "mse": lambda h, o: 0.5 * ((h - o) ** 2).sum(axis=-1),
    "bce": lambda h, y: -(y * special.log_expit(h) + (1 - y) * special.log_expit(-h)).sum(axis=-1),
    "cross_entropy": lambda h, y: -(y * special.log_softmax(h, axis=-1)).sum(axis=-1),
}
GRADIENTS = {
    "mse": lambda h, o: h - o,
    "bce": lambda h, y: special.expit(h) - y,
    "cross_entropy": lambda h, y: special.softmax(h, axis=-1) - y,
}
# MNIST's 60,000 training labels, digit by digit (LeCun's file).
MNIST_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def one_hot_of(counts):
    return np.repeat(np.eye(len(counts)), counts, axis=0)


@pytest.fixture(params=LOSSES)
def name(request):
    return request.param


@pytest.fixture
def example(name, targets_for):
    """Loss, h (R=2, batch=6, n_L) and targets (batch, n_L)."""
    loss = LOSSES[name]
    target = targets_for(loss, 6)
    return loss, np.random.default_rng(1).normal(0, 2, (2, *target.shape)), target


def test_value_and_gradient_against_scipy(name, example):
    loss, h, target = example
    np.testing.assert_allclose(loss.value(h, target[None]), VALUES[name](h, target), rtol=1e-12)
    np.testing.assert_allclose(loss.gradient(h, target[None]), GRADIENTS[name](h, target), rtol=1e-12)


def test_gradient_is_the_difference_quotient_of_the_value(example):
    loss, h, target = example
    eps = 1e-5
    for k in range(h.shape[-1]):
        step = eps * np.eye(h.shape[-1])[k]
        numeric = (loss.value(h + step, target[None]) - loss.value(h - step, target[None])) / (2 * eps)
        np.testing.assert_allclose(loss.gradient(h, target[None])[..., k], numeric, rtol=1e-7, atol=1e-9)


def test_value_is_one_number_per_example(example):
    loss, h, target = example
    h[0, 1] += 1e4  # which must not drown the others
    value, gradient = loss.value(h, target[None]), loss.gradient(h, target[None])
    assert value.shape == h.shape[:2]
    assert gradient.shape == h.shape
    for r, i in np.ndindex(*value.shape):
        alone = h[r : r + 1, i : i + 1], target[None, i : i + 1]
        np.testing.assert_allclose(value[r, i], loss.value(*alone)[0, 0], rtol=1e-14)
        np.testing.assert_allclose(gradient[r, i], loss.gradient(*alone)[0, 0], rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_outputs_are_finite_and_keep_the_dtype(name, example, dtype):
    loss, h, target = example
    target = target.astype(dtype)
    for sign in np.array([1e4, -1e4], dtype):
        h = sign * np.where(np.arange(target.shape[1]) % 2, -1, 1).astype(dtype) * np.ones_like(target[None])
        value, gradient = loss.value(h, target[None]), loss.gradient(h, target[None])
        assert value.dtype == gradient.dtype == dtype
        eps, exact = 2 * np.finfo(dtype).eps, h.astype(float)
        np.testing.assert_allclose(value, VALUES[name](exact, target), rtol=eps, atol=eps * 1e4)
        np.testing.assert_allclose(gradient, GRADIENTS[name](exact, target), rtol=eps, atol=eps)


@pytest.mark.parametrize(
    ("name", "h", "target", "value"),
    [
        ("mse", [3.0], [1.0], 2.0),  # 1/2 (3 - 1)^2, the notes' J
        ("mse", [1.0, 2.0], [0.0, 1.0], 1.0),
        ("bce", [0.0], [1.0], math.log(2)),
        ("bce", [math.log(3)], [0.0], math.log(4)),  # sigma = 3/4
        ("bce", [1e4], [0.0], 1e4),
        ("bce", [1e4], [1.0], 0.0),
        ("cross_entropy", [7.0, 7.0, 7.0], [0.0, 1.0, 0.0], math.log(3)),
        ("cross_entropy", [0.0, math.log(3)], [0.0, 1.0], math.log(4 / 3)),
        ("cross_entropy", [1e4, -1e4], [0.0, 1.0], 2e4),
        ("cross_entropy", [1e4, -1e4], [1.0, 0.0], 0.0),
    ],
)
def test_closed_forms(name, h, target, value):
    assert LOSSES[name].value(np.array([[h]]), np.array([[target]])) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("size", [0.0, 1.0, 1e4, -1e4, 1e8, 1e30])
def test_cross_entropy_of_equal_outputs_is_the_log_of_their_number(size):
    """Adding one number to every output changes no probability, for outputs of any size."""
    h = np.full((1, 1, 10), size, np.float32)
    value = LOSSES["cross_entropy"].value(h, np.eye(10, dtype=np.float32)[None, :1])
    assert value == pytest.approx(math.log(10), rel=1e-6)


@pytest.mark.parametrize("counts", [[6, 4], [1, 9], [5, 3, 12], [1, 1, 1, 97]])
def test_best_constant_is_the_minimizer(name, counts):
    loss = LOSSES[name]
    try:
        target = loss.targets(np.repeat(np.arange(len(counts)), counts), len(counts))
    except ValueError:
        pytest.skip(f"{name} does not take {len(counts)} classes")
    best = loss.best_constant(target)
    assert best.shape == target.shape[1:]

    def mean_loss(h):
        return loss.value(np.broadcast_to(h, (1, *target.shape)), target[None]).mean()

    rng = np.random.default_rng(0)
    directions = rng.normal(size=(50, len(best)))
    for step in (1e-3, 1):
        assert all(mean_loss(best + step * d) >= mean_loss(best) - 1e-14 for d in directions)
    slope = loss.gradient(np.broadcast_to(best, (1, *target.shape)), target[None]).mean(axis=(0, 1))
    np.testing.assert_allclose(slope, 0, atol=1e-14)
    assert constant_predictor_loss(loss, target) == pytest.approx(mean_loss(best), rel=1e-12)


@pytest.mark.parametrize("counts", [[10] * 10, [1] * 4, [3, 1, 2], MNIST_COUNTS, [4, 0, 4], [0, 5]])
def test_constant_predictor_loss_of_cross_entropy_is_the_entropy_of_the_classes(counts):
    loss = constant_predictor_loss(LOSSES["cross_entropy"], one_hot_of(counts))
    assert loss == pytest.approx(stats.entropy(counts), abs=1e-9)


def test_constant_predictor_loss_of_balanced_classes_is_the_log_of_their_number():
    loss = constant_predictor_loss(LOSSES["cross_entropy"], one_hot_of([7] * 10))
    assert loss == pytest.approx(math.log(10))


def test_constant_predictor_loss_on_mnist():
    # theory.md: a network that stays at the class prior reads 2.3012 after training, just above its entropy
    target = one_hot_of(MNIST_COUNTS).astype(np.float32)
    assert constant_predictor_loss(LOSSES["cross_entropy"], target) == pytest.approx(2.3011, abs=2e-4)


@pytest.mark.parametrize("ones", range(0, 11, 2))
def test_constant_predictor_loss_of_bce_is_the_entropy_of_a_coin(ones):
    target = np.repeat([0.0, 1.0], [10 - ones, ones])[:, None]
    loss = constant_predictor_loss(LOSSES["bce"], target)
    assert loss == pytest.approx(stats.entropy([ones, 10 - ones]), abs=1e-9)


@pytest.mark.parametrize("counts", [[10] * 10, [3, 1, 2], [4, 0, 4]])
def test_constant_predictor_loss_of_mse_is_half_the_variance(counts):
    # 1/2 sum_k p_k (1 - p_k), the variance of each indicator
    p = np.array(counts) / sum(counts)
    loss = constant_predictor_loss(LOSSES["mse"], one_hot_of(counts))
    assert loss == pytest.approx(0.5 * (p * (1 - p)).sum(), rel=1e-12)


def test_targets():
    for name in ("mse", "cross_entropy"):
        one_hot = LOSSES[name].targets(np.array([2, 0, 1]), 3)
        np.testing.assert_array_equal(one_hot, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(LOSSES["bce"].targets(np.array([1, 0]), 2), [[1], [0]])
    values = np.array([[0.5], [-2.0]])
    np.testing.assert_array_equal(LOSSES["mse"].targets(values, None), values)


@pytest.mark.parametrize(
    ("name", "classes", "rule"),
    [
        ("bce", 10, "cross_entropy or mse for 10 classes"),
        ("bce", None, "mse for targets that are numbers"),
        ("cross_entropy", None, "mse for targets that are numbers"),
    ],
)
def test_targets_that_do_not_fit_are_refused(name, classes, rule):
    with pytest.raises(ValueError, match=f"^{rule}$"):
        LOSSES[name].targets(np.zeros(3, int), classes)


def test_accuracy_counts_right_answers_per_replica():
    target = np.eye(3)[[0, 1, 2, 2]]
    h = np.stack([target, -target, np.eye(3)[[0, 1, 2, 0]]])
    np.testing.assert_array_equal(accuracy(h, target), [1, 0, 0.75])
    column = np.array([[1.0], [0.0], [1.0], [0.0]])
    h = np.array([[[2.0], [-2.0], [0.1], [-0.1]], [[2.0], [-2.0], [-0.1], [0.0]]])
    np.testing.assert_array_equal(accuracy(h, column), [1, 0.75])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_accuracy_of_a_network_without_finite_outputs_is_nan(bad):
    target = np.eye(2)[[0, 1]]
    h = np.stack([target, target])
    h[1, 0, 0] = bad
    np.testing.assert_array_equal(accuracy(h, target), [1, np.nan])
