"""What people type, and what they are told: synonyms, spellings, forms, and what mlpstudy does not have."""

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest

import mlpstudy
from mlpstudy import compose
from mlpstudy.cells.parts import TABLES
from mlpstudy.errors import ConfigError
from mlpstudy.settings import help_text, suggestions
from mlpstudy.settings import words as form
from mlpstudy.settings.table import LAUNCHER, SETTINGS


@pytest.fixture
def refused():
    """(*words) -> the line that is printed."""

    def _refused(*words):
        with pytest.raises(compose.SETTINGS_ERRORS) as error:
            compose.read(words)
        line = compose.one_line(error.value)
        assert "\n" not in line
        return line

    return _refused


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("init=kaiming", "init=he"),
        ("init=glorot_uniform", "init=xavier_uniform"),
        ("init=xaviar", "init=xavier"),
        ("init=keras", "init=xavier_uniform"),  # glorot_uniform, with biases 0
        ("init.output=kaiming", "init.output=he"),
        ("activation=ReLU", "activation=relu"),
        ("activation=LeakyReLU", "activation=leaky_relu"),
        ("activation=swish", "activation=silu"),
        ("activation=linear", "activation=identity"),
        ("loss=crossentropy", "loss=cross_entropy"),
        ("loss=CrossEntropyLoss", "loss=cross_entropy"),
        ("optimizer=AdamW", "optimizer=adamw"),
        ("optimizer=SGD", "optimizer=sgd"),
        ("data=fashion", "data=fashion_mnist"),
        ("data.standardize=minmax", "data.standardize=unit"),
        ("lr=0.1", "optimizer.lr=0.1"),
        ("learning_rate=0.1", "optimizer.lr=0.1"),
        ("depth=3", "network.depth=3"),
        ("num_layers=3", "network.depth=3"),
        ("hidden_layer_sizes=[3,4]", "network.hidden=[3,4]"),
        ("epochs=5", "training.epochs=5"),
        ("batch_size=5", "training.batch_size=5"),
        ("trainig.epochs=5", "training.epochs=5"),
        ("momentum=0.9", "optimizer.momentum=0.9"),
        ("random_state=1", "seed=1"),
        ("dataset=mnist", "data=mnist"),
        ("n_jobs=4", "workers=4"),
    ],
)
def test_what_was_meant_is_said_first(refused, typed, meant):
    line = refused(typed)
    assert line.startswith(f"did you mean {meant}? ")
    assert "must be" in line


@pytest.mark.parametrize("key", ["init", "init.output"])
@pytest.mark.parametrize("word", [*suggestions.TORCH, "PyTorch"])
def test_the_default_of_pytorch_is_told_by_a_command_that_works(refused, key, word):
    """torch.nn.Linear draws W from U(-1 / sqrt(n_in), 1 / sqrt(n_in)); a large matrix almost reaches these bounds."""
    line = refused(f"{key}={word}")
    asked = re.match(r"did you mean (.*?)\? \(the W of torch\.nn\.Linear", line)[1]
    (cell,) = compose.cells(shlex.split(asked))
    scheme = cell.config.output_scheme if key == "init.output" else cell.config.scheme
    W = scheme.gain * scheme.weights(np.random.default_rng(0), (300, 400))
    assert np.abs(W).max() * 400**0.5 == pytest.approx(1, abs=1e-4)
    assert W.std() * 400**0.5 == pytest.approx(3**-0.5, rel=0.01)


def test_options_are_listed_and_keys_are_in_help(refused):
    line = refused("init=kaiming")
    assert all(name in line for name in TABLES["init"])
    assert len(refused("lr=0.1")) < 120
    assert "one of activation, " in refused("qwerty=1")


@pytest.mark.parametrize("word", [name for names in suggestions.ELSEWHERE for name in names])
def test_what_is_not_here_is_said_with_a_reason(refused, word):
    if "/" in word:
        assert "joblib is not here: cells run in parallel" in refused(f"{word}=joblib")
        return
    for typed in (f"{word}=3", f"activation={word}"):
        assert refused(typed).startswith(f"{word} is not here: ")


