"""One HTML file about a sweep: its question, one network layer by layer, the table of cells, and the figures."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from math import isfinite, nan
from pathlib import Path
from string import Template
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from mlpstudy import shell
from mlpstudy.foresight.agreement import Counts, agreement, foreseen
from mlpstudy.measure.outcomes import OUTCOMES
from mlpstudy.palette import CLASS_COLOURS, VERDICT_GLYPHS
from mlpstudy.tracking.run import Run
from mlpstudy.tracking.uris import database_path, redact
from reports.drawing.answer import answer
from reports.drawing.style import Drawn
from reports.drawing.words import (
    LABELS,
    NONE,
    coordinates,
    grid,
    is_number,
    listed,
    number,
    ordered,
    outcome,
    outcome_in_full,
    outcomes,
    plain,
    predicted,
    question,
    score,
)
from reports.page import heat_map
from reports.page.html import Html, element, joined
from reports.page.layer_by_layer import CHARTS, MEANINGS, class_letter, entry

SCRIPTS = ("chart", "explorer", "table", "viewer", "address")  # in this order: the last one starts
MLFLOW_UI = "http://127.0.0.1:5000"  # the address of `python -m mlflow ui`


def write(
    path: Path, runs: Sequence[Run], drawn: Sequence[Drawn], complaints: Sequence[str] = (), looks: str = "light"
) -> None:
    """Write the page as one file that needs no other file and no network connection.

    complaints: what it could not show. Light, it is dark where the system is; dark, as its figures are, always.
    """
    html, style = (Path(__file__).with_suffix(suffix).read_text(encoding="utf-8") for suffix in (".html", ".css"))
    style += "".join(f".class-{class_letter(i)} {{ fill: {hue}; }}\n" for i, hue in enumerate(CLASS_COLOURS))
    parts = (Path(__file__).parent / "scripts" / f"{name}.js" for name in SCRIPTS)
    script = "\n".join(['"use strict";', *(part.read_text(encoding="utf-8") for part in parts)])
    if looks == "dark":
        style = style.replace("light dark", looks).replace("screen and (prefers-color-scheme: dark)", "screen")
    names, keys = coordinates(runs)
    options = {name: ordered(column) for name, column in zip(names, zip(*keys, strict=True), strict=True)}
    at = [[options[name].index(value) for name, value in zip(names, key, strict=True)] for key in keys]
    digest = b64encode(sha256(f"\n{script}\n".encode()).digest()).decode()  # the only script that the browser may run
    told = [agreement([(run.name, run.tags.get("verdict_predicted"), run.tags["verdict"]) for run in runs])]
    told.append(foreseen([(run.name, run.tags.get("outcome_predicted"), outcome(run)) for run in runs]))
    page = Template(html).substitute(
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        style=style,
        script=script,
        data=embedded([entry(run) | {"at": place} for run, place in zip(runs, at, strict=True)]),
        sweep=escape(listed(ordered(run.tags["sweep"] for run in runs), "and")),
        question=escape(question(runs)),
        grid=escape(grid(runs, options)),
        answer=joined(element("li", sentence) for sentence in answer(runs)),
        map=heat_map.heat_map(runs, names, keys),
        legend=heat_map.legend(runs, names, keys),
        controls=joined(control(i, name, options[name]) for i, name in enumerate(names)),
        summary=escape(" ".join([outcomes(runs), *told])),
        counts=joined(map(counts, Counts.of([run.tags for run in runs if outcome(run) in OUTCOMES]))),
        chips=chips(runs),
        count=escape(f"{len(runs)} of {number(len(runs), 'cell')}"),
        table=table(runs, names, keys),
        missing=element("p", f"Left out: {'; '.join(complaints)}.") if complaints else "",
        note=note(runs[0].uri),
        glossary=joined(
            element(*part) for pair in (MEANINGS | CHARTS).items() for part in zip(("dt", "dd"), pair, strict=True)
        ),
        figures=joined(map(figure, drawn)),
        looks=looks,
    )
    path.write_text(page, encoding="utf-8")


def embedded(data: object) -> str:
    """JSON that cannot end the script element that contains it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def link(run: Run) -> str:
    """The run's page in MLflow, without a password."""
    store = urlsplit(run.uri)
    remote = f"{store.scheme}://{store.netloc.rpartition('@')[2]}{store.path.rstrip('/')}"
    base = remote if store.scheme in ("http", "https") else MLFLOW_UI
    return f"{base}/#/experiments/{quote(run.experiment_id)}/runs/{quote(run.id)}"


def note(uri: str) -> Html:
    """A note on how to make the links to MLflow work, if the store is not a server."""
    if uri.startswith(("http://", "https://")):
        return Html()
    path = database_path(uri)
    store, where = (redact(uri), "") if path is None else (f"sqlite:///{path.name}", f" in the folder of {path.name}")
    command = element("code", shell.anywhere("mlflow", "ui", "--backend-store-uri", store))
    return joined(["The links to MLflow open while ", command, f" runs{where}."])


def badge(verdict: str) -> Html:
    """A verdict with its sign."""
    sign = element("span", VERDICT_GLYPHS[verdict], " ", aria_hidden="true") if verdict in VERDICT_GLYPHS else ""
    return element("span", sign, verdict, class_="badge")


