"""The same numbers as PyTorch, which is an independent implementation.

Compared in float64 to 1e-10 relative. Sums that cancel leave rounding errors of the size of their terms (1 + tanh(u)
in PyTorch's GELU, for one), so an entry may also be off by 1e-13 of the largest of its array. Parts that PyTorch does
not have are not compared.
"""

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from mlpstudy.cells.problem import Problem
from mlpstudy.cells.recording import train_and_record
from mlpstudy.cells.streams import ORDER, stream
from mlpstudy.data.splits import Data
from mlpstudy.network import mlp, training
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.initializers import INITIALIZERS
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.optimizers import OPTIMIZERS, SCHEDULES, clip

torch = pytest.importorskip("torch")
F, init, optim = torch.nn.functional, torch.nn.init, torch.optim
lr_scheduler = optim.lr_scheduler

TIGHT = 1e-10
P_VALUE = 1e-3  # a right initializer fails a test of distribution once in a thousand seeds; these seeds are fixed
SIGMAS = 4.0  # a z-test at |z| < 4 errs once in 16,000

# name -> function of (z, parameters of the YAML)
TORCH_ACTIVATIONS = {
    "identity": lambda z: z.clone(),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": lambda z, slope: F.leaky_relu(z, slope),
    "relu6": F.relu6,
    "elu": lambda z, alpha: F.elu(z, alpha),
    "selu": F.selu,
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": lambda z: F.softplus(z, threshold=100),  # by default it is z itself from z = 20 on
    "softsign": F.softsign,
    "hard_tanh": F.hardtanh,
    "erf": torch.erf,
    "sin": torch.sin,
}
TORCH_LOSSES = {  # (h, target) -> J, the mean over the batch
    "mse": lambda h, o: F.mse_loss(h, o, reduction="sum") / (2 * len(h)),
    "bce": lambda h, y: F.binary_cross_entropy_with_logits(h, y, reduction="sum") / len(h),
    "cross_entropy": lambda h, y: F.cross_entropy(h, y.argmax(dim=1)),
}
TORCH_OPTIMIZERS = {  # parameters -> optimizer, from the keys of our YAML
    "sgd": lambda p, lr, **rest: optim.SGD(p, lr, **rest),
    "rmsprop": lambda p, lr, decay, epsilon: optim.RMSprop(p, lr, alpha=decay, eps=epsilon),
    "adam": lambda p, lr, beta1, beta2, epsilon: optim.Adam(p, lr, betas=(beta1, beta2), eps=epsilon),
    "adamw": lambda p, lr, beta1, beta2, epsilon, weight_decay: optim.AdamW(
        p, lr, betas=(beta1, beta2), eps=epsilon, weight_decay=weight_decay
    ),
}


def shared(table, torch_table):
    return [name for name in table if name in torch_table]


def assert_close(actual, expected, rtol=TIGHT):
    expected = np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-13 * np.abs(expected).max())


def numpy_of(tensor):
    return tensor.detach().numpy()


@pytest.fixture(scope="module")
def twin(compose):
    """(name, *overrides) -> g of PyTorch with the parameters of our YAML."""

    def _twin(name, *overrides):
        parameters = compose(f"activation={name}", *overrides)["activation"]
        del parameters["name"]
        return lambda z: TORCH_ACTIVATIONS[name](z, **parameters)

    return _twin


class Network:
    """One replica in PyTorch; its parameters stand in the order of theta, W[l] before b[l]."""

    def __init__(self, theta, sizes, g):
        self.linears = [torch.nn.Linear(*pair, dtype=torch.float64) for pair in pairwise(sizes)]
        self.parameters = [p for linear in self.linears for p in linear.parameters()]
        torch.nn.utils.vector_to_parameters(torch.tensor(theta), self.parameters)
        self.g = g

    def __call__(self, x):
        self.z = []
        for linear in self.linears:
            x = linear(self.g(x) if self.z else x)
            x.retain_grad()
            self.z.append(x)
        return x

    @property
    def theta(self):
        return numpy_of(torch.nn.utils.parameters_to_vector(self.parameters))

    @property
    def gradient(self):
        return numpy_of(torch.cat([p.grad.flatten() for p in self.parameters]))


def random_problem(sizes, replicas, batch, seed=0):
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 0.7, (replicas, mlp.n_parameters(sizes)))
    return theta, rng.normal(size=(1, batch, sizes[0]))


