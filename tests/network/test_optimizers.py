import math

import numpy as np
import pytest

from mlpstudy.network.optimizers import OPTIMIZERS, SCHEDULES, clip, sgd, warmed_up


def sgd_by_hand(theta, gradients, lr, momentum, nesterov, weight_decay):
    """Sutskever et al. 2013 in PyTorch's form: v := momentum v + g, step against v, or g + momentum v."""
    v = 0.0
    for g in gradients:
        g = g(theta) + weight_decay * theta
        v = momentum * v + g
        theta = theta - lr * (g + momentum * v if nesterov else v)
        yield theta


def rmsprop_by_hand(theta, gradients, lr, decay, epsilon):
    """Tieleman & Hinton 2012, lecture 6: divide by the root of a running mean of squares."""
    s = 0.0
    for g in gradients:
        g = g(theta)
        s = decay * s + (1 - decay) * g * g
        theta = theta - lr * g / (math.sqrt(s) + epsilon)
        yield theta


def adamw_by_hand(theta, gradients, lr, beta1, beta2, epsilon, weight_decay=0.0):
    """Algorithm 1 of Kingma & Ba 2015, and line 12 of algorithm 2 of Loshchilov & Hutter 2019."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        g = g(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - lr * (m_hat / (math.sqrt(v_hat) + epsilon) + weight_decay * theta)
        yield theta


BY_HAND = {"sgd": sgd_by_hand, "rmsprop": rmsprop_by_hand, "adam": adamw_by_hand, "adamw": adamw_by_hand}
VARIANTS = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.5, "nesterov": True}),
    ("sgd", {"nesterov": True}),  # which without momentum is nothing
    ("sgd", {"weight_decay": 0.3}),
    ("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("rmsprop", {}),
    ("rmsprop", {"decay": 0.0, "epsilon": 0.1}),
    ("adam", {}),
    ("adam", {"beta1": 0.0, "beta2": 0.5, "epsilon": 1e-3}),
    ("adamw", {}),
    ("adamw", {"weight_decay": 0.0}),
    ("adamw", {"weight_decay": 0.5, "beta1": 0.5}),
]


@pytest.fixture(params=OPTIMIZERS)
def name(request):
    return request.param


@pytest.fixture
def optimizer(name, with_option):
    return with_option("optimizer", name).recipe.optimizer


def test_every_optimizer_has_its_loop_by_hand_here():
    assert set(BY_HAND) == set(OPTIMIZERS) == {name for name, _ in VARIANTS}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [pytest.param(n, p, id=f"{n} {' '.join(f'{k}={v}' for k, v in p.items())}") for n, p in VARIANTS],
)
def test_steps_are_those_of_a_loop_by_hand(name, parameters, with_option, compose):
    """One number at a time, on a gradient that depends on theta and changes from step to step."""
    given = {k: v for k, v in compose(f"optimizer={name}")["optimizer"].items() if k not in ("name", "lr")} | parameters
    optimizer = with_option("optimizer", name, **parameters).recipe.optimizer
    rng = np.random.default_rng(0)
    theta, lr = rng.normal(size=(2, 5)), 0.05
    noise, curvature = rng.normal(size=(50, 2, 5)), rng.uniform(0.5, 2, (2, 5))
    expected = np.empty((50, 2, 5))
    for r, p in np.ndindex(2, 5):
        gradients = [lambda t, c=curvature[r, p], n=n: c * t + n for n in noise[:, r, p]]
        expected[:, r, p] = list(BY_HAND[name](theta[r, p], gradients, lr, **given))
    state = optimizer.init(theta)
    for n, wanted in zip(noise, expected, strict=True):
        step, state = optimizer.update(curvature * theta + n, state, theta, lr)
        theta = theta + step
        np.testing.assert_allclose(theta, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_has_the_shape_and_dtype_of_theta_and_changes_no_argument(optimizer, dtype):
    theta, *gradients = np.random.default_rng(0).normal(size=(4, 3, 7)).astype(dtype)
    before = theta.copy(), np.copy(gradients)
    state = optimizer.init(theta)
    for gradient in gradients:
        step, state = optimizer.update(gradient, state, theta, 0.1)
        assert step.shape == theta.shape
        assert step.dtype == dtype
        assert (step != 0).any()
    np.testing.assert_array_equal(theta, before[0])
    np.testing.assert_array_equal(gradients, before[1])


def test_a_step_scales_with_the_learning_rate(optimizer):
    theta, *gradients = np.random.default_rng(0).normal(size=(4, 3, 7))
    one, other = optimizer.init(theta), optimizer.init(theta)
    for gradient in gradients:
        step, one = optimizer.update(gradient, one, theta, 0.1)
        larger, other = optimizer.update(gradient, other, theta, 0.3)
        np.testing.assert_allclose(larger, 3 * step, rtol=1e-12)


def test_no_state_is_shared_between_two_runs(optimizer):
    theta, *gradients = np.random.default_rng(0).normal(size=(4, 3, 7))

    def steps():
        state = optimizer.init(theta)
        for gradient in gradients:
            step, state = optimizer.update(gradient, state, theta, 0.1)
            yield step.copy()

    np.testing.assert_array_equal(list(steps()), list(steps()))


def test_steps_lead_to_the_minimum_of_a_quadratic(name, with_option, compose):
    no_decay = {"weight_decay": 0.0} if "weight_decay" in compose(f"optimizer={name}")["optimizer"] else {}
    optimizer = with_option("optimizer", name, **no_decay).recipe.optimizer
    theta, minimum = np.random.default_rng(0).normal(size=(2, 3, 7))
    state = optimizer.init(theta)
    for i in range(4000):  # the rates sum to 20 and end at 2e-10, since rmsprop's steps are as long as the rate
        step, state = optimizer.update(theta - minimum, state, theta, 0.1 * 0.995**i)
        theta = theta + step
    np.testing.assert_allclose(theta, minimum, atol=1e-6)


def test_replicas_do_not_mix(optimizer):
    theta, *gradients = np.random.default_rng(0).normal(size=(4, 3, 7))
    both, one = optimizer.init(theta), optimizer.init(theta[1:2])
    for gradient in gradients:
        together, both = optimizer.update(gradient, both, theta, 0.1)
        alone, one = optimizer.update(gradient[1:2], one, theta[1:2], 0.1)
        np.testing.assert_array_equal(together[1:2], alone)


@pytest.mark.parametrize(("lr", "curvature"), [(0.1, 3.0), (0.5, 2.0), (0.1, 25.0)])
def test_sgd_contracts_a_quadratic_by_one_minus_lr_curvature(lr, curvature):
    optimizer = sgd(momentum=0.0, nesterov=False, weight_decay=0.0)
    theta = start = np.array([[1.0, -2.0]])
    state = optimizer.init(theta)
    for _ in range(10):
        step, state = optimizer.update(curvature * theta, state, theta, lr)
        theta = theta + step
    np.testing.assert_allclose(theta, (1 - lr * curvature) ** 10 * start, rtol=1e-12, atol=1e-15)


def test_momentum_carries_a_constant_gradient_to_its_geometric_sum():
    optimizer = sgd(momentum=0.9, nesterov=False, weight_decay=0.0)
    theta = np.zeros((1, 1))
    state = optimizer.init(theta)
    for t in range(1, 30):
        step, state = optimizer.update(np.ones((1, 1)), state, theta, 0.1)
        assert step.item() == pytest.approx(-0.1 * (1 - 0.9**t) / (1 - 0.9), rel=1e-12)


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop"])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_adaptive_steps_do_not_depend_on_the_size_of_the_gradient(with_option, name, size):
    """Adam's first step is lr, rmsprop's lr / sqrt(1 - decay), whatever the gradient."""
    optimizer = with_option("optimizer", name).recipe.optimizer
    theta = np.zeros((1, 3))
    step, _ = optimizer.update(size * np.array([[1.0, -2.0, 0.5]]), optimizer.init(theta), theta, 0.01)
    expected = 0.01 / math.sqrt(1 - 0.99) if name == "rmsprop" else 0.01
    np.testing.assert_allclose(step, [[-expected, expected, -expected]], rtol=1e-3)


def test_weight_decay_of_adamw_is_apart_from_the_gradient_that_of_sgd_in_it(with_option):
    theta, nothing = np.array([[2.0]]), np.zeros((1, 1))
    for name, expected in (("adamw", -0.1 * 0.3 * 2), ("sgd", -0.1 * 0.3 * 2)):
        optimizer = with_option("optimizer", name, weight_decay=0.3).recipe.optimizer
        assert optimizer.update(nothing, optimizer.init(theta), theta, 0.1)[0].item() == pytest.approx(expected)
    adamw = with_option("optimizer", "adamw", weight_decay=0.3).recipe.optimizer
    step, _ = adamw.update(np.array([[1e-3]]), adamw.init(theta), theta, 0.1)
    assert step.item() == pytest.approx(-0.1 - 0.06, rel=1e-4)


# --- schedules


def rates(name, warmup, epochs, per_epoch, **parameters):
    def schedule(epoch, epochs):
        return SCHEDULES[name](epoch, epochs, **parameters)

    one = 1 / per_epoch
    return np.array([warmed_up(schedule, warmup, s / per_epoch, epochs, one) for s in range(epochs * per_epoch)])


STEP = {"every": 2, "factor": 0.5}
PARAMETERS = {"constant": {}, "step": STEP, "cosine": {}}


def test_every_schedule_has_its_closed_form_here():
    assert set(PARAMETERS) == set(SCHEDULES)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("warmup", "per_epoch"), [(1, 7), (2, 5), (3, 49), (0.5, 6), (5, 1)])
def test_warm_up_is_a_straight_line_that_ends_at_the_full_rate(name, warmup, per_epoch):
    r = rates(name, warmup, 6, per_epoch, **PARAMETERS[name])
    n = round(warmup * per_epoch)
    np.testing.assert_allclose(r[:n], np.arange(1, n + 1) / n, rtol=1e-12)
    assert r[n - 1] == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(r[n], 1, rtol=1e-12)  # the first step after it starts the schedule
    assert (r > 0).all()


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("per_epoch", [1, 3, 10])
def test_after_the_warm_up_runs_the_schedule_over_what_is_left(name, per_epoch):
    whole, left = rates(name, 2, 8, per_epoch, **PARAMETERS[name]), rates(name, 0, 6, per_epoch, **PARAMETERS[name])
    np.testing.assert_allclose(whole[2 * per_epoch :], left, rtol=1e-12, atol=1e-15)


def test_constant_is_constant():
    assert (rates("constant", 0, 5, 3) == 1).all()


@pytest.mark.parametrize(("epochs", "per_epoch"), [(1, 1), (4, 5), (10, 3)])
def test_cosine_falls_from_one_to_zero(epochs, per_epoch):
    n = epochs * per_epoch
    r = rates("cosine", 0, epochs, per_epoch)
    np.testing.assert_allclose(r, [math.cos(math.pi * s / (2 * n)) ** 2 for s in range(n)], rtol=1e-12, atol=1e-15)
    assert SCHEDULES["cosine"](epochs, epochs) == pytest.approx(0, abs=1e-15)
    if n % 2 == 0:
        assert r[n // 2] == pytest.approx(0.5)


@pytest.mark.parametrize("per_epoch", [1, 3, 49])
@pytest.mark.parametrize(("every", "factor"), [(1, 0.5), (2, 0.1), (3, 2.0)])
def test_step_multiplies_by_its_factor_every_so_many_epochs(per_epoch, every, factor):
    r = rates("step", 0, 7, per_epoch, every=every, factor=factor)
    np.testing.assert_allclose(r, [factor ** (s // (every * per_epoch)) for s in range(7 * per_epoch)], rtol=1e-12)


@pytest.mark.parametrize(("every", "per_epoch"), [(0.1, 10), (0.3, 10), (0.7, 10), (1 / 3, 3), (1 / 49, 49)])
def test_step_falls_on_the_step_it_names_when_it_is_a_fraction_of_an_epoch(every, per_epoch):
    r = rates("step", 0, 5, per_epoch, every=every, factor=0.5)
    np.testing.assert_allclose(r, [0.5 ** (s // round(every * per_epoch)) for s in range(5 * per_epoch)], rtol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_warm_up_that_takes_all_epochs_or_more_is_still_a_line(name):
    for warmup in (3, 4, 30):
        r = rates(name, warmup, 3, 4, **PARAMETERS[name])
        np.testing.assert_allclose(r, np.arange(1, 13) / (4 * warmup), rtol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rate_of_a_cell(compose, name):
    from mlpstudy.cells.config import parse

    raw = compose(f"schedule={name}", "training.epochs=8")
    raw["schedule"] |= {"warmup": 2, **PARAMETERS[name]}
    raw["optimizer"]["lr"] = 0.3
    lr = parse(raw).recipe.lr
    wanted = 0.3 * rates(name, 2, 8, 5, **PARAMETERS[name])
    np.testing.assert_allclose([lr(s / 5, 1 / 5) for s in range(40)], wanted, rtol=1e-12)
    assert len(set(wanted.round(12))) > 3


# --- clipping


def norms(x):
    return [math.hypot(*row) for row in x.astype(float).tolist()]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-30, 1e-3, 1.0, 1e30])
@pytest.mark.parametrize("largest", [1e-3, 1.0, 50.0])
def test_clip_shortens_what_is_too_long_and_keeps_its_direction(dtype, size, largest):
    gradient = (size * np.random.default_rng(0).normal(size=(3, 200))).astype(dtype)
    before, eps = gradient.copy(), float(np.finfo(dtype).eps)
    clipped = clip(gradient, largest)
    assert clipped.dtype == dtype
    np.testing.assert_array_equal(gradient, before)
    for row, given, norm in zip(clipped, gradient.astype(float), norms(gradient), strict=True):
        if norm <= largest:
            np.testing.assert_array_equal(row, given)
        else:
            np.testing.assert_allclose(row, given * (largest / norm), rtol=20 * eps)
            assert norms(row[None])[0] == pytest.approx(largest, rel=20 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_of_the_largest_numbers_there_are(dtype):
    gradient = np.full((1, 100), np.finfo(dtype).max, dtype)  # whose norm is no number of this type
    np.testing.assert_allclose(clip(gradient, 1.0), 0.1, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_leaves_zero_at_zero_and_each_replica_to_itself(dtype):
    gradient = np.zeros((3, 4), dtype)
    gradient[1], gradient[2] = 0.1, 100.0
    clipped = clip(gradient, 1.0)
    np.testing.assert_array_equal(clipped[:2], gradient[:2])
    np.testing.assert_allclose(clipped[2], 0.5, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_does_not_hide_that_a_replica_has_diverged(bad):
    gradient = np.ones((2, 4))
    gradient[1, 2] = bad
    with np.errstate(all="ignore"):
        clipped = clip(gradient, 1.0)
    np.testing.assert_allclose(clipped[0], 0.5)
    assert not np.isfinite(clipped[1]).all()
