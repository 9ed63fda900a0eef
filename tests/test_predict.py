import math
import re
import subprocess
import sys

import pytest

from mlpstudy.commands import predict


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


def test_the_outcome_of_each_cell_is_told(said):
    """A sigmoid network of 20 layers has no gradient left, zeros are symmetric, and a tanh network of 3 learns."""
    _, out, _ = said("-m", "init=zeros,xavier", "activation=tanh,sigmoid", "network.depth=3,20")
    found = {line.split()[0]: line.split()[1:3] for line in out.splitlines() if re.match(r"  \w+-\w+-d\d", line)}
    assert found["zeros-tanh-d3"] == ["-", "stalls"]
    assert found["xavier-tanh-d3"] == ["healthy", "learns"]
    assert found["xavier-sigmoid-d20"] == ["vanishing", "stalls"]
    assert len(found) == 8
    assert "vanishing: all steps together remove" in out
    assert "by theory" in out
    assert "by step 0" in out


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