def test_what_is_compared():
    """A renamed row must not drop out unnoticed; a row that PyTorch does not have is no error."""
    assert TORCH_ACTIVATIONS.keys() - ACTIVATIONS.keys() <= {"sin"}
    assert TORCH_LOSSES.keys() <= LOSSES.keys()
    assert TORCH_OPTIMIZERS.keys() <= OPTIMIZERS.keys()
    assert TORCH_INITIALIZERS.keys() <= INITIALIZERS.keys()
    assert {"constant", "step", "cosine"} <= SCHEDULES.keys()


# ---------------------------------------------------------------- forward, loss and gradients


PARAMETERS = [
    "leaky_relu activation.slope=0.3",
    "leaky_relu activation.slope=-0.5",
    "elu activation.alpha=0.4",
    "elu activation.alpha=2",
]


@pytest.mark.parametrize("case", [*shared(ACTIVATIONS, TORCH_ACTIVATIONS), *PARAMETERS])
def test_activation_and_derivative(case, configure, twin):
    name, *overrides = case.split()
    activation = configure(f"activation={name}", *overrides).activation
    z = np.concatenate([np.linspace(-12, 12, 2401) + 1e-3, [-1e4, -100.0, 100.0, 1e4]])
    z_torch = torch.tensor(z, requires_grad=True)
    a = twin(name, *overrides)(z_torch)
    a.sum().backward()
    assert_close(activation.g(z), numpy_of(a))
    # 1 - tanh^2 and s (1 - s), as PyTorch has them, are good to 1e-16 of 1, not of their value
    np.testing.assert_allclose(activation.dg(z), numpy_of(z_torch.grad), rtol=TIGHT, atol=2e-14)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu", "softsign"])
def test_derivative_at_the_kink_is_the_one_pytorch_takes(name, activation_named, twin):
    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    twin(name)(z).backward()
    assert activation_named(name).dg(np.zeros(1))[0] == pytest.approx(z.grad.item(), rel=1e-15)


@pytest.mark.parametrize("hidden", [(), (1,), (4,), (3, 4), (6, 2, 9), (5,) * 10], ids=str)
@pytest.mark.parametrize("loss", shared(LOSSES, TORCH_LOSSES))
@pytest.mark.parametrize("activation", shared(ACTIVATIONS, TORCH_ACTIVATIONS))
def test_forward_loss_and_every_gradient(activation, loss, hidden, activation_named, twin, targets_for):
    g, J_torch, target = twin(activation), TORCH_LOSSES[loss], targets_for(LOSSES[loss], 7)
    activation, loss = activation_named(activation), LOSSES[loss]
    sizes = (3, *hidden, target.shape[1])
    theta, x = random_problem(sizes, replicas=3, batch=7)
    layers = mlp.unflatten(theta, sizes)
    trace = mlp.forward(layers, activation, x)
    J = loss.value(trace.h, target[None]).mean(axis=1)
    gradients = mlp.backward(layers, activation, trace, loss.gradient(trace.h, target[None]) / len(target))
    for r in range(3):
        network = Network(theta[r], sizes, g)
        J_r = J_torch(network(torch.tensor(x[0])), torch.tensor(target))
        J_r.backward()
        assert J[r] == pytest.approx(J_r.item(), rel=TIGHT)
        for z, delta, z_torch in zip(trace.z, gradients.delta, network.z, strict=True):
            assert_close(z[r], numpy_of(z_torch))
            assert_close(delta[r], numpy_of(z_torch.grad))
        assert_close(gradients.theta[r], network.gradient)
        for (dW, db), linear in zip(gradients.layers, network.linears, strict=True):
            assert_close(dW[r], numpy_of(linear.weight.grad))
            assert_close(db[r, 0], numpy_of(linear.bias.grad))


@pytest.mark.parametrize("loss", shared(LOSSES, TORCH_LOSSES))
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_losses_of_large_outputs(loss, scale, targets_for):
    target = targets_for(LOSSES[loss], 8)
    h = scale * np.random.default_rng(0).normal(size=(1, *target.shape))
    h_torch = torch.tensor(h[0], requires_grad=True)
    J = TORCH_LOSSES[loss](h_torch, torch.tensor(target))
    J.backward()
    assert LOSSES[loss].value(h, target[None]).mean() == pytest.approx(J.item(), rel=TIGHT)
    assert_close(LOSSES[loss].gradient(h, target[None])[0] / len(target), numpy_of(h_torch.grad))