def test_reasons_name_settings_that_exist():
    for reason in suggestions.ELSEWHERE.values():
        for setting in re.findall(r"\b(\w+(?:\.\w+)*)=(\w+)", reason):
            assert setting[1] in TABLES[setting[0]]
        for key in re.findall(r"\b\w+\.\w+\b", reason):
            assert key in SETTINGS


def test_synonyms_lead_to_options_and_keys_that_exist():
    for group, names in suggestions.SYNONYMS.items():
        options = TABLES[group] if group in TABLES else SETTINGS[group].kind.rule.options
        assert all(option in options for option in names.values())
        assert not set(names) & set(TABLES.get(group, ()))
    assert set(suggestions.KEYS.values()) <= {*SETTINGS, *TABLES}


@pytest.mark.parametrize(
    ("words", "example", "got"),
    [
        (("-m", "init=he,", "xavier"), "init=he,xavier", "init=he, xavier"),
        (("-m", "init=he", ",xavier"), "init=he,xavier", "init=he ,xavier"),
        (("init", "=", "he"), "init=he", "init = he"),
        (("init=", "he"), "init=he", "init= he"),
        (("--depth", "20"), "network.depth=20", "--depth 20"),
        (("--depth=20",), "network.depth=20", "--depth=20"),
        (("--batch-size", "8"), "training.batch_size=8", "--batch-size 8"),
        (("tanh",), "activation=tanh", "tanh"),
        (("-m", "relu"), "activation=relu", "relu"),
    ],
)
def test_the_right_form_is_shown(refused, words, example, got):
    line = refused(*words)
    assert line == f"a setting must be written as key=value, without blanks, such as {example}; got {got!r}"


@pytest.mark.parametrize(
    "words", ["--cfg job", "-c hydra init=he", "-m init=he,xavier +x=3", "--info all", "-sc query=bash"]
)
def test_forms_that_are_right_pass(words):
    form.check_form(words.split())


# ---------------------------------------------------------------- several grids


def typed(*words):
    return form.grids(list(words))


GROUPS = {
    "init": "he,xavier", "activation": "tanh,relu", "data": "iris,digits", "loss": "mse,bce", "optimizer": "sgd,adam",
    "schedule": "cosine,step", "experiment": "symmetry,optimizers",
}  # fmt: skip


@pytest.mark.parametrize("several", [(), ("-m",)])
@pytest.mark.parametrize("form", ["[{}]", "[{}],{}", "'[{}]'"])
@pytest.mark.parametrize("group", GROUPS)
def test_a_list_of_options_is_refused(refused, group, form, several):
    """Hydra would take the last of the list alone."""
    line = refused(*several, f"{group}={form.replace('{}', GROUPS[group])}")
    assert line.startswith(f"{group} must be one option (add -m and write {group}={GROUPS[group]}")
    assert group in {*TABLES, "experiment"} == set(GROUPS)


def test_a_list_of_options_is_refused_in_another_grid_and_in_python(refused):
    assert refused("--also", "init=[he,xavier]").startswith("init must be one option (add -m and write init=he,xavier ")
    with pytest.raises(ValueError, match=r"^init must be one option"):
        mlpstudy.foresee(init=[["he", "xavier"]])


@pytest.mark.parametrize("several", [(), ("-m",)])
@pytest.mark.parametrize("sign", ["+", "++", "~"])
@pytest.mark.parametrize("group", GROUPS)
def test_a_list_of_options_is_refused_behind_a_sign_of_hydra(refused, group, sign, several):
    line = refused(*several, f"{sign}{group}=[{GROUPS[group]}]")
    assert line.startswith(
        f"{group} must be one option (add -m and write {group}={GROUPS[group]} to sweep over them); "
    )


@pytest.mark.parametrize("sign", ["", "+", "++", "~"])
def test_a_list_of_engines_is_refused(refused, sign):
    assert refused(f"{sign}hydra/launcher=[ray,slurm]") == "hydra/launcher must be one option; got '[ray,slurm]'"


