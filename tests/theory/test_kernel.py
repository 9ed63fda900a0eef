"""The tangent kernel against closed forms of linear and ReLU networks and gradients of wide random networks."""

import itertools
import math

import numpy as np
import pytest

from mlpstudy import theory
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.theory import Ensemble

COSINES = np.array([-0.5, 0.0, 0.3, 0.8, 0.99])


def ensemble(sizes, sigma_w, sigma_b=0.0, second_moment=(1.0,), cosines=COSINES):
    layers = len(sizes) - 1
    return Ensemble(
        sizes=tuple(sizes),
        weight_variance=sigma_w**2 / np.array(sizes[:-1]),
        bias_variance=np.full(layers, sigma_b**2),
        freedom=np.ones(layers),
        second_moment=np.array(second_moment),
        correlation=np.asarray(cosines),
        alignment=np.ones(len(cosines)),
    )


def activation(name):
    row = ACTIVATIONS[name]
    return row if not callable(row) else row()


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_a_linear_network_has_a_kernel_proportional_to_the_inner_product(depth):
    """With weights of variance 1 / n_in every layer keeps lengths and angles: Theta = sum_l (n_{l-1} c + 1)."""
    sizes = [7, *[50] * depth, 1]
    found = theory.profile(activation("identity"), ensemble(sizes, 1.0)).kernel
    c = np.append(COSINES, 1.0)
    np.testing.assert_allclose(found.of_weights, np.array(sizes[:-1])[:, None] * c, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.of_biases, np.ones((depth + 1, 6)), rtol=1e-6)
    np.testing.assert_allclose(found.output, c, rtol=1e-6, atol=1e-9)


def kappa(c):
    """Cho & Saul 2009: E[1(u > 0) 1(v > 0)] and E[relu(u) relu(v)] relative to those of u = v."""
    angle = math.pi - np.arccos(np.clip(c, -1, 1))
    return angle / math.pi, (np.sqrt(np.maximum(1 - c * c, 0)) + c * angle) / math.pi


@pytest.mark.parametrize("depth", [1, 2, 5, 20])
def test_relu_with_he_follows_the_arc_cosine_recursion(depth):
    """Jacot et al. 2018, with the arc-cosine kernels of Cho & Saul 2009; He keeps |a|^2 / n at 1 and |delta| at 1."""
    sizes = [5, *[40] * depth, 1]
    c = np.append(COSINES, 1.0)
    alike, slopes = [c], []
    for _ in range(depth):
        zero, one = kappa(alike[-1])
        slopes.append(zero)
        alike.append(one)
    expected = sum((n * alike[layer] + 1) * np.prod(slopes[layer:], axis=0) for layer, n in enumerate(sizes[:-1]))
    found = theory.profile(activation("relu"), ensemble(sizes, math.sqrt(2))).kernel
    # the slope of ReLU is a step, whose series is coarse near c = 1
    np.testing.assert_allclose(np.delete(found.tangent, 4), np.delete(expected, 4), rtol=5e-3)
    assert found.tangent[4] == pytest.approx(expected[4], rel=0.12)


def drawn(name, sizes, sigma_w, sigma_b, x, replicas, seed):
    """dh/dtheta of one output for each input, drawn here and differentiated by backpropagation: (R, batch, P)."""
    rng = np.random.default_rng(seed)
    theta = np.zeros((replicas, mlp.n_parameters(sizes)))
    layers = mlp.unflatten(theta, sizes)
    for W, b in layers:
        W[...] = rng.normal(size=W.shape) * sigma_w / math.sqrt(W.shape[2])
        b[...] = rng.normal(size=b.shape) * sigma_b
    found = []
    for one in x:
        trace = mlp.forward(layers, activation(name), one[None, None])
        dh = np.zeros_like(trace.h)
        dh[..., 0] = 1.0
        found.append(mlp.backward(layers, activation(name), trace, dh).theta)
    return np.stack(found, axis=1)


