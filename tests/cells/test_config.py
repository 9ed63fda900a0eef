import math
import pickle
import re

import hydra
import numpy as np
import pytest
from omegaconf import OmegaConf

from mlpstudy.cells import parts, problem
from mlpstudy.cells.cell import check
from mlpstudy.cells.config import parse
from mlpstudy.cells.parts import DTYPES
from mlpstudy.data.datasets import DATASETS
from mlpstudy.data.splits import STANDARDIZERS
from mlpstudy.errors import ConfigError, one_of
from mlpstudy.network.activations import ACTIVATIONS
from mlpstudy.network.initializers import FANS, INITIALIZERS
from mlpstudy.network.losses import LOSSES
from mlpstudy.network.optimizers import OPTIMIZERS, SCHEDULES
from mlpstudy.settings import files
from mlpstudy.settings.files import flatten
from mlpstudy.settings.table import SETTINGS

TABLES = {
    "activation": [*ACTIVATIONS, "custom"],
    "init": [*INITIALIZERS, "custom", "file"],
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "data": DATASETS,
}
# What an option cannot do without, being the user's own: any function of a module that is there will do.
OWN = {
    ("activation", "custom"): {"function": "numpy:sin", "derivative": "numpy:cos"},
    ("init", "custom"): {"function": "mlpstudy.network.initializers:orthogonal"},
    ("init", "file"): {"path": "weights.npz"},
}
OPTIONS = [(group, name) for group, table in TABLES.items() for name in table]
CHOICES = {
    **{f"{group}.name": table for group, table in TABLES.items()},
    "init.mode": FANS,
    "data.standardize": STANDARDIZERS,
    "data.task": ["classification", "regression"],
    "data.encode": ["onehot"],
    "data.missing": ["drop", "mean"],
    "training.sampling": ["shuffle", "replacement"],
    "dtype": DTYPES,
    "init.output": TABLES["init"],
}