def test_a_list_of_options_is_refused_in_an_experiment_of_the_users_own(refused, tmp_path):
    own = tmp_path / "experiment" / "own.yaml"
    own.parent.mkdir()
    own.write_text("# @package _global_\nhydra:\n  sweeper:\n    params:\n      init: '[he,xavier]'\n")
    line = refused("-m", "--config-dir", str(tmp_path), "experiment=own")
    assert line.startswith("init must be one option (add -m and write init=he,xavier ")


def test_glob_may_have_a_list():
    form.check_choice("activation=glob([re*,ta*])")


def test_another_grid_has_the_settings_of_the_first_and_its_own():
    first, other = typed("-m", "init=normal", "init.scale=0.1,1", "network.depth=5", "--also", "init=he")
    assert first == ["-m", "init=normal", "init.scale=0.1,1", "network.depth=5"]
    assert other == ["-m", "network.depth=5", "init=he"]  # without init.scale, which he does not have


def test_pairs_of_values():
    _, a, b = typed(
        "network.depth=5", "network.width=128", "activation=tanh,relu",
        "--also", "network.depth=20 network.width=64", "--also=network.depth=50",
    )  # fmt: skip
    assert a == ["-m", "activation=tanh,relu", "network.depth=20", "network.width=64"]
    assert b == ["-m", "network.width=128", "activation=tanh,relu", "network.depth=50"]


def test_cells_of_all_grids_are_one_sweep():
    cells = compose.cells([
        "-m", "init=normal", "init.scale=0.1,1", "network.depth=2", "--also", "init=he,xavier", "--also", "init=he",
    ])  # fmt: skip
    found = [(cell.config.init_name, cell.config.flat.get("init.scale")) for cell in cells]
    assert found == [("normal", 0.1), ("normal", 1), ("he", None), ("xavier", None)]  # he once


@pytest.mark.parametrize("words", [["--also"], ["--also", ""], ["init=he", "--also="]])
def test_an_empty_grid_is_refused(refused, words):
    assert refused(*words).startswith("--also must be followed by")


# ---------------------------------------------------------------- help, width, completion


def test_help_has_a_phrase_for_every_setting():
    told = help_text.text()
    for key in (*SETTINGS, *(f"hydra.launcher.{key}" for key in LAUNCHER)):
        if key.endswith(".name"):
            continue
        row = re.search(rf"^ *{re.escape(key)}=\S+ +(.+)$", told, re.MULTILINE)
        assert row, key
        assert len(row[1]) > 3, key
    for group, table in TABLES.items():
        assert all(name in told for name in table), group
    assert max(map(len, told.splitlines())) <= 121


def test_commands_in_help_can_be_typed():
    commands = re.findall(r"python -m mlpstudy (.*)", help_text.HEAD)
    assert len(commands) == 3
    import shlex

    for command in commands:
        assert compose.cells(shlex.split(command))


def test_errors_are_wrapped_to_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert "\n" not in compose.wrapped("word " * 40)  # in a file
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    text = compose.wrapped("mlpstudy: " + "word " * 40)
    assert max(map(len, text.splitlines())) <= 60


@pytest.mark.slow
def test_piped_output_honours_columns_and_has_no_trailing_blanks(tmp_path):
    command = [sys.executable, "-m", "mlpstudy.predict", "-m", "init=he,xavier", "network.depth=2"]
    out = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "COLUMNS": "90"}, capture_output=True, text=True, check=True
    ).stdout
    lines = out.splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert max(len(line) for line in lines if "─" in line) <= 90


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_completion_finds_options(shell, tmp_path):
    env = {**os.environ, "COMP_LINE": "mlpstudy init=xav"}
    command = [sys.executable, "-m", "mlpstudy", "-sc", f"query={shell}"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["init=xavier", "init=xavier_uniform"]


def test_an_error_of_a_rule_has_no_hint_where_none_fits():
    error = ConfigError("seed", "an integer >= 0", "many")
    assert suggestions.in_words(error) == "seed must be an integer >= 0; got 'many'"
