import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlpstudy.cells.cell_result import collect
from mlpstudy.commands import predict
from mlpstudy.compose import read
from mlpstudy.conduct import ahead
from mlpstudy.engines import processes
from mlpstudy.foresight.forecast import AHEAD


@pytest.fixture
def said(monkeypatch, capsys):
    """(*arguments) -> (exit status, standard output, standard error)."""
    monkeypatch.setattr(sys, "argv", ["predict"])
    monkeypatch.setenv("COLUMNS", "200")

    def _said(*arguments):
        status = predict.main(list(arguments))
        return (status, *capsys.readouterr())

    return _said


def row(out, initializer):
    """The words of a row of the table."""
    (found,) = (line.split() for line in out.splitlines() if line.startswith(f"  {initializer} "))
    return found


def test_fixed_points_and_the_edge_are_told(said):
    """Schoenholz et al. 2017: tanh at sigma_b^2 = 0.05."""
    status, out, err = said("activation=tanh", "init.sigma_b=0.22360679775")
    assert (status, err) == (0, "")
    assert "tanh in infinitely wide networks, sigma_b = 0.223607" in out
    assert "1 / sqrt(E[g(x)^2]): 1.5925" in out
    assert "Edge of chaos: sigma_w = 1.32701 (sigma_w^2 = 1.76095), q* = 0.57005." in out
    critical = row(out, "critical")
    assert critical == ["critical", "1.3270", "0.57", "1.0000", "1.0000", "keep", "their", "scale", "any"]
    assert row(out, "lecun,")[-2] == "vanish"
    assert row(out, "he")[-2] == "explode"


def test_the_published_fixed_point(said):
    """Poole et al. 2016: sigma_b = 0.3; Schoenholz et al. 2017 for how deep, 6 xi."""
    _, out, _ = said("activation=tanh", "init.sigma_b=0.3")
    he = row(out, "he")
    assert he == ["he", "1.4142", "0.7967", "1.0112", "0.9530", "explode", "540"]


def test_the_gain_keeps_unit_variance(said):
    _, out, _ = said("activation=tanh")
    gain = row(out, "gain")
    assert gain[:3] == ["gain", "1.5925", "1"]


@pytest.mark.parametrize(
    ("activation", "why"),
    [
        ("gelu", "the length map is unstable"),
        ("softplus", "no sigma_w has a stable point with chi = 1"),
        ("relu", "sigma_b = 0 with"),
    ],
)
def test_where_there_is_no_critical_point_it_says_why(said, activation, why):
    status, out, _ = said(f"activation={activation}", "init.sigma_b=0.2")
    assert status == 0
    reason = out.splitlines()[-1]
    assert reason.startswith("No critical point: ")
    assert why in reason
    assert not any(line.strip().startswith("critical") for line in out.splitlines())


def test_a_length_that_vanishes_or_grows_is_told(said):
    """He et al. 2015: relu with Xavier halves it in every layer; with biases He's q' = q + sigma_b^2 has no end."""
    _, out, _ = said("activation=relu")
    xavier = row(out, "lecun,")
    depth = f"{6 / math.log(2):.0f}"  # six times the layers in which gradients halve less often than by a factor e
    assert xavier == ["lecun,", "xavier,", "orthogonal", "1.0000", "0", "0.5000", "-", "vanish", depth]
    _, out, _ = said("activation=relu", "init.sigma_b=0.1")
    he = row(out, "he")
    assert he[:3] == ["he", "1.4142", "inf"]


def test_tanh_with_xavier_and_no_biases_does_not_settle(said):
    _, out, _ = said("activation=tanh")
    xavier = row(out, "lecun,")
    assert xavier[3:] == ["1.0000", "0", "1.0000", "-", "keep", "their", "scale", "any"]


def test_a_sweep_tells_of_every_cell(said):
    status, out, _ = said("-m", "activation=tanh,relu,selu")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines() if "sigma_b = 0" in line] == ["tanh", "relu", "selu"]
    _, again, _ = said("-m", "activation=tanh,relu", "network.depth=3,5")
    assert again.count("sigma_b = 0") == 2  # fixed points do not depend on the depth


def test_the_outcome_of_each_cell_is_told(said, monkeypatch):
    """A sigmoid network of 20 layers has no gradient left, zeros are symmetric, and a tanh network of 3 learns."""
    monkeypatch.setenv("COLUMNS", "400")
    _, out, _ = said("-m", "init=zeros,xavier", "activation=tanh,sigmoid", "network.depth=3,20")
    found = {line.split()[0]: line.split()[1:3] for line in out.splitlines() if re.match(r"  \w+-\w+-d\d", line)}
    assert found["zeros-tanh-d3"] == ["-", "stalls"]
    assert found["xavier-tanh-d3"] == ["healthy", "learns"]
    assert found["xavier-sigmoid-d20"] == ["vanishing", "stalls"]
    assert len(found) == 8
    assert "vanishing: all steps together remove" in out
    assert "by theory" in out
    assert "by step 0" in out


SMALL = ["network.width=16", "training.epochs=10", "replicas=2"]


