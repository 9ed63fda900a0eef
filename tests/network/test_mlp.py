import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlpstudy.measure.jacobian import jacobian
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.initializers import INITIALIZERS
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.optimizers import OPTIMIZERS
from mlpstudy.network.ties import find_ties, tie

HIDDEN = [(), (4,), (3, 4), (1,), (4, 2, 5), (3,) * 6]
EQUAL_UNITS = ["zeros", "constant", "identical"]


def passes(theta, sizes, activation, loss, x, target):
    layers = mlp.unflatten(theta, sizes)
    trace = mlp.forward(layers, activation, x)
    dh = loss.gradient(trace.h, target[None]) / trace.h.dtype.type(len(target))
    return trace, mlp.backward(layers, activation, trace, dh)


def mean_loss(theta, sizes, activation, loss, x, target):
    h = mlp.forward(mlp.unflatten(theta, sizes), activation, x).h
    return loss.value(h, target[None]).mean(axis=1)


def numeric_gradient(J, theta, eps=1e-5):
    """Central differences of J: (R, P) -> (R,), one parameter at a time."""
    gradient = np.empty_like(theta)
    for p in range(theta.shape[1]):
        step = np.zeros_like(theta)
        step[:, p] = eps
        gradient[:, p] = (J(theta + step) - J(theta - step)) / (2 * eps)
    return gradient


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_gradient_is_its_central_difference(activation, loss, hidden, activation_named, draw, targets_for):
    activation, loss = activation_named(activation), LOSSES[loss]
    target = targets_for(loss, 5)
    sizes = (2, *hidden, target.shape[1])
    theta, x = draw(activation, sizes)
    _, gradients = passes(theta, sizes, activation, loss, x, target)
    numeric = numeric_gradient(lambda t: mean_loss(t, sizes, activation, loss, x, target), theta)
    # truncation eps^2 = 1e-10 and rounding 1e-16 / eps = 1e-11, times third derivatives and J of order 10
    np.testing.assert_allclose(gradients.theta, numeric, rtol=1e-7, atol=1e-8)
    assert (gradients.theta != 0).any(axis=1).all()


OUTPUT = {  # scalar loss of one example and dJ/dh_k, from the textbook
    "mse": (
        lambda h, o: sum(0.5 * (hk - ok) ** 2 for hk, ok in zip(h, o, strict=True)),
        lambda h, o: [hk - ok for hk, ok in zip(h, o, strict=True)],
    ),
    "bce": (
        lambda h, y: sum(
            -yk * math.log(1 / (1 + math.exp(-hk))) - (1 - yk) * math.log(1 - 1 / (1 + math.exp(-hk)))
            for hk, yk in zip(h, y, strict=True)
        ),
        lambda h, y: [1 / (1 + math.exp(-hk)) - yk for hk, yk in zip(h, y, strict=True)],
    ),
    "cross_entropy": (
        lambda h, y: (
            -sum(yk * math.log(math.exp(hk) / sum(math.exp(v) for v in h)) for hk, yk in zip(h, y, strict=True))
        ),
        lambda h, y: [math.exp(hk) / sum(math.exp(v) for v in h) - yk for hk, yk in zip(h, y, strict=True)],
    ),
}


