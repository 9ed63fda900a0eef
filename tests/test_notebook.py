"""What a notebook uses: the page and the example notebook run, and give what they say."""

import dataclasses
import json
import multiprocessing
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlpstudy
import reports
from mlpstudy import compose
from mlpstudy.errors import ConfigError
from mlpstudy.measure.arrays import ARRAYS
from mlpstudy.measure.statistics import STATISTICS
from mlpstudy.settings import from_python
from mlpstudy.settings.keys import full_key
from mlpstudy.settings.table import SETTINGS

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def here(new_uri, tmp_path, monkeypatch, no_pictures):
    """A folder with an empty store; cells are trained in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("mlpstudy.conduct.plan.available_cores", lambda: 1)
    return tmp_path


@pytest.fixture(scope="module")
def runs(sweep_uri):
    return mlpstudy.load_runs(sweep_uri)


@pytest.mark.slow
def test_the_page_about_notebooks_runs(here):
    arguments = list(sys.argv)
    page = (ROOT / "docs" / "notebook.md").read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL):
        exec(block, names)
    assert len(names["runs"]) == 4
    assert sys.argv == arguments
    assert names["delta"].dims == ("snapshot", "replica", "layer")
    assert (here / "gradients.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_example_notebook_runs(here):
    cells = json.loads((ROOT / "docs" / "example.ipynb").read_text(encoding="utf-8"))["cells"]
    (here / "mlflow.db").unlink()  # it runs its own sweep
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
    assert {run.params["init"] for run in names["runs"]} == {"zeros", "xavier", "he"}


def test_a_table_of_what_is_foreseen_has_every_cell_and_whole_sentences(capsys):
    """By hand: zeros are symmetric and stall, gelu without biases has no critical point, a shallow network learns."""
    table = mlpstudy.foresee(
        init=["zeros", "xavier", "critical"], activation="gelu", depth=2, width=16, epochs=10, lr=0.1, replicas=2
    )
    assert table.outcome.to_dict() == {
        "zeros-gelu-d2": "stalls", "xavier-gelu-d2": "learns", "critical-gelu-d2": "cannot be",
    }  # fmt: skip
    assert list(table.columns) == [
        "verdict", "outcome", "by_theory", "gained", "epochs", "largest_lr", "reason", "reason_by_theory",
    ]  # fmt: skip
    longest = max(table.reason, key=len)
    assert len(longest) > 100  # pandas would cut it at 50
    assert longest in table._repr_html_().replace("&#x27;", "'")
    with pytest.raises(ValueError, match=r"init\.sigma_b must be one with a stable critical point"):
        mlpstudy.foresee(init="critical", activation="gelu")


def test_settings_become_what_is_typed():
    typed = from_python.overrides(
        {
            "init": ["xavier", "he"],
            "depth": [5, 20],
            "lr": 0.1,
            "network.hidden": [16, 8],
            "training.batch_size": None,
            "check_gradients": True,
            "data.path": "a 'b'.csv",
            "seed": np.int64(3),
            "init.scale": np.array([0.5, 1.0]),
        }
    )
    assert typed == [
        "init='xavier','he'", "network.depth=5,20", "optimizer.lr=0.1", "network.hidden=[16,8]",
        "training.batch_size=null", "check_gradients=true", r"data.path='a \'b\'.csv'", "seed=3", "init.scale=0.5,1.0",
    ]  # fmt: skip
    assert from_python.overrides({"network.hidden": [[16, 8], [4]]}) == ["network.hidden=[16,8],[4]"]


LISTS = [key for key, setting in SETTINGS.items() if "a list of" in setting.kind.rule]


@pytest.mark.parametrize("key", LISTS)
def test_a_list_is_one_value_of_a_setting_that_is_a_list(key):
    """Which settings are lists follows from their rules, so a new one needs nothing here."""
    for several in (["a"], ("a", "b"), np.array(["a", "b"]), []):
        assert from_python.overrides({key: several}) == [f"{key}=[{','.join(repr(str(name)) for name in several)}]"]
    assert from_python.overrides({key: [["a"], ("b", "c")]}) == [f"{key}=['a'],['b','c']"]
    assert from_python.overrides({key: [None, [1, 2]]}) == [f"{key}=null,[1,2]"]
    assert from_python.overrides({key: None}) == [f"{key}=null"]


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize("once", [iter, lambda names: (name for name in names), lambda names: map(str, names)])
def test_what_can_be_read_once_is_read_once(key, once):
    assert from_python.overrides({key: once(["a", "b"])}) == [f"{key}=['a','b']"]
    assert from_python.overrides({key: once([])}) == [f"{key}=[]"]
    assert from_python.overrides({key: iter([once(["a"]), once(["b", "c"])])}) == [f"{key}=['a'],['b','c']"]


@pytest.mark.parametrize("key", sorted(SETTINGS.keys() - LISTS))
def test_a_list_is_several_values_of_every_other_setting(key):
    assert from_python.overrides({key: ["a", "b"]}) == [f"{key}='a','b'"]
    assert from_python.overrides({key: (one for one in (1, 2))}) == [f"{key}=1,2"]


def test_columns_of_a_table_are_left_out(tmp_path):
    (tmp_path / "my.csv").write_text("a,b,c,y\n" + "\n".join(f"{i % 7},{i % 5},{i % 3},{i % 2}" for i in range(40)))
    table = {"data": "csv", "data.path": str(tmp_path / "my.csv"), "exclude": ["a", "b"]}
    (cell,) = compose.cells(from_python.words(table))
    assert cell.sizes[0] == 1


@pytest.mark.parametrize("package", ["mlpstudy", "reports", "experiments"])
def test_a_public_name_stays_what_it_is_when_modules_are_imported(package):
    """`import mlpstudy.predict` would put the module in the place of the function."""
    code = (
        "import importlib, pkgutil, types\n"
        f"import {package} as package\n"
        "names = getattr(package, '__all__', [n for n in vars(package) if n[0] != '_'])\n"
        "before = {n: getattr(package, n) for n in names}\n"
        "before = {n: value for n, value in before.items() if not isinstance(value, types.ModuleType)}\n"
        "for module in pkgutil.iter_modules(package.__path__):\n"
        "    if module.name != '__main__':\n"
        f"        importlib.import_module('{package}.' + module.name)\n"
        "assert before\n"
        "assert [n for n in before if getattr(package, n) is not before[n]] == []\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_grids_are_settings_too():
    found = from_python.words(
        {"init": "normal", "init.scale": [0.1, 1], "also": [{"init": ["he", "xavier"]}, {"depth": 3}]}
    )
    assert found[:3] == ["-m", "init='normal'", "init.scale=0.1,1"]
    assert found[3::2] == ["--also", "--also"]
    assert [cell.config.init_name for cell in compose.cells(found)] == [
        "normal",
        "normal",
        "he",
        "xavier",
        "normal",
        "normal",
    ]


def test_short_names_of_settings():
    assert full_key("epochs") == "training.epochs"
    assert full_key("init") == "init"
    with pytest.raises(ConfigError, match=r"a setting must be one of data\.hidden, network\.hidden; got 'hidden'"):
        full_key("hidden")
    with pytest.raises(ConfigError, match="a key must be one of activation, "):
        full_key("lrr")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning_rate": 1}, r"did you mean optimizer\.lr="),
        ({"init": "nope"}, "init must be one of"),
        ({"depth": -1}, "network.depth must be an integer >= 0; got -1"),
    ],
)
def test_a_wrong_setting_is_one_line(here, settings, said):
    with pytest.raises(ValueError, match=said) as wrong:
        mlpstudy.run(**settings)
    assert "\n" not in str(wrong.value)


def test_the_table_has_a_row_for_each_run(runs):
    table = runs.table
    assert list(table.index) == [run.name for run in runs]
    assert table.loc["xavier-tanh-d3", "verdict"] == "healthy"
    assert table["depth"].tolist() == [3] * 4
    assert table["accuracy_test"].tolist() == [run.metrics["final/accuracy_test"] for run in runs]
    assert "workers" not in table
    assert "xavier-tanh-d3" in runs._repr_html_()
    assert isinstance(runs[1:3], mlpstudy.Runs)
    with pytest.raises(KeyError, match="the runs are zeros-tanh-d3"):
        runs["nope"]


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_have_named_axes(runs, name):
    run = runs["xavier-tanh-d3"]
    statistic = run.data[name]
    assert statistic.dims == ("snapshot", "replica", "layer")
    assert statistic.shape == (len(statistic.step), 2, len(statistic.layer))
    np.testing.assert_array_equal(statistic, run.arrays[name])
    assert statistic.description == STATISTICS[name].__doc__.partition("\n")[0]
    frame = statistic.to_dataframe().reset_index()
    assert list(frame) == ["snapshot", "replica", "layer", "step", "epoch", name]
    row = frame[(frame.step == int(run.arrays["step"][-1])) & (frame.replica == 1) & (frame.layer == 3)]
    assert row[name].item() == run.arrays[name][-1, 1, 2]


def test_every_array_of_a_run_has_named_axes(runs):
    run = runs["xavier-tanh-d3"]
    assert {*run.data.data_vars, *run.data.coords} == {*run.arrays, "layer"}
    assert run.data.curve_accuracy_test.dims == ("record", "replica")
    last = run.data.curve_accuracy_test.mean("replica")[-1]
    assert float(last) == pytest.approx(run.metrics["final/accuracy_test"], rel=1e-6)
    assert int(last.curve_step) == run.arrays["curve_step"][-1]
    assert run.data.delta_histogram.dims == ("histogram", "replica", "layer", "bin")
    assert run.data.sizes["edge"] == run.data.sizes["bin"] + 1
    assert run.data.theory_activation_rms.layer.values.tolist() == [1, 2, 3]


def test_without_xarray_there_are_arrays_and_one_line(runs, monkeypatch):
    run = dataclasses.replace(runs["xavier-tanh-d3"])
    monkeypatch.setitem(sys.modules, "xarray", None)
    assert run.arrays["delta_rms"].shape[1:] == (2, 3)
    complaint = r"^run.data needs xarray: pip install xarray \(run.arrays does without it\)$"
    with pytest.raises(ImportError, match=complaint):
        run.data  # noqa: B018


def test_the_mean_leaves_out_replicas_that_diverged(runs):
    curve = runs[0].data.curve_loss_train.copy(deep=True)
    curve[-1] = [np.nan, 2.0]
    assert curve.mean("replica")[-1] == 2.0
    curve[-1] = np.nan
    assert np.isnan(curve.mean("replica")[-1])


def test_the_page_about_arrays_is_the_table():
    """To write it again, put what is expected here into docs/arrays.md."""
    page = (ROOT / "docs" / "arrays.md").read_text(encoding="utf-8")
    rows = {name: (", ".join(kept.axes), kept.kind, kept.meaning.replace("|", "\\|")) for name, kept in ARRAYS.items()}
    expected = [f"| `{name}` | {' | '.join(cells)} |" for name, cells in rows.items()]
    assert page.split("|---|---|---|---|\n")[1].splitlines() == expected


def test_theory_as_a_table():
    """Schoenholz et al. 2017: tanh at sigma_b^2 = 0.05 is critical at sigma_w^2 = 1.76."""
    table = mlpstudy.predict(activation="tanh", sigma_b=0.05**0.5)
    critical = table.set_index("initializer").loc["critical"]
    assert critical.sigma_w**2 == pytest.approx(1.7610, abs=1e-3)
    assert critical.chi == pytest.approx(1)
    assert np.isinf(critical.depth)
    both = mlpstudy.predict(activation=["tanh", "relu"], init=["he", "xavier"])
    assert both.groupby("activation").size().tolist() == [4, 4]  # the initializer that is typed changes nothing
    assert isinstance(both, pd.DataFrame)


def test_a_figure_can_be_changed(runs, tmp_path):
    figure = reports.draw("learning_curves", runs)
    figure.title.set_text("Mine")
    assert figure.resize(12, 6)
    assert figure.get_size_inches().tolist() == [12, 6]
    assert figure._repr_png_().startswith(b"\x89PNG")
    style = tmp_path / "mine.mplstyle"
    style.write_text("lines.linewidth: 7\n")
    thick = reports.draw("learning_curves", runs, theme="dark", style=style)
    assert {line.get_linewidth() for line in thick.axes[0].lines} >= {7.0}
    for wrong, said in (
        ({"name": "nope"}, "name must be one of"),
        ({"name": "grid", "page": 2}, "page must be a number from 1 to 1; got 2"),
        ({"name": "grid", "theme": "blue"}, "theme must be one of dark, light"),
        ({"name": "grid", "style": tmp_path / "no.mplstyle"}, "--style must be a matplotlib style file"),
    ):
        with pytest.raises(ConfigError, match=said):
            reports.draw(runs=runs, **wrong)


@pytest.mark.slow
def test_a_script_needs_no_main_guard(tmp_path):
    """Workers do not run the script again."""
    script = tmp_path / "script.py"
    script.write_text(
        "import mlpstudy\n"
        "print('started')\n"
        "runs = mlpstudy.run(init=['zeros', 'he'], depth=2, width=4, epochs=1, replicas=2, workers=2)\n"
        "print(len(runs), 'runs')\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("started") == 1
    assert "2 runs" in done.stdout
    assert multiprocessing.active_children() == []