def test_of_a_large_grid_the_counts_alone_are_told(said, monkeypatch):
    """By hand: zeros stall, a shallow tanh network learns; gelu has no critical point without biases."""
    grid = ["-m", "init=zeros,xavier,critical", "activation=tanh,gelu", "network.depth=2", *SMALL]
    _, out, _ = said(*grid)
    sentence = "6 cells: 3 would learn; 2 would stall; 1 cannot be."
    assert sentence in out
    assert "critical-gelu-d2" in out
    monkeypatch.setattr(predict, "LONGEST_TABLE", 5)
    _, out, _ = said(*grid)
    assert sentence in out
    assert "6 cells are too many for a table here." in out
    assert "critical-gelu-d2" not in out


def test_a_dispute_between_the_pilot_and_theorys_rule_is_told():
    row = ahead.UNKNOWN | {"outcome": "is slow", "by_theory": "learns"}
    row |= {"reason": "it came a quarter of the way", "reason_by_theory": "p (by theory)"}
    agreed = row | {"by_theory": "is slow"}
    both = {"outcome": "learns", "by_theory": "learns"}
    table = predict.outcomes({"one": row, "two": agreed, "three": row | both})
    assert list(table.columns[2].cells) == ["is slow\nnear a border", "is slow", "learns"]
    told = [str(cell) for cell in table.columns[5].cells]
    assert told == ["theory's rule: learns, p (by theory)", "p (by theory)", "it came a quarter of the way"]
    assert predict.ahead.counts({"one": row, "two": agreed}).startswith("2 cells: 2 would be slow; 1 of these near a")


def test_what_is_foreseen_comes_in_training(said):
    """The cells are trained here as a sweep trains them; the outcomes are those that the table told."""
    grid = ["-m", "init=zeros,xavier", "activation=tanh,identity", "optimizer.lr=0.1,100", "network.depth=3", *SMALL]
    cells = read(grid).cells
    told = {name: row["outcome"] for name, row in ahead.rows(cells, ahead.foresee(cells), []).items()}
    records = {index: [] for index in range(len(cells))}
    for index, event in processes.run(cells, 1):
        records[index].append(event)
    trained = {name: AHEAD[collect(cells[i], records[i]).outcome] for i, name in enumerate(told)}
    assert told == trained
    assert {"learns", "stalls", "diverges"} <= set(told.values())


@pytest.mark.slow
def test_workers_foresee_the_same_as_this_process_and_an_error_costs_its_cell(tmp_path, monkeypatch):
    (tmp_path / "fragile.py").write_text(
        "import multiprocessing as m, numpy as np\n"
        "def tiny(rng, shape):\n"
        "    if m.parent_process() is not None: raise RuntimeError('not here')\n"
        "    return rng.normal(0, 0.1, shape)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    cells = read(["-m", "init=xavier,he", "activation=tanh,relu", *SMALL, "workers=2"]).cells
    alone = [ahead.foresee([cell])[0].row for cell in cells]
    assert str([one.row for one in ahead.foresee(cells)]) == str(alone)
    fragile = read(["--also", "init=custom init.function=fragile:tiny", "init=he", *SMALL, "workers=2"]).cells
    table = ahead.rows(fragile, ahead.foresee(fragile), [])
    assert [row["outcome"] for row in table.values()] == ["learns", "failed"]
    assert "RuntimeError: not here" in list(table.values())[1]["reason"]


@pytest.mark.parametrize(
    ("words", "rest", "name"),
    [
        (["init=he"], ["init=he"], None),
        (["--map", "init=he"], ["init=he"], "foreseen.png"),
        (["init=he", "--map"], ["init=he"], "foreseen.png"),
        (["-m", "--map", "one.png", "init=he"], ["-m", "init=he"], "one.png"),
        (["--map=one.PNG", "data.path=two.png"], ["data.path=two.png"], "one.PNG"),
        (["--map", "data.path=two.png"], ["data.path=two.png"], "foreseen.png"),
    ],
)
def test_the_file_of_the_map_is_found_among_the_words(words, rest, name):
    assert predict.map_of(words) == (rest, None if name is None else Path(name))


@pytest.mark.parametrize("name", ["map.svg", "nowhere/map.png"])
def test_a_map_that_cannot_be_written_is_told_before_anything_is_foreseen(said, name, monkeypatch):
    monkeypatch.setattr(predict.ahead, "foresee", None)
    status, out, err = said("init=he", f"--map={name}")
    assert (status, out) == (1, "")
    assert err.startswith("mlpstudy: --map must be ")


@pytest.mark.slow
def test_the_map_is_written(said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = said("-m", "init=zeros,xavier", "network.depth=2", *SMALL, "--map")
    assert status == 0
    assert "Map of what is foreseen:  foreseen.png" in out
    assert Path("foreseen.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("activation=nope", "activation must be one of "),
        ("init.sigma_b=-1", "init.sigma_b must be "),
        ("init.sigma_w=1", "a key must be "),
        ("nonsense", "a setting must be written as key=value"),
        ("activation=tanh,relu", "activation must be one value (or add -m to sweep over several)"),
    ],
)
def test_bad_settings_end_in_one_line(said, setting, message):
    status, out, err = said(setting)
    assert (status, out) == (1, "")
    assert err.startswith(f"mlpstudy: {message}")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_as_a_command_it_exits_with_1_and_does_not_import_mlflow(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mlpstudy.predict", "activation=nope"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    run = "from mlpstudy.commands import predict; predict.main(['activation=selu'])"
    code = f"import sys; {run}; print('mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.stdout.splitlines()[-1] == "False", done.stderr
    assert list(tmp_path.iterdir()) == []