NOT_NUMBERS = ["1", None, True, [1], math.nan, math.inf]
NOT_INTEGERS = [*NOT_NUMBERS, 2.0]
NOT_CHOICES = ["nonsense", "", None, 3, ["tanh"], True]
NOT_NAMES = ["", 3, ["a"], True]
NOT_PATHS = [3, ["a"], True]
NOT_TRUTHS = ["true", None, 1, 0, [True]]
NOT_SHARES = [*NOT_NUMBERS, 1, 1.0, -1e-9]
BAD = {
    **dict.fromkeys(CHOICES, NOT_CHOICES),
    "init.output": ["nonsense", "", 3, ["he"], True],
    "activation.slope": NOT_NUMBERS,
    "activation.alpha": NOT_NUMBERS,
    "activation.function": NOT_PATHS,
    "activation.derivative": NOT_PATHS,
    "init.gain": [*NOT_NUMBERS, -1e-9],
    "init.bias": NOT_NUMBERS,
    "init.sigma_b": [*NOT_NUMBERS, -1e-9],
    "init.scale": [*NOT_NUMBERS, -1e-9],
    "init.value": NOT_NUMBERS,
    "init.cut": [*NOT_NUMBERS, 0, -1],
    "init.inputs_per_unit": [*NOT_INTEGERS, 0],
    "init.tolerance": [*NOT_NUMBERS, 0, -0.1],
    "init.noise": [-1, "x", None, math.inf],
    "init.iterations": [*NOT_INTEGERS, 0],
    "init.sigma_w": ["1", True, [1], math.nan, math.inf, 0, -1],
    "init.path": NOT_NAMES,
    "init.function": NOT_PATHS,
    "optimizer.lr": [*NOT_NUMBERS, 0, 0.0, -0.1],
    "optimizer.momentum": NOT_SHARES,
    "optimizer.nesterov": NOT_TRUTHS,
    "optimizer.weight_decay": [*NOT_NUMBERS, -1e-9],
    "optimizer.decay": NOT_SHARES,
    "optimizer.beta1": NOT_SHARES,
    "optimizer.beta2": NOT_SHARES,
    "optimizer.epsilon": [*NOT_NUMBERS, 0, -1e-8],
    "schedule.warmup": [*NOT_NUMBERS, -1],
    "schedule.every": [*NOT_NUMBERS, 0, -1],
    "schedule.factor": [*NOT_NUMBERS, 0, -0.1],
    "data.test_fraction": [*NOT_NUMBERS, 1, -0.1, 1.1],
    "data.samples": [*NOT_INTEGERS, 3],
    "data.noise": [*NOT_NUMBERS, -1e-9],
    "data.root": [3, ["a"], True],
    "data.arms": [*NOT_INTEGERS, 1],
    "data.turns": [*NOT_NUMBERS, 0, -1],
    "data.features": [*NOT_INTEGERS, 0],
    "data.classes": [*NOT_INTEGERS, 1],
    "data.factor": [*NOT_NUMBERS, 0, 1, -0.5],
    "data.hidden": [*NOT_INTEGERS, 0],
    "data.path": NOT_NAMES,
    "data.target": [3, ["a"], True],
    "data.columns": [3, "a,b", [3], [None], True],
    "data.exclude": [3, "a,b", [3], [None], True],
    "data.separator": [3, "", ";;", True],
    "data.encode": [3, "labels", True],
    "data.missing": [3, "median", True],
    "data.standardize_target": NOT_TRUTHS,
    "data.function": [3, True],
    "network.depth": [*NOT_INTEGERS, -1],
    "network.width": [*NOT_INTEGERS, 0],
    "network.hidden": [3, "3,4", [0], [3, -1], [3.0], [True], ["3"], [None], [[3]]],
    "training.epochs": [*NOT_INTEGERS, -1],
    "training.batch_size": ["1", True, [1], 2.0, math.nan, 0, -1],
    "training.snapshots": [*NOT_INTEGERS, 1],
    "training.probe_size": [*NOT_INTEGERS, 0, 255],
    "training.accuracies": [0.5, "0.5", None, True, [0], [-0.1], [1.01], ["0.5"], [None], [True], [math.nan], [[0.5]]],
    "training.clip_norm": ["1", True, [1], math.nan, math.inf, 0, -1],
    "training.only": ["stalls", "", 1, True],
    "replicas": [*NOT_INTEGERS, 0],
    "workers": ["1", True, [1], 2.0, math.nan, 0, -1],
    "seed": [*NOT_INTEGERS, -1],
    "check_gradients": NOT_TRUTHS,
    "fail_fast": NOT_TRUTHS,
    "verdict.dead": [*NOT_NUMBERS, -0.1],
    "verdict.saturated": [*NOT_NUMBERS, -0.1],
    "verdict.exploding": [*NOT_NUMBERS, 0, -1],
    "verdict.vanishing": [*NOT_NUMBERS, 0, -1],
    "verdict.collapsed": [*NOT_NUMBERS, 0, 1.1],
    "verdict.stalled": [*NOT_NUMBERS, -0.1, 1, 1.5],
    "verdict.slow": [*NOT_NUMBERS, -0.1, 1, 1.5],
    "verdict.too_slow": [*NOT_NUMBERS, -0.1],
    "verdict.too_fast": [*NOT_NUMBERS, 0, -1],
    "tracking.uri": NOT_NAMES,
    "tracking.experiment": [*NOT_NAMES, None, "  ", "a/b", "a\nb", "a" * 101],
    "tracking.resume": NOT_TRUTHS,
    "tracking.full": NOT_TRUTHS,
    "tracking.log_model": NOT_TRUTHS,
    "tracking.sweep": [*NOT_NAMES, "  ", "a/b", "a\nb", "a" * 101],
}


def put(raw, key, value):
    *parents, last = key.split(".")
    for parent in parents:
        raw = raw[parent]
    raw[last] = value


def drop(raw, key):
    *parents, last = key.split(".")
    for parent in parents:
        raw = raw[parent]
    del raw[last]


def error_of(raw):
    with pytest.raises(ConfigError) as error:
        parse(raw)
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.fixture
def option(compose):
    """(group, name) -> what Hydra composes with that option and the settings that it needs."""

    def _option(group, name):
        raw = compose(f"{group}={name}")
        raw[group] |= OWN.get((group, name), {})
        return raw

    return _option


@pytest.mark.parametrize("group", TABLES)
def test_yaml_names_and_table_keys_are_the_same_set(root, group):
    assert {path.stem for path in (root / "conf" / group).glob("*.yaml")} == set(TABLES[group])
    assert set(parts.TABLES) == set(files.GROUPS) == set(TABLES)
    assert set(parts.TABLES[group]) == set(files.options(group)) == set(TABLES[group])


def test_every_group_of_options_is_tested_here(root):
    groups = {path.name for path in (root / "conf").iterdir() if path.is_dir()}
    assert groups == {*TABLES, "experiment", "hydra"}  # hydra: launchers, in tests/engines


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_option_composes_and_parses(option, group, name):
    raw = option(group, name)
    assert raw[group]["name"] == name
    assert parse(raw).flat[f"{group}.name"] == name


