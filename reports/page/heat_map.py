"""The grid of a sweep: a tile for each cell, filled by its score, with its verdict and outcome. A few are cards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from mlpstudy.measure.score import final_scores
from mlpstudy.palette import VERDICT_GLYPHS
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing.words import FILL, NONE, chance, count, filled, ordered, outcome, outcome_in_full, plain, score

FEW = 3  # so many cells need no table
NAMES = {"init": "initializer", "depth": "hidden layers", "lr": "learning rate"}


@dataclass(frozen=True)
class Tile:
    """A button that chooses a cell."""

    place: int  # of the run in the sweep
    share: float | None  # what it is filled by, from 0 to 1; None if that is not known
    score: str
    lines: Sequence[str]
    signs: str = ""
    ticks: Sequence[float] = ()  # the share of each replica, where replicas ended in different ways
    attributes: Mapping[str, str] = field(default_factory=dict)  # which tell it in words


def heat_map(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A column for each activation and depth, or other setting; a row for each choice of all else that varies."""
    cells, second = [dict(zip(names, key, strict=True)) for key in keys], across(names, keys)
    down = [name for name in names if name not in ("activation", second)]
    spans = {
        activation: ordered(cell[second] for cell in cells if cell["activation"] == activation)
        for activation in ordered(cell["activation"] for cell in cells)
    }
    columns = [(activation, value) for activation, values in spans.items() for value in values]
    rows = list(dict.fromkeys(tuple(cell[name] for name in down) for cell in cells))
    varied = [i for i, name in enumerate(down) if name == "init" or len({row[i] for row in rows}) > 1]
    tiles = {
        (tuple(cell[name] for name in down), cell["activation"], cell[second]): tile(run, place)
        for place, (run, cell) in enumerate(zip(runs, cells, strict=True))
    }
    return {
        "corner": " ".join(name_of(down[i]) for i in varied),
        "spans": {activation: len(values) for activation, values in spans.items()},  # how many columns each has
        "columns": [value for _, value in columns],
        "rows": [(" ".join(row[i] for i in varied), [tiles.get((row, *column)) for column in columns]) for row in rows],
    }


def name_of(setting: str) -> str:
    """What a setting is called in the head of the table."""
    return NAMES.get(setting, setting.rpartition(".")[2])


def across(names: Sequence[str], keys: Sequence[Sequence[str]]) -> str:
    """The second setting of the columns: depth; if it does not vary, the one of the others with the most values."""
    counts = {name: len(set(values)) for name, values in zip(names, zip(*keys, strict=True), strict=True)}
    others = [name for name in names if name not in ("activation", "init", "depth") and counts[name] > 1]
    return "depth" if counts["depth"] > 1 or not others else max(others, key=lambda name: counts[name])


def tile(run: Run, place: int) -> Tile:
    """Score, verdict and, unless it learned, outcome of one cell."""
    name, text, value = score(run)
    number, _, half = text.partition(" ± ")  # without ±, two replicas or an interval that is not symmetric
    shown = f"{value:.3f}" if "accuracy" in name and isfinite(value) else number.split(" ")[0]
    lines = [f"± {half}"] * bool(half) + [outcome(run)] * (outcome(run) != "learned")
    signs = " › ".join(VERDICT_GLYPHS.get(name, "?") for name in verdicts(run))
    title = f"{run.name}: {', then '.join(verdicts(run))}; {outcome_in_full(run)}"
    title += f"; {name} {text}" if text != NONE else ""
    spoken = f"{' '.join([shown, *lines])}, {title}"  # what is seen comes first, so that it can be spoken to choose it
    return Tile(place, share(run), shown, lines, signs, ticks(run), {"aria-label": spoken, "title": title})


def card(run: Run, place: int) -> Tile:
    """The same of one of a few cells, in words and with the reason."""
    name, text, _ = score(run)
    signs = [f"{VERDICT_GLYPHS.get(verdict, '')} {verdict}" for verdict in verdicts(run)]
    evidence = plain(run.tags.get("evidence", ""))
    return Tile(place, share(run), text, [run.name, f"{name}; {outcome_in_full(run)}", " › ".join(signs), evidence])


def ticks(run: Run) -> list[float]:
    """The share of each replica, where replicas ended in different ways."""
    same, replicas = count(run)
    if same == replicas or share(run) is None:
        return []
    try:
        scores = final_scores(run.arrays)
    except NotMeasured:
        return []
    return [part for part in (filled(run, kind(run), value) for value in scores) if isfinite(part)]


def verdicts(run: Run) -> list[str]:
    """The verdict at the start, and that at the end if it changed."""
    start = run.tags["verdict"]
    return list(dict.fromkeys([start, run.tags.get("verdict_final", start)]))


def share(run: Run) -> float | None:
    """What fills the tile, from 0 to 1; None if it is not known."""
    value = filled(run, kind(run), score(run)[2])
    return value if 0 <= value <= 1 else None


def kind(run: Run) -> str:
    """The kind of the score: accuracy or loss."""
    return "accuracy" if "accuracy" in score(run)[0] else "loss"


def legend(runs: Sequence[Run], names: Sequence[str], keys: Sequence[Sequence[str]]) -> dict[str, Any]:
    """What columns, fill, ticks and signs mean, of what there is."""
    few, least = len(runs) <= FEW, chance(runs)
    known = any(share(run) is not None for run in runs)
    return {
        "columns": "" if few else name_of(across(names, keys)),
        "fill": FILL[kind(runs[0])].format(score=score(runs[0])[0]) if known else "",
        "chance": least if isfinite(least) else None,
        "ticks": not few and any(map(ticks, runs)),
        "verdicts": {name for run in runs for name in verdicts(run)},
    }