def by_hand(weights, g, dg, x, target, output):
    """J, all z, all delta and all gradients of one network, example by example and neuron by neuron.

    The notes, sections 4, 5 and 8: z_j = w_j . a + b_j with w_j row j of W, a = g(z), h without g;
    delta[L] = dJ/dh, delta[l] = (W[l+1]^T delta[l+1]) * g'(z[l]); dJ/dW_ij = delta_i a_j, dJ/db_i = delta_i.
    """
    value, slope = output
    n = len(x)
    J = 0.0
    z_all, delta_all = [], []
    dW = [[[0.0] * len(row) for row in W] for W, _ in weights]
    db = [[0.0] * len(b) for _, b in weights]
    for example, o in zip(x, target, strict=True):
        a, z = [list(example)], []
        for layer, (W, b) in enumerate(weights):
            z.append([sum(W[j][i] * a[-1][i] for i in range(len(a[-1]))) + b[j] for j in range(len(b))])
            if layer < len(weights) - 1:
                a.append([g(v) for v in z[-1]])
        J += value(z[-1], o) / n
        delta = [[d / n for d in slope(z[-1], o)]]
        for layer in range(len(weights) - 1, 0, -1):
            W, _ = weights[layer]
            back = [sum(W[j][i] * delta[0][j] for j in range(len(W))) for i in range(len(W[0]))]
            delta.insert(0, [back[i] * dg(z[layer - 1][i]) for i in range(len(back))])
        for layer in range(len(weights)):
            for j, d in enumerate(delta[layer]):
                db[layer][j] += d
                for i, ai in enumerate(a[layer]):
                    dW[layer][j][i] += d * ai
        z_all.append(z)
        delta_all.append(delta)
    return J, z_all, delta_all, dW, db


def assert_same_as_by_hand(theta, sizes, activation, loss, x, target, g, dg):
    trace, gradients = passes(theta, sizes, activation, LOSSES[loss], x, target)
    J = mean_loss(theta, sizes, activation, LOSSES[loss], x, target)
    for r in range(len(theta)):
        weights = [(W[r].tolist(), b[r, 0].tolist()) for W, b in mlp.unflatten(theta, sizes)]
        J_r, z, delta, dW, db = by_hand(weights, g, dg, x[0].tolist(), target.tolist(), OUTPUT[loss])
        close = {"rtol": 1e-12, "atol": 1e-14}
        np.testing.assert_allclose(J[r], J_r, **close)
        for i, (gradient_W, gradient_b) in enumerate(gradients.layers):
            np.testing.assert_allclose(trace.z[i][r], [example[i] for example in z], **close)
            np.testing.assert_allclose(gradients.delta[i][r], [example[i] for example in delta], **close)
            np.testing.assert_allclose(gradient_W[r], dW[i], **close)
            np.testing.assert_allclose(gradient_b[r, 0], db[i], **close)


def test_the_network_of_the_notes_by_hand(draw, activation_named):
    """2-3-4-1 with ReLU and J = 1/2 (h - o)^2: 2x3 + 3, 3x4 + 4 and 4x1 + 1 parameters."""
    sizes = (2, 3, 4, 1)
    assert [mlp.n_parameters(sizes[i : i + 2]) for i in range(3)] == [9, 16, 5]
    assert mlp.n_parameters(sizes) == 30
    relu = activation_named("relu")
    theta, x = draw(relu, sizes)
    target = np.array([[0.3], [-1.0], [2.0], [0.0], [0.7]])
    assert_same_as_by_hand(
        theta, sizes, relu, "mse", x, target, g=lambda z: max(z, 0.0), dg=lambda z: 1.0 if z > 0 else 0.0
    )


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_whole_pass_by_hand(activation, loss, hidden, activation_named, draw, targets_for):
    activation = activation_named(activation)
    target = targets_for(LOSSES[loss], 5)
    sizes = (2, *hidden, target.shape[1])
    theta, x = draw(activation, sizes)

    def scalar(function):
        return lambda z: float(function(np.array([z]))[0])

    g, dg = scalar(activation.g), scalar(activation.dg)
    assert_same_as_by_hand(theta, sizes, activation, loss, x, target, g, dg)