# ---------------------------------------------------------------- training


SIZES, EXAMPLES, BATCH, EPOCHS = (4, 6, 5, 3), 38, 8, 40  # five steps an epoch, the last of them on 6 examples
STEPS_PER_EPOCH = 5


@pytest.fixture(scope="module")
def trained(configure, compose, twin):
    """(*overrides, schedule=optimizer -> lr_scheduler) -> theta of ours and of PyTorch after 200 steps, (R, P) each."""

    def _trained(*overrides, schedule=lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)):
        overrides = (*overrides, f"training.epochs={EPOCHS}", f"training.batch_size={BATCH}", "dtype=float64", "seed=3")
        raw, config = compose(*overrides), configure(*overrides)
        theta, x = random_problem(SIZES, replicas=2, batch=EXAMPLES, seed=1)
        rng = np.random.default_rng(2)
        labels = rng.integers(3, size=EXAMPLES)
        y = np.eye(3)[labels] if raw["loss"]["name"] == "cross_entropy" else rng.normal(size=(EXAMPLES, 3))
        shape = mlp.Network(SIZES, config.activation, config.loss)
        problem = Problem(config, shape, x, y, x[:, :10], y[:10], Data("", x[0], y, x[0], y, None, x[0, 0], x[0, 0]))
        *_, last = train_and_record(problem, theta.copy())
        assert last.step == EPOCHS * STEPS_PER_EPOCH == 200

        expected = []
        name = raw["optimizer"].pop("name")
        for row in theta:
            network = Network(row, SIZES, twin(raw["activation"]["name"]))
            optimizer = TORCH_OPTIMIZERS[name](network.parameters, **raw["optimizer"])
            scheduler = schedule(optimizer)
            indices = training.batches(stream(3, ORDER), EXAMPLES, BATCH, replacement=False)
            for _ in range(last.step):
                batch = next(indices)
                optimizer.zero_grad()
                J = TORCH_LOSSES[raw["loss"]["name"]]
                J(network(torch.tensor(x[0, batch])), torch.tensor(y[batch])).backward()
                if config.recipe.clip_norm is not None:  # clip_grad_norm_ itself has 1e-6 added to the norm, see below
                    norm = torch.nn.utils.get_total_norm([p.grad for p in network.parameters])
                    torch.nn.utils.clip_grads_with_norm_(network.parameters, config.recipe.clip_norm, norm - 1e-6)
                optimizer.step()
                scheduler.step()
            expected.append(network.theta)
        moved = np.abs(last.theta - theta)
        assert np.median(moved) > 1e-2  # far enough for a wrong step to show
        return last.theta, np.array(expected)

    return _trained


OPTIMIZER_CASES = [
    "sgd lr=0.05",
    "sgd lr=0.05 momentum=0.9",
    "sgd lr=0.05 momentum=0.9 nesterov=true",
    "sgd lr=0.05 weight_decay=0.1",
    "sgd lr=0.05 momentum=0.7 nesterov=true weight_decay=0.01",
    "rmsprop lr=0.01",
    "rmsprop lr=0.01 decay=0.9 epsilon=1e-3",
    "adam lr=0.01",
    "adam lr=0.01 beta1=0.5 beta2=0.9 epsilon=1e-3",
    "adamw lr=0.01",
    "adamw lr=0.01 weight_decay=0.3",
]


def overrides_of(case):
    name, *settings = case.split()
    return [f"optimizer={name}", *(f"optimizer.{setting}" for setting in settings)]


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "loss"), [("tanh", "mse"), ("relu", "cross_entropy")])
@pytest.mark.parametrize("case", OPTIMIZER_CASES)
def test_weights_after_200_steps(case, activation, loss, trained):
    ours, expected = trained(*overrides_of(case), f"activation={activation}", f"loss={loss}")
    np.testing.assert_allclose(ours, expected, rtol=TIGHT)


def test_every_shared_optimizer_is_trained():
    assert {case.split()[0] for case in OPTIMIZER_CASES} == {*shared(OPTIMIZERS, TORCH_OPTIMIZERS)}


def linear_warm_up(optimizer, steps):
    return lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / steps))


def after_warm_up(optimizer, steps, schedule):
    return lr_scheduler.SequentialLR(optimizer, [linear_warm_up(optimizer, steps), schedule], [steps])