def inputs(n, c, lengths, seed=0):
    """Two inputs with this cosine and these mean squares."""
    u, v = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, 2)))[0].T * math.sqrt(n)
    one, other = lengths
    return np.stack([math.sqrt(one) * u, math.sqrt(other) * (c * u + math.sqrt(1 - c * c) * v)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "depth", "sigma_w", "sigma_b"),
    [
        ("tanh", 3, 1.2, 0.3),
        ("relu", 3, 1.4, 0.1),
        ("sigmoid", 2, 2.0, 0.0),
        ("gelu", 2, 1.3, 0.2),
        ("sin", 2, 1.0, 0.0),
    ],
)
def test_wide_networks_have_this_kernel(name, depth, sigma_w, sigma_b):
    """Monte Carlo at width 1024; off by at most 5 standard errors plus what a network of this width differs by."""
    c, sizes = 0.6, [20, *[1024] * depth, 3]
    gradients = drawn(name, sizes, sigma_w, sigma_b, inputs(20, c, (1.0, 1.0)), replicas=20, seed=1)
    products = gradients @ gradients.swapaxes(1, 2)  # (R, 2, 2)
    found = theory.profile(activation(name), ensemble(sizes, sigma_w, sigma_b, cosines=[c])).kernel.tangent
    for values, predicted in ((products[:, 0, 1], found[0]), (products[:, 0, 0], found[1])):
        error = values.std(ddof=1) / math.sqrt(len(values))
        assert abs(values.mean() - predicted) < 5 * error + 4 * depth / 1024 * predicted
        assert error < 0.05 * predicted  # else the test would say little


def test_the_gradient_of_a_batch_follows_from_the_kernel():
    """|dJ/dW|^2 and |dJ/db|^2 of each layer, J the mean over two samples of e . h with errors e that are given."""
    c, sizes, e = 0.6, [20, 512, 512, 2], np.array([1.0, -0.4])
    gradients = drawn("tanh", sizes, 1.2, 0.3, inputs(20, c, (1.0, 1.0)), replicas=24, seed=2)
    layers = mlp.unflatten(np.einsum("rsp,s->rp", gradients, e) / 2, sizes)
    kernel = theory.profile(activation("tanh"), ensemble(sizes, 1.2, 0.3, cosines=[c])).kernel
    products = np.array([e[0] * e[1], np.square(e).mean()])
    for part, predicted in enumerate(kernel.squared_gradients(products, 2)):
        for layer, expected in zip(layers, predicted, strict=True):
            squares = np.square(layer[part]).sum(axis=(1, 2))
            error = squares.std(ddof=1) / math.sqrt(len(squares))
            assert abs(squares.mean() - expected) < 5 * error + 0.01 * expected


def test_inputs_of_different_lengths():
    """An input three times as long counts by the product of both lengths."""
    lengths, sizes = (1.0, 9.0), [20, 1024, 1024, 1]
    gradients = drawn("relu", sizes, math.sqrt(2), 0.0, inputs(20, 0.6, lengths), replicas=16, seed=3)
    products = gradients @ gradients.swapaxes(1, 2)
    e = ensemble(sizes, math.sqrt(2), second_moment=lengths, cosines=[0.6])
    found = theory.profile(activation("relu"), e).kernel.of_weights.sum(axis=0)
    own = (products[:, 0, 0] + products[:, 1, 1]).mean() / 2
    assert own == pytest.approx(found[1], rel=0.05)
    # mean over pairs of two samples that are drawn at random from both lengths: (1 + 3)^2 / 4, not 3
    assert found[0] / found[1] == pytest.approx(products[:, 0, 1].mean() * 4 / 3 / own, rel=0.05)


def test_autograd_of_pytorch_agrees_with_the_gradients_that_this_file_compares():
    torch = pytest.importorskip("torch")
    sizes, x = [4, 6, 5, 2], inputs(4, 0.3, (1.0, 2.0))
    ours = drawn("tanh", sizes, 1.5, 0.5, x, replicas=1, seed=4)[0]
    rng = np.random.default_rng(4)
    parameters = []
    for n_in, n_out in itertools.pairwise(sizes):
        W = rng.normal(size=(1, n_out, n_in)) * 1.5 / math.sqrt(n_in)
        parameters += [torch.tensor(W[0]), torch.tensor(rng.normal(size=(1, 1, n_out))[0, 0] * 0.5)]
    rows = []
    for one in x:
        given = [p.clone().requires_grad_() for p in parameters]
        a = torch.tensor(one)
        for i in range(0, len(given), 2):
            a = given[i] @ a + given[i + 1]
            a = torch.tanh(a) if i < len(given) - 2 else a
        a[0].backward()
        rows.append(np.concatenate([p.grad.numpy().ravel() for p in given]))
    theirs = np.array(rows)
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, rtol=1e-10)
