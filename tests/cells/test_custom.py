"""The user's own activation and initializer, from modules of their own."""

import dataclasses
import importlib
import math
import re
import sys

import numpy as np
import pytest
from scipy import special

from mlpstudy import theory
from mlpstudy.cells.cell import check, names
from mlpstudy.cells.config import parse
from mlpstudy.cells.events import Failure
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.commands import predict
from mlpstudy.engines import processes
from mlpstudy.errors import ConfigError
from mlpstudy.network import mlp
from mlpstudy.network.activations import ACTIVATIONS, Activation

MODULE = """
import functools
import math
import numpy as np
from scipy import special
from mlpstudy import Activation
from mlpstudy.cells.custom import GRID

NUMBER = 3.0
KINK = float(GRID[425])  # where the derivative would be compared

def swishish(z):
    return z / (1 + np.exp(-1.5 * z))

def swishish_slope(z):
    s = 1 / (1 + np.exp(-1.5 * z))
    return s + 1.5 * z * s * (1 - s)

swishish_record = Activation(g=swishish, dg=swishish_slope, sup_dg=1.0998)
with_kink = Activation(
    g=lambda z: np.maximum(z, KINK), dg=lambda z: (z > KINK) * 1.0, range=(KINK, np.inf), kinks=(KINK,)
)
wrong_record = Activation(g=np.tanh, dg=lambda z: 1 - np.tanh(z))

def wrong_slope(z):
    return swishish_slope(z) + 0.001 * (np.abs(z - 3) < 0.05)

def relu(z):
    return np.maximum(z, 0)

def relu_slope(z):
    return (z > 0) * 1.0

def shrink(z):
    return np.sign(z) * np.maximum(np.abs(z) - 0.5, 0)

def shrink_slope(z):
    return (np.abs(z) > 0.5) * 1.0

def stairs(z):
    return z + 0.01 * (z > 0.3)

def steep(z):
    return 1e12 * np.maximum(z, 0)

def steep_slope(z):
    return 1e12 * (z > 0)

def boom(z):
    return np.exp(z * z)

def boom_slope(z):
    return 2 * z * np.exp(z * z)

def naive_softplus(z):
    return np.log(1 + np.exp(z))

def naive_softplus_slope(z):
    return 1 / (1 + np.exp(-z))

def tanh_slope(z):
    return 1 / np.cosh(z) ** 2

def arcsinh_slope(z):
    return 1 / np.sqrt(1 + z**2)

def atan_slope(z):
    return 1 / (1 + z**2)

def logistic_slope(z):
    return special.expit(z) * special.expit(-z)

def one(z):
    return 1.0

def nan(z):
    return np.full_like(z, np.nan)

def total(z):
    return z.sum()

def every_other(z):
    return z[::2]

def fails(z):
    raise ValueError("two" + chr(10) + "lines")

def for_numbers_alone(z):
    return math.tanh(z)

def two_arguments(z, more):
    return z

# initializers

def half(rng, shape):
    return rng.normal(0, 0.5, shape)

halves = functools.partial(half)

def informed(rng, shape, *, layer, replica, inputs):
    return np.full(shape, 100.0 * layer + replica), inputs.mean(axis=0).sum() * np.ones(shape[0])

def integers(rng, shape):
    return np.arange(shape[0] * shape[1]).reshape(shape)

def as_list(rng, shape):
    return np.ones(shape).tolist()

def turned(rng, shape):
    return np.zeros(shape[::-1])

def flat(rng, shape):
    return np.zeros(shape[0] * shape[1])

def number(rng, shape):
    return 0.1

def nothing(rng, shape):
    return None

def text(rng, shape):
    return np.full(shape, "a")

def not_finite(rng, shape):
    return np.full(shape, np.inf)

def one_nan(rng, shape):
    W = np.zeros(shape)
    W[-1, -1] = np.nan
    return W

def raises(rng, shape):
    raise RuntimeError("two" + chr(10) + "lines")

def wants_more(rng, shape, alpha):
    return np.zeros(shape)

def second_layer_turned(rng, shape, layer):
    return np.zeros(shape if layer == 1 else shape[::-1])

def short_bias(rng, shape):
    return np.zeros(shape), np.zeros(shape[0] + 1)

def nan_bias(rng, shape):
    return np.zeros(shape), np.full(shape[0], np.nan)

def three(rng, shape):
    return np.zeros(shape), np.zeros(shape[0]), 0
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """(name) -> the path to import it by, from a module that lies in a folder of its own."""
    (tmp_path / "own_parts.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_parts", raising=False)
    importlib.invalidate_caches()
    yield lambda name: f"own_parts:{name}"
    sys.modules.pop("own_parts", None)


@pytest.fixture
def activation(with_option):
    """(function, derivative) -> Activation by activation=custom."""
    return lambda function, derivative=None: (
        with_option("activation", "custom", function=function, derivative=derivative).activation
    )


SIZES = (3, 5, 4, 2)


@pytest.fixture
def initialize(with_option):
    """(function, **parameters) -> layers of a small network by init=custom, replicas 0 and 3."""

    def _initialize(function, **parameters):
        scheme = with_option("init", "custom", function=function, **parameters).scheme
        x = np.random.default_rng(0).normal(size=(1, 20, 3))
        rngs = {r: np.random.default_rng(r) for r in (0, 3)}
        theta = mlp.initialize(rngs, SIZES, scheme, None, np.float64, x, ACTIVATIONS["tanh"])
        return mlp.unflatten(theta, SIZES)

    return _initialize


def refused(key, call, *arguments):
    """The one line that says why; a key that ends in a dot stands for all of its group."""
    with pytest.raises(ConfigError) as error:
        call(*arguments)
    message = str(error.value)
    assert re.match(rf"{re.escape(key)}{'[a-z]+' if key.endswith('.') else ''} must be ", message)
    assert "\n" not in message
    return message


Z = np.linspace(-9, 9, 1001)


# --- activations that hold


def test_a_record_is_taken_as_it_is(own, activation):
    record, written = activation(own("swishish_record")), importlib.import_module("own_parts").swishish_record
    assert dataclasses.replace(record, g=written.g, dg=written.dg) == written  # its functions are guarded, see below
    assert (record.g(Z) == written.g(Z)).all()
    assert record == activation(own("swishish_record"))  # what is known of it is worked out once


EXITS = """
import multiprocessing
import sys
import numpy as np
from mlpstudy import Activation