def chips(runs: Sequence[Run]) -> Html:
    """Buttons that filter the table by verdict, with counts."""
    count = Counter(run.tags["verdict"] for run in runs)
    return joined(
        element("button", badge(verdict), f" {n}", type="button", value=verdict, aria_pressed="false")
        for verdict, n in count.most_common()
    )


def control(place: int, name: str, options: Sequence[str]) -> Html:
    """Radio buttons for one choice; the arrow keys move between them."""
    buttons = (
        element("label", element("input", type="radio", name=f"choice-{place}", value=i), element("span", option))
        for i, option in enumerate(options)
    )
    return element("fieldset", element("legend", LABELS.get(name, name)), *buttons)


def table(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> Html:
    """One row for each cell, without columns that are empty or that have the same number in all rows.

    data-sort holds what a number is sorted by.
    """

    def columns(run: Run, key: Sequence[str]) -> dict[str, Datum]:
        _, text, value = score(run)
        final = run.tags.get("verdict_final", NONE)
        ratio, off = (run.metrics.get(name, nan) for name in ("final/gradient_ratio_init", "theory/discrepancy"))
        return {
            **{LABELS.get(name, name): Datum(text) for name, text in zip(names, key, strict=True)},
            "verdict": Datum(badge(run.tags["verdict"])),
            "after training": Datum(badge(final)),
            "theory predicts": Datum(predicted(run)),
            "outcome foreseen": Datum(run.tags.get("outcome_predicted", NONE)),
            "outcome": Datum(outcome_in_full(run)),
            heading: Datum(text, value),
            "gradient first/last": Datum(f"{ratio:.2g}", ratio),
            "error of theory (powers of ten)": Datum(f"{off:.2g}", off),
            "evidence": Datum(plain(run.tags.get("evidence", NONE))),
        }

    heading = " or ".join(dict.fromkeys(score(run)[0] for run in runs))
    rows = [columns(run, key) for run, key in zip(runs, keys, strict=True)]
    same = {
        LABELS.get(name, name) for name, values in zip(names, zip(*keys, strict=True), strict=True) if alike(values)
    }
    shown = [name for name in rows[0] if name not in same and not all(row[name].unknown for row in rows)]
    head = (element("th", element("button", name, type="button"), scope="col", aria_sort="none") for name in shown)
    first = {"verdict", "outcome", heading}  # on a phone, where each row is a card
    body = (
        element(
            "tr",
            opening(run),
            *(row[name].cell(name, name in first) for name in shown),
            data_run=i,
            data_verdict=run.tags["verdict"],
        )
        for i, (run, row) in enumerate(zip(runs, rows, strict=True))
    )
    return element("table", element("thead", element("tr", element("td"), *head)), element("tbody", *body))


def counts(found: Counts) -> Html:
    """How many cells of each verdict, or of each foreseen outcome, had which outcome."""
    head = element("tr", *(element("th", name, scope="col") for name in (found.heading, *found.columns)))
    rows = (
        element("tr", element("th", name, scope="row"), *(element("td", str(n), class_="number") for n in numbers))
        for name, numbers in found.rows.items()
    )
    return element("table", element("thead", head), element("tbody", *rows), class_="counts")


def alike(values: Sequence[str]) -> bool:
    """Do all of several cells have the same number? Columns of names stay, since the filter can search them."""
    return len(values) > 1 and len(set(values)) == 1 and is_number(values[0])


def opening(run: Run) -> Html:
    """The links of a row: to its network at the top of the page, and to MLflow."""
    show = element("button", "show", type="button", aria_label=f"show {run.name} layer by layer")
    return element("td", show, " ", element("a", "MLflow", href=link(run), aria_label=f"{run.name} in MLflow"))


class Datum(NamedTuple):
    """What one cell of the table tells."""

    text: str
    value: float | None = None  # what it is sorted by, if that is not the text

    @property
    def unknown(self) -> bool:
        """Such values are sorted last."""
        return self.text == NONE or (self.value is not None and not isfinite(self.value))

    def cell(self, heading: str, first: bool) -> Html:
        """The element; on a phone it has its own heading, and some come first."""
        marked: dict[str, object] = {"data_label": heading}
        shape = ["first"] * first
        if self.unknown:
            marked["data_sort"] = ""
        elif self.value is not None or is_number(self.text):
            marked["data_sort"] = float(self.text) if self.value is None else self.value
            shape.append("number")
        if shape:
            marked["class_"] = " ".join(shape)
        return element("td", NONE if self.unknown else self.text, **marked)


def figure(drawn: Drawn) -> Html:
    """The pages of a figure as embedded images, or the reason why there are none."""
    if not drawn.paths:
        return element("p", element("b", drawn.title), f" is missing: {drawn.missing}")
    pages = []
    for i, path in enumerate(drawn.paths, start=1):
        topic = drawn.title + (f", page {i} of {len(drawn.paths)}" if len(drawn.paths) > 1 else "")
        found = drawn.findings[i - 1] if drawn.findings else drawn.title
        says = found != drawn.title  # or it is the topic, for want of a finding
        title, told = (f"{found}. {topic}", [f"{found} ", element("span", topic)]) if says else (topic, [topic])
        kind = "svg+xml" if path.suffix == ".svg" else "png"
        image = f"data:image/{kind};base64,{b64encode(path.read_bytes()).decode()}"
        button = element("button", element("img", src=image, alt=title), type="button", title="Enlarge")
        pages.append(element("figure", element("figcaption", *told), button))
    return joined(pages)
