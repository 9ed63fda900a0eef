"""What holds for every network: any activation, widths 1 to 12, depths 0 to 30, one to four replicas, both dtypes."""

import inspect
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.initializers import INITIALIZERS
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.ties import find_ties, tie

FEW = settings(max_examples=12)  # of each activation
# of the largest entry: thirty layers of rounding, and chaos that amplifies it
ROUNDING = {np.float32: 1e-3, np.float64: 1e-10}

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)


@dataclass(frozen=True)
class Net:
    """A random network with its batch, made from the few numbers that hypothesis draws."""

    sizes: tuple[int, ...]
    replicas: int
    batch: int
    dtype: type[np.floating]
    gain: float
    seed: int

    @property
    def rng(self):
        return np.random.default_rng(self.seed)

    @property
    def depth(self):
        return len(self.sizes) - 2

    @property
    def theta(self):
        rng = self.rng
        theta = np.empty((self.replicas, mlp.n_parameters(self.sizes)))
        for W, b in mlp.unflatten(theta, self.sizes):
            W[...] = rng.normal(0, self.gain / np.sqrt(W.shape[2]), W.shape)
            b[...] = rng.normal(0, 0.3, b.shape)
        return theta.astype(self.dtype)

    @property
    def x(self):
        return self.rng.normal(size=(1, self.batch, self.sizes[0])).astype(self.dtype)

    def dh(self, seed=0):
        shape = (self.replicas, self.batch, self.sizes[-1])
        return np.random.default_rng([self.seed, seed]).normal(size=shape).astype(self.dtype)


@st.composite
def nets(draw, min_depth=0, dtypes=(np.float32, np.float64)):
    depth = draw(st.integers(min_depth, 30))
    sizes = draw(st.lists(st.integers(1, 12), min_size=depth + 2, max_size=depth + 2))
    return Net(
        sizes=tuple(sizes),
        replicas=draw(st.integers(1, 4)),
        batch=draw(st.integers(1, 8)),
        dtype=draw(st.sampled_from(dtypes)),
        gain=draw(st.sampled_from([0.5, 1.0, 1.4])),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


def passes(net, activation, theta=None, x=None, dh=None):
    layers = mlp.unflatten(net.theta if theta is None else theta, net.sizes)
    trace = mlp.forward(layers, activation, net.x if x is None else x)
    return trace, mlp.backward(layers, activation, trace, net.dh() if dh is None else dh)


def close(actual, expected, dtype, scale=None):
    scale = np.abs(expected).max() if scale is None else scale
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ROUNDING[dtype] * scale)


def targets(loss, outputs, batch, rng):
    """Targets of the loss for this number of outputs, or None if the loss cannot have it."""
    for classes in {outputs, 2} - {1}:
        try:
            target = loss.targets(rng.integers(classes, size=batch), classes)
        except ValueError:
            continue
        if target.shape[1] == outputs:
            return target
    return None


def with_targets(loss, net):
    """The net with targets of the loss; its last layer gets a width that the loss takes, where it has another."""
    for outputs in (net.sizes[-1], 3, 1):
        target = targets(loss, outputs, net.batch, net.rng)
        if target is not None:
            return replace(net, sizes=(*net.sizes[:-1], outputs)), target
    raise AssertionError("the loss takes no number of outputs")


# ---------------------------------------------------------------- shapes and memory


@every_activation
@FEW
@given(net=nets())
def test_shapes_and_dtypes(name, net, activation_named):
    theta, R, n = net.theta, net.replicas, net.batch
    trace, gradients = passes(net, activation_named(name), theta)
    assert [z.shape for z in trace.z] == [(R, n, width) for width in net.sizes[1:]]
    assert [a.shape for a in trace.a] == [(1, n, net.sizes[0]), *((R, n, width) for width in net.sizes[1:-1])]
    assert [delta.shape for delta in gradients.delta] == [z.shape for z in trace.z]
    assert trace.h is trace.z[-1]
    assert gradients.theta.shape == theta.shape
    for (dW, db), (W, b) in zip(gradients.layers, mlp.unflatten(theta, net.sizes), strict=True):
        assert (dW.shape, db.shape) == (W.shape, b.shape)
        assert np.shares_memory(dW, gradients.theta)
        assert np.shares_memory(db, gradients.theta)
    for array in (*trace.z, *trace.a, *gradients.delta, gradients.theta):
        assert array.dtype == net.dtype
        assert np.isfinite(array).all()


