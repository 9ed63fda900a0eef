"""The page of a sweep: what it says, that nothing typed becomes markup, and what it does in a browser."""

import base64
import hashlib
import html
import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mlpstudy.foresight.forecast import AHEAD
from mlpstudy.measure.outcomes import OUTCOMES
from mlpstudy.measure.verdict import VERDICTS
from mlpstudy.palette import VERDICT_COLOURS, VERDICT_GLYPHS
from mlpstudy.tracking.reading import load_runs
from mlpstudy.tracking.run import NotMeasured
from reports.drawing import words
from reports.drawing.answer import answer
from reports.drawing.style import Drawn
from reports.page import layer_by_layer, page, table

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=3000", "--dump-dom"),
]
HOSTILE = "<img src=x onerror=\"document.title='broken'\"></script><script>document.title='broken'</script>'\"&amp;"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"  # npm install --no-save axe-core
browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


def made(init="xavier", activation="tanh", depth=3, replicas=2, tags=(), metrics=(), params=(), arrays=(), **fields):
    """A run like those of MLflow. Its gradients shrink by half a decade a layer, less what the replica adds."""
    back = np.arange(depth)[::-1]
    delta = 10.0 ** -(0.5 * back + 0.1 * np.arange(replicas)[:, None] * back)
    share = np.full((2, replicas, depth), 0.25)
    steps = np.array([0, 5, 10])
    return SimpleNamespace(
        **{"id": f"id-{init}-{activation}-{depth}", "name": f"{init}-{activation}-d{depth}", "status": "FINISHED"}
        | {"uri": "sqlite:////somewhere/mlflow.db", "experiment_id": "7"}
        | fields,
        params={"init": init, "activation": activation, "depth": str(depth), "replicas": str(replicas), "width": "64"}
        | {"lr": "0.01", "optimizer.lr": "0.01", "optimizer": "sgd", "loss": "cross_entropy", "data": "digits"}
        | {"training.epochs": "5", "verdict.vanishing": "0.001", "verdict.exploding": "1000.0"}
        | dict(params),
        tags={"sweep": "s", "verdict": "healthy", "verdict_final": "healthy", "verdict_predicted": "healthy"}
        | {"evidence": "no layer beyond a threshold", "evidence_final": "none", "outcome": "learned"}
        | dict(tags),
        metrics={"final/accuracy_test": 0.9, "final/accuracy_test_ci95": 0.01, "final/gradient_ratio_init": 0.5}
        | dict(metrics),
        arrays={"delta_rms": np.stack([delta, delta]), "activation_rms": share, "saturated_fraction": share}
        | {"step": steps[[0, -1]], "update_ratio": share / 250}
        | {"theory_delta_rms": 10.0 ** -(0.5 * back), "theory_activation_rms": np.full(depth, 0.25)}
        | {"curve_step": steps, "curve_accuracy_test": np.linspace(0.1, 0.9, 3)[:, None].repeat(replicas, 1)}
        | dict(arrays),
    )


@pytest.fixture
def sweep():
    """Two activations, two initializers, two depths, one of the eight cells missing."""
    cells = [(init, g, depth) for init in ("zeros", "he") for g in ("tanh", "relu") for depth in (2, 10)][:-1]
    runs = [made(*cell) for cell in cells]
    for i, run in enumerate(runs):
        run.metrics |= {"final/gradient_ratio_init": (math.nan, 3e-7, 12.0, 2.5, 1e3, 0.5, 9.0)[i]}
        if run.params["init"] == "zeros":
            run.tags |= {"verdict": "symmetric", "outcome": "stalled", "evidence": "distinct units: 1"}
            del run.tags["verdict_predicted"]
            run.arrays["delta_rms"] = np.zeros_like(run.arrays["delta_rms"])
    runs[-1].tags |= {"verdict": "vanishing"}
    return runs


@pytest.fixture
def written(tmp_path):
    """(runs, drawn) -> the path of their page."""

    def _written(runs, drawn=()):
        page.write(tmp_path / "index.html", runs, drawn)
        return tmp_path / "index.html"

    return _written


# The first stands before everything else in the page, the second after it.
WATCH = """
const errors = [];
for (const kind of ["error", "unhandledrejection", "securitypolicyviolation"])
  addEventListener(kind, (e) => errors.push(`${kind}: ${e.message ?? e.violatedDirective ?? e.reason}`), true);
console.error = console.warn = (...said) => errors.push(said.join(" "));
"""
DRIVE = """
const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
const type = (text) => { find("#filter").value = text; find("#filter").dispatchEvent(new Event("input")); };
const nameOf = (row) => runs[row.dataset.run].name;
const visible = () => findAll(".wide tbody tr").filter((row) => row.offsetHeight > 0).map(nameOf);
const texts = (selector, root) => findAll(selector, root).map((found) => found.textContent);
addEventListener("load", async () => {
  let answer = null;
  try { answer = await (async () => { SCRIPT })(); } catch (error) { errors.push(String(error)); }
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const asked = loaded.filter((name) => !name.startsWith("data:"));
  const result = document.createElement("pre");
  result.id = "result";
  result.textContent = JSON.stringify({answer, errors, asked, title: document.title});
  document.body.replaceChildren(result);
});
"""


