import numpy as np
import pytest

from mlpstudy.optimizers import OPTIMIZERS, sgd


@pytest.fixture(params=OPTIMIZERS)
def optimizer(request, configure):
    return configure(f"optimizer={request.param}", "optimizer.lr=0.1").optimizer


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_has_the_shape_and_dtype_of_theta_and_changes_no_argument(optimizer, dtype):
    theta, gradient = np.random.default_rng(0).normal(size=(2, 3, 7)).astype(dtype)
    before = theta.copy(), gradient.copy()
    step, _ = optimizer.update(gradient, optimizer.init(theta), theta)
    assert step.shape == theta.shape
    assert step.dtype == dtype
    assert (step != 0).any()
    np.testing.assert_array_equal((theta, gradient), before)


def test_steps_lead_to_the_minimum_of_a_quadratic(optimizer):
    theta, minimum = np.random.default_rng(0).normal(size=(2, 3, 7))
    state = optimizer.init(theta)
    for _ in range(1000):
        step, state = optimizer.update(theta - minimum, state, theta)
        theta = theta + step
    np.testing.assert_allclose(theta, minimum, atol=1e-6)


def test_replicas_do_not_mix(optimizer):
    theta, gradient = np.random.default_rng(0).normal(size=(2, 3, 7))
    together, _ = optimizer.update(gradient, optimizer.init(theta), theta)
    alone, _ = optimizer.update(gradient[1:2], optimizer.init(theta[1:2]), theta[1:2])
    np.testing.assert_array_equal(together[1:2], alone)


@pytest.mark.parametrize(("lr", "curvature"), [(0.1, 3.0), (0.5, 2.0), (0.1, 25.0)])
def test_sgd_contracts_a_quadratic_by_one_minus_lr_curvature(lr, curvature):
    optimizer = sgd(lr=lr)
    theta = start = np.array([[1.0, -2.0]])
    state = optimizer.init(theta)
    for _ in range(10):
        step, state = optimizer.update(curvature * theta, state, theta)
        theta = theta + step
    np.testing.assert_allclose(theta, (1 - lr * curvature) ** 10 * start, rtol=1e-12, atol=1e-15)