@pytest.mark.parametrize("name", LOSSES)
@given(net=nets())
def test_shapes_of_losses(name, net, activation_named):
    loss = LOSSES[name]
    net, target = with_targets(loss, net)
    target = target.astype(net.dtype)
    h = passes(net, activation_named("tanh"))[0].h
    value, gradient = loss.value(h, target[None]), loss.gradient(h, target[None])
    assert (value.shape, value.dtype) == (h.shape[:2], net.dtype)
    assert (gradient.shape, gradient.dtype) == (h.shape, net.dtype)
    assert (value >= -ROUNDING[net.dtype]).all()
    for r in range(net.replicas):  # one network and one example at a time
        for i in range(net.batch):
            one = h[r : r + 1, i : i + 1], target[None, i : i + 1]
            close(loss.value(*one)[0, 0], value[r, i], net.dtype, scale=1 + value.max())
            close(loss.gradient(*one)[0, 0], gradient[r, i], net.dtype, scale=1 + np.abs(gradient).max())


@given(net=nets())
def test_unflatten_and_flatten_are_inverse(net):
    theta = net.theta
    layers = mlp.unflatten(theta, net.sizes)
    assert theta.shape[1] == sum((n_in + 1) * n_out for n_in, n_out in zip(net.sizes, net.sizes[1:], strict=False))
    parts = [part.reshape(net.replicas, -1) for layer in layers for part in layer]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), theta)
    assert all(np.shares_memory(part, theta) for layer in layers for part in layer)


@given(net=nets(), data=st.data())
def test_what_is_written_to_a_view_is_written_to_theta_once(net, data):
    theta = net.theta
    before = theta.copy()
    layer = data.draw(st.integers(0, net.depth))
    W, b = mlp.unflatten(theta, net.sizes)[layer]
    part = data.draw(st.sampled_from([W, b]))
    place = tuple(data.draw(st.integers(0, n - 1)) for n in part.shape)
    part[place] = 1e6
    changed = np.argwhere(theta != before)
    assert len(changed) == 1
    assert changed[0, 0] == place[0]
    assert theta[tuple(changed[0])] == 1e6


@every_activation
@FEW
@given(net=nets())
def test_forward_is_predict_and_changes_no_argument(name, net, activation_named):
    activation, theta, x, dh = activation_named(name), net.theta, net.x, net.dh()
    trace, _ = passes(net, activation, theta, x, dh)
    np.testing.assert_array_equal(mlp.predict(mlp.unflatten(theta, net.sizes), activation, x), trace.h)
    for array, fresh in ((theta, net.theta), (x, net.x), (dh, net.dh())):
        np.testing.assert_array_equal(array, fresh)


# ---------------------------------------------------------------- symmetries


@every_activation
@FEW
@given(net=nets(), alpha=st.floats(-3, 3), beta=st.floats(-3, 3))
def test_gradients_are_linear_in_dh(name, net, alpha, beta, activation_named):
    activation = activation_named(name)
    alpha, beta = net.dtype(alpha), net.dtype(beta)
    one, other = net.dh(1), net.dh(2)
    (_, both), (_, first), (_, second) = (
        passes(net, activation, dh=dh) for dh in (alpha * one + beta * other, one, other)
    )
    for actual, a, b in (
        (both.theta, first.theta, second.theta),
        *zip(both.delta, first.delta, second.delta, strict=True),
    ):
        close(actual, alpha * a + beta * b, net.dtype, scale=3 * (np.abs(a).max() + np.abs(b).max()))


@every_activation
@FEW
@given(net=nets())
def test_a_batch_is_the_sum_of_its_examples(name, net, activation_named):
    activation, x, dh = activation_named(name), net.x, net.dh()
    trace, gradients = passes(net, activation)
    total = np.zeros_like(gradients.theta)
    for i in range(net.batch):
        one = slice(i, i + 1)
        trace_i, gradients_i = passes(net, activation, x=x[:, one], dh=dh[:, one])
        close(trace_i.h, trace.h[:, one], net.dtype, scale=np.abs(trace.h).max())
        total += gradients_i.theta
    close(total, gradients.theta, net.dtype, scale=np.abs(gradients.theta).max() + np.abs(total).max())