SCHEDULE_CASES = {  # ours in epochs, PyTorch's in steps
    "constant": lambda o: lr_scheduler.ConstantLR(o, factor=1.0),
    "constant warmup=4": lambda o: linear_warm_up(o, 20),
    "constant warmup=0.6": lambda o: linear_warm_up(o, 3),
    "step every=7 factor=0.5": lambda o: lr_scheduler.StepLR(o, 35, 0.5),
    "step every=7 factor=0.5 warmup=4": lambda o: after_warm_up(o, 20, lr_scheduler.StepLR(o, 35, 0.5)),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 200),
    "cosine warmup=4": lambda o: after_warm_up(o, 20, lr_scheduler.CosineAnnealingLR(o, 180)),
}


def schedule_overrides(case):
    name, *settings = case.split()
    return [f"schedule={name}", *(f"schedule.{setting}" for setting in settings)]


@pytest.mark.parametrize("case", SCHEDULE_CASES)
def test_learning_rate_of_every_step(case, configure):
    config = configure(*schedule_overrides(case), f"training.epochs={EPOCHS}", "optimizer.lr=0.3")
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = SCHEDULE_CASES[case](optimizer)
    expected = []
    for _ in range(EPOCHS * STEPS_PER_EPOCH):
        expected += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    ours = [config.recipe.lr(step / STEPS_PER_EPOCH, 1 / STEPS_PER_EPOCH) for step in range(len(expected))]
    np.testing.assert_allclose(ours, expected, rtol=TIGHT)


@pytest.mark.parametrize("optimizer", ["sgd lr=0.05 momentum=0.9", "adamw lr=0.01"])
@pytest.mark.parametrize("case", SCHEDULE_CASES)
def test_weights_after_200_steps_of_a_schedule(case, optimizer, trained):
    ours, expected = trained(*overrides_of(optimizer), *schedule_overrides(case), schedule=SCHEDULE_CASES[case])
    np.testing.assert_allclose(ours, expected, rtol=TIGHT)


@pytest.mark.parametrize("optimizer", ["sgd lr=0.05 momentum=0.9", "adam lr=0.01"])
@pytest.mark.parametrize("largest", [0.05, 0.5])
def test_weights_after_200_clipped_steps(optimizer, largest, trained):
    ours, expected = trained(*overrides_of(optimizer), f"training.clip_norm={largest}")
    free, _ = trained(*overrides_of(optimizer))
    np.testing.assert_allclose(ours, expected, rtol=TIGHT)
    assert np.abs(ours - free).max() > 1e-3


@pytest.mark.parametrize("size", [1e-9, 0.01, 1.0, 1e9])
def test_clip(size):
    """For each replica. clip_grad_norm_ divides by the norm + 1e-6; the test removes the 1e-6, as ours has none."""
    gradient = size * np.random.default_rng(0).normal(size=(4, 50)) * np.array([[0.1], [0.5], [1.0], [5.0]])
    ours = clip(gradient, 2.0)
    for row, clipped in zip(gradient, ours, strict=True):
        halves = [torch.zeros(20, dtype=torch.float64), torch.zeros(30, dtype=torch.float64)]
        for tensor, part in zip(halves, np.split(row, [20]), strict=True):
            tensor.grad = torch.tensor(part)
        norm = torch.nn.utils.clip_grad_norm_(halves, 2.0).item()
        expected = np.concatenate([tensor.grad.numpy() for tensor in halves])
        np.testing.assert_allclose(clipped, expected * ((norm + 1e-6) / norm if norm > 2 else 1), rtol=TIGHT)


# ---------------------------------------------------------------- initializers