@pytest.mark.parametrize(("group", "name"), OWN)
def test_an_option_that_needs_something_says_what(compose, group, name):
    for key in OWN[group, name]:
        raw = compose(f"{group}={name}")
        assert raw[group][key] is None
        raw[group] |= OWN[group, name] | {key: None}
        assert re.match(rf"{group}\.{key} must be .*; got None$", error_of(raw))


def test_file_and_custom_are_looked_for_in_the_output_layer_too(compose):
    for name, key in (("file", "path"), ("custom", "function")):
        raw = compose()
        raw["init"]["output"] = name
        assert re.match(rf"init\.(output\.)?{key} must be .*; got None$", error_of(raw))


@pytest.mark.parametrize("output", ["nonsense", "", 3, ["he"], {"scale": 1.0}, {"name": None}, {"name": "nonsense"}])
def test_an_output_initializer_that_does_not_exist_is_refused(compose, output):
    raw = compose()
    raw["init"]["output"] = output
    message = error_of(raw)
    assert message.startswith("init.output must be null or one of ")
    assert message.endswith(f"; got {output!r}")


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ({"name": "normal", "scale": -1.0}, "init.output.scale"),
        ({"name": "normal", "gain": "1"}, "init.output.gain"),
        ({"name": "normal", "sigma_b": -1}, "init.output.sigma_b"),
        ({"name": "he", "mode": "fan"}, "init.output.mode"),
    ],
)
def test_the_output_initializer_obeys_the_same_rules(compose, output, key):
    raw = compose()
    raw["init"]["output"] = output
    rule = SETTINGS[key.replace("output.", "")].kind.rule
    assert error_of(raw) == f"{key} must be {rule}; got {output[key.rpartition('.')[2]]!r}"


@pytest.mark.parametrize(
    "output", [{"name": "he", "scale": 1.0}, {"name": "zeros", "output": "he"}, {"name": "he", "x": 1}]
)
def test_a_parameter_the_output_initializer_does_not_have_is_refused(compose, output):
    raw = compose()
    raw["init"]["output"] = output
    (unknown,) = output.keys() - {"name"}
    assert f"'init.output.{unknown}'" in error_of(raw) or error_of(raw).startswith(f"init.output.{unknown}")


@pytest.mark.parametrize(
    ("activation", "sigma_b", "why"),
    [
        ("gelu", 0.2, "the length map is unstable"),
        ("silu", 0.2, "the length map is unstable"),
        ("softplus", 0.1, "no sigma_w has a stable point with chi = 1, nor is there a usable one at any other sigma_b"),
        ("sigmoid", 0.0, "nor is there a usable one at any other sigma_b"),
        ("relu", 0.1, "the closest is sigma_b = 0 with sigma_w = 1.414"),
    ],
)
@pytest.mark.parametrize("where", ["init", "init.output"])
def test_an_activation_without_a_critical_point_is_refused_unless_sigma_w_is_given(
    compose, activation, sigma_b, why, where
):
    raw = compose(f"activation={activation}")
    given = {"name": "critical", "sigma_w": None, "gain": 1.0, "bias": 0.0, "sigma_b": sigma_b}
    if where == "init":
        raw["init"] = given | {"output": None}
    else:
        raw["init"]["output"] = given
    message = error_of(raw)
    rule = "one with a stable critical point for this activation: "
    assert message.startswith(f"{where}.sigma_b must be {rule}")
    assert message.endswith(f"; got {sigma_b!r}")
    assert why in message
    given = raw["init"] if where == "init" else raw["init"]["output"]
    given["sigma_w"] = 1.5
    config = parse(raw)
    scheme = config.scheme if where == "init" else config.output_scheme
    W = scheme.weights(np.random.default_rng(0), (400, 300))
    assert W.std() == pytest.approx(1.5 / math.sqrt(300), rel=0.01)  # 5 standard errors of sqrt(1 / 240,000)


def test_the_shortcut_that_tests_compose_with_gives_what_hydra_gives(root, compose):
    overrides = (
        "activation=leaky_relu", "activation.slope=-1e-3", "network.hidden=[3,4]", "training.batch_size=null",
        "init=file", "init.path=/a/b.npz", "init.output=zeros", "data=csv", "data.columns=[a,'b c']", "seed=3",
        "optimizer.lr=1e6", "optimizer=adam", "check_gradients=true", "tracking.uri=sqlite:///x.db",
    )  # fmt: skip
    composed = compose(*overrides)
    with hydra.initialize_config_dir(str(root / "conf"), version_base="1.3"):
        assert composed == OmegaConf.to_container(hydra.compose("config", list(overrides)), resolve=True)


