"""Two sweeps side by side: which settings differ, which cells are the same, and intervals of differences."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from mlpstudy.tracking.run import NotMeasured
from reports import __main__ as reports
from reports import compare


def made(init="he", depth="3", lr="0.1", accuracy=(0.8, 0.9), verdict="healthy", outcome="learned"):
    curve = np.array([accuracy], dtype=float)
    return SimpleNamespace(
        name=f"{init}-tanh-d{depth}",
        status="FINISHED",
        params={
            "init": init,
            "activation": "tanh",
            "depth": depth,
            "lr": lr,
            "optimizer.lr": lr,
            "width": "8",
            "replicas": "2",
        },
        tags={"sweep": f"s{lr}", "verdict": verdict, "outcome": outcome},
        metrics={"final/accuracy_test": float(np.mean(accuracy)), "final/accuracy_test_ci95": np.nan},
        arrays={"curve_accuracy_test": curve, "curve_accuracy_train": curve, "curve_loss_train": curve},
    )


@pytest.fixture
def sweeps():
    first = [made(init, depth) for init in ("he", "zeros") for depth in ("3", "9")]
    second = [
        made("he", "3", "1", (0.5, 0.6, 0.55), outcome="stalled"),
        made("he", "9", "1", (np.nan, np.nan), "exploding", "diverged"),
        made("zeros", "3", "1"),
    ]
    return first, second


def test_settings_that_no_runs_share_are_what_differs(sweeps):
    differ = compare.settings(*sweeps)
    assert differ == {"lr": (["0.1"], ["1"]), "optimizer.lr": (["0.1"], ["1"])}
    assert compare.heading(("a", "b"), differ) == "A = a, B = b. lr: 0.1 in A, 1 in B."  # once, not twice
    assert "The settings are the same." in compare.heading(("a", "b"), {})


def test_cells_are_matched_by_all_other_settings(sweeps):
    found = compare.pairs(*sweeps)
    assert [pair.name for pair in found] == ["tanh he depth 3", "tanh he depth 9", "tanh zeros depth 3"]
    assert all(pair.first.params["depth"] == pair.second.params["depth"] for pair in found)
    assert all(pair.first.params["init"] == pair.second.params["init"] for pair in found)


def test_the_interval_of_a_difference_is_that_of_welch(sweeps):
    pair = compare.pairs(*sweeps)[0]
    mean, low, high = pair.difference
    a, b = np.array([0.8, 0.9]), np.array([0.5, 0.6, 0.55])
    variances = a.var(ddof=1) / 2, b.var(ddof=1) / 3
    freedom = sum(variances) ** 2 / (variances[0] ** 2 / 1 + variances[1] ** 2 / 2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(sum(variances))
    np.testing.assert_allclose((mean, low, high), (-0.3, -0.3 - half, -0.3 + half))


def test_networks_that_diverged_or_are_alone_have_no_interval(sweeps):
    assert np.isnan(compare.pairs(*sweeps)[1].difference).all()
    one, many = made(accuracy=(0.5,)), made(lr="1", accuracy=(0.7, 0.8))
    mean, low, high = compare.pairs([one], [many])[0].difference
    assert mean == pytest.approx(0.25)
    assert np.isnan([low, high]).all()


def test_a_run_without_its_file_has_a_row_without_a_difference(sweeps):
    class Gone(SimpleNamespace):
        @property
        def arrays(self):
            raise NotMeasured("gone")

    first, second = sweeps
    fields = {name: value for name, value in vars(first[0]).items() if name != "arrays"}
    found = compare.pairs([Gone(**fields), *first[1:]], second)
    assert np.isnan(found[0].difference).all()
    assert compare.table(found).row_count == 3


def test_two_sweeps_are_compared_by_one_command(sweep_uri, capsys):
    from mlpstudy.tracking.reading import load_runs

    (sweep,) = {run.tags["sweep"] for run in load_runs(sweep_uri)}
    assert reports.main(["--uri", sweep_uri, "--compare", sweep, sweep]) == 0
    out = capsys.readouterr().out
    assert "The settings are the same." in out
    assert out.count("+0.000") >= 4
    assert reports.main(["--uri", sweep_uri, "--compare", sweep, "nope"]) == 1
    assert "--compare must be one of" in capsys.readouterr().err


def test_an_accuracy_is_not_compared_with_a_loss(monkeypatch, sweeps, capsys):
    """Nor is a number printed that means nothing."""
    for run in sweeps[1]:
        run.metrics = {"final/loss_test": 0.5, "final/loss_test_ci95": 0.1}
    found = dict(zip(("one", "two"), sweeps, strict=True))
    monkeypatch.setattr("mlpstudy.tracking.reading.load_runs", lambda uri, name, *_: found[name])
    assert reports.main(["--compare", "one", "two"]) == 1
    told = capsys.readouterr()
    assert "--compare must be two sweeps with the same score, not test accuracy in A and test loss in B" in told.err
    assert told.out == ""