@every_activation
@FEW
@given(net=nets())
def test_replicas_never_mix(name, net, activation_named):
    activation, theta, dh = activation_named(name), net.theta, net.dh()
    trace, gradients = passes(net, activation)
    for r in range(net.replicas):
        one = slice(r, r + 1)
        alone, gradients_alone = passes(net, activation, theta[one], dh=dh[one])
        for z, z_alone in zip(trace.z, alone.z, strict=True):
            close(z_alone[0], z[r], net.dtype)
        for delta, delta_alone in zip(gradients.delta, gradients_alone.delta, strict=True):
            close(delta_alone[0], delta[r], net.dtype)
        close(gradients_alone.theta[0], gradients.theta[r], net.dtype)


@every_activation
@FEW
@given(net=nets(min_depth=1), data=st.data())
def test_hidden_units_may_change_places(name, net, data, activation_named):
    """Permuting rows of [W[l] b[l]] with columns of W[l+1] permutes the gradients and changes no output."""
    activation, theta = activation_named(name), net.theta
    orders = [np.arange(net.sizes[0])]
    for width in net.sizes[1:-1]:
        orders.append(np.random.default_rng(data.draw(st.integers(0, 99))).permutation(width))
    orders.append(np.arange(net.sizes[-1]))

    def permuted(vectors):
        moved = vectors.copy()
        for i, (W, b) in enumerate(mlp.unflatten(moved, net.sizes)):
            W[...] = W[:, orders[i + 1]][:, :, orders[i]]
            b[...] = b[:, :, orders[i + 1]]
        return moved

    trace, gradients = passes(net, activation, theta)
    trace_moved, gradients_moved = passes(net, activation, permuted(theta))
    close(trace_moved.h, trace.h, net.dtype)
    for z_moved, z, order in zip(trace_moved.z, trace.z, orders[1:], strict=True):
        close(z_moved, z[:, :, order], net.dtype)
    for delta_moved, delta, order in zip(gradients_moved.delta, gradients.delta, orders[1:], strict=True):
        close(delta_moved, delta[:, :, order], net.dtype)
    close(gradients_moved.theta, permuted(gradients.theta), net.dtype)


# ---------------------------------------------------------------- backpropagation


def pieces(trace, activation):
    """On which side of each kink every hidden z lies."""
    return [z > kink for z in trace.z[:-1] for kink in activation.kinks]


@pytest.mark.parametrize("loss_name", LOSSES)
@every_activation
@FEW
@given(net=nets(dtypes=(np.float64,)), data=st.data())
def test_backward_is_the_directional_derivative(name, loss_name, net, data, activation_named):
    """dJ along a random direction in one layer's parameters, by central differences, in each replica."""
    activation, loss = activation_named(name), LOSSES[loss_name]
    net, target = with_targets(loss, net)
    theta, x = net.theta, net.x

    direction = np.zeros_like(theta)
    layer = data.draw(st.integers(0, net.depth))
    for part in mlp.unflatten(direction, net.sizes)[layer]:
        part[...] = net.rng.normal(size=part.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)

    def moved(eps):
        trace = mlp.forward(mlp.unflatten(theta + eps * direction, net.sizes), activation, x)
        return trace, loss.value(trace.h, target[None]).mean(axis=1)

    eps = 1e-5
    (ahead, J_ahead), (behind, J_behind) = moved(eps), moved(-eps)
    trace, J = moved(0.0)
    sides = [pieces(t, activation) for t in (ahead, behind, trace)]
    clear = np.ones(net.replicas, bool)  # replicas none of whose z crosses a kink on the way
    for one, other, third in zip(*sides, strict=True):
        clear &= ((one == third) & (other == third)).all(axis=(1, 2))
    assume(clear.any())

    _, gradients = passes(net, activation, theta, x, loss.gradient(trace.h, target[None]) / len(target))
    exact = (gradients.theta * direction).sum(axis=1)
    numeric = (J_ahead - J_behind) / (2 * eps)
    norm = np.sqrt(sum(np.square(part).sum(axis=(1, 2)) for part in gradients.layers[layer]))
    tolerance = 1e-5 * norm + 1e-9 * (1 + J)  # truncation; rounding of J over eps
    off = np.abs(numeric - exact)
    assert (off <= tolerance)[clear].all(), (off / tolerance)[clear]


# ---------------------------------------------------------------- ties


