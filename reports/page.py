"""One page for a sweep, in one file: its question, a network to choose, the table of cells, and the figures."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import escape
from math import isfinite, nan
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
from numpy.typing import NDArray

from mlpstudy.config import NOT_SCIENCE
from mlpstudy.palette import VERDICT_COLOURS, colour
from mlpstudy.results import mean_and_interval
from mlpstudy.tracking import NotMeasured, Run
from mlpstudy.uris import database_path, redact
from reports.style import MIDDLE, Drawn

CELL = ("activation", "init", "depth")  # the params that name a cell
SHORT = ("width", "optimizer", "lr", "loss", "data", "gain", "replicas")  # params to prefer to their longer names
LABELS = {"lr": "learning rate"}
LOG_SCALED = {"delta_rms": True, "activation_rms": True, "saturated_fraction": False}  # the profiles
POINTS = 60  # of a learning curve
NONE = "–"
UNTRAINED = "not trained"
GREY = "#7f7f7f"
MLFLOW_UI = "http://127.0.0.1:5000"  # where `python -m mlflow ui` answers
MEANINGS = {
    "healthy": "Signals and gradients get through every layer.",
    "symmetric": "All units of some layer are the same. They get the same gradient and never part.",
    "dead": "In some layer nearly every unit is on the flat part of its activation, for every example.",
    "saturated": "Many activations of some layer are on the flat ends, where the slope is next to nothing.",
    "exploding": "Gradients grow on their way back to the input side, or something is no longer finite.",
    "vanishing": "Gradients fade on their way back: next to nothing is left for the input side.",
    "learned": "The training loss ended more than 5 % below that of the best constant output.",
    "stalled": "The training loss did not fall that far.",
    "diverged": "The training loss is no longer finite.",
}


def write(path: Path, runs: Sequence[Run], drawn: Sequence[Drawn]) -> None:
    """Write one file that works without any other and without a connection."""
    html, style, script = (
        Path(__file__).with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".html", ".css", ".js")
    )
    names, keys = coordinates(runs)
    options = {name: ordered(column) for name, column in zip(names, zip(*keys, strict=True), strict=True)}
    at = [[options[name].index(value) for name, value in zip(names, key, strict=True)] for key in keys]
    digest = b64encode(sha256(f"\n{script}\n".encode()).digest()).decode()  # of the one script that may run
    page = Template(html).substitute(
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        style=style,
        script=script,
        data=embedded([entry(run) | {"at": place} for run, place in zip(runs, at, strict=True)]),
        sweep=escape(listed(ordered(run.tags["sweep"] for run in runs), "and")),
        question=escape(question(runs)),
        grid=escape(grid(runs, options)),
        controls=joined(control(i, name, options[name]) for i, name in enumerate(names)),
        summary=escape(f"{outcomes(runs)} {agreement(runs)}"),
        chips=chips(runs),
        count=escape(f"{len(runs)} of {number(len(runs), 'cell')}"),
        table=table(runs, names, keys),
        note=note(runs[0].uri),
        glossary=joined(element(*part) for pair in MEANINGS.items() for part in zip(("dt", "dd"), pair, strict=True)),
        figures=joined(map(figure, drawn)),
    )
    path.write_text(page, encoding="utf-8")


class Html(str):
    """Markup, where any other string is text."""


def joined(parts: Iterable[str]) -> Html:
    """One after the other: markup as it is, text escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def element(name: str, /, *content: str, **attributes: object) -> Html:
    """`<name key="value">content</name>`; class_ and data_run become class and data-run."""
    pairs = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(str(v))}"' for key, v in attributes.items())
    return Html(f"<{name}{pairs}>" + ("" if name in ("img", "input") else f"{joined(content)}</{name}>"))


def embedded(data: object) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def number(n: int, thing: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{n} {thing}{'s' * (n != 1)}"


def listed(values: Sequence[str], last: str, most: int = 8) -> str:
    """`a, b or c`; where they are many, `a, b, c or 9 more`."""
    shown = [*values[:most], f"{len(values) - most} more"] if len(values) > most + 1 else list(values)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}" if len(shown) > 1 else "".join(shown)


def is_number(text: str) -> bool:
    """Has it a place among numbers?"""
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def ordered(values: Iterable[str]) -> list[str]:
    """Each value once: numbers by size, names in the order of the sweep."""
    found = list(dict.fromkeys(values))
    return sorted(found, key=float) if all(map(is_number, found)) else found