tired = multiprocessing.parent_process() is not None

def g(z):
    return np.tanh(z)

def dg(z):
    if tired:
        sys.exit(7)
    return 1 - np.tanh(z) ** 2

def exits(*_):
    sys.exit(7)

def yields():
    yield np.eye(4)
    sys.exit(7)

record = Activation(g=exits, dg=exits)

class Callable:
    __hash__ = None

    def __call__(self, *_):
        sys.exit(7)

instance = Callable()
"""


@pytest.fixture
def exits(tmp_path, monkeypatch):
    """(name) -> the path to import what calls sys.exit."""
    (tmp_path / "of_exits.py").write_text(EXITS)
    (tmp_path / "script_that_exits.py").write_text("import sys\nsys.exit(7)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "of_exits", raising=False)
    importlib.invalidate_caches()
    yield lambda name: f"of_exits:{name}"
    sys.modules.pop("of_exits", None)


WHERE = [
    ("activation", "function", {"derivative": "of_exits:g"}),
    ("init", "function", {}),
    ("data", "function", {}),
]


@pytest.mark.parametrize("name", ["of_exits:exits", "of_exits:instance", "script_that_exits:anything"])
@pytest.mark.parametrize(("group", "key", "others"), WHERE)
def test_sys_exit_in_a_part_of_the_user_is_one_line(compose, exits, group, key, others, name):
    """SystemExit is no Exception: it would end the sweep without a word."""
    raw = compose(f"{group}=custom")
    raw[group] |= {key: name, **others}
    with pytest.raises(ConfigError, match=rf"^{group}\.{key} must be .*7.*; got '{name}'$"):
        check(raw)


@pytest.mark.parametrize(("group", "name"), [("activation", "record"), ("data", "yields")])
def test_sys_exit_in_a_record_or_a_generator_is_one_line(compose, exits, group, name):
    raw = compose(f"{group}=custom")
    raw[group]["function"] = exits(name)
    with pytest.raises(ConfigError, match=r"7"):
        check(raw)


def test_sys_exit_while_theory_looks_at_an_activation_is_one_line(exits, monkeypatch, capsys, tmp_path):
    """After it was checked, and before anything trains."""
    monkeypatch.setattr(importlib.import_module("of_exits"), "tired", False)
    monkeypatch.setattr(sys, "argv", ["mlpstudy"])
    looked = theory.outlooks

    def tires(*arguments):
        sys.modules["of_exits"].tired = True
        return looked(*arguments)

    monkeypatch.setattr(theory, "outlooks", tires)
    words = ["activation=custom", f"activation.function={exits('g')}", f"activation.derivative={exits('dg')}"]
    assert predict.main([*words, "network.depth=1"]) == 1
    assert capsys.readouterr().err == "mlpstudy: sys.exit(7) was called by dg\n"


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_sys_exit_during_training_costs_the_cell(compose, exits, monkeypatch, workers):
    """In the process of the sweep and in a worker."""
    raw = compose("activation=custom", "network.depth=1", "network.width=4", "training.epochs=1", "replicas=1")
    raw["activation"] |= {"function": exits("g"), "derivative": exits("dg")}
    cell = check(raw)
    monkeypatch.setattr(importlib.import_module("of_exits"), "tired", workers == 1)
    *_, (_, event) = processes.run([cell, cell], workers)
    assert isinstance(event, Failure)
    assert "CalledExit: sys.exit(7) was called" in event.reason


def test_a_record_with_a_kink_is_not_judged_at_the_kink(own, activation):
    assert activation(own("with_kink")).kinks == (pytest.approx(0.50317),)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_plain_function_and_its_derivative_become_a_record_that_keeps_the_dtype(own, activation, dtype):
    record = activation(own("swishish"), own("swishish_slope"))
    assert isinstance(record, Activation)
    z = Z.astype(dtype).reshape(1, 7, -1)
    s = 1 / (1 + np.exp(-1.5 * z.astype(float)))
    for values, expected in ((record.g(z), z * s), (record.dg(z), s + 1.5 * z * s * (1 - s))):
        assert values.dtype == dtype
        assert values.shape == z.shape
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_a_derivative_that_is_float64_whatever_z_is_rounded(own, activation):
    assert activation(own("relu"), own("relu_slope")).dg(np.ones((1, 2, 3), np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("function", "derivative", "limits", "sup_dg"),
    [
        ("numpy:tanh", "tanh_slope", (-1, 1), 1),
        ("numpy:sin", "numpy:cos", (-1, 1), 1),
        ("numpy:atan", "atan_slope", (-math.pi / 2, math.pi / 2), 1),
        ("scipy.special:expit", "logistic_slope", (0, 1), 0.25),
        ("swishish", "swishish_slope", (-math.inf, math.inf), 1.0998393),  # that of silu, at another scale
        ("relu", "relu_slope", (-math.inf, math.inf), 1),
        ("numpy:sinh", "numpy:cosh", (-math.inf, math.inf), None),
        ("numpy:arcsinh", "arcsinh_slope", (-math.inf, math.inf), 1),  # which grows without bound, if slowly
    ],
)
def test_range_and_largest_slope_are_measured(own, activation, function, derivative, limits, sup_dg):
    path = [name if ":" in name else own(name) for name in (function, derivative)]
    record = activation(*path)
    assert record.range == pytest.approx(limits, abs=1e-3)
    assert record.bounded == np.isfinite(limits).all()
    if sup_dg is not None:
        assert record.sup_dg == pytest.approx(sup_dg, rel=1e-3)


@pytest.mark.parametrize(
    ("function", "derivative", "kinks"),
    [
        ("relu", "relu_slope", [0.0]),
        ("shrink", "shrink_slope", [-0.5, 0.5]),
        ("stairs", "numpy:ones_like", [0.3]),
        ("naive_softplus", "naive_softplus_slope", []),
        ("swishish", "swishish_slope", []),
        ("numpy:tanh", "tanh_slope", []),
        ("numpy:sinh", "numpy:cosh", []),
        ("steep", "steep_slope", [0.0]),  # whose rounding is far above that of others
        ("boom", "boom_slope", []),  # whose values at 8 are 1e28, and their rounding 1e12
    ],
)
def test_kinks_are_found(own, activation, function, derivative, kinks):
    record = activation(*(name if ":" in name else own(name) for name in (function, derivative)))
    assert record.kinks == pytest.approx(kinks, abs=1e-9)


def test_theory_of_a_function_with_kinks_in_closed_form(own, activation):
    """Soft shrinkage by lambda, z ~ N(0, 1): E[g'^2] = 2 P(z > lambda), E[g^2] = 2 ((1 + l^2) P(z > l) - l phi(l))."""
    record, tail = activation(own("shrink"), own("shrink_slope")), special.ndtr(-0.5)
    density = math.exp(-0.125) / math.sqrt(2 * math.pi)
    assert theory.slope_moment(record, 1.0) == pytest.approx(2 * tail, rel=1e-9)
    assert theory.second_moment(record, 1.0) == pytest.approx(2 * (1.25 * tail - 0.5 * density), rel=1e-9)


def test_cells_share_one_record(own, activation):
    """So that theory works out its splines once."""
    assert activation(own("swishish"), own("swishish_slope")) is activation(own("swishish"), own("swishish_slope"))


def test_a_function_that_overflows_at_large_z_trains_with_a_prediction(own, compose):
    raw = compose("activation=custom", "data=moons", "network.hidden=[8,8]", "training.epochs=1", "replicas=2")
    raw["activation"] |= {"function": own("naive_softplus"), "derivative": own("naive_softplus_slope")}
    problem = prepare(check(raw).config)
    first, *_, last = train_and_record(problem, initial_theta(problem, range(2)))
    assert np.isfinite(last.theta).all()
    expected = theory.moments(ACTIVATIONS["softplus"])
    found = theory.moments(problem.config.activation)
    np.testing.assert_allclose(found.V(np.log([0.1, 1.0, 30.0])), expected.V(np.log([0.1, 1.0, 30.0])), rtol=1e-6)
    assert np.isfinite(first.before.prediction.profile.typical["delta_rms"]).all()


@pytest.mark.parametrize("sigma_b", [0.0, 0.1])
def test_a_function_that_is_flat_around_0_is_refused_with_its_reason(own, activation, sigma_b):
    record = activation(own("shrink"), own("shrink_slope"))
    with pytest.raises(theory.NoCriticalPoint, match="the closest is sigma_b ="):
        theory.critical(record, sigma_b)
    assert np.isfinite(theory.edge_of_chaos(record).sigma_w).all()


def test_a_custom_activation_trains_as_its_row_does(own, compose):
    """z Phi-like slopes and all: tanh by import path takes the same steps as tanh by name."""
    small = ("data=moons", "network.hidden=[4,3]", "training.epochs=2", "dtype=float64")
    ends = []
    for choice in ("activation=tanh", "activation=custom"):
        raw = compose(choice, *small)
        if choice == "activation=custom":
            raw["activation"] |= {"function": "numpy:tanh", "derivative": own("tanh_slope")}
        problem = prepare(check(raw).config)
        *_, last = train_and_record(problem, initial_theta(problem, range(2)))
        ends.append(last.theta)
    np.testing.assert_allclose(*ends, rtol=1e-9, atol=1e-12)


def test_names_do_not_repeat_the_users_functions(own, compose):
    cells = []
    for name in ("half", "integers"):
        function = own(name)
        raw = compose("init=custom", "network.depth=2")
        raw["init"]["function"] = function
        cells.append(check(raw, [f"init.function={function}"]))
    assert names(cells) == ["half-tanh-d2", "integers-tanh-d2"]
    elsewhere = dataclasses.replace(cells[0], overrides={"init.function": "elsewhere:half"})
    assert len({*names([cells[0], elsewhere])}) == 2  # two functions of one name


def test_runs_carry_the_names_of_the_users_functions(own, compose):
    raw = compose("activation=custom", "init=custom", "network.depth=3")
    raw["activation"] |= {"function": own("swishish"), "derivative": own("swishish_slope")}
    raw["init"]["function"] = own("half")
    config = parse(raw)
    assert (config.activation_name, config.init_name) == ("swishish", "half")
    assert names([check(raw)]) == ["half-swishish-d3"]


def test_modules_beside_the_command_are_found(tmp_path, monkeypatch, activation):
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(tmp_path))])
    (tmp_path / "parts_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    try:
        assert activation("parts_of_mine:swishish_record").sup_dg == 1.0998
    finally:
        sys.modules.pop("parts_of_mine", None)


# --- activations that do not


def test_a_missing_derivative_is_refused_with_how_to_write_one(own, activation):
    message = refused("activation.derivative", activation, own("swishish"))
    assert "module:name of a function of z" in message
    assert "Activation(g=..., dg=...)" in message
    assert message.endswith("; got None")


WRONG = re.compile(r"at z = (\S+) it gives (\S+), central differences of g give (\S+);")


def test_a_wrong_derivative_is_refused_with_z_given_and_expected(own, activation):
    message = refused("activation.derivative", activation, "numpy:tanh", own("swishish_slope"))
    z, given, expected = map(float, WRONG.search(message).groups())
    s = 1 / (1 + math.exp(-1.5 * z))
    assert given == pytest.approx(s + 1.5 * z * s * (1 - s), rel=2e-3)  # z is shown with four digits
    assert expected == pytest.approx(1 / math.cosh(z) ** 2, abs=2e-3)
    assert abs(given - expected) > 0.5
    assert own("swishish_slope") in message


def test_a_wrong_derivative_of_a_record_is_refused_too(own, activation):
    message = refused("activation.function", activation, own("wrong_record"))
    z, given, expected = map(float, WRONG.search(message).groups())
    assert given == pytest.approx(1 - math.tanh(z), rel=1e-3)
    assert expected == pytest.approx(1 / math.cosh(z) ** 2, abs=1e-3)
    assert message.endswith(f"; got {own('wrong_record')!r}")


def test_an_error_of_a_thousandth_in_a_narrow_place_is_found_there(own, activation):
    message = refused("activation.derivative", activation, own("swishish"), own("wrong_slope"))
    z, given, expected = map(float, WRONG.search(message).groups())
    assert z == pytest.approx(3, abs=0.06)
    assert given - expected == pytest.approx(0.001, rel=0.05)


NO_FUNCTIONS = ["one", "nan", "total", "every_other", "fails", "for_numbers_alone", "two_arguments"]


@pytest.mark.parametrize("function", NO_FUNCTIONS)
def test_what_is_no_function_of_an_array_is_refused_in_one_line(own, activation, function):
    message = refused("activation.", activation, own(function), own("swishish_slope"))
    assert message.endswith((f"; got {own(function)!r}", f"; got {own('swishish_slope')!r}"))


@pytest.mark.parametrize("function", NO_FUNCTIONS)
def test_what_is_no_derivative_of_an_array_is_refused_in_one_line(own, activation, function):
    message = refused("activation.", activation, own("swishish"), own(function))
    assert message.endswith((f"; got {own(function)!r}", f"; got {own('swishish')!r}"))


def test_a_thing_that_is_no_function_is_refused(own, activation):
    for function in (own("NUMBER"), "numpy:pi", "numpy:linalg"):
        refused("activation.function", activation, function, "numpy:cos")


NOT_IMPORTABLE = {
    "no such module": "no_such_module_anywhere:f",
    "no such name": "own_parts:no_such_function",
    "no name": "own_parts",
    "empty name": "own_parts:",
    "empty module": ":f",
    "two colons": "own_parts:a:b",
    "dots": "own_parts.swishish",
    "slash": "own/parts:swishish",
    "nothing": "",
    "null": None,
    "raises": "raising:f",
    "no Python": "broken:f",
}


@pytest.mark.parametrize("case", NOT_IMPORTABLE)
def test_what_cannot_be_imported_is_refused_in_one_line(own, tmp_path, activation, initialize, case):
    (tmp_path / "raising.py").write_text("raise RuntimeError('two' + chr(10) + 'lines')\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    path = NOT_IMPORTABLE[case]
    for message in (
        refused("activation.function", activation, path, "numpy:cos"),
        refused("init.function", initialize, path),
    ):
        assert message.endswith(f"; got {path!r}")
        assert "an import path such as" in message or "importable (" in message
    if path:
        refused("activation.derivative", activation, "numpy:sin", path)


# --- initializers


def test_an_initializer_of_ones_own_draws_the_weights(own, initialize):
    for name in ("half", "halves"):
        layers = initialize(own(name), gain=2.0, bias=0.25)
        for r, seed in enumerate((0, 3)):
            rng = np.random.default_rng(seed)
            for W, b in layers:
                np.testing.assert_array_equal(W[r], 2 * rng.normal(0, 0.5, W.shape[1:]))
                assert (b[r] == 0.25).all()


def test_an_initializer_is_told_layer_replica_and_inputs_and_may_set_biases(own, initialize):
    layers = initialize(own("informed"))
    x = np.random.default_rng(0).normal(size=(20, 3))
    for r, replica in enumerate((0, 3)):
        a = x
        for number, (W, b) in enumerate(layers, start=1):
            assert (W[r] == 100 * number + replica).all()
            np.testing.assert_allclose(b[r, 0], a.mean(axis=0).sum(), rtol=1e-12)
            a = np.tanh(a @ W[r].T + b[r])


@pytest.mark.parametrize("name", ["integers", "as_list"])
def test_an_initializer_may_return_whatever_becomes_a_matrix_of_numbers(own, initialize, name):
    for W, _ in initialize(own(name)):
        expected = np.arange(W[0].size).reshape(W[0].shape) if name == "integers" else np.ones(W[0].shape)
        np.testing.assert_array_equal(W[0], expected)


BAD_WEIGHTS = {
    "turned": "finite weights of shape (fan_out, fan_in) = (5, 3), not (3, 5)",
    "flat": "(fan_out, fan_in) = (5, 3), not (15,)",
    "number": "(fan_out, fan_in) = (5, 3), not ()",
    "nothing": "(5, 3)",
    "text": "a function (rng, shape) -> W (ValueError: ",
    "not_finite": "finite weights",
    "one_nan": "finite weights",
    "raises": "a function (rng, shape) -> W (RuntimeError: two",
    "wants_more": "a function (rng, shape) -> W (TypeError: ",
    "second_layer_turned": "(fan_out, fan_in) = (4, 5), not (5, 4)",
    "short_bias": "",
    "nan_bias": "finite",
    "three": "",
    "NUMBER": "a function (rng, shape) -> W",
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_what_is_no_matrix_of_weights_is_refused_in_one_line(own, initialize, name):
    message = refused("init.function", initialize, own(name))
    assert BAD_WEIGHTS[name] in message
    assert message.endswith(f"; got {own(name)!r}")


@pytest.mark.parametrize("name", ["turned", "one_nan", "raises", "short_bias"])
@pytest.mark.parametrize("where", ["init", "init.output"])
def test_a_cell_with_such_an_initializer_is_refused_before_training(own, compose, name, where):
    raw = compose("data=moons", "network.hidden=[4,3]")
    choice = {"name": "custom", "function": own(name)}
    if where == "init":
        raw["init"] = compose("init=custom")["init"] | choice
    else:
        raw["init"]["output"] = choice
    with pytest.raises(ConfigError, match=r"^init\.\S*function must be [^\n]*$"):
        check(raw)


def test_a_cell_whose_weights_file_does_not_fit_is_refused_before_training(compose, weights_file):
    raw = compose("init=file", "data=moons", "network.hidden=[4,3]")
    raw["init"]["path"] = weights_file((2, 4, 3, 2))
    assert check(raw).sizes == (2, 4, 3, 2)
    raw["network"]["hidden"] = [4, 5]
    with pytest.raises(ConfigError, match=r"^init\.path must be .*\(layer 2\) has shape \(5.*not \(3.*; got "):
        check(raw)


def test_a_custom_output_layer(own, compose):
    raw = compose("data=moons", "network.hidden=[4,3]", "init=zeros")
    raw["init"]["output"] = {"name": "custom", "function": own("integers")}
    problem = prepare(check(raw).config)
    layers = mlp.unflatten(initial_theta(problem, [0]), problem.network.sizes)
    assert (layers[0][0] == 0).all()
    np.testing.assert_array_equal(layers[-1][0][0], np.arange(6).reshape(2, 3))