@st.composite
def tied_nets(draw):
    """A network of copied units: (net, theta, which unit of each layer every unit is a copy of, by replica).

    Some copies are then set free by another row, others by another column: half the proof is not enough.
    """
    net = draw(nets())
    rng = net.rng
    theta = net.theta
    first = []
    for r in range(net.replicas):
        layers = mlp.unflatten(theta[r : r + 1], net.sizes)
        origin = [np.arange(net.sizes[0])]
        for width in net.sizes[1:-1]:
            groups = rng.integers(draw(st.integers(1, 12)), size=width)
            _, start, inverse = np.unique(groups, return_index=True, return_inverse=True)
            origin.append(start[inverse])
        origin.append(np.arange(net.sizes[-1]))
        for i, (W, b) in enumerate(layers):
            W[0] = W[0][np.ix_(origin[i + 1], origin[i])]
            b[0] = b[0][:, origin[i + 1]]
        for i in range(1, net.depth + 1):
            copies = np.flatnonzero(origin[i] != np.arange(len(origin[i])))
            how = draw(st.sampled_from(["none", "row", "bias", "column"]))
            if len(copies) and how != "none":
                free = rng.choice(copies)
                (W, b), (W_next, _) = layers[i - 1], layers[i]
                part = {"row": W[0, free], "bias": b[0, :, free], "column": W_next[0, :, free]}[how]
                part *= 2
                origin[i][free] = free
        first.append(origin)
    return net, theta, first


@given(tied_nets())
def test_ties_find_every_copy_and_are_idempotent(drawn):
    net, theta, first = drawn
    index = find_ties(theta, net.sizes)
    expected = np.tile(np.arange(theta.shape[1]), (net.replicas, 1))
    for r, origin in enumerate(first):
        for i, (W, b) in enumerate(mlp.unflatten(expected[r : r + 1], net.sizes)):
            W[0] = W[0][np.ix_(origin[i + 1], origin[i])]
            b[0] = b[0][:, origin[i + 1]]
    if all((o == np.arange(len(o))).all() for origin in first for o in origin):
        assert index is None
        return
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_array_equal(np.take_along_axis(index, index, axis=1), index)
    np.testing.assert_array_equal(np.take_along_axis(theta, index, axis=1), theta)


@given(drawn=tied_nets(), name=st.sampled_from([*ACTIVATIONS]))
def test_tied_units_stay_tied_and_no_gradient_changes_but_by_rounding(drawn, name, activation_named):
    net, theta, _ = drawn
    index = find_ties(theta, net.sizes)
    assume(index is not None)
    _, gradients = passes(net, activation_named(name), theta)
    raw = gradients.theta.copy()
    tie(gradients.theta, index)
    close(gradients.theta, raw, net.dtype)
    once = gradients.theta.copy()
    tie(gradients.theta, index)
    np.testing.assert_array_equal(gradients.theta, once)
    after = theta - net.dtype(0.1) * once
    np.testing.assert_array_equal(np.take_along_axis(after, index, axis=1), after)


# ---------------------------------------------------------------- initialization


@pytest.mark.parametrize("name", INITIALIZERS)
@FEW
@given(net=nets())
def test_initialize_is_decided_by_the_generators(name, net, configure, activation_named):
    scheme = configure(f"init={name}", "init.gain=0.8", "init.bias=0.1", "init.sigma_b=0.2").scheme

    def initialize(replicas, dtype=net.dtype):
        rngs = {r: np.random.default_rng([net.seed, r]) for r in replicas}
        inputs = net.x.astype(np.float64)
        return mlp.initialize(rngs, net.sizes, scheme, None, dtype, inputs, activation_named("tanh"))

    replicas = range(net.replicas)
    theta = initialize(replicas)
    assert theta.shape == (net.replicas, mlp.n_parameters(net.sizes))
    assert theta.dtype == net.dtype
    assert np.isfinite(theta).all()
    np.testing.assert_array_equal(initialize(replicas), theta)
    np.testing.assert_array_equal(initialize(reversed(replicas)), theta[::-1])
    for r in replicas:
        np.testing.assert_array_equal(initialize([r]), theta[r : r + 1])
    if "inputs" not in inspect.signature(scheme.weights).parameters:  # these come through rounded weights
        single, double = initialize(replicas, np.float32), initialize(replicas, np.float64)
        np.testing.assert_allclose(single, double, rtol=1e-6, atol=1e-7)