SHAPE = (192, 320)  # (fan_out, fan_in), as in PyTorch, and unequal so that no two rules agree
SQRT3 = math.sqrt(3)
CUT_STD = stats.truncnorm(-2, 2).std()
TORCH_INITIALIZERS = {  # name -> fills a tensor (fan_out, fan_in); scale 1 as in the YAML
    "zeros": init.zeros_,
    "constant": lambda t: init.constant_(t, 0.1),
    "identity": init.eye_,
    "normal": init.normal_,
    "uniform": lambda t: init.uniform_(t, -SQRT3, SQRT3),
    # theirs is cut at absolute values and not rescaled
    "truncated_normal": lambda t: init.trunc_normal_(t, std=1 / CUT_STD, a=-2 / CUT_STD, b=2 / CUT_STD),
    "xavier": init.xavier_normal_,
    "xavier_uniform": init.xavier_uniform_,
    "he": lambda t: init.kaiming_normal_(t, nonlinearity="relu"),
    "he_uniform": lambda t: init.kaiming_uniform_(t, nonlinearity="relu"),
    "lecun": lambda t: init.kaiming_normal_(t, nonlinearity="linear"),  # gain 1
    "lecun_uniform": lambda t: init.kaiming_uniform_(t, nonlinearity="linear"),
    "critical": lambda t: init.kaiming_normal_(t, nonlinearity="linear"),  # tanh without biases: sigma_w = 1
    "orthogonal": init.orthogonal_,
    # theirs leaves out a share of every column, where a neuron is a row
    "sparse": lambda t: init.sparse_(t.T, sparsity=1 - 15 / t.shape[1], std=1.0).T,
}
FIXED = ("zeros", "constant", "identity")
INDEPENDENT = [name for name in TORCH_INITIALIZERS if name not in (*FIXED, "orthogonal", "sparse")]
FAN_OUT = ["he init.mode=fan_out", "he_uniform init.mode=fan_out", "lecun init.mode=fan_out"]


@pytest.fixture(scope="module")
def our_weights(configure):
    """(name and overrides, shape, seed) -> W."""

    @cache
    def initializer(case):
        name, *overrides = case.split()
        return configure(f"init={name}", *overrides).scheme.weights

    def _our_weights(case, shape=SHAPE, seed=0):
        return initializer(case)(np.random.default_rng(seed), shape)

    return _our_weights


def torch_weights(case, shape=SHAPE, seed=0):
    name, *mode = case.split()
    torch.manual_seed(seed)
    tensor = torch.empty(shape, dtype=torch.float64)
    # the fans of the transpose are the other way round
    return numpy_of(TORCH_INITIALIZERS[name](tensor.T).T if mode else TORCH_INITIALIZERS[name](tensor))


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_fixed_weights_are_equal(name, shape, our_weights):
    np.testing.assert_array_equal(our_weights(name, shape), torch_weights(name, shape))


@pytest.mark.parametrize("case", [*INDEPENDENT, *FAN_OUT])
@pytest.mark.parametrize("shape", [SHAPE, SHAPE[::-1]], ids=str)
def test_weights_of_one_distribution(case, shape, our_weights):
    ours, theirs = our_weights(case, shape).ravel(), torch_weights(case, shape).ravel()
    std = theirs.std()
    n = len(ours)
    assert abs(ours.mean() - theirs.mean()) < SIGMAS * std * math.sqrt(2 / n)
    # a mean of squares has variance (kurtosis - 1) std^4 / n; there are two
    kurtosis = stats.kurtosis(theirs, fisher=False)
    assert abs(ours.var() / theirs.var() - 1) < SIGMAS * math.sqrt(2 * (kurtosis - 1) / n)
    assert stats.ks_2samp(ours, theirs).pvalue > P_VALUE


@pytest.mark.parametrize("case", INDEPENDENT)
def test_the_test_of_distribution_can_fail(case, our_weights):
    """The test detects a standard deviation that is off by 6 %."""
    assert stats.ks_2samp(1.06 * our_weights(case).ravel(), torch_weights(case).ravel()).pvalue < P_VALUE


def test_sparse_weights(our_weights):
    ours, theirs = our_weights("sparse"), torch_weights("sparse")
    assert ((ours != 0).sum(axis=1) == 15).all()
    assert ((theirs != 0).sum(axis=1) == 15).all()
    assert stats.ks_2samp(ours[ours != 0], theirs[theirs != 0]).pvalue > P_VALUE
    inputs_ours, inputs_theirs = (np.nonzero(W)[1] for W in (ours, theirs))
    assert stats.ks_2samp(inputs_ours, inputs_theirs).pvalue > P_VALUE


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)], ids=str)
def test_orthogonal_weights_of_one_distribution(shape, our_weights):
    """One number of each of 500 matrices at a time, since the entries of one matrix depend on each other."""
    ours, theirs = (
        np.array([weights("orthogonal", shape, seed) for seed in range(500)])
        for weights in (our_weights, torch_weights)
    )
    assert abs(ours.mean() - theirs.mean()) < SIGMAS * math.sqrt(2 / max(shape) / len(ours))
    numbers = {
        "first": lambda W: W[:, 0, 0],
        "second": lambda W: W[:, 0, 1],
        "last": lambda W: W[:, -1, -1],
        "sum": lambda W: W.sum(axis=(1, 2)),
        "trace": lambda W: np.trace(W, axis1=1, axis2=2),
    }
    for name, number in numbers.items():
        assert stats.ks_2samp(number(ours), number(theirs)).pvalue > P_VALUE, name


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (64, 64), (200, 30), (30, 200)], ids=str)
def test_orthogonal_weights_are_orthonormal(shape, our_weights):
    for W in (our_weights("orthogonal", shape), torch_weights("orthogonal", shape)):
        gram = W @ W.T if shape[0] <= shape[1] else W.T @ W
        np.testing.assert_allclose(gram, np.eye(min(shape)), rtol=0, atol=1e-12)