def test_every_experiment_composes_and_parses(root, configure):
    experiments = [path.stem for path in (root / "conf" / "experiment").glob("*.yaml")]
    assert experiments
    for name in experiments:
        assert configure(f"experiment={name}").flat["tracking.experiment"] == "studies"  # so they share runs


def test_parts_are_looked_up(configure):
    config = configure("activation=relu", "init=he", "loss=mse", "data=moons", "dtype=float64", "network.hidden=[3,4]")
    assert config.activation is ACTIVATIONS["relu"]
    assert config.loss is LOSSES["mse"]
    assert config.dtype is np.float64
    assert config.hidden == (3, 4)
    assert dict(config.data) == {
        "name": "moons", "samples": 1000, "noise": 0.15, "test_fraction": 0.2, "standardize": "standard"
    }  # fmt: skip
    W = config.scheme.weights(np.random.default_rng(0), (400, 300))
    assert W.var() == pytest.approx(2 / 300, rel=0.02)  # He, to 5 standard errors of sqrt(2 / 120,000)
    assert config.output_scheme is config.scheme


def test_parameters_reach_the_parts(configure):
    leaky = configure("activation=leaky_relu", "activation.slope=0.3").activation
    assert leaky.g(np.array([-1.0])) == -0.3
    constant = configure("init=constant", "init.value=-2.5").scheme.weights
    assert (constant(None, (2, 3)) == -2.5).all()
    config = configure("optimizer.lr=0.25", "optimizer.momentum=0.5")
    assert config.recipe.lr(0.0, 0.1) == 0.25
    first, state = config.recipe.optimizer.update(np.array([[4.0]]), np.zeros((1, 1)), np.array([[0.0]]), 0.25)
    second, _ = config.recipe.optimizer.update(np.array([[4.0]]), state, np.array([[0.0]]), 0.25)
    assert (first, second) == (-1.0, -1.5)
    config = configure(
        "init.gain=1.5", "init.bias=-1", "init.sigma_b=0.5", "training.epochs=3", "training.batch_size=null",
        "training.sampling=replacement", "training.snapshots=7", "training.probe_size=300", "training.clip_norm=2",
        "replicas=2", "seed=5", "verdict.dead=0.7", "check_gradients=true", "training.accuracies=[0.6,1]",
    )  # fmt: skip
    assert (config.scheme.gain, config.scheme.bias, config.scheme.sigma_b) == (1.5, -1, 0.5)
    assert (config.recipe.epochs, config.recipe.batch_size, config.recipe.replacement) == (3, None, True)
    assert (config.replicas, config.seed, config.recipe.clip_norm) == (2, 5, 2)
    assert config.thresholds.dead == 0.7
    defaults = configure("training.sampling=shuffle")
    assert not defaults.recipe.replacement
    assert defaults.recipe.clip_norm is None
    assert (defaults.scheme.gain, defaults.scheme.bias, defaults.scheme.sigma_b) == (1, 0, 0)


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_parameter_of_an_option_has_a_rule(option, group, name):
    for key in option(group, name)[group].keys() - {"output"}:
        assert f"{group}.{key}" in SETTINGS


@pytest.mark.parametrize(
    ("overrides", "hidden"),
    [
        ("network.depth=3 network.width=7", (7, 7, 7)),
        ("network.depth=0", ()),
        ("network.hidden=[]", ()),
        ("network.depth=3 network.hidden=[5,4]", (5, 4)),
    ],
)
def test_hidden_layers(configure, overrides, hidden):
    assert configure(*overrides.split()).hidden == hidden


def test_hashable_data_options(configure):
    """The cache of load_data needs this."""
    for name in DATASETS:
        hash(configure(f"data={name}").data)
    columns = configure("data=csv", "data.columns=[a,b]").data
    hash(columns)
    assert dict(columns)["columns"] == ("a", "b")


def test_every_rule_has_its_bad_values_here():
    assert set(BAD) == set(SETTINGS)


