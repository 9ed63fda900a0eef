"""One HTML file about a sweep: its question, one network layer by layer, the table of cells, and the figures."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from markupsafe import Markup

from mlpstudy import shell
from mlpstudy.foresight.agreement import Counts, agreement, disagreement, foreseen
from mlpstudy.measure.outcomes import OUTCOMES
from mlpstudy.palette import CLASS_COLOURS
from mlpstudy.tracking.run import Run
from mlpstudy.tracking.uris import database_path, redact
from reports.drawing.answer import answer
from reports.drawing.style import Drawn
from reports.drawing.words import LABELS, coordinates, grid, listed, number, ordered, outcome, outcomes, question
from reports.page import heat_map
from reports.page.layer_by_layer import CHARTS, MEANINGS, class_letter, entry
from reports.page.table import table
from reports.page.template import rendered

HERE = Path(__file__).parent
SCRIPTS = ("chart", "explorer", "table", "viewer", "address")  # in this order: the last one starts


def write(
    path: Path, runs: Sequence[Run], drawn: Sequence[Drawn], complaints: Sequence[str] = (), looks: str = "light"
) -> None:
    """Write the page as one file that needs no other file and no network connection.

    complaints: what it could not show. Light, it is dark where the system is; dark, as its figures are, always.
    """
    names, keys = coordinates(runs)
    options = {name: ordered(column) for name, column in zip(names, zip(*keys, strict=True), strict=True)}
    at = [[options[name].index(value) for name, value in zip(names, key, strict=True)] for key in keys]
    parts = (HERE / "scripts" / f"{name}.js" for name in SCRIPTS)
    script = "\n".join(['"use strict";', *(part.read_text(encoding="utf-8") for part in parts)])
    digest = b64encode(sha256(f"\n{script}\n".encode()).digest()).decode()  # the only script that the browser may run
    by_theory = agreement([(run.name, run.tags.get("verdict_predicted"), run.tags["verdict"]) for run in runs])
    ahead = foreseen([(run.name, run.tags, outcome(run)) for run in runs])
    border = disagreement([(run.name, run.tags) for run in runs])
    few = len(runs) <= heat_map.FEW
    page = rendered(
        "page.html",
        digest=digest,
        style=style(looks),
        script=script,
        data=[entry(run) | {"at": place} for run, place in zip(runs, at, strict=True)],
        sweep=listed(ordered(run.tags["sweep"] for run in runs), "and"),
        question=question(runs),
        grid=grid(runs, options),
        answer=[*answer(runs), *next_try(runs)],
        cards=[heat_map.card(run, place) for place, run in enumerate(runs)] if few else [],
        heat_map=heat_map.heat_map(runs, names, keys),
        legend=heat_map.legend(runs, names, keys),
        labels=LABELS,
        controls=options,
        summary=" ".join(filter(None, [outcomes(runs), by_theory, *ahead, border])),
        counts=Counts.of([run.tags for run in runs if outcome(run) in OUTCOMES]),
        verdicts=Counter(run.tags["verdict"] for run in runs).most_common(),
        count=f"{len(runs)} of {number(len(runs), 'cell')}",
        cells=table(runs, names, keys),
        complaints=complaints,
        note=note(runs[0].uri),
        glossary=MEANINGS | CHARTS,
        figures=[{"title": one.title, "missing": one.missing, "pages": list(pages(one))} for one in drawn],
        looks=looks,
    )
    path.write_text(page, encoding="utf-8")


def next_try(runs: Sequence[Run]) -> list[str]:
    """A sentence: what is expected to help the first network that did not learn and has advice."""
    for run in runs:
        if advice := run.tags.get("advice"):
            words, _, reason = advice.splitlines()[0].partition(": ")
            return [f"Next, try {words} for {run.name}: {reason}."]
    return []


def style(looks: str) -> str:
    """The style sheet, with the colours of classes."""
    sheet = (HERE / "page.css").read_text(encoding="utf-8")
    sheet += "".join(f".class-{class_letter(i)} {{ fill: {hue}; }}\n" for i, hue in enumerate(CLASS_COLOURS))
    if looks == "light":
        return sheet
    return sheet.replace("light dark", looks).replace("screen and (prefers-color-scheme: dark)", "screen")


def note(uri: str) -> Markup:
    """A note on how to make the links to MLflow work, if the store is not a server."""
    if uri.startswith(("http://", "https://")):
        return Markup()
    path = database_path(uri)
    store, where = (redact(uri), "") if path is None else (f"sqlite:///{path.name}", f" in the folder of {path.name}")
    command = shell.anywhere("mlflow", "ui", "--backend-store-uri", store)
    return Markup("The links to MLflow open while <code>{}</code> runs{}.").format(command, where)


def pages(drawn: Drawn) -> Iterator[dict[str, str]]:
    """The pages of a figure: finding, if one is known, topic, and picture as a URL that holds it."""
    for i, path in enumerate(drawn.paths, start=1):
        topic = drawn.title + (f", page {i} of {len(drawn.paths)}" if len(drawn.paths) > 1 else "")
        finding = drawn.findings[i - 1] if drawn.findings else drawn.title
        kind = "svg+xml" if path.suffix == ".svg" else "png"
        image = f"data:image/{kind};base64,{b64encode(path.read_bytes()).decode()}"
        yield {"finding": finding if finding != drawn.title else "", "topic": topic, "image": image}
