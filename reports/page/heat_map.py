"""The grid of a sweep: a tile for each cell, filled by its accuracy, with its verdict and outcome. A few are cards."""

from collections.abc import Sequence
from math import isfinite

from mlpstudy.palette import VERDICT_GLYPHS
from mlpstudy.tracking.run import Run
from reports.drawing.words import NONE, chance, ordered, outcome, outcome_in_full, plain, score
from reports.page.html import Html, element

ACROSS = ("activation", "depth")  # columns; everything else that varies is a row
DARK = 0.55  # text is light on tiles with a higher accuracy
FEW = 3  # so many cells need no table


def heat_map(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> Html:
    """A row for each choice of the settings that are not across, a column for each activation and depth."""
    if len(runs) <= FEW:
        cards = (element("li", card(run, place)) for place, run in enumerate(runs))
        return element("ul", *cards, class_="few map")
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
    glyphs = " › ".join(VERDICT_GLYPHS.get(name, "?") for name in verdicts(run))
    shown = [f"{value:.3f}" if share(run) is not None else text.split(" ")[0]]
    shown += [outcome(run)] * (outcome(run) != "learned")
    inside = (
        element("b", shown[0]),
        element("span", glyphs, aria_hidden="true"),
        *(element("i", ended) for ended in shown[1:]),
    )
    told = f"{run.name}: {', then '.join(verdicts(run))}; {outcome_in_full(run)}"
    told += f"; {name} {text}" if text != NONE else ""
    spoken = f"{' '.join(shown)}, {told}"  # what is seen comes first, so that it can be spoken to choose the tile
    return element("td", button(run, place, *inside, aria_label=spoken, title=told))


def card(run: Run, place: int) -> Html:
    """The same of one of a few cells, in words and with the reason."""
    name, text, _ = score(run)
    signs = [f"{VERDICT_GLYPHS.get(verdict, '')} {verdict}" for verdict in verdicts(run)]
    told = (run.name, f"{name}; {outcome_in_full(run)}", " › ".join(signs), plain(run.tags.get("evidence", "")))
    first, *rest = (element("span", text) for text in told)
    return button(run, place, first, element("b", text), *rest)


def button(run: Run, place: int, *inside: Html, **told: str) -> Html:
    """A button that chooses this cell, filled by its accuracy."""
    filled = share(run)
    looks = (
        {"class_": "high" if filled > DARK else "low", "style": f"--share:{filled:.3f}"} if filled is not None else {}
    )
    return element("button", *inside, type="button", data_run=place, **told, **looks)


def verdicts(run: Run) -> list[str]:
    """The verdict at the start, and that at the end if it changed."""
    start = run.tags["verdict"]
    return list(dict.fromkeys([start, run.tags.get("verdict_final", start)]))


def share(run: Run) -> float | None:
    """The accuracy; None for a regression, or if it is not known."""
    name, _, value = score(run)
    return value if "accuracy" in name and 0 <= value <= 1 else None


def legend(runs: Sequence[Run]) -> Html:
    """What fill and glyphs mean."""
    there = {name for run in runs for name in verdicts(run)}
    glyphs = (
        element("li", element("span", glyph, aria_hidden="true"), f" {name}")
        for name, glyph in VERDICT_GLYPHS.items()
        if name in there
    )
    name = score(runs[0])[0]
    least = chance(runs)
    mark = [element("span", class_="chance", style=f"--share:{least:.3f}")] if isfinite(least) else []
    scale = [element("li", "0 ", element("span", *mark, class_="scale"), f" 1 {name}")] if "accuracy" in name else []
    said = [element("li", f"mark: {least:.3g}, by chance")] if mark and scale else []
    across = [] if len(runs) <= FEW else [element("li", "columns: activation, hidden layers")]
    return element(
        "ul", *across, *scale, *said, element("li", "verdict at the start › at the end:"), *glyphs, class_="legend"
    )