def param(runs: Sequence[Run], name: str) -> list[str]:
    """A param of each run; a network without hidden layers has no width."""
    values = (run.params.get(name, NONE) for run in runs)
    return [NONE if value == "[]" else value for value in values]


def coordinates(runs: Sequence[Run]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Names of CELL, of a width that varies, and of the fewest other params that tell runs apart; each run's values."""
    names = [*CELL, *(["width"] if len({*param(runs, "width"), NONE}) > 2 else [])]
    keys = list(zip(*(param(runs, name) for name in names), strict=True))
    for name in dict.fromkeys([*SHORT, *sorted({name for run in runs for name in run.params})]):
        finer = [(*key, value) for key, value in zip(keys, param(runs, name), strict=True)]
        if len(set(finer)) > len(set(keys)) and not name.startswith(NOT_SCIENCE):
            names, keys = [*names, name], finer
    if len(set(keys)) < len(keys):  # a cell that ran more than once
        keys = [(*key, str(keys[: i + 1].count(key))) for i, key in enumerate(keys)]
        names.append("repetition")
    return names, keys


def question(runs: Sequence[Run]) -> str:
    """What the sweep asks."""
    activations, inits, depths = (listed(ordered(param(runs, name)), "or") for name in CELL)
    layers = f"{depths} hidden layer{'s' * (depths != '1')}"
    return f"Does a network of {activations} units train when initialized by {inits}, with {layers}?"


def grid(runs: Sequence[Run], options: Mapping[str, Sequence[str]]) -> str:
    """How it was asked: how many networks, on which data, how trained, and what else was varied."""
    names = ("replicas", "width", "data", "optimizer", "lr", "loss", "training.epochs")
    replicas, width, data, optimizer, lr, loss, epochs = (
        listed([value for value in ordered(param(runs, name)) if value != NONE] or ["no"], "or", 4) for name in names
    )
    also = [f"{name} ({listed(options[name], 'and', 4)})" for name in options if name not in (*CELL, *names)]
    return (
        f"{number(len(runs), 'cell')}, {replicas} random initialization{'s' * (replicas != '1')} each, "
        f"{width} units a layer, on {data}. Trained by {optimizer} with learning rate {lr} on the loss {loss}, "
        f"for {epochs} epoch{'s' * (epochs != '1')}." + (f" Also varied: {', '.join(also)}." if also else "")
    )


def outcome(run: Run) -> str:
    """What came of the training, for most replicas."""
    return UNTRAINED if run.params.get("training.epochs") == "0" else run.tags.get("outcome", NONE)


def outcome_in_full(run: Run) -> str:
    """With counts where replicas differ, and whether the run came to its end."""
    each = run.tags.get("outcomes", "")
    counts = f" ({each})" if "," in each and outcome(run) != UNTRAINED else ""
    return outcome(run) + counts + ("" if run.status == "FINISHED" else f", {run.status.lower()}")


def outcomes(runs: Sequence[Run]) -> str:
    """How many cells came to which outcome."""
    count = Counter(map(outcome, runs)).most_common()
    return f"What came of them: {', '.join(f'{n} {name}' for name, n in count)}."


def predicted(run: Run) -> str:
    """The verdict that theory predicts, marked where it is not the one measured."""
    verdict = run.tags.get("verdict_predicted", "")
    return (f"≠ {verdict}" if verdict != run.tags["verdict"] else verdict) if verdict else NONE


def agreement(runs: Sequence[Run]) -> str:
    """How often theory foresaw the verdict, and the cells where it did not."""
    told = [run for run in runs if predicted(run) != NONE]
    wrong = [run for run in told if predicted(run).startswith("≠")]
    cells = [f"{run.name} (predicted {run.tags['verdict_predicted']}, measured {run.tags['verdict']})" for run in wrong]
    if not told:
        return "Theory predicts no verdict for these cells."
    others = f" (it predicts none for the other {len(runs) - len(told)})" if len(told) < len(runs) else ""
    mistaken = f", but not of {listed(cells, 'and')}" if wrong else ""
    return f"Theory foresaw the verdict of {len(told) - len(wrong)} of {number(len(told), 'cell')}{others}{mistaken}."


def score(run: Run) -> tuple[str, str, float]:
    """Name, text and value of the test accuracy with its 95 % interval; of the test loss for a regression."""
    name = "accuracy_test" if "final/accuracy_test" in run.metrics else "loss_test"
    value, half = (run.metrics.get(f"final/{name}{end}", nan) for end in ("", "_ci95"))
    digits = ".3f" if name == "accuracy_test" else ".3g"
    text = f"{value:{digits}}" + (f" ± {half:{digits}}" if isfinite(half) else "")
    return " ".join(reversed(name.split("_"))), text if isfinite(value) else NONE, value


def link(run: Run) -> str:
    """The run's page in MLflow, without a password."""
    store = urlsplit(run.uri)
    remote = f"{store.scheme}://{store.netloc.rpartition('@')[2]}{store.path.rstrip('/')}"
    base = remote if store.scheme in ("http", "https") else MLFLOW_UI
    return f"{base}/#/experiments/{quote(run.experiment_id)}/runs/{quote(run.id)}"


def note(uri: str) -> Html:
    """What the links to MLflow need, where the store is no server."""
    if uri.startswith(("http://", "https://")):
        return Html()
    path = database_path(uri)
    store, where = (redact(uri), "") if path is None else (f"sqlite:///{path.name}", f" in the folder of {path.name}")
    command = element("code", f"python -m mlflow ui --backend-store-uri {store}")
    return joined(["The links to MLflow open while ", command, f" runs{where}."])


def badge(verdict: str) -> Html:
    """A verdict beside its colour."""
    return element("span", verdict, class_="tinted badge", style=f"--c:{VERDICT_COLOURS.get(verdict, GREY)}")


def chips(runs: Sequence[Run]) -> Html:
    """Verdicts with their counts, as buttons that filter."""
    count = Counter(run.tags["verdict"] for run in runs)
    return joined(
        element("button", badge(verdict), f" {n}", type="button", value=verdict, aria_pressed="false")
        for verdict, n in count.most_common()
    )


def control(place: int, name: str, options: Sequence[str]) -> Html:
    """One choice: radio buttons, which the arrow keys go through."""
    buttons = (
        element("label", element("input", type="radio", name=f"choice-{place}", value=i), element("span", option))
        for i, option in enumerate(options)
    )
    return element("fieldset", element("legend", LABELS.get(name, name)), *buttons)


def table(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> Html:
    """A row per cell; columns without content are left out. data-sort holds what a number is sorted by."""

    def columns(run: Run, key: Sequence[str]) -> dict[str, Html]:
        _, text, value = score(run)
        final = run.tags.get("verdict_final", NONE)
        ratio, off = (run.metrics.get(name, nan) for name in ("final/gradient_ratio_init", "theory/discrepancy"))
        return {
            **{LABELS.get(name, name): datum(text) for name, text in zip(names, key, strict=True)},
            "verdict": datum(badge(run.tags["verdict"])),
            "after training": datum(badge(final)),
            "theory predicts": datum(predicted(run)),
            "outcome": datum(outcome_in_full(run)),
            heading: datum(text, value),
            "gradient first/last": datum(f"{ratio:.2g}", ratio),
            "theory off (decades)": datum(f"{off:.2g}", off),
            "evidence": datum(run.tags.get("evidence", NONE)),
        }

    heading = " or ".join(dict.fromkeys(score(run)[0] for run in runs))
    rows = [columns(run, key) for run, key in zip(runs, keys, strict=True)]
    shown = [name for name in rows[0] if any(row[name] != datum(NONE) for row in rows)]
    head = (element("th", element("button", name, type="button"), scope="col", aria_sort="none") for name in shown)
    body = (
        element("tr", opening(run), *(row[name] for name in shown), data_run=i, data_verdict=run.tags["verdict"])
        for i, (run, row) in enumerate(zip(runs, rows, strict=True))
    )
    return element("table", element("thead", element("tr", element("td"), *head)), element("tbody", *body))


def opening(run: Run) -> Html:
    """Where a row leads: to its network at the top of the page, and to MLflow."""
    show = element("button", "show", type="button", aria_label=f"show {run.name} layer by layer")
    return element("td", show, " ", element("a", "MLflow", href=link(run), aria_label=f"{run.name} in MLflow"))


def datum(text: str, value: float | None = None) -> Html:
    """A cell of the table; what is not known is sorted last."""
    if text == NONE or (value is not None and not isfinite(value)):
        return element("td", NONE, data_sort="")
    if value is None and not is_number(text):
        return element("td", text)
    return element("td", text, class_="number", data_sort=float(text) if value is None else value)


def figure(drawn: Drawn) -> Html:
    """The pages of a figure, inside the file; or why there is none."""
    if not drawn.paths:
        return element("p", element("b", drawn.title), f" is missing: {drawn.missing}")
    pages = []
    for i, path in enumerate(drawn.paths, start=1):
        title = drawn.title + (f", page {i} of {len(drawn.paths)}" if len(drawn.paths) > 1 else "")
        kind = "svg+xml" if path.suffix == ".svg" else "png"
        image = f"data:image/{kind};base64,{b64encode(path.read_bytes()).decode()}"
        button = element("button", element("img", src=image, alt=title), type="button", title="Enlarge")
        pages.append(element("figure", element("figcaption", title), button))
    return joined(pages)


def entry(run: Run) -> dict[str, Any]:
    """What the script shows of a run when it is chosen."""
    name, text, _ = score(run)
    verdict, theory = run.tags["verdict"], run.tags.get("verdict_predicted")
    with np.errstate(all="ignore"):
        limits = np.log10([float(run.params.get(f"verdict.{end}", "nan")) for end in ("vanishing", "exploding")])
    return {
        "name": run.name,
        "verdict": verdict,
        "verdict_colour": VERDICT_COLOURS.get(verdict, GREY),
        "meaning": MEANINGS.get(verdict, ""),
        "evidence": run.tags.get("evidence", NONE),
        "predicted": f"{theory}{', which was not measured' * (theory != verdict)}" if theory else "no verdict",
        "outcome": outcome_in_full(run),
        "score_name": name,
        "score": text,
        "final": f"{run.tags.get('verdict_final', NONE)}: {run.tags.get('evidence_final', NONE)}",
        "colour": colour(run.params["init"], MIDDLE),
        "limits": rounded(limits),
        **measured(run),
    }


def measured(run: Run) -> dict[str, Any]:
    """Profiles at initialization and a learning curve, as means over replicas and halves of their 95 % intervals."""
    try:
        arrays = run.arrays
    except NotMeasured as reason:
        nothing = {"middle": [], "half": [], "note": str(reason)}
        curve = {"name": "", "log": False, "step": []}
        return {name: nothing | {"theory": []} for name in LOG_SCALED} | {"curve": nothing | curve}
    profiles = {name: profile(arrays, name) for name in LOG_SCALED}
    name = "accuracy_test" if "curve_accuracy_test" in arrays else "loss_test"
    values = arrays[f"curve_{name}"]
    some = np.unique(np.linspace(0, len(values) - 1, POINTS).astype(int))
    curve = averaged(values[some].T, name == "loss_test") | {
        "name": " ".join(reversed(name.split("_"))),
        "log": name == "loss_test",
        "step": arrays["curve_step"][some].tolist(),
        "note": UNTRAINED if len(values) == 1 else "",
    }
    return {**profiles, "curve": curve}


def profile(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, Any]:
    """A statistic by layer at initialization, measured (R, depth) and predicted (depth,); note: why there is none."""
    values, theory = arrays[name][0], arrays.get(f"theory_{name}", np.empty(0))
    note = "" if values.size else "no hidden layer"
    if values.size and not values.any():
        note = "no gradient reaches any hidden layer" if name == "delta_rms" else "0 in every layer"
    with np.errstate(all="ignore"):
        if name == "delta_rms":
            values = values / values[:, -1:]
        theory = np.log10(theory) if LOG_SCALED[name] else theory
    return averaged(values, LOG_SCALED[name]) | {"theory": rounded(theory), "note": note}


def averaged(values: NDArray[Any], log: bool) -> dict[str, Any]:
    """Mean over replicas (first axis) and half its 95 % interval, in log10 where that is how it is drawn."""
    with np.errstate(all="ignore"):
        middle, half = mean_and_interval(np.log10(values) if log else values)
    return {"middle": rounded(middle), "half": rounded(half)}


def rounded(values: NDArray[Any]) -> list[float | None]:
    """As JSON holds them: three decimals, null for what is not finite."""
    return [round(float(value), 3) if isfinite(value) else None for value in values]