@pytest.fixture
def browse(tmp_path):
    """(path, script) -> what the script returns once the page is there; no error and no request may happen."""

    def _browse(path, script="return null", fragment="", library="", size=(1200, 900)):
        drive = DRIVE.replace("SCRIPT", script)
        text = path.read_text("utf-8")
        if library:
            text = text.replace("</body>", f"<script>{library}</script></body>")
        for code in (WATCH, library, drive):
            allowed = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
            text = text.replace("script-src ", f"script-src 'sha256-{allowed}' ", 1)
        text = text.replace("<title>", f"<script>{WATCH}</script><title>", 1)
        start, end = text.rsplit("</body>", 1)
        copy = tmp_path / "driven.html"
        copy.write_text(f"{start}<script>{drive}</script></body>{end}", "utf-8")
        window = f"--window-size={size[0]},{size[1]}"
        command = [CHROMIUM, *FLAGS, window, f"--user-data-dir={tmp_path / 'profile'}", copy.as_uri() + fragment]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found = json.loads(html.unescape(re.search('<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)[1]))
        assert found["errors"] == []
        assert found["asked"] == []
        assert found["title"] != "broken"
        return found["answer"]

    return _browse


def data(path):
    """The numbers embedded in a page."""
    text = path.read_text("utf-8").split('<script type="application/json" id="data">')[1].split("</script>")[0]
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


class Markup(HTMLParser):
    """Every start tag with its attributes, and the text between."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, text):
        self.text.append(text)


def test_what_can_come_of_a_cell_has_a_colour_and_a_meaning():
    assert set(VERDICTS) == set(VERDICT_COLOURS) == set(VERDICT_GLYPHS)
    assert set(layer_by_layer.MEANINGS) == {*VERDICTS, *OUTCOMES, "gained", ", ".join(AHEAD.values())}


def test_the_question_is_asked_in_words():
    runs = [made(init, g, d) for init in ("zeros", "xavier", "he") for g in ("tanh", "relu") for d in (10, 3)]
    expected = "Does a network of tanh or relu units train when initialized by zeros, xavier or he, with "
    assert words.question(runs) == expected + "3 or 10 hidden layers?"
    one = words.question([made(depth=1)])
    assert one == "Does a network of tanh units train when initialized by xavier, with 1 hidden layer?"


def test_long_lists_are_cut():
    assert words.listed([*"abc"], "or", 2) == "a, b or c"  # `1 more` would be no shorter
    assert words.listed([*"abcd"], "or", 2) == "a, b or 2 more"
    assert "h or 22 more units" in words.question([made(activation=chr(97 + i)) for i in range(30)])


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (
            [made(replicas=1, params={"training.epochs": "1"})],
            "1 cell, 1 random initialization each, 64 units a layer, on digits. "
            "Trained by sgd with learning rate 0.01 on the loss cross_entropy, for 1 epoch.",
        ),
        (
            [made(replicas=5, params={"init.scale": scale, "lr": "1"}) for scale in ("1", "0.5")],
            "2 cells, 5 random initializations each, 64 units a layer, on digits. Trained by sgd with learning rate 1 "
            "on the loss cross_entropy, for 5 epochs. Also varied: init.scale (0.5 and 1).",
        ),
    ],
)
def test_the_grid_is_told_in_words(runs, expected):
    assert words.grid(runs, dict(zip(words.coordinates(runs)[0], [["0.5", "1"]] * 9, strict=False))) == expected


def test_a_cell_is_called_by_the_fewest_params():
    both = [{"lr": lr, "optimizer.lr": lr, "tracking.sweep": lr, "workers": lr} for lr in ("0.1", "1")]
    names, keys = words.coordinates([made(params=p) for p in both])
    assert names == ["activation", "init", "depth", "lr"]
    assert keys == [("tanh", "xavier", "3", "0.1"), ("tanh", "xavier", "3", "1")]
    by_depth = [made(depth=2, params={"width": "[3, 4]"}), made(depth=3, params={"width": "5"})]
    assert words.coordinates(by_depth)[0][3:] == ["width"]  # told even where the depth tells the runs apart
    flat = [made(depth=0, params={"width": "[]"}), made(depth=3)]
    assert words.coordinates(flat)[0] == ["activation", "init", "depth"]
    assert "64 units" in words.grid(flat, {})
    twice = words.coordinates([made(), made(), made("he")])
    assert twice == (
        ["activation", "init", "depth", "repetition"],
        [("tanh", "xavier", "3", "1"), ("tanh", "xavier", "3", "2"), ("tanh", "he", "3", "1")],
    )


def test_numbers_are_put_in_order_by_size_and_names_are_left():
    assert words.ordered(["10", "3", "1e-3", "10"]) == ["1e-3", "3", "10"]
    assert words.ordered(["xavier", "he", "xavier"]) == ["xavier", "he"]
    assert words.ordered(["10", "[3, 4]", "3"]) == ["10", "[3, 4]", "3"]


def test_outcomes_and_where_theory_was_wrong(sweep, written):
    assert words.outcomes(sweep) == "Outcomes: 4 stalled, 3 learned."
    text = written(sweep).read_text(encoding="utf-8")
    assert "Theory predicted the verdict of 2 of 3 cells (it does not apply to the other 4); " in text
    assert "not that of he-relu-d2 (healthy predicted, vanishing measured)." in text
    differ = made(tags={"outcomes": "1 learned, 1 stalled"}, status="KILLED")
    assert words.outcome_in_full(differ) == "unfinished, killed"
    differ = made(tags={"outcome": "learned", "outcomes": "1 learned, 1 stalled"})
    assert words.outcome_in_full(differ) == "learned (1 learned, 1 stalled)"
    assert words.outcome_in_full(made(params={"training.epochs": "0"})) == "not trained"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://host:8080/mlflow/", "http://host:8080/mlflow/#/experiments/7/runs/r"),
        ("https://user:secret@host", "https://host/#/experiments/7/runs/r"),
        ("sqlite:////home/me/mlflow.db", "http://127.0.0.1:5000/#/experiments/7/runs/r"),
        ("postgresql://me:secret@host/db", "http://127.0.0.1:5000/#/experiments/7/runs/r"),
    ],
)
def test_links_lead_to_the_run_and_tell_no_password(uri, expected):
    assert table.link(made(id="r", uri=uri)) == expected
    note = page.note(uri)
    assert "secret" not in note
    assert ("mlflow ui" in note) == expected.startswith("http://127.0.0.1")
    assert "/home" not in note


def test_profiles_are_means_over_replicas_of_what_was_measured_at_initialization(written):
    rng = np.random.default_rng(0)
    delta, share = 10 ** rng.normal(size=(2, 3, 4)), rng.uniform(size=(2, 3, 4))
    arrays = {"delta_rms": delta, "saturated_fraction": share, "theory_delta_rms": np.array([1e-3, 1e-2, 0.1, 1])}
    (run,) = data(written([made(depth=4, replicas=3, arrays=arrays)]))
    student = 4.303  # 97.5 % point for three values, from a table
    for moment, layer in product(range(2), range(4)):
        logs = [math.log10(delta[moment, r, layer] / delta[moment, r, 3]) for r in range(3)]
        mean = sum(logs) / 3
        half = student * math.sqrt(sum((v - mean) ** 2 for v in logs) / 2 / 3)
        gradient, saturation = (run[name]["moments"][moment] for name in ("delta_rms", "saturated_fraction"))
        assert gradient["middle"][layer] == pytest.approx(mean, abs=6e-3)
        assert gradient["half"][layer] == pytest.approx(half, abs=6e-3)
        assert saturation["middle"][layer] == pytest.approx(share[moment, :, layer].mean(), abs=6e-3)
    assert run["steps"] == [0, 10]
    assert run["delta_rms"]["theory"] == [-3, -2, -1, 0]
    assert run["saturated_fraction"]["theory"] == []
    assert run["limits"] == [-3, 3]


def test_what_is_not_finite_is_null_and_said(written):
    strange = np.array([[[0.0, math.inf, math.nan, 1.0]] * 2] * 2)
    zero, unknown = np.zeros((2, 2, 4)), np.full((2, 2, 4), math.nan)
    gone = made("gone")
    del gone.arrays  # a run without its file

    class Gone(SimpleNamespace):
        @property
        def arrays(self):
            raise NotMeasured("gone (killed) has no statistics.npz")

    runs = [
        made("a", depth=4, arrays={"delta_rms": strange, "activation_rms": strange, "theory_delta_rms": strange[0, 0]}),
        made("b", depth=4, arrays={"delta_rms": zero, "activation_rms": zero, "saturated_fraction": unknown}),
        made("c", depth=0),
        Gone(**vars(gone)),
    ]
    a, b, c, d = data(written(runs))
    assert a["delta_rms"]["moments"][0]["middle"] == [None, None, None, 0]
    assert a["delta_rms"]["theory"] == [None, None, None, 0]
    assert b["delta_rms"]["moments"][0]["note"] == "no gradient reaches any hidden layer"
    assert b["activation_rms"]["moments"][0]["note"] == "0 in every layer"
    assert b["saturated_fraction"]["moments"][0]["middle"] == [None] * 4
    assert c["delta_rms"]["moments"][0]["note"] == "no hidden layer"
    assert d["delta_rms"]["moments"][0]["note"] == d["curve"]["note"] == "gone (killed) has no statistics.npz"


def test_many_deep_cells_make_a_small_page_that_is_the_same_twice(written):
    rng = np.random.default_rng(0)
    arrays = {name: rng.lognormal(size=(2, 3, 50)) for name in layer_by_layer.LOG_SCALED}
    theory = {f"theory_{name}": rng.lognormal(size=50) for name in layer_by_layer.LOG_SCALED}
    curve = {"curve_step": np.arange(1000), "curve_accuracy_test": rng.uniform(size=(1000, 3))}
    cells = [(f"init{i}", activation, 50) for i in range(50) for activation in ("tanh", "relu", "elu", "gelu")]
    runs = [made(*cell, replicas=3, arrays=arrays | theory | curve) for cell in cells]
    first = written(runs).read_bytes()
    assert len(first) < 2e6
    assert written(runs).read_bytes() == first


def test_figures_are_inside_and_a_missing_one_says_why(written, tmp_path):
    png, svg = tmp_path / "a.png", tmp_path / "a.svg"
    png.write_bytes(PIXEL)
    svg.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    drawn = [Drawn("a", "Two pages", (png, svg)), Drawn("b", "Lost & gone", (), "none of <these> runs has it")]
    text = written([made()], drawn).read_text("utf-8")
    images = [attributes for tag, attributes in Markup(text).tags if tag == "img" and attributes.get("src")]
    assert [image["alt"] for image in images] == ["Two pages, page 1 of 2", "Two pages, page 2 of 2"]
    kinds, contents = zip(*(image["src"].split(";base64,") for image in images), strict=True)
    assert kinds == ("data:image/png", "data:image/svg+xml")
    assert [base64.b64decode(content) for content in contents] == [png.read_bytes(), svg.read_bytes()]
    assert "Lost &amp; gone</b> is missing: none of &lt;these&gt; runs has it" in text


def test_nothing_outside_the_file_is_used(written, sweep, tmp_path):
    (tmp_path / "a.png").write_bytes(PIXEL)
    path = written(sweep, [Drawn("a", "A", (tmp_path / "a.png",))])
    text = path.read_text("utf-8")
    links = [
        (tag, value) for tag, a in Markup(text).tags for key, value in a.items() if key in ("src", "href", "srcset")
    ]
    outside = [(tag, value) for tag, value in links if not value.startswith(("data:", "#"))]
    assert len(outside) == len(sweep)
    assert all(tag == "a" and value.startswith(table.MLFLOW_UI) for tag, value in outside)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(|sendBeacon", text)
    assert "default-src 'none'" in text


def test_columns_without_content_are_left_out(written, sweep):
    text = written(sweep).read_text("utf-8")
    headings = re.findall(r"<th [^>]*><button[^>]*>([^<]*)", text)
    assert headings == [
        *("activation", "init", "depth", "verdict", "after training", "theory predicts", "outcome"),
        *("test accuracy", "gradient first/last", "evidence"),
    ]
    for run in sweep:
        run.tags.pop("verdict_predicted", None)
        run.metrics["theory/discrepancy"] = 0.25
    headings = re.findall(r"<th [^>]*><button[^>]*>([^<]*)", written(sweep).read_text("utf-8"))
    assert "theory predicts" not in headings
    assert "error of theory (powers of ten)" in headings


@browser
def test_the_table_filters_by_words_and_by_verdicts(written, sweep, browse):
    answer = browse(
        written(sweep),
        """
        const seen = {all: visible()};
        type("RELU  stalled"); seen.words = visible(); seen.count = find("#count").textContent;
        type("no such thing"); seen.none = visible();
        type("");
        const chip = (name) => chips.find((chip) => chip.value === name);
        chip("vanishing").click(); seen.chip = visible(); seen.pressed = chip("vanishing").ariaPressed;
        chip("healthy").click(); seen.two = visible();
        type("10"); seen.both = visible();
        type(""); chip("vanishing").click(); chip("healthy").click(); seen.again = visible();
        seen.chips = texts(".chips button");
        return seen;""",
    )
    assert answer["all"] == answer["again"] == [run.name for run in sweep]
    assert answer["words"] == ["zeros-relu-d2", "zeros-relu-d10"]
    assert answer["count"] == "2 of 7 cells"
    assert answer["none"] == []
    assert answer["chip"] == ["he-relu-d2"]
    assert answer["pressed"] == "true"
    assert answer["two"] == ["he-tanh-d2", "he-tanh-d10", "he-relu-d2"]
    assert answer["both"] == ["he-tanh-d10"]
    assert answer["chips"] == ["= symmetric 4", "● healthy 2", "▼ vanishing 1"]


@browser
def test_the_table_sorts_numbers_by_size_and_names_by_letters(written, sweep, browse):
    answer = browse(
        written(sweep),
        """
        const by = (name) => {
          const header = headers.find((header) => header.textContent === name);
          find("button", header).click();
          return [header.ariaSort, findAll(".wide tbody tr").map((row) => row.cells[header.cellIndex].textContent)];
        };
        const ratio = "gradient first/last";
        return {ratio: by(ratio), down: by(ratio), depth: by("depth"), init: by("init"),
          sorted: headers.filter((header) => header.ariaSort !== "none").length};""",
    )
    up = ["3e-07", "0.5", "2.5", "9", "12", "1e+03"]
    assert answer["ratio"] == ["ascending", [*up, "–"]]
    assert answer["down"] == ["descending", [*reversed(up), "–"]]  # what is not known stays last
    assert answer["depth"] == ["ascending", ["2"] * 4 + ["10"] * 3]
    assert answer["init"] == ["ascending", ["he"] * 3 + ["zeros"] * 4]
    assert answer["sorted"] == 1


@browser
def test_choosing_a_network_changes_its_profile_verdict_and_evidence(written, sweep, browse):
    answer = browse(
        written(sweep),
        """
        const chart = find("[data-chart=delta_rms]"), number = (kind) => findAll(kind, chart).length;
        const seen = () => ({
          name: shown.name, verdict: find("#verdict").textContent, evidence: find("[data-of=evidence]").textContent,
          outcome: find("[data-of=outcome]").textContent, said: find("#said").textContent, text: chart.textContent,
          drawn: [".dot", ".predicted", ".band", ".shade"].map(number), label: chart.ariaLabel,
          row: find("[aria-current=true]").dataset.run, absent: texts(".absent"),
        });
        const pick = (name) => {
          findAll("#controls label").find((label) => label.textContent === name).click();
          return seen();
        };
        return {controls: groups.map((group) => group.map((radio) => radio.parentElement.textContent)), first: seen(),
          zeros: pick("zeros"), relu: pick("relu"), he: pick("he"), shallow: pick("2")};""",
    )
    assert answer["controls"] == [["tanh", "relu"], ["zeros", "he"], ["2", "10"]]
    first, zeros, relu, he, shallow = (answer[name] for name in ("first", "zeros", "relu", "he", "shallow"))
    assert first["name"] == "he-tanh-d10"  # the steepest gradient
    assert first["drawn"] == [10, 1, 1, 2]
    assert all(name in first["text"] for name in ("vanishing", "exploding", "input side", "output side"))
    assert first["label"].startswith("Gradient: 0.0000112 at hidden layer 1, 1 at ")  # 10^-4.95, between -4.5 and -5.4
    assert first["absent"] == ["relu"]
    assert (zeros["name"], zeros["verdict"], zeros["outcome"]) == ("zeros-tanh-d10", "= symmetric", "stalled")
    assert zeros["evidence"] == "distinct units: 1"
    assert zeros["drawn"][0] == 0
    assert "no gradient reaches any hidden layer" in zeros["text"]
    assert relu["name"] == "zeros-relu-d10"
    assert he["name"] == "he-tanh-d10"
    assert he["said"] == "There is no run of relu, he, 10. This is he-tanh-d10."
    assert (shallow["name"], shallow["said"]) == ("he-tanh-d2", "")
    assert shallow["drawn"][0] == 2
    assert shallow["label"].startswith("Gradient: 0.282 at")  # 10^-0.55
    assert shallow["row"] == str([run.name for run in sweep].index("he-tanh-d2"))


@browser
def test_the_line_drawn_is_the_profile(written, browse):
    arrays = {"delta_rms": np.array([[[1e-6, 1e-3, 1.0]] * 2] * 2)}
    points = browse(
        written([made(arrays=arrays)]),
        """
        const svg = find("[data-chart=delta_rms]"), at = (y) => Number(y.getAttribute("y")) - 5;
        const ticks = findAll("text[text-anchor=end]", svg)
          .filter((text) => ["1", "10⁻⁶"].includes(text.textContent)).map(at);
        return [findAll(".dot", svg).map((dot) => Number(dot.getAttribute("cy"))), ticks];""",
    )
    (low, middle, high), ticks = points
    assert low == pytest.approx(max(ticks[:2]), abs=0.2)
    assert high == pytest.approx(min(ticks[:2]), abs=0.2)
    assert middle == pytest.approx((low + high) / 2, abs=0.2)


@browser
def test_a_network_is_kept_to_compare_and_a_row_shows_its_own(written, sweep, browse):
    answer = browse(
        written(sweep),
        """
        const kept = () => findAll(".charts .kept").length;
        const seen = [kept()];
        find("#keep").click(); seen.push(kept());
        find("button", rows[4]).click(); seen.push(kept(), shown.name, find("#kept").textContent.trim());
        find("button", rows[5]).click(); find("#keep").click(); seen.push(kept(), find("#keep").textContent);
        return seen;""",
    )
    assert answer == [0, 0, 5, "he-tanh-d2", "kept: he-tanh-d10", 0, "Keep its lines to compare"]


@browser
def test_a_fourth_control_tells_what_else_varies(written, browse):
    runs = [made(params={"lr": lr, "optimizer.lr": lr}, name=f"lr={lr}") for lr in ("10", "0.1", "1")]
    answer = browse(
        written(runs),
        """groups[3][2].click();
        return [texts("legend"), groups[3].length, shown.name];""",
    )
    assert answer == [["activation", "init", "depth", "learning rate"], 3, "lr=10"]


@browser
def test_figures_enlarge_and_the_arrow_keys_lead_through_them(written, browse, tmp_path):
    (tmp_path / "a.png").write_bytes(PIXEL)
    paths = (tmp_path / "a.png",)
    drawn = [Drawn("a", "First", paths * 2), Drawn("b", "None", (), "gone"), Drawn("c", "Last", paths)]
    answer = browse(
        written([made()], drawn),
        """
        const picture = () => find("img", viewer).src.startsWith("data:image/png");
        const title = () => [viewer.open, find("#viewer-title").textContent, picture()];
        const seen = [viewer.open];
        findAll("#figures button")[1].click(); seen.push(title());
        press("ArrowRight"); seen.push(title());
        press("ArrowRight"); seen.push(title());
        press("ArrowLeft"); seen.push(title());
        find("[value='0']", viewer).click(); seen.push(viewer.open);
        return seen;""",
    )
    second, third = "First, page 2 of 2 (2 of 3)", "Last (3 of 3)"
    first = "First, page 1 of 2 (1 of 3)"
    shown = [[True, title, True] for title in (second, third, first, third)]
    assert answer == [False, *shown, False]


def hostile():
    return [
        made(HOSTILE, name=HOSTILE, tags={"sweep": HOSTILE, "evidence": HOSTILE, "outcomes": HOSTILE}),
        made("he", HOSTILE, name="</script>", uri='http://h"ost/<b>', id="<i>", params={"data": HOSTILE}),
        made("he", params={HOSTILE: "1"}, tags={"verdict": HOSTILE, "verdict_final": HOSTILE}),
        made("he", params={HOSTILE: HOSTILE}, tags={"verdict_predicted": HOSTILE, "outcome": HOSTILE}),
    ]


def test_what_users_typed_stays_text(written, tmp_path):
    (tmp_path / "a.png").write_bytes(PIXEL)
    harmless, typed = [
        Markup(
            written(runs, [Drawn("a", title, (tmp_path / "a.png",)), Drawn("b", title, (), title)]).read_text("utf-8")
        )
        for title, runs in (("x", [made(), made("he"), made("lecun"), made("zeros")]), (HOSTILE, hostile()))
    ]
    assert [a for tag, a in typed.tags if tag == "img"] == [
        {"src": a["src"], "alt": HOSTILE} if "src" in a else a for tag, a in harmless.tags if tag == "img"
    ]
    assert sum(tag == "script" for tag, _ in typed.tags) == sum(tag == "script" for tag, _ in harmless.tags) == 2
    assert not any(key.startswith("on") for _, attributes in typed.tags for key in attributes)
    assert HOSTILE in "".join(typed.text)


@browser
def test_hostile_names_run_nothing_and_work(written, browse, tmp_path):
    (tmp_path / "a.png").write_bytes(PIXEL)
    path = written(hostile(), [Drawn("a", HOSTILE, (tmp_path / "a.png",)), Drawn("b", HOSTILE, (), HOSTILE)])
    answer = browse(
        path,
        """
        groups.flat().forEach((radio) => radio.click());
        find("#keep").click(); rows.forEach((row) => find("button", row).click());
        headers.forEach((_, i) => sort(i)); chips.forEach((chip) => chip.click());
        find("#figures button").click();
        return [document.images.length, find("#kept span").textContent, find("#viewer-title").textContent];""",
    )
    assert answer[0] == 2
    assert answer[2] == f"{HOSTILE} (1 of 1)"


@browser
@pytest.mark.parametrize("case", ["one", "flat", "regression", "without theory", "not finite", "not trained", "gone"])
def test_every_kind_of_sweep_can_be_looked_through(case, written, browse):
    loss = {"curve_loss_test": np.array([[1.0, 2.0], [math.inf, 0.5], [math.nan, 1e-9]])}
    regression = made(arrays=loss, metrics={"final/loss_test": 0.25, "final/loss_test_ci95": math.nan})
    del regression.arrays["curve_accuracy_test"], regression.metrics["final/accuracy_test"]
    plain = made()
    del plain.tags["verdict_predicted"]
    plain.arrays = {name: array for name, array in plain.arrays.items() if not name.startswith("theory_")}
    broken = np.array([[[0.0, math.inf, 1e300], [math.nan, -0.0, 1e-300]]] * 2)
    arrays = dict.fromkeys(("delta_rms", "activation_rms", "saturated_fraction"), broken)
    metrics = dict.fromkeys(("final/accuracy_test", "final/gradient_ratio_init"), math.nan)
    start = {"curve_step": np.array([0]), "curve_accuracy_test": np.array([[0.1, 0.1]])}
    runs = {
        "one": [made(depth=1, replicas=1)],
        "flat": [made(depth=0), made(depth=2)],
        "regression": [regression, made("he", arrays=loss)],
        "without theory": [plain],
        "not finite": [made(arrays=arrays, metrics=metrics, tags={"outcome": "diverged"}), made("he")],
        "not trained": [made(params={"training.epochs": "0"}, arrays=start)],
        "gone": [made(arrays={name: np.full((2, 2, 3), math.nan) for name in layer_by_layer.LOG_SCALED})],
    }[case]
    answer = browse(
        written(runs),
        """
        groups.flat().forEach((radio) => radio.click());
        find("#keep").click(); [...runs].reverse().forEach(show);
        headers.forEach((_, i) => sort(i)); type("tanh");
        const bad = findAll("svg *").filter((part) => /NaN|undefined|Infinity|null/.test(part.outerHTML));
        return {visible: visible().length, bad: bad.length,
          text: find("main").textContent};""",
    )
    assert answer["visible"] == len(runs)
    assert answer["bad"] == 0
    assert not re.search("undefined|NaN|null", answer["text"])
    says = {"regression": "test loss", "not finite": "0 or not finite at", "not trained": "not trained"}
    assert says.get(case, "") in answer["text"]


@browser
def test_the_page_of_a_real_sweep(sweep_uri, written, browse):
    runs = load_runs(sweep_uri)
    answer = browse(written(runs), "return [visible(), shown.name, findAll('.charts .dot').length]")
    assert answer[:2] == [[run.name for run in runs], "identical-tanh-d3"]  # the steepest gradient
    assert answer[2] > 9


def test_a_dark_report_has_a_dark_page(tmp_path):
    texts = {}
    for looks in ("light", "dark"):
        page.write(tmp_path / "index.html", [made()], [], ["he-tanh-d9 (failed) has measured <nothing>"], looks)
        texts[looks] = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in texts["light"]
    assert "prefers-color-scheme" not in texts["dark"]
    assert "color-scheme: dark;" in texts["dark"]
    assert "<p>Left out: he-tanh-d9 (failed) has measured &lt;nothing&gt;.</p>" in texts["light"]


# The answer, and the grid


def test_the_answer_names_what_learned_and_each_cause(sweep):
    told = answer(sweep)
    assert told[0] == "3 of 7 cells learned; the best is he-tanh-d2, with test accuracy 0.899, 0.901."
    assert told[1] == "Learned at every depth: tanh with he, relu with he."
    assert told[2:] == [
        "tanh or relu with 2 or 10 hidden layers, zeros: symmetric. All units of a layer are the same, and get "
        "the same gradient."
    ]


def test_the_answer_tells_ranges_of_gradients_and_what_theory_said(sweep):
    lost = [run for run in sweep if run.params["init"] == "he"]
    for run, ratio, predicted in zip(lost, (1e-12, 3e-5, math.nan), ("vanishing", "healthy", "vanishing"), strict=True):
        run.tags |= {"verdict": "vanishing", "outcome": "stalled", "verdict_predicted": predicted}
        run.metrics["final/gradient_ratio_init"] = ratio
    told = answer(lost)
    assert told[0] == "0 of 3 cells learned."
    assert told[1] == (
        "tanh with 2 or 10 hidden layers, he: vanishing. The first hidden layer gets 1e-12 to 3e-5 times the gradient "
        "of the last; theory predicted it in 1 of 2."
    )
    assert told[2] == "relu with 2 hidden layers, he: vanishing. It is not finite, as theory predicted."


def test_a_healthy_network_that_stalls_has_the_reason_that_was_foreseen(sweep):
    run = next(run for run in sweep if run.params["init"] == "he")
    reason = "stalls, by theory: too slow: all steps together remove 0.002 of the error (too little: 0.005)"
    run.tags |= {"outcome": "stalled", "outcome_predicted": "stalls", "outcome_predicted_reason": reason}
    assert answer([run])[1] == (
        "tanh with 2 hidden layers, he: healthy at the start, but stalled. Signals and gradients get through, but "
        "training is too slow: all steps together remove 0.002 of the error (too little: 0.005)."
    )
    run.tags["outcome_predicted"] = "learns"
    assert "Nothing at the start tells why." in answer([run])[1]
    run.tags["outcome_by_pilot"] = "stalls"
    assert "Nothing at the start tells why, but the pilot foresaw it." in answer([run])[1]


def test_of_several_healthy_networks_that_fail_each_foreseen_cause_is_counted(sweep):
    """Networks of one activation may fail for different reasons, as those of different learning rates do."""
    rates = ("0.001", "0.01", "1", "2")
    runs = [made("he", "relu", 2, params={"lr": lr}, name=f"he-relu-d2-lr={lr}") for lr in rates]
    causes = (("stalls", "too slow: 1"), ("stalls", "too slow: 2"), ("diverges", "too fast: 3"), ("learns", "all: 4"))
    for run, (foreseen, reason) in zip(runs, causes, strict=True):
        told = {"outcome_predicted": foreseen, "outcome_predicted_reason": f"{foreseen}, by theory: {reason}"}
        told["outcome_by_pilot"] = "is slow" if foreseen == "learns" else foreseen
        run.tags |= {"outcome": "diverged" if foreseen == "diverges" else "stalled", **told}
    _, cause, surprise = answer(runs)
    assert cause.endswith(
        "training is too slow in 2 cells and too fast in 1 cell, as was foreseen; "
        "nothing at the start tells why in 1 other cell."
    )
    assert surprise == (
        f"1 of 4 outcomes was not foreseen by the pilot: {runs[3].name} (expected to be slow, but stalled)."
    )
    runs[3].tags["outcome"] = "slow"
    assert answer(runs)[-1] == "The pilot foresaw every outcome before training (4 of 4)."


def test_a_slow_network_has_not_learned(sweep):
    run = next(run for run in sweep if run.params["init"] == "he")
    run.tags["outcome"] = "slow"
    told = answer([run])
    assert told[0] == "0 of 1 cell learned."
    assert told[1].startswith("tanh with 2 hidden layers, he: healthy at the start, but slow.")


def test_both_forecasts_are_shown_and_flagged_where_they_differ(written, sweep):
    """The pilot trains: what it foresees must not pass for theory."""
    run = sweep[-1]
    run.tags |= {"outcome_by_pilot": "is slow", "outcome_by_pilot_reason": "is slow, by the pilot: 10 %"}
    run.tags |= {"outcome_predicted": "learns", "outcome_predicted_reason": "learns, by theory: all steps"}
    run.metrics["final/gained"] = 0.22
    run.arrays |= {"linear_gain": np.array(0.9), "foreseen_step": np.array([0, 4])}
    run.arrays["foreseen_accuracy_train"] = np.array([0.1, 0.3])
    entry = layer_by_layer.entry(run)
    assert entry["by_pilot"] == "is slow, by the pilot: 10 %"
    assert entry["by_rule"] == "learns, by theory: all steps; the pilot says otherwise: near a border"
    assert entry["gained"] == "0.22; a linear model 0.90"
    assert (entry["curve"]["foreseen_step"], entry["curve"]["foreseen"]) == ([0, 4], [0.1, 0.3])
    text = written(sweep).read_text("utf-8")
    assert "is slow (theory: learns)" in text
    assert f"Theory and the pilot disagree on {run.name}: near a border." in text
    assert "The pilot foresaw the outcome of 0 of 1 cell; not that of" in text
    run.tags["outcome_predicted"] = "is slow"
    assert layer_by_layer.entry(run)["by_rule"] == "learns, by theory: all steps"
    assert "disagree on" not in written(sweep).read_text("utf-8")


def test_what_was_not_trained_has_no_outcome_to_answer(sweep):
    for run in sweep:
        run.params["training.epochs"] = "0"
    told = answer(sweep)
    assert told[0] == "None of the 7 cells was trained."
    assert all("healthy" not in sentence for sentence in told)


@browser
def test_choosing_a_tile_shows_the_network_and_the_address_names_it(written, sweep, browse):
    found = browse(
        written(sweep),
        """
        const tiles = findAll(".map button");
        tiles.find((tile) => runs[tile.dataset.run].name === "he-relu-d2").click();
        return {tiles: tiles.map((tile) => runs[tile.dataset.run].name), labels: tiles.map((tile) => tile.ariaLabel),
          shown: shown.name, hash: location.hash, current: texts(".map [aria-current=true] b"),
          missing: findAll(".map .no-cell").length, head: texts(".map thead th")};""",
    )
    assert sorted(found["tiles"]) == sorted(run.name for run in sweep)
    assert found["missing"] == 1
    assert (found["shown"], found["hash"], found["current"]) == ("he-relu-d2", "#cell=he-relu-d2", ["0.900"])
    assert found["head"] == ["tanh", "relu", "2", "10", "2", "10"]
    assert (
        "0.900 stalled, zeros-tanh-d2: symmetric, then healthy; stalled; test accuracy 0.899, 0.901" in found["labels"]
    )


@browser
def test_the_address_chooses_a_network_and_all_else_that_is_shown(written, sweep, browse):
    path = written(sweep)
    assert browse(path, "return shown.name;", "#cell=zeros-relu-d10") == "zeros-relu-d10"
    assert browse(path, "return shown.name;", "#cell=no-such-cell") == "he-tanh-d10"  # the steepest gradient
    assert browse(path, "return shown.name;", "#figures") == "he-tanh-d10"
    address = "#cell=he-relu-d2&step=9&filter=tanh&verdicts=symmetric+vanishing&sort=descending+depth"
    seen = browse(
        path,
        """return {shown: shown.name, moment, step: find("#step").textContent, rows: visible(), hash: location.hash,
        count: find("#count").textContent};""",
        address,
    )
    assert (seen["shown"], seen["moment"], seen["step"]) == ("he-relu-d2", 1, "after 10 steps, at the end")
    assert seen["rows"] == ["zeros-tanh-d10", "zeros-tanh-d2"]
    assert seen["count"] == "2 of 7 cells"
    assert seen["hash"] == address.replace("step=9", "step=10")  # the nearest that was recorded


@browser
def test_what_is_chosen_filtered_and_sorted_goes_to_the_address(written, sweep, browse):
    hashes = browse(
        written(sweep),
        """
        const seen = [];
        find("#moment").value = 1; find("#moment").dispatchEvent(new Event("input")); seen.push(location.hash);
        type("relu"); findAll(".chips button").find((chip) => chip.value === "healthy").click();
        findAll(".wide th button")[0].click(); seen.push(location.hash);
        location.hash = "#cell=he-relu-d2"; dispatchEvent(new Event("hashchange")); seen.push(shown.name);
        return seen;""",
    )
    assert hashes[0] == "#cell=he-tanh-d10&step=10"
    assert hashes[1] == "#cell=he-tanh-d10&step=10&filter=relu&verdicts=healthy&sort=ascending+activation"
    assert hashes[2] == "he-relu-d2"


@browser
def test_a_kept_network_with_fewer_layers_has_no_value_in_the_others(written, browse):
    runs = [made(depth=depth, arrays={"delta_rms": np.ones((2, 2, depth))}) for depth in (2, 4)]
    told = browse(
        written(runs),
        """
        show(runs[0]); find("#keep").click(); show(runs[1]);
        const svg = find("[data-chart=delta_rms]"), out = find("output", svg.parentElement), seen = [];
        svg.focus(); press("ArrowRight"); seen.push(out.textContent); press("End"); seen.push(out.textContent);
        return seen;""",
    )
    assert told[0].endswith("kept 1")
    assert told[1].endswith("kept has none")


@browser
def test_an_interval_of_a_share_stays_a_share(written, browse):
    told = browse(
        written([made(replicas=3, arrays={"saturated_fraction": np.array([[[0.0] * 3, [0.2] * 3, [0.02] * 3]] * 2)})]),
        """
        const svg = find("[data-chart=saturated_fraction]"); svg.focus(); press("ArrowRight");
        return find("output", svg.parentElement).textContent;""",
    )
    assert "(0 to " in told


@browser
def test_an_address_may_name_a_part_of_the_page(written, sweep, browse):
    shown = browse(written(sweep), "return [scrollY > 0, location.hash.slice(0, 6)];", "#figures")
    assert shown == [True, "#cell="]


@browser
def test_charts_tell_their_values_by_pointer_and_by_arrow_keys(written, browse):
    arrays = {"delta_rms": np.array([[[1e-2, 1e-1, 1.0]] * 2] * 2)}
    seen = browse(
        written([made(arrays=arrays)]),
        """
        const svg = find("[data-chart=delta_rms]"), out = find("output", svg.parentElement), seen = [];
        svg.focus(); press("ArrowRight"); seen.push(out.textContent);
        press("ArrowRight"); seen.push(out.textContent, svg.getAttribute("aria-valuetext"), svg.ariaValueNow);
        press("End"); press("ArrowRight"); seen.push(out.textContent);
        const dot = findAll(".dot", svg)[0].getBoundingClientRect();
        svg.dispatchEvent(new PointerEvent("pointermove", {clientX: dot.left + 2, clientY: dot.top}));
        seen.push(out.textContent, findAll(".hair", svg).length);
        svg.dispatchEvent(new PointerEvent("pointerleave")); seen.push(out.textContent);
        return seen;""",
    )
    first, second, third = (
        f"hidden layer {layer}: {value}, theory {theory}"
        for layer, value, theory in ((1, 0.01, 0.1), (2, 0.1, 0.316), (3, 1, 1))
    )
    assert seen == [first, second, second, "1", third, first, 1, ""]


@browser
def test_the_distribution_is_that_of_the_histogram(written, browse):
    """Two layers: in the first every value is in the third lowest of twenty bins, in the second half in the last."""
    counts = np.zeros((2, 2, 2, 60), np.int64)
    counts[:, :, 0, 6:9] = 10
    counts[:, :, 1, 0] = 30
    counts[:, :, 1, 59] = 30
    arrays = {"sizes": np.array([8, 5, 5, 3]), "histogram_step": np.array([0, 10])}
    for name in ("activation", "preactivation", "delta"):
        arrays |= {f"{name}_histogram": counts, f"{name}_edges": np.linspace(-1, 1, 61)}
    path = written([made(depth=2, arrays=arrays)])
    (run,) = data(path)
    codes = run["distribution"]["kinds"]["activation"]["moments"]
    assert run["distribution"]["layers"] == [1, 2]
    assert codes == ["00z" + 17 * "0" + "z" + 18 * "0" + "z"] * 2
    bins = browse(
        path,
        """
        const svg = find("[data-chart=distribution]"), at = (bin, name) => Number(bin.getAttribute(name));
        return findAll(".bin", svg).map((bin) => Math.round((BOTTOM - at(bin, "y")) / at(bin, "height")));""",
    )
    assert bins == [3, 1, 20]  # counted from the bottom


@browser
def test_regions_in_the_plane_are_those_of_the_moment(written, browse):
    frames = np.zeros((2, 4, 4), np.int16)
    frames[1, 2:] = 1  # the upper half
    arrays = {
        "decision_frames": frames, "decision_axes": np.array([[0.0, 1.0], [0.0, 2.0]]),
        "decision_points": np.array([[0.25, 0.5], [0.5, 2.0]]), "decision_classes": np.array([0, 1]),
    }  # fmt: skip
    path = written([made(arrays=arrays), made("he")])
    first, second = (run["regions"] for run in data(path))
    assert first["moments"] == ["16a", "8a8b"]
    assert first["points"] == [[0.25, 0.25, "a"], [0.5, 1.0, "b"]]
    assert second is None
    found = browse(
        path,
        """
        const at = (rect, name) => rect.getAttribute(name);
        const rows = () => findAll("#regions rect").map((rect) => [at(rect, "class"), Number(at(rect, "y"))]);
        show(runs[0]);
        const start = rows();
        find("#moment").value = 1; find("#moment").dispatchEvent(new Event("input"));
        const end = rows(), there = !find("#regions").hidden;
        show(runs[1]);
        return {start, end, there, gone: find("#regions").hidden, dots: 0};""",
    )
    assert {kind for kind, _ in found["start"]} == {"class-a"}
    assert sorted(found["end"], key=lambda row: row[1])[0][0] == "class-b"  # at the top
    assert sorted(found["end"], key=lambda row: -row[1])[0][0] == "class-a"
    assert (found["there"], found["gone"]) == (True, True)


@browser
def test_the_slider_moves_all_profiles_and_the_cursor(written, browse):
    depth, replicas, snapshots = 3, 2, 4
    delta = 10.0 ** -np.arange(snapshots)[:, None, None] * np.ones((snapshots, replicas, depth))
    delta[..., -1] = 1.0
    share = np.linspace(0.1, 0.4, snapshots)[:, None, None] * np.ones((snapshots, replicas, depth))
    arrays = {"delta_rms": delta, "saturated_fraction": share, "activation_rms": share, "update_ratio": share / 100}
    answer = browse(
        written([made(arrays=arrays | {"step": np.array([0, 1, 4, 10])})]),
        """
        const first = (name) => {
          const svg = find(`[data-chart=${name}]`);
          tell(svg, 0);
          return find("output", svg.parentElement).textContent.split(",")[0];
        };
        const cursor = () => (find("[data-chart=curve] .cursor") || {getAttribute: () => null}).getAttribute("d");
        const seen = () => ({gradient: first("delta_rms"), share: first("saturated_fraction"), cursor: cursor(),
          step: find("#step").textContent, ghosts: findAll(".charts .ghost").length, ghost: find("#ghost").hidden});
        const move = (to) => {
          find("#moment").value = to; find("#moment").dispatchEvent(new Event("input")); return seen();
        };
        return {most: find("#moment").max, start: seen(), middle: move(2), end: move(3)};""",
    )
    assert answer["most"] == "3"
    start, middle, end = (answer[name] for name in ("start", "middle", "end"))
    assert (start["gradient"], start["step"], start["ghosts"], start["ghost"]) == (
        "hidden layer 1: 1", "before training", 0, True
    )  # fmt: skip
    assert (middle["gradient"], middle["share"]) == ("hidden layer 1: 0.01", "hidden layer 1: 0.3")
    assert (middle["step"], middle["ghosts"], middle["ghost"]) == ("after 4 steps", 4, False)
    assert (end["gradient"], end["step"]) == ("hidden layer 1: 0.001", "after 10 steps, at the end")
    assert len({start["cursor"], middle["cursor"], end["cursor"]}) == 3


@browser
def test_play_shows_one_moment_after_another(written, browse):
    arrays = {"step": np.array([0, 10])}
    answer = browse(
        written([made(arrays=arrays)]),
        """
        const real = setInterval, frames = [];
        window.setInterval = (frame) => { frames.push(frame); return 1; };
        find("#play").click();
        const seen = [moment, find("#play").ariaPressed];
        frames[0](); seen.push(moment, find("#step").textContent);
        frames[0](); seen.push(find("#play").ariaPressed);
        find("#play").click(); seen.push(moment);
        window.setInterval = real;
        return seen;""",
    )
    assert answer == [0, "true", 1, "after 10 steps, at the end", "false", 0]


@browser
@pytest.mark.skipif(not AXE.exists(), reason="needs npm install --no-save axe-core")
@pytest.mark.parametrize("size", [(1400, 1000), (500, 900)])
def test_axe_finds_nothing_serious(written, sweep, browse, tmp_path, size):
    (tmp_path / "a.png").write_bytes(PIXEL)
    found = browse(
        written(sweep, [Drawn("a", "A", (tmp_path / "a.png",)), Drawn("b", "B", (), "nothing to draw")]),
        """
        const {violations, passes} = await axe.run(document, {resultTypes: ["violations", "passes"]});
        const told = violations.filter(({impact}) => impact === "serious" || impact === "critical")
          .map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html.slice(0, 120)).join(" | ")}`);
        return {told, passes: passes.length};""",
        library=AXE.read_text("utf-8"),
        size=size,
    )
    assert found["passes"] > 10
    assert found["told"] == []


@browser
def test_on_a_narrow_screen_rows_are_cards_and_letters_stay_large(written, sweep, browse):
    seen = browse(
        written(sweep),
        """
        const row = findAll(".wide tbody tr")[0], top = (cell) => cell.getBoundingClientRect().top;
        const cells = [...row.cells].sort((a, b) => top(a) - top(b)).map((cell) => cell.dataset.label ?? "links");
        const svg = find("[data-chart=delta_rms]"), scale = svg.clientWidth / svg.viewBox.baseVal.width;
        return {cells, letters: scale * parseFloat(getComputedStyle(find("text", svg)).fontSize),
          wide: document.documentElement.scrollWidth <= innerWidth, inner: innerWidth};""",
        size=(500, 900),
    )
    assert seen["cells"][:3] == ["verdict", "outcome", "test accuracy"]
    assert seen["letters"] >= 12
    assert seen["wide"], seen


def test_three_cells_are_cards_in_words_and_four_a_table(written, sweep):
    few = Markup(written(sweep[:3]).read_text("utf-8"))
    classes = [attributes.get("class", "") for _, attributes in few.tags]
    assert "few map" in classes
    assert "map" not in classes
    told = " ".join(few.text)
    assert "= symmetric › ● healthy" in told
    assert "distinct units: 1" in told
    many = Markup(written(sweep[:4]).read_text("utf-8"))
    assert "few map" not in [attributes.get("class", "") for _, attributes in many.tags]


def test_tiles_show_intervals_and_ticks_where_replicas_differ(written):
    curve = np.array([[0.1, 0.1], [0.1, 0.1], [0.2, 0.8]])
    mixed = made(tags={"outcomes": "1 learned, 1 stalled"}, arrays={"curve_accuracy_test": curve})
    runs = [mixed, *(made(init, replicas=5) for init in ("he", "zeros", "normal"))]
    for run in runs:
        run.tags.setdefault("outcomes", "5 learned")
    found = Markup(written(runs).read_text("utf-8"))
    marks = [attributes["style"] for name, attributes in found.tags if name == "u"]
    assert marks == ["--share:0.200", "--share:0.800"]
    assert "± 0.010" in " ".join(found.text)


def test_columns_are_the_setting_with_the_most_values_if_depth_is_always_the_same(written):
    runs = []
    for lr in ("0.01", "0.1", "1.0"):
        for width in ("32", "64"):
            run = made(params={"lr": lr, "optimizer.lr": lr, "width": width}, id=f"{lr}-{width}")
            run.name = f"xavier-tanh-d3-lr={lr}-width={width}"
            runs.append(run)
    text = written(runs).read_text("utf-8")
    assert "columns: activation, learning rate" in text
    head = text.split("<tbody>")[0].split('class="map"')[1]
    assert re.findall(r'scope="col">([^<]*)<', head) == ["0.01", "0.1", "1.0"]


def test_tiles_of_a_regression_are_filled_by_the_share_of_the_error_that_is_gone(written):
    runs = []
    for init, loss in (("he", 0.5), ("zeros", 2.0), ("normal", 5.0), ("xavier", math.nan)):
        run = made(init, arrays={"constant_loss": np.array(2.0)})
        run.metrics = {"final/loss_test": loss, "final/loss_test_ci95": 0.1}
        runs.append(run)
    tile = r'<button type="button" data-run="\d"[^>]*>'
    page = written(runs).read_text("utf-8")
    tiles = re.findall(tile, page)
    shares = [re.search(r"--share:([\d.]+)", tile) for tile in tiles]
    assert [share and float(share[1]) for share in shares] == [0.75, 0.0, 0.0, None]
    assert "1: 1 - test loss ÷ loss of the best constant" in page
    for run in runs:
        del run.arrays["constant_loss"]  # an older run
    assert "--share" not in "".join(re.findall(tile, written(runs).read_text("utf-8")))


def test_the_chance_is_marked_on_the_scale(written):
    runs = [made(init, arrays={"chance": np.array(0.25)}) for init in ("he", "zeros", "normal", "xavier")]
    assert 'class="chance" style="--share:0.250"' in written(runs).read_text("utf-8")
    runs[0].arrays["chance"] = np.array(0.5)  # they differ
    assert 'class="chance"' not in written(runs).read_text("utf-8")


def test_advice_is_in_the_card_of_a_network_and_under_the_answer():
    failed = made("zeros", tags={"outcome": "stalled", "advice": "init=he: why\noptimizer=adam: because"})
    hopeless, fine = made("sparse", tags={"outcome": "slow"}), made("he", tags={"advice": ""})
    told = [layer_by_layer.entry(run)["advice"] for run in (failed, hopeless, fine)]
    assert told[0] == "init=he: why; or optimizer=adam: because"
    assert told[1].startswith("nothing that was tried")
    assert told[2] == "nothing is needed: it learned"
    assert page.next_try([fine, hopeless, failed]) == ["Next, try init=he for zeros-tanh-d3: why."]
    assert page.next_try([fine, hopeless]) == []
