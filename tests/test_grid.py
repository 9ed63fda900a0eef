"""The sweeper for grids against Hydra's own way to compose the settings of one cell."""

import sys
import threading
from itertools import product

import hydra
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from mlpstudy import compose
from mlpstudy.commands import cli
from mlpstudy.errors import ConfigError
from mlpstudy.settings.grid import Composer, conf

SWEEPS = {
    "files and numbers": ["init=he,normal", "activation=tanh,relu", "network.depth=1,2"],
    "a key of one option": ["init=normal", "init.scale=0.1,1e-3"],
    "ranges and lists": ["seed=range(3)", "network.hidden=[3,4],[5]"],
    "words, nulls, truths": ["data.standardize=none,standard", "training.batch_size=null,8", "check_gradients=false"],
    "an option of an option": ["init.output=he,zeros", "init=lecun"],
    "a value from another key": ["network.width=${network.depth}", "network.depth=2,3"],
    "a group given as a whole": ["network={depth:2,width:5}", "seed=1,2"],
    "a key with an option that is chosen after it": ["optimizer.beta1=0.8,0.85", "optimizer=adam"],
    "a key typed twice": ["seed=1,2", "seed=5"],
    "a quoted word": ["tracking.sweep='a b'", "seed=1,2"],
}


def by_hydra(overrides, root):
    """Settings of all cells in order; Hydra composes each by itself."""
    parse = OverridesParser.create().parse_override
    axes = {}
    for override in map(parse, overrides):
        key = override.get_key_element()
        values = (
            override.sweep_string_iterator() if override.is_sweep_override() else [override.get_value_element_as_str()]
        )
        axes[key] = [f"{key}={value}" for value in values]
    with hydra.initialize_config_dir(str(root / "conf"), version_base="1.3"):
        return [
            OmegaConf.to_container(hydra.compose("config", list(cell)), resolve=True)
            for cell in product(*axes.values())
        ]


@pytest.mark.parametrize("overrides", SWEEPS.values(), ids=SWEEPS)
def test_cells_have_the_settings_that_hydra_composes(overrides, root):
    cells = cli.cells(["-m", *overrides])
    assert [dict(cell.raw) for cell in cells] == by_hydra(overrides, root)


def test_an_experiment_brings_its_grid():
    cells = cli.cells(["experiment=symmetry", "init=zeros,identical", "network.width=8"])
    assert [(c.config.init_name, c.config.activation_name) for c in cells] == [
        ("zeros", "tanh"), ("zeros", "relu"), ("identical", "tanh"), ("identical", "relu")
    ]  # fmt: skip
    assert {cell.config.hidden for cell in cells} == {(8, 8, 8)}


def test_cells_do_not_share_their_settings():
    with conf() as loader:
        composer = Composer(loader, ["-m"])
        settings = [composer.settings(cell)["seed"] for cell in (["seed=1"], [], ["seed=2"], [])]
    assert settings == [1, 0, 2, 0]


@pytest.mark.parametrize("value", ["interval(1,2)", "glob(*)"])
def test_a_key_without_a_list_of_values_is_refused(value):
    with pytest.raises(ConfigError, match=r"seed must be values with commas between them, or range\(\.\.\.\); got"):
        cli.cells(["-m", f"seed={value}"])


def test_files_are_read_once_for_cells_that_choose_the_same(monkeypatch):
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    calls, here = [], threading.get_ident()
    original = ConfigLoaderImpl.load_configuration

    def counted(*args, **kwargs):
        calls.append((threading.get_ident(), args[2]))
        return original(*args, **kwargs)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    assert len(cli.cells(["-m", "seed=range(50)", "init=he,xavier", "network.width=4"])) == 100
    composed = [overrides for thread, overrides in calls if thread == here]
    assert composed == [[], ["init=he"], ["init=xavier"]]  # Hydra's own settings, and those of the grid