# ---------------------------------------------------------------- gains


def second_moment_gain(activation):
    """1 / sqrt(E g(x)^2), x ~ N(0, 1): the gain that keeps the variance of z at 1 from layer to layer."""

    def integrand(x):
        return float(activation.g(np.array([x]))[0]) ** 2 * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    ends = [-12.0, *sorted({0.0, *activation.kinks}), 12.0]
    return 1 / math.sqrt(sum(integrate.quad(integrand, *pair, epsabs=1e-13)[0] for pair in pairwise(ends)))


@pytest.mark.parametrize(("he", "lecun"), [("he", "lecun"), ("he_uniform", "lecun_uniform")])
def test_he_is_lecun_times_the_gain_of_relu(he, lecun, our_weights):
    np.testing.assert_allclose(
        our_weights(he), init.calculate_gain("relu") * our_weights(lecun), rtol=1e-12, atol=1e-16
    )


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.2, -0.5, 1.0, 3.0])
@pytest.mark.parametrize(("he", "lecun"), [("he", "lecun"), ("he_uniform", "lecun_uniform")])
def test_he_takes_the_slope_of_leaky_relu_as_kaiming_does(he, lecun, slope, our_weights):
    W = our_weights(f"{he} activation=leaky_relu activation.slope={slope}")
    np.testing.assert_allclose(W, init.calculate_gain("leaky_relu", slope) * our_weights(lecun), rtol=1e-12, atol=1e-16)
    kaiming = init.kaiming_normal_ if he == "he" else init.kaiming_uniform_
    theirs = torch.empty(500, 400, dtype=torch.float64)
    kaiming(theirs, a=slope, nonlinearity="leaky_relu", generator=torch.Generator().manual_seed(0))
    ours = our_weights(f"{he} activation=leaky_relu activation.slope={slope}", (500, 400))
    assert ours.std() == pytest.approx(float(theirs.std()), rel=0.01)  # five standard errors


def test_the_gains_of_pytorch_that_are_second_moments(configure):
    for case, expected in {
        "identity": init.calculate_gain("linear"),
        "relu": init.calculate_gain("relu"),
        "leaky_relu": init.calculate_gain("leaky_relu"),  # slope 0.01
        "leaky_relu activation.slope=0.3": init.calculate_gain("leaky_relu", 0.3),
    }.items():
        name, *overrides = case.split()
        activation = configure(f"activation={name}", *overrides).activation
        assert second_moment_gain(activation) == pytest.approx(expected, rel=TIGHT), case


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("tanh", 1.5925), ("sigmoid", 1.8462), ("gelu", 1.5335), ("silu", 1.6765), ("elu", 1.2452),
        ("relu", 1.4142),
        ("selu", 1.0000),  # its fixed point: mean 0, variance 1 (Klambauer et al. 2017)
    ],
)  # fmt: skip
def test_second_moment_gain(name, published, activation_named):
    assert second_moment_gain(activation_named(name)) == pytest.approx(published, abs=5.1e-5)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "silu", "elu", "relu"])
def test_weights_with_that_gain_keep_the_variance(name, configure, activation_named):
    """Var z[2] = 1 where z[1] ~ N(0, 1), by init.gain."""
    activation = activation_named(name)
    config = configure(f"activation={name}", "init=lecun", f"init.gain={second_moment_gain(activation)}")
    n = 400
    theta = mlp.initialize({0: np.random.default_rng(0)}, (n, n), config.scheme, dtype=np.float64)
    a = activation.g(np.random.default_rng(1).normal(size=(1, n, n)))
    z = mlp.forward(mlp.unflatten(theta, (n, n)), activation, a).h
    # z of one unit on different inputs share its weights, so count its n units, not n^2 numbers
    assert np.square(z).mean() == pytest.approx(1, abs=SIGMAS * math.sqrt(2 / n))