def test_row_j_holds_the_weights_of_neuron_j():
    sizes = (2, 3)
    theta = np.array([[1.0, 2, 3, 4, 5, 6, 10, 20, 30]])
    h = mlp.predict(mlp.unflatten(theta, sizes), ACTIVATIONS["identity"], np.array([[[1.0, 100.0]]]))
    np.testing.assert_array_equal(h, [[[1 + 200 + 10, 3 + 400 + 20, 5 + 600 + 30]]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_shapes_and_dtype(activation, loss, dtype, activation_named, draw, targets_for):
    activation, loss = activation_named(activation), LOSSES[loss]
    target = targets_for(loss, 5, dtype)
    sizes = (2, 3, 4, target.shape[1])
    theta, x = draw(activation, sizes, replicas=3, dtype=dtype)
    trace, gradients = passes(theta, sizes, activation, loss, x, target)
    assert [z.shape for z in trace.z] == [(3, 5, n) for n in sizes[1:]]
    assert [a.shape for a in trace.a] == [(1, 5, 2), (3, 5, 3), (3, 5, 4)]
    assert [d.shape for d in gradients.delta] == [z.shape for z in trace.z]
    assert gradients.theta.shape == theta.shape
    everything = [*trace.z, *trace.a, *gradients.delta, gradients.theta, loss.value(trace.h, target[None])]
    assert {array.dtype for array in everything} == {np.dtype(dtype)}


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_predict_is_the_forward_pass(activation, hidden, activation_named, draw):
    activation, sizes = activation_named(activation), (2, *hidden, 3)
    theta, x = draw(activation, sizes)
    layers = mlp.unflatten(theta, sizes)
    np.testing.assert_array_equal(mlp.predict(layers, activation, x), mlp.forward(layers, activation, x).h)


def test_x_may_be_shared_or_one_per_replica(activation_named, draw, targets_for):
    activation, loss, sizes = activation_named("tanh"), LOSSES["mse"], (2, 4, 3)
    theta, x = draw(activation, sizes, replicas=3)
    target = targets_for(loss, 5)
    shared, g_shared = passes(theta, sizes, activation, loss, x, target)
    own, g_own = passes(theta, sizes, activation, loss, np.tile(x, (3, 1, 1)), target)
    np.testing.assert_allclose(shared.h, own.h, rtol=1e-13)
    np.testing.assert_allclose(g_shared.theta, g_own.theta, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_replica_alone_is_that_replica_among_others(activation, activation_named, draw, targets_for):
    activation, loss, sizes = activation_named(activation), LOSSES["cross_entropy"], (2, 5, 4, 3)
    theta, x = draw(activation, sizes, replicas=4)
    target = targets_for(loss, 5)
    trace, gradients = passes(theta, sizes, activation, loss, x, target)
    for r in range(4):
        trace_r, gradients_r = passes(theta[r : r + 1], sizes, activation, loss, x, target)
        np.testing.assert_allclose(trace_r.h[0], trace.h[r], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(gradients_r.theta[0], gradients.theta[r], rtol=1e-12, atol=1e-14)


def jacobian_at(theta, sizes, activation, x):
    layers = mlp.unflatten(theta, sizes)
    slopes = [activation.dg(z) for z in mlp.forward(layers, activation, x).z[:-1]]
    return jacobian(layers, slopes, x.shape[1])


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_jacobian_is_its_central_difference(activation, hidden, activation_named, draw):
    """One input of one example changes at a time, and the other examples must not change."""
    activation, sizes, eps = activation_named(activation), (2, *hidden, 3), 1e-5
    theta, x = draw(activation, sizes)
    layers = mlp.unflatten(theta, sizes)
    found = jacobian_at(theta, sizes, activation, x)
    assert found.shape == (2, 5, 3, 2)
    for i, k in itertools.product(range(5), range(2)):
        step = np.zeros_like(x)
        step[0, i, k] = eps
        rise = mlp.predict(layers, activation, x + step) - mlp.predict(layers, activation, x - step)
        np.testing.assert_allclose(found[:, i, :, k], rise[:, i] / (2 * eps), rtol=1e-7, atol=1e-8)
        assert (np.delete(rise, i, axis=1) == 0).all()


@pytest.mark.parametrize("hidden", HIDDEN)
def test_jacobian_is_the_product_of_dense_matrices(hidden, activation_named, draw):
    tanh, sizes = activation_named("tanh"), (4, *hidden, 3)
    theta, x = draw(tanh, sizes, replicas=3)
    layers = mlp.unflatten(theta, sizes)
    z = mlp.forward(layers, tanh, x).z
    found = jacobian_at(theta, sizes, tanh, x)
    for r, i in itertools.product(range(3), range(5)):
        product = layers[0][0][r]
        for (W, _), before in zip(layers[1:], z, strict=False):
            product = W[r] @ np.diag(1 - np.tanh(before[r, i]) ** 2) @ product
        np.testing.assert_allclose(found[r, i], product, rtol=1e-12, atol=1e-15)


def test_rows_of_the_jacobian_are_what_backpropagation_brings_to_the_input(activation_named, draw):
    activation, sizes = activation_named("gelu"), (4, 5, 6, 3)
    theta, x = draw(activation, sizes)
    layers = mlp.unflatten(theta, sizes)
    trace = mlp.forward(layers, activation, x)
    found = jacobian_at(theta, sizes, activation, x)
    for k in range(3):
        dh = np.zeros_like(trace.h)
        dh[:, :, k] = 1.0
        delta = mlp.backward(layers, activation, trace, dh).delta[0]
        np.testing.assert_allclose(found[:, :, k], delta @ layers[0][0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_jacobian_of_float32_is_in_float64(hidden, activation_named, draw):
    """The factors are float32, but the products are float64, which can hold 1e-60."""
    tanh, sizes = activation_named("tanh"), (2, *hidden, 2)
    theta, x = draw(tanh, sizes, dtype=np.float32)
    found = jacobian_at(theta, sizes, tanh, x)
    assert found.dtype == np.float64
    expected = jacobian_at(theta.astype(np.float64), sizes, tanh, x.astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    tiny = np.float32(1e-20)
    layers = mlp.unflatten(tiny * theta, sizes)
    product, *rest = [W.astype(np.float64) for W, _ in layers]
    for W in rest:
        product = float(tiny) * W @ product
    slopes = [np.full((2, 1, n), tiny) for n in hidden]
    np.testing.assert_allclose(jacobian(layers, slopes, 1)[:, 0], product, rtol=1e-12)


def test_unflatten_uses_every_parameter_once_and_shares_its_memory():
    sizes = (2, 3, 4, 1)
    theta = np.zeros((2, 30))
    layers = mlp.unflatten(theta, sizes)
    assert [W.shape for W, _ in layers] == [(2, 3, 2), (2, 4, 3), (2, 1, 4)]
    assert [b.shape for _, b in layers] == [(2, 1, 3), (2, 1, 4), (2, 1, 1)]
    for part in itertools.chain(*layers):
        part += 1
    assert (theta == 1).all()


def test_an_output_bias_is_the_last_parameter():
    """Training relies on this to detect divergence."""
    theta = np.arange(30.0)[None]
    assert mlp.unflatten(theta, (2, 3, 4, 1))[-1][1].item() == 29


def test_initialize_draws_layer_by_layer_and_leaves_biases_at_zero(scheme_named):
    sizes = (4, 3, 5, 2)
    scheme = scheme_named("he")
    theta = mlp.initialize({s: np.random.default_rng(s) for s in (7, 8)}, sizes, scheme, dtype=np.float64)
    for r, seed in enumerate((7, 8)):
        rng = np.random.default_rng(seed)
        for W, b in mlp.unflatten(theta[r : r + 1], sizes):
            np.testing.assert_array_equal(W[0], scheme.weights(rng, W.shape[1:]))
            assert (b == 0).all()


@pytest.mark.parametrize("name", [*INITIALIZERS, "file"])
def test_both_dtypes_start_from_the_same_network(scheme_named, name):
    sizes, x = (4, 3, 2), np.random.default_rng(1).normal(size=(1, 20, 4)).astype(np.float32)
    single, double = (
        mlp.initialize(
            {0: np.random.default_rng(0)}, sizes, scheme_named(name, sizes), None, dtype, x, ACTIVATIONS["tanh"]
        )
        for dtype in (np.float32, np.float64)
    )
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    if name == "lsuv":  # deeper layers see the outputs of rounded weights
        np.testing.assert_allclose(single, double, rtol=1e-5)
    else:
        np.testing.assert_array_equal(single, double.astype(np.float32))


def test_init_reaches_forward(start):
    """Every two initializers give different outputs from the same random numbers."""
    sizes = (6, 5, 4, 3)
    x = np.random.default_rng(0).normal(size=(1, 7, 6))
    outputs = {}
    for name in [*INITIALIZERS, "file"]:
        # solved for tanh without biases sigma_w is 1, which is lecun
        theta = start(name, sizes, replicas=1, **({"sigma_w": 1.5} if name == "critical" else {}))
        outputs[name] = mlp.forward(mlp.unflatten(theta, sizes), ACTIVATIONS["tanh"], x).h
    for one, other in itertools.combinations(outputs, 2):
        assert np.abs(outputs[one] - outputs[other]).max() > 1e-3, (one, other)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_small_step_changes_forward_and_lowers_the_loss(
    activation, optimizer, with_option, activation_named, draw, targets_for
):
    activation, loss, sizes = activation_named(activation), LOSSES["cross_entropy"], (2, 4, 3, 3)
    optimizer = with_option("optimizer", optimizer).recipe.optimizer
    theta, x = draw(activation, sizes)
    target = targets_for(loss, 5)
    trace, gradients = passes(theta, sizes, activation, loss, x, target)
    step, _ = optimizer.update(gradients.theta, optimizer.init(theta), theta, 1e-4)
    after, _ = passes(theta + step, sizes, activation, loss, x, target)
    assert (np.abs(after.h - trace.h).max(axis=(1, 2)) > 1e-7).all()
    fall = mean_loss(theta, sizes, activation, loss, x, target) - mean_loss(
        theta + step, sizes, activation, loss, x, target
    )
    np.testing.assert_allclose(fall, -(step * gradients.theta).sum(axis=1), rtol=0.01)


def brute_force_ties(theta, sizes):
    """Index of the first unit with the same row and the same column, by comparing all pairs."""
    result = np.empty(theta.shape, int)
    index = mlp.unflatten(np.tile(np.arange(theta.shape[1]), (len(theta), 1)), sizes)
    out = mlp.unflatten(result, sizes)
    layers = mlp.unflatten(theta, sizes)
    for r in range(len(theta)):
        first = [list(range(n)) for n in sizes]
        for hidden in range(1, len(sizes) - 1):
            W, b = layers[hidden - 1]
            W_next, _ = layers[hidden]
            for j in reversed(range(sizes[hidden])):
                for k in reversed(range(j)):
                    same_row = (W[r, j] == W[r, k]).all() and b[r, 0, j] == b[r, 0, k]
                    if same_row and (W_next[r, :, j] == W_next[r, :, k]).all():
                        first[hidden][j] = k
        for layer, ((W_index, b_index), (W_out, b_out)) in enumerate(zip(index, out, strict=True)):
            for j in range(sizes[layer + 1]):
                b_out[r, 0, j] = b_index[r, 0, first[layer + 1][j]]
                for i in range(sizes[layer]):
                    W_out[r, j, i] = W_index[r, first[layer + 1][j], first[layer][i]]
    return result


FEW = st.sampled_from([-1.0, 0.5, 0.5, 0.5])
SIZES = st.lists(st.integers(1, 3), min_size=2, max_size=5).map(tuple)


@given(st.data(), SIZES)
def test_ties_are_the_pairs_with_equal_rows_and_columns(data, sizes):
    theta = data.draw(arrays(float, (2, mlp.n_parameters(sizes)), elements=FEW))
    expected = brute_force_ties(theta, sizes)
    ties = find_ties(theta, sizes)
    if (expected == np.arange(theta.shape[1])).all():
        assert ties is None
    else:
        np.testing.assert_array_equal(ties, expected)


@given(st.data(), SIZES)
def test_tied_parameters_have_equal_values_and_equal_gradients(data, sizes):
    """Tying changes rounding errors and nothing else, as untied parameters and gradients show."""
    theta = data.draw(arrays(float, (2, mlp.n_parameters(sizes)), elements=FEW))
    ties = find_ties(theta, sizes)
    if ties is None:
        return
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(1, 6, sizes[0])), rng.normal(size=(6, sizes[-1]))
    _, gradients = passes(theta, sizes, ACTIVATIONS["tanh"], LOSSES["mse"], x, target)
    np.testing.assert_array_equal(np.take_along_axis(theta, ties, axis=1), theta)
    raw = gradients.theta.copy()
    np.testing.assert_allclose(np.take_along_axis(raw, ties, axis=1), raw, rtol=1e-12, atol=1e-13)
    tie(gradients.theta, ties)
    np.testing.assert_allclose(gradients.theta, raw, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(np.take_along_axis(gradients.theta, ties, axis=1), gradients.theta)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*INITIALIZERS, "file"])
def test_only_equal_units_are_tied(start, name, dtype):
    for sizes in [(2, 1, 1, 2), (2, 3, 4, 1), (8, 17, 5, 3)]:
        theta = start(name, sizes, replicas=3, dtype=dtype)
        ties = find_ties(theta, sizes)
        # of 17 units that copy 8 inputs for 5 units, nine are all zeros
        if max(sizes[1:-1]) > 1 and (name in EQUAL_UNITS or (name == "identity" and 17 in sizes)):
            np.testing.assert_array_equal(ties, brute_force_ties(theta, sizes))
        else:
            assert ties is None


@pytest.mark.parametrize(("dtype", "rounding"), [(np.float64, 1e-12), (np.float32, 1e-4)])
@pytest.mark.parametrize("name", EQUAL_UNITS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_untied_gradients_of_equal_units_agree_to_rounding(
    activation, name, dtype, rounding, start, activation_named, targets_for
):
    activation, loss = activation_named(activation), LOSSES["cross_entropy"]
    sizes = (64, 37, 17, 3)
    theta = start(name, sizes, dtype=dtype)
    x = np.random.default_rng(0).normal(size=(1, 32, 64)).astype(dtype)
    _, gradients = passes(theta, sizes, activation, loss, x, targets_for(loss, 32, dtype))
    for (dW, db), (dW_next, _) in itertools.pairwise(gradients.layers):
        for array, units in ((dW, 1), (db, 2), (dW_next, 2)):
            scale = np.abs(array).max()
            assert np.ptp(array, axis=units).max() <= rounding * scale


def test_equal_rows_alone_are_not_tied_and_do_separate(activation_named, targets_for):
    activation, loss, sizes = activation_named("tanh"), LOSSES["mse"], (2, 5, 3)
    rng = np.random.default_rng(0)
    theta = rng.normal(size=(1, mlp.n_parameters(sizes)))
    W, b = mlp.unflatten(theta, sizes)[0]
    W[...], b[...] = W[:, :1], 0.0
    assert find_ties(theta, sizes) is None
    x = rng.normal(size=(1, 20, 2))
    target = targets_for(loss, 20)
    for _ in range(3):
        theta = theta - 0.1 * passes(theta, sizes, activation, loss, x, target)[1].theta
    W, _ = mlp.unflatten(theta, sizes)[0]
    assert min(np.abs(W[0, j] - W[0, k]).max() for j, k in itertools.combinations(range(5), 2)) > 1e-4


def test_some_replicas_and_some_units_may_be_tied():
    sizes = (1, 3, 1)
    free = [1.0, 2, 3, 0, 0, 0, 7, 8, 9, 0]
    tied = [1.0, 2, 1, 0, 0, 0, 7, 8, 7, 0]
    np.testing.assert_array_equal(find_ties(np.array([free, tied]), sizes), [range(10), [0, 1, 0, 3, 4, 3, 6, 7, 6, 9]])
