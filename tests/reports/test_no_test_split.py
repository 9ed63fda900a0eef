"""A sweep without a test split: table, figures and page show training scores, and say so."""

import pytest

import reports
from mlpstudy import load_runs
from mlpstudy.commands import cli
from mlpstudy.display import summary_table
from reports.drawing import rendering, words
from reports.figures import FIGURES
from reports.page import page


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    given = ["data=xor", "data.samples=40", "data.test_fraction=0", "network.depth=2", "network.width=6"]
    few = ["training.epochs=2", "training.batch_size=8", "replicas=2", "workers=1", f"tracking.uri={uri}"]
    assert cli.run(cli.cells(["-m", "init=zeros,xavier", *given, *few]))
    return load_runs(uri)


def test_runs_have_training_scores_alone(runs):
    for run in runs:
        assert not any(
            "test" in name for name in [*run.arrays, *run.metrics] if name.startswith(("curve_", "final/acc"))
        )
        assert "training accuracy" in run.tags["mlflow.note.content"]
        heading, text, value = words.score(run)
        assert heading == "training accuracy"
        assert value == run.metrics["final/accuracy_train"]
        assert text.startswith(f"{value:.3f}"[:4])


def test_the_table_says_so(runs):
    headings = [str(column.header) for column in summary_table([(run.name, run) for run in runs], 150).columns]
    assert "training accuracy" in headings
    assert not any("test" in heading for heading in headings)


def test_every_figure_is_drawn_and_none_speaks_of_a_test(runs):
    for name in FIGURES:
        try:
            canvas = reports.draw(name, runs)
        except rendering.style.CannotDraw:
            assert name == "seeds"
            continue
        told = [text.get_text() for ax in canvas.axes for text in (ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts)]
        assert not any("test" in text.split() for text in told), name
        if name == "learning_curves":
            labels = {ax.get_title(): ax.yaxis.get_tick_params()["labelleft"] for ax in canvas.axes[:2]}
            assert labels == {"training loss": True, "training accuracy": True}


def test_the_page_says_so(runs, tmp_path):
    page.write(tmp_path / "index.html", runs, [])
    html = (tmp_path / "index.html").read_text()
    assert "training accuracy" in html
    assert "test accuracy" not in html