@pytest.mark.parametrize(
    ("key", "value"), [pytest.param(key, value, id=f"{key}={value!r}") for key in BAD for value in BAD[key]]
)
def test_bad_values_are_refused_with_key_rule_and_value(compose, key, value):
    raw = compose()
    put(raw, key, value)
    message = error_of(raw)
    assert message == f"{key} must be {SETTINGS[key].kind.rule}; got {value!r}"
    if key in CHOICES:
        assert set(SETTINGS[key].kind.rule.options) == set(CHOICES[key])
        assert all(option in message for option in CHOICES[key])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network.depth", 0), ("network.width", 1), ("network.hidden", [1]), ("network.hidden", None),
        ("training.epochs", 0), ("training.batch_size", 1), ("training.batch_size", None),
        ("training.snapshots", 2), ("training.probe_size", 256), ("replicas", 1), ("workers", 1),
        ("workers", None), ("seed", 0), ("optimizer.lr", 1e-300), ("optimizer.lr", 1),
        ("init.gain", 0), ("init.bias", -1), ("init.sigma_b", 0), ("init.output", None),
        ("optimizer.momentum", 0), ("optimizer.momentum", 0.999), ("optimizer.nesterov", True),
        ("optimizer.weight_decay", 0), ("schedule.warmup", 0), ("schedule.warmup", 0.5),
        ("training.clip_norm", None), ("training.clip_norm", 1e-300), ("check_gradients", True),
        ("training.accuracies", []), ("training.accuracies", [1]), ("training.accuracies", [0.9, 1e-9]),
        ("data.test_fraction", 0.001), ("data.test_fraction", 0.999), ("verdict.dead", 0),
        ("tracking.uri", None), ("tracking.uri", "sqlite:///x.db"), ("tracking.sweep", "night"),
    ],
)  # fmt: skip
def test_values_at_the_limit_are_accepted(compose, key, value):
    raw = compose()
    put(raw, key, value)
    assert parse(raw).flat[key] == value


def test_messages_word_by_word(compose):
    """The messages are spelled out here, so that they are not compared with the rules that made them."""
    raw = compose()
    put(raw, "dtype", "float16")
    assert error_of(raw) == "dtype must be one of float32, float64; got 'float16'"
    raw = compose()
    put(raw, "network.depth", -3)
    assert error_of(raw) == "network.depth must be an integer >= 0; got -3"
    raw = compose()
    put(raw, "activation.name", "tahn")
    assert error_of(raw).startswith("activation.name must be one of ")
    assert error_of(raw).endswith("; got 'tahn'")
    assert one_of(["b", "a"]) == "one of a, b"


def test_message_stays_on_one_line_whatever_the_value(compose):
    raw = compose()
    put(raw, "tracking.experiment", "\n")
    assert (
        error_of(raw)
        == "tracking.experiment must be a name of up to 100 letters, digits, spaces and _ . : -; got '\\n'"
    )


def test_a_value_for_a_group_of_keys_lists_them(compose):
    raw = compose()
    put(raw, "network", 1)
    rule = "network must be set by its keys: network.depth, network.width, network.hidden; got 1"
    assert error_of(raw) == rule


@pytest.mark.parametrize("key", ["nonsense", "network.dept", "training.lr", "verdict.alive", "tracking.url"])
def test_unknown_keys_are_refused_with_their_siblings(compose, key):
    raw = compose()
    put(raw, key, 1)
    message = error_of(raw)
    assert message.startswith("a key must be one of ")
    assert message.endswith(f"; got {key!r}")
    parent = key.rpartition(".")[0]
    options = message.removeprefix("a key must be one of ").partition("; got ")[0].split(", ")
    assert key not in options
    assert set(options) <= {*SETTINGS, *TABLES, "experiment", "init.output"}
    if parent in raw:
        assert set(options) == {k for k in SETTINGS if k.startswith(f"{parent}.")}


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_a_parameter_an_option_does_not_have_is_refused(option, group, name):
    raw = option(group, name)
    raw[group]["nonsense"] = 1
    assert f"{group}.nonsense" in error_of(raw)


