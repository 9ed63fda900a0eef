"""Cells that mislead a forecast: large targets, inputs that are not centred or not scaled, and cells without a task.

What is expected is what trainings gave.
"""

from itertools import count

import numpy as np
import pytest

from mlpstudy.cells.before import before_training
from mlpstudy.cells.cell import check
from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.foresight.forecast import AHEAD
from mlpstudy.foresight.inputs import uncentred, unscaled

VALUES = ("data.task=regression", "loss=mse", "data.standardize_target=false", "data.test_fraction=0")
RAW = ("data=npz", "data.standardize=none")


@pytest.fixture
def told(compose, tmp_path):
    """The forecast for data x and y, and what comes of the training."""
    files = (tmp_path / f"{number}.npz" for number in count())  # a file that was read stays in memory

    def _told(x, y, *overrides, train=True):
        path = next(files)
        np.savez(path, x=x, y=y)
        cell = check(compose(*RAW, f"data.path={path}", "replicas=3", "training.snapshots=2", *overrides))
        if not train:
            return before_training(cell.config), None
        problem = prepare(cell.config)
        records = list(train_and_record(problem, initial_theta(problem, range(3))))
        return records[0].before, AHEAD[collect(cell, records).outcome]

    return _told


LINE = np.arange(100.0)
X = ((LINE - LINE.mean()) / LINE.std())[:, None]


@pytest.mark.parametrize(("lr", "outcome"), [(0.02, "diverges"), (0.002, "diverges"), (0.0002, "learns")])
def test_large_targets_need_small_steps(told, lr, outcome):
    """y = x^2 + 3 up to 9804, with one linear hidden unit."""
    words = (*VALUES, "activation=identity", "network.hidden=[1]", "init=xavier_uniform", "training.epochs=100")
    before, came = told(X, LINE**2 + 3, *words, f"optimizer.lr={lr}")
    assert (before.foreseen.outcome, came) == (outcome, outcome)
    assert 0.0002 < before.foreseen.largest_lr < 0.002


@pytest.mark.parametrize("scale", [1, 100, 1e4, 1e6])
@pytest.mark.parametrize("activation", ["identity", "leaky_relu", "elu"])
def test_the_largest_learning_rate_falls_with_the_targets(told, scale, activation):
    """A tenth of it learns, and ten times it does not."""
    y = scale * (X[:, 0] + 0.3 * X[:, 0] ** 2 - 0.3)
    words = (*VALUES, f"activation={activation}", "network.hidden=[20]", "training.epochs=60")
    before, _ = told(X, y, *words, train=False)
    lr = before.foreseen.largest_lr
    for factor, ends in ((0.1, "learns"), (10, "diverges")):
        _, came = told(X, y, *words, f"optimizer.lr={lr * factor}")
        assert came == ends


def test_units_die_of_large_steps_if_inputs_have_a_common_sign(told):
    """y = 5 x^2 for x from 0 to 5: ReLU networks end with dead units."""
    x = np.arange(0, 5, 0.1)[:, None]
    words = (*VALUES, "activation=relu", "network.hidden=[50,30]", "init=xavier_uniform", "training.epochs=50")
    before, came = told(x, 5 * x[:, 0] ** 2, *words, "optimizer.lr=0.2")
    assert (before.foreseen.outcome, came) == ("stalls", "stalls")
    before, came = told(x, 5 * x[:, 0] ** 2, *words, "optimizer.lr=0.002", "training.epochs=300")
    assert (before.foreseen.outcome, came) == ("learns", "learns")


def test_xor_at_0_and_1_is_measured(told):
    """Its errors are orthogonal to all that is linear in x, though theory sees vectors of different length."""
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0])
    words = ("loss=bce", "data.test_fraction=0", "activation=sigmoid", "network.hidden=[4]", "training.batch_size=null")
    before, came = told(x, y, *words, "init=normal", "init.scale=0.1", "training.epochs=500", "optimizer.lr=0.05")
    assert (before.foreseen.outcome, came) == ("stalls", "stalls")
    assert before.foreseen.by == "step 0"
    assert "theory, which does not hold for these inputs and weights" in before.foreseen.reason
    assert np.median(before.progress) == pytest.approx(before.foreseen.progress, rel=0.5)  # medians of parts


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.full((5, 3), 255.0), "values go up to 255, with a root mean square of 2.6e+02"),
        (np.array([[5000, 1.0]] * 4), "column 1 goes up to 5e+03 and column 2 to 1"),
        (np.full((5, 3), 1e-3), "all have a root mean square of 0.001"),
        (np.zeros((5, 3)), "all are 0"),
        (np.random.default_rng(0).normal(size=(50, 3)), ""),
        (np.random.default_rng(0).uniform(size=(50, 3)), ""),
    ],
)
def test_unscaled_inputs_in_words(x, words):
    assert unscaled(x).startswith(words)
    assert bool(unscaled(x)) == bool(words)


def test_how_far_inputs_are_from_centred():
    assert uncentred(np.array([[1.0], [-1.0]])) == 0
    assert uncentred(np.ones((3, 2))) == pytest.approx(1)
    assert uncentred(np.array([[2.0], [0.0]])) == pytest.approx(0.5)
    assert uncentred(np.zeros((3, 2))) == 0