@pytest.mark.parametrize(
    ("grid", "kept", "left_out", "why"),
    [
        (["init=critical,he", "activation=gelu"], ["he"], "critical-gelu-d10", "stable critical point"),
        (["loss=bce,mse", "network.width=4"], ["xavier"], "xavier-tanh-d10-loss=bce", "for 10 classes (data=digits)"),
        (
            ["training.batch_size=2000,32"],
            ["xavier"],
            "xavier-tanh-d10-batch_size=2000",
            "at most the 1437 training examples",
        ),
    ],
)
def test_a_cell_that_cannot_be_is_left_out_of_a_sweep_and_named(grid, kept, left_out, why, capsys):
    assert [cell.config.init_name for cell in cli.cells(["-m", *grid])] == kept
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Left out: {left_out} (")
    assert why in line


def test_it_is_an_error_if_no_cell_can_be_or_if_a_value_is_wrong(capsys):
    with pytest.raises(ConfigError, match="stable critical point"):
        cli.cells(["-m", "init=critical", "activation=gelu,sigmoid"])
    with pytest.raises(ConfigError, match="seed must be"):
        cli.cells(["-m", "init=critical,he", "activation=gelu", "seed=-1"])
    with pytest.raises(ConfigError) as wrong:
        cli.cells(["-m", "init=he,xavier", "network.width=8,0"])
    assert compose.one_line(wrong.value) == "network.width must be an integer >= 1; got 0 (cell he-tanh-d10-width=0)"
    assert capsys.readouterr().err == ""


def test_a_setting_that_all_options_of_a_sweep_have_may_be_given_once():
    """Hydra would look for it in the default option, xavier, which has no scale."""
    words = ("-m", "init=normal,truncated_normal", "init.scale=0.1", "network.depth=1", "training.epochs=0")
    found = compose.cells(words)
    assert [(cell.config.flat["init.name"], cell.config.flat["init.scale"]) for cell in found] == [
        ("normal", 0.1),
        ("truncated_normal", 0.1),
    ]
    assert found[0].overrides["init.scale"] == "0.1"
    with pytest.raises(compose.SETTINGS_ERRORS):  # xavier has none
        compose.cells(["-m", "init=normal,xavier", "init.scale=0.1"])


@pytest.mark.parametrize(
    "words", [["seed=3"], ["-m", "seed=3,4"], ["experiment=symmetry"], ["seed=3", "--also", "seed=4"]]
)
def test_cells_are_composed_without_the_command_line_of_hydra(words, monkeypatch):
    """Its parser of arguments does not start on Python 3.14, and a notebook has arguments of its own."""
    monkeypatch.setattr("hydra._internal.utils.get_args_parser", lambda: pytest.fail("Hydra reads arguments"))
    arguments = ["not", "--ours"]
    monkeypatch.setattr(sys, "argv", arguments)
    asked = compose.read([*words, "network.width=3", "network.depth=1"])
    assert asked.cells
    assert asked.words == [*words, "network.width=3", "network.depth=1"]
    assert sys.argv is arguments
    assert arguments == ["not", "--ours"]


@pytest.mark.parametrize("form", [["--config-dir", "mine"], ["--config-dir=mine"], ["-cd", "mine"]])
def test_a_sweep_of_ones_own_in_another_folder(form, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    text = "# @package _global_\nnetwork: {depth: 1}\nhydra: {mode: MULTIRUN, sweeper: {params: {seed: '5,6'}}}\n"
    (tmp_path / "mine" / "experiment" / "own.yaml").write_text(text)
    cells = compose.cells([*form, "experiment=own", "network.width=3"])
    assert [(cell.config.seed, cell.config.hidden) for cell in cells] == [(5, (3,)), (6, (3,))]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["seed=range(3)"], "seed must be one value (or add -m to sweep over several); got 'range(3)'"),
        (["-m", "hydra/launcher=ray,slurm"], "hydra/launcher must be one value; got 'ray,slurm'"),
        (["hydra.launcher.minutes=3"], "hydra.launcher.minutes must be left out; there is no such setting; got 3"),
        (["init@there=he"], "a key must be one of "),
    ],
)
def test_what_cannot_be_one_cell_is_refused(words, said):
    with pytest.raises(ConfigError) as refused:
        compose.cells(words)
    assert str(refused.value).startswith(said)
