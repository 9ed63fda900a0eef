"""What a sweep advises at its end."""

import shlex
from types import SimpleNamespace

import pytest

from mlpstudy.commands import cli
from mlpstudy.conduct.report import next_try
from mlpstudy.notebook import advise

ADVICE = "init=he: weights of variance 2 / n_in\noptimizer=adam optimizer.lr=0.001: steps of one length"


def told(*tags):
    cells = cli.cells(["-m", "init=zeros,normal", "network.depth=3", "seed=7"])
    return next_try(["one", "other"], cells, {i: SimpleNamespace(tags=t) for i, t in enumerate(tags)})


def test_the_first_advice_of_the_first_cell_that_has_one_is_a_command():
    line = told({"outcome": "stalled"}, {"outcome": "slow", "advice": ADVICE})
    command, reason = line.split("\n")
    assert shlex.split(command.partition("Next, try:")[2])[1:] == [
        "-m",
        "mlpstudy",
        "network.depth=3",
        "seed=7",
        "init=he",
    ]
    assert reason.strip() == "for other: weights of variance 2 / n_in"


@pytest.mark.parametrize(
    ("tags", "start"),
    [
        ([{"outcome": "learned"}, {"outcome": "learned", "advice": ADVICE}], ""),
        ([{}, {"outcome": "learned"}], ""),
        ([{"outcome": "diverged"}, {"outcome": "learned"}], "Nothing that was tried"),
    ],
)
def test_without_a_cell_that_failed_or_advice(tags, start):
    line = told(*tags)
    assert line.startswith(start)
    assert bool(line) == bool(start)


def test_advice_in_python():
    table = advise(init="normal", depth=3, epochs=3, lr=0.1, replicas=2, scale=[0.001, 0.2])
    assert list(table.columns) == ["change", "reason", "gained"]
    assert len(table) >= 1
    assert {"scale=0.001" in name for name in table.index} == {True}  # with 0.2, it learns
