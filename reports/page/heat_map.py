"""The grid of a sweep as a table: a tile for each cell, filled by its accuracy, with its verdict and outcome."""

from collections.abc import Sequence

from mlpstudy.palette import VERDICT_GLYPHS
from mlpstudy.tracking.run import Run
from reports.drawing.words import NONE, ordered, outcome, outcome_in_full, score
from reports.page.html import Html, element

ACROSS = ("activation", "depth")  # columns; everything else that varies is a row
DARK = 0.55  # text is light on tiles with a higher accuracy


def heat_map(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> Html:
    """A row for each choice of the settings that are not across, a column for each activation and depth."""
    cells = [dict(zip(names, key, strict=True)) for key in keys]
    down = [name for name in names if name not in ACROSS]
    columns = [
        (activation, depth)
        for activation in ordered(cell["activation"] for cell in cells)
        for depth in ordered(cell["depth"] for cell in cells if cell["activation"] == activation)
    ]
    rows = list(dict.fromkeys(tuple(cell[name] for name in down) for cell in cells))
    varied = [i for i, name in enumerate(down) if name == "init" or len({row[i] for row in rows}) > 1]
    at = {
        (tuple(cell[name] for name in down), cell["activation"], cell["depth"]): place
        for place, cell in enumerate(cells)
    }
    groups = dict.fromkeys(activation for activation, _ in columns)
    spans = {activation: sum(name == activation for name, _ in columns) for activation in groups}
    top = element("td", *[NAMES.get(down[i], down[i].rpartition(".")[2]) + " " for i in varied], rowspan=2)
    head = [top, *(element("th", name, colspan=n, scope="colgroup") for name, n in spans.items())]
    depths = [element("th", depth, scope="col") for _, depth in columns]
    body = (
        element(
            "tr",
            element("th", " ".join(row[i] for i in varied), scope="row"),
            *(tile(runs, at.get((row, *column))) for column in columns),
        )
        for row in rows
    )
    return element(
        "table",
        element("caption", "Columns: activation, and hidden layers. Choose a cell to see it layer by layer."),
        element("thead", element("tr", *head), element("tr", *depths)),
        element("tbody", *body),
        class_="map",
    )


NAMES = {"init": "initializer"}


def tile(runs: Sequence[Run], place: int | None) -> Html:
    """Score, verdict and, unless it learned, outcome of one cell."""
    if place is None:
        return element("td", "", class_="no-cell", title="not run")
    run = runs[place]
    name, text, value = score(run)
    start, end = run.tags["verdict"], run.tags.get("verdict_final", run.tags["verdict"])
    glyphs = VERDICT_GLYPHS.get(start, "?") + (f" › {VERDICT_GLYPHS.get(end, '?')}" if end != start else "")
    ended = outcome(run)
    share = value if "accuracy" in name and 0 <= value <= 1 else None
    verdicts = start if end == start else f"{start}, then {end}"
    told = f"{run.name}: {verdicts}; {outcome_in_full(run)}" + (f"; {name} {text}" if text != NONE else "")
    return element(
        "td",
        element(
            "button",
            element("b", f"{value:.3f}" if share is not None else text.split(" ")[0]),
            element("span", glyphs, aria_hidden="true"),
            *([] if ended == "learned" else [element("i", ended)]),
            type="button",
            data_run=place,
            aria_label=told,
            title=told,
            class_="" if share is None else "high" if share > DARK else "low",
            style="" if share is None else f"--share:{share:.3f}",
        ),
    )


def legend(runs: Sequence[Run]) -> Html:
    """What fill and glyphs mean."""
    there = {run.tags[name] for run in runs for name in ("verdict", "verdict_final") if name in run.tags}
    glyphs = (
        element("li", element("span", glyph, aria_hidden="true"), f" {name}")
        for name, glyph in VERDICT_GLYPHS.items()
        if name in there
    )
    name = score(runs[0])[0]
    scale = [element("li", "0 ", element("span", class_="scale"), f" 1 {name}")] if "accuracy" in name else []
    return element("ul", *scale, element("li", "verdict at the start › at the end:"), *glyphs, class_="legend")
