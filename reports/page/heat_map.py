"""The grid of a sweep: a tile for each cell, filled by its accuracy, with its verdict and outcome. A few are cards."""

from collections.abc import Sequence
from math import isfinite

from mlpstudy.measure.score import final_scores
from mlpstudy.palette import VERDICT_GLYPHS
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing.words import FILL, NONE, chance, count, filled, ordered, outcome, outcome_in_full, plain, score
from reports.page.html import Html, element

DARK = 0.55  # text is light on tiles with a higher accuracy
FEW = 3  # so many cells need no table


def heat_map(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> Html:
    """A column for each activation and depth, or other setting; a row for each choice of all else that varies."""
    if len(runs) <= FEW:
        cards = (element("li", card(run, place)) for place, run in enumerate(runs))
        return element("ul", *cards, class_="few map")
    cells, second = [dict(zip(names, key, strict=True)) for key in keys], across(names, keys)
    down = [name for name in names if name not in ("activation", second)]
    columns = [
        (activation, value)
        for activation in ordered(cell["activation"] for cell in cells)
        for value in ordered(cell[second] for cell in cells if cell["activation"] == activation)
    ]
    rows = list(dict.fromkeys(tuple(cell[name] for name in down) for cell in cells))
    varied = [i for i, name in enumerate(down) if name == "init" or len({row[i] for row in rows}) > 1]
    at = {
        (tuple(cell[name] for name in down), cell["activation"], cell[second]): place
        for place, cell in enumerate(cells)
    }
    groups = dict.fromkeys(activation for activation, _ in columns)
    spans = {activation: sum(name == activation for name, _ in columns) for activation in groups}
    top = element("td", " ".join(name_of(down[i]) for i in varied), rowspan=2)
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


NAMES = {"init": "initializer", "depth": "hidden layers", "lr": "learning rate"}


def name_of(setting: str) -> str:
    """What a setting is called in the head of the table."""
    return NAMES.get(setting, setting.rpartition(".")[2])


def across(names: Sequence[str], keys: Sequence[Sequence[str]]) -> str:
    """The second setting of the columns: depth; if it does not vary, the one of the others with the most values."""
    counts = {name: len(set(values)) for name, values in zip(names, zip(*keys, strict=True), strict=True)}
    others = [name for name in names if name not in ("activation", "init", "depth") and counts[name] > 1]
    return "depth" if counts["depth"] > 1 or not others else max(others, key=lambda name: counts[name])


def tile(runs: Sequence[Run], place: int | None) -> Html:
    """Score, verdict and, unless it learned, outcome of one cell."""
    if place is None:
        return element("td", "", class_="no-cell", title="not run")
    run = runs[place]
    name, text, value = score(run)
    glyphs = " › ".join(VERDICT_GLYPHS.get(name, "?") for name in verdicts(run))
    number, _, half = text.partition(" ± ")  # without ±, two replicas or an interval that is not symmetric
    shown = [f"{value:.3f}" if "accuracy" in name and isfinite(value) else number.split(" ")[0]]
    shown += [f"± {half}"] * bool(half) + [outcome(run)] * (outcome(run) != "learned")
    inside = (
        element("b", shown[0]),
        *(part for line in shown[1:] for part in (" ", element("i", line))),
        element("span", glyphs, aria_hidden="true"),
        *ticks(run),
    )
    told = f"{run.name}: {', then '.join(verdicts(run))}; {outcome_in_full(run)}"
    told += f"; {name} {text}" if text != NONE else ""
    spoken = f"{' '.join(shown)}, {told}"  # what is seen comes first, so that it can be spoken to choose the tile
    return element("td", button(run, place, *inside, aria_label=spoken, title=told))


def ticks(run: Run) -> list[Html]:
    """A mark for each replica, from 0 at the left to 1 as tiles are filled, where replicas ended in different ways."""
    same, replicas = count(run)
    if same == replicas or share(run) is None:
        return []
    try:
        each = final_scores(run.arrays)
    except NotMeasured:
        return []
    shares = [filled(run, kind(run), value) for value in each]
    return [element("u", style=f"--share:{value:.3f}", aria_hidden="true") for value in shares if isfinite(value)]


def card(run: Run, place: int) -> Html:
    """The same of one of a few cells, in words and with the reason."""
    name, text, _ = score(run)
    signs = [f"{VERDICT_GLYPHS.get(verdict, '')} {verdict}" for verdict in verdicts(run)]
    told = (run.name, f"{name}; {outcome_in_full(run)}", " › ".join(signs), plain(run.tags.get("evidence", "")))
    first, *rest = (element("span", text) for text in told)
    return button(run, place, first, element("b", text), *rest)


def button(run: Run, place: int, *inside: str, **told: str) -> Html:
    """A button that chooses this cell, filled by its score."""
    full = share(run)
    looks = {} if full is None else {"class_": "high" if full > DARK else "low", "style": f"--share:{full:.3f}"}
    return element("button", *inside, type="button", data_run=place, **told, **looks)


def verdicts(run: Run) -> list[str]:
    """The verdict at the start, and that at the end if it changed."""
    start = run.tags["verdict"]
    return list(dict.fromkeys([start, run.tags.get("verdict_final", start)]))


def share(run: Run) -> float | None:
    """What fills the tile, from 0 to 1; None if it is not known."""
    found = filled(run, kind(run), score(run)[2])
    return found if 0 <= found <= 1 else None


def kind(run: Run) -> str:
    """The kind of the score: accuracy or loss."""
    return "accuracy" if "accuracy" in score(run)[0] else "loss"


def legend(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> Html:
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
    known = any(share(run) is not None for run in runs)
    told = FILL[kind(runs[0])].format(score=name)
    scale = [element("li", "0 ", element("span", *mark, class_="scale"), f" 1: {told}")] if known else []
    said = [element("li", f"mark: {least:.3g}, the accuracy of a guess")] if mark and scale else []
    if any(map(ticks, runs)) and len(runs) > FEW:
        said.append(element("li", "ticks: each replica, where outcomes differ"))
    columns = [] if len(runs) <= FEW else [element("li", f"columns: activation, {name_of(across(names, keys))}")]
    return element(
        "ul", *columns, *scale, *said, element("li", "verdict at the start › at the end:"), *glyphs, class_="legend"
    )