@pytest.mark.parametrize(
    ("overrides", "key", "message"),
    [
        (
            "activation=tanh",
            "activation.slope",
            "a parameter of activation=tanh must be one of activation.name; got 'activation.slope'",
        ),
        (
            "init=xavier",
            "init.scale",
            "a parameter of init=xavier must be one of init.bias, init.gain, init.mode, init.name, init.output, "
            "init.sigma_b; got 'init.scale'",
        ),
        (
            "init=zeros",
            "init.value",
            "a parameter of init=zeros must be one of init.bias, init.gain, init.name, init.output, init.sigma_b; "
            "got 'init.value'",
        ),
        ("data=moons", "data.root", None),
        ("init=identical", "init.layer", None),
        ("init=he", "init.variance", None),
        ("init=lsuv", "init.inputs", None),
        ("init=file", "init.replica", None),
        ("activation=selu", "activation.alpha", None),
        ("optimizer=adam", "optimizer.weight_decay", None),
        ("optimizer=rmsprop", "optimizer.momentum", None),
        ("schedule=cosine", "schedule.every", None),
        ("schedule=step", "schedule.epochs", None),
    ],
)
def test_a_parameter_of_another_option_is_refused(option, overrides, key, message):
    raw = option(*overrides.split("="))
    put(raw, key, 1.0 if key != "data.root" else None)
    assert error_of(raw) == message if message else key in error_of(raw)


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_missing_parameters_of_an_option_are_refused(option, group, name):
    for key in option(group, name)[group]:
        raw = option(group, name)
        drop(raw, f"{group}.{key}")
        assert error_of(raw).startswith(f"{group}.{key} must be ")


def test_missing_keys_are_refused(compose):
    for key in flatten(compose()):
        raw = compose()
        drop(raw, key)
        assert error_of(raw).startswith(f"{key} must be ")


@pytest.mark.parametrize("group", [*TABLES, "network", "training", "verdict", "tracking"])
@pytest.mark.parametrize("content", ["missing", "empty", None, "tanh", 3])
def test_a_group_that_is_no_group_is_refused(compose, group, content):
    raw = compose()
    if content == "missing":
        del raw[group]
    else:
        raw[group] = {} if content == "empty" else content
    message = error_of(raw)
    assert message.startswith(group)
    assert content in ("missing", "empty") or message.endswith(f"; got {content!r}")


def test_an_error_travels_between_processes():
    error = ConfigError("seed", "an integer >= 0", -1)
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "seed must be an integer >= 0; got -1"


def test_flatten():
    assert flatten({"a": {"b": {"c": 1}, "d": [1]}, "e": None}) == {"a.b.c": 1, "a.d": [1], "e": None}


def test_science_ignores_where_and_how_a_cell_ran(configure):
    identity = configure("data=mnist").identity
    for override in (
        "tracking.uri=sqlite:///elsewhere.db", "tracking.experiment=other", "tracking.sweep=night",
        "tracking.resume=false", "workers=2", "fail_fast=true", "data.root=/some/where", "check_gradients=true",
    ):  # fmt: skip
        assert configure("data=mnist", override).identity == identity


def test_science_spells_sizes_one_way(configure):
    identity = configure("network.depth=10", "network.width=64").identity
    explicit = configure(f"network.hidden={[64] * 10}".replace(" ", ""))
    assert explicit.identity == identity
    assert (
        configure("network.hidden=[64,64]", "network.depth=3", "network.width=5").identity
        == configure("network.depth=2", "network.width=64").identity
    )
    assert configure("network.hidden=[3,4]").identity != configure("network.hidden=[4,3]").identity


@pytest.mark.parametrize(
    "override",
    [
        "activation=relu", "init=he", "init.gain=2", "loss=mse", "optimizer.lr=0.2", "data=moons",
        "data.standardize=none", "data.test_fraction=0.3", "network.depth=9", "network.width=63",
        "training.epochs=1", "training.batch_size=16", "training.sampling=replacement",
        "training.snapshots=9", "training.probe_size=512", "replicas=4", "seed=1", "dtype=float64",
        "verdict.dead=0.8", "init.bias=0.1", "init.sigma_b=0.1", "init.output=zeros", "optimizer=adam",
        "optimizer.momentum=0.9", "optimizer.nesterov=true", "optimizer.weight_decay=0.1", "schedule=cosine",
        "schedule.warmup=1", "training.clip_norm=1", "training.accuracies=[0.7]",
    ],
)  # fmt: skip
def test_science_holds_everything_else(configure, override):
    assert configure(override).identity != configure().identity


def test_small_data_are_read_once_for_each_seed_of_a_grid(compose, monkeypatch):
    """Cells come with the seed innermost, so that every seed comes again and again."""
    read = []
    original = problem.in_dtype
    monkeypatch.setattr(problem, "in_dtype", lambda data, dtype: read.append(1) or original(data, dtype))
    problem._load_small.cache_clear()
    cells = [
        check(compose("data=wine", f"init={init}", f"seed={seed}")) for init in ("he", "xavier") for seed in range(4)
    ]
    assert len(read) == 4
    gains = [cell.yardstick.linear_gain for cell in cells]
    assert gains[:4] == gains[4:]
    assert len(set(gains)) > 1  # the splits differ