def test_unscaled_inputs_are_named_where_they_do_harm(told):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5))
    y = (x[:, 0] > 0).astype(int)
    words = ("activation=relu", "network.depth=3", "training.epochs=5")
    large, _ = told(x * 1e4, y, *words, train=False)
    assert large.foreseen.reason.startswith("unscaled inputs: values go up to ")
    usual, _ = told(x, y, *words, "optimizer.lr=0.1", train=False)
    assert "unscaled" not in usual.foreseen.reason
    none, came = told(x * 0, y, *words)
    assert (none.foreseen.outcome, came) == ("stalls", "stalls")
    assert none.foreseen.reason.startswith("unscaled inputs: all are 0")


def test_weights_of_positive_mean_make_outputs_run_away(told, tmp_path, monkeypatch):
    """All sigmoid units are at 1, and steps of the last layer are too long for 16 inputs."""
    (tmp_path / "positive.py").write_text("def unit(rng, shape):\n    return rng.uniform(0, 1, shape)\n")
    monkeypatch.syspath_prepend(tmp_path)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(200, 100)), np.arange(200) % 10
    words = ("loss=mse", "activation=sigmoid", "network.hidden=[15]", "init=custom", "init.function=positive:unit")
    before, came = told(x, y, *words, "optimizer.lr=0.6", "training.epochs=30")
    assert (before.foreseen.outcome, came) == ("diverges", "diverges")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_outputs_that_are_not_finite_diverge(told, tmp_path, monkeypatch, optimizer):
    (tmp_path / "steep.py").write_text("import numpy as np\ndef expo(z):\n    return np.exp(z)\n")
    monkeypatch.syspath_prepend(tmp_path)
    x = np.random.default_rng(0).normal(size=(100, 3))
    words = ("activation=custom", "activation.function=steep:expo", "activation.derivative=steep:expo")
    more = ("network.depth=6", "training.epochs=2", f"optimizer={optimizer}")
    before, came = told(x, (x[:, 0] > 0).astype(int), *words, *more)
    assert (before.foreseen.outcome, came) == ("diverges", "diverges")
    assert "not finite" in before.foreseen.reason


@pytest.mark.parametrize(("lr", "outcome"), [(0.1, "learns"), (1e-6, "stalls")])
def test_the_last_layer_learns_from_saturated_units(told, lr, outcome):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 20))
    words = ("activation=sigmoid", "network.hidden=[30]", "init=normal", "init.scale=3", "training.epochs=10")
    before, came = told(x, (x[:, 0] > 0).astype(int), *words, f"optimizer.lr={lr}", "init.output=lecun")
    assert before.verdict.name == "saturated"
    assert (before.foreseen.outcome, came) == (outcome, outcome)


def test_a_linear_network_gains_no_more_than_its_first_gradient_allows(told):
    """y = 10 x: rmsprop with 100 steps of 0.005 moves the weight by 0.5."""
    x = np.arange(1, 11.0)[:, None]
    words = (*VALUES, "network.depth=0", "optimizer=rmsprop", "optimizer.lr=0.005", "training.batch_size=null")
    for epochs, outcome in ((100, "stalls"), (2000, "learns")):
        before, came = told(x, 10 * x[:, 0], *words, f"training.epochs={epochs}")
        assert (before.foreseen.outcome, came) == (outcome, outcome)


@pytest.mark.parametrize(
    ("words", "reason"),
    [(("training.epochs=0",), "there are no epochs"), (("training.epochs=1",), "all targets are one")],
)
def test_what_cannot_be_foreseen_and_why(told, words, reason):
    x = np.random.default_rng(0).normal(size=(40, 3))
    before, _ = told(x, np.full(40, 2.0), *VALUES, *words, train=False)
    assert before.foreseen is None
    assert before.row["reason"].startswith("cannot be foreseen, because ")
    assert reason in before.row["reason"]


def test_one_example_cannot_be_foreseen(told):
    before, _ = told(np.ones((1, 3)), np.ones(1), *VALUES, "training.batch_size=null", train=False)
    assert before.row["reason"].startswith("cannot be foreseen")


def test_a_rare_class_is_learned_slowly(told):
    """Of 1 % of the examples; the default learning rate and 5 epochs do not find it."""
    x = np.random.default_rng(0).normal(size=(300, 5))
    before, came = told(x, (np.arange(300) < 3).astype(int), "training.epochs=5", "data.test_fraction=0")
    assert (before.foreseen.outcome, came) == ("stalls", "stalls")


def test_gradients_that_few_open_gates_pass_do_not_count_as_infinite(compose):
    """Weights of 100 times LeCun's scale: the mean gradient is beyond float32, that of actual networks is not."""
    words = ("activation=tanh", "init=lecun", "init.gain=100", "network.depth=50", "network.width=256", "replicas=1")
    found = before_training(check(compose(*words, "training.epochs=1")).config)
    assert found.verdict.name == "saturated"
