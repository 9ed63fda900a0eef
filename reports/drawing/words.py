"""A sweep in words: its question, its settings, the settings that differ between its cells, and its outcomes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import isfinite, nan

from mlpstudy.measure.intervals import share_text
from mlpstudy.measure.score import score_of
from mlpstudy.settings.keys import NOT_IDENTITY
from mlpstudy.tracking.run import NotMeasured, Run
from reports.drawing import style

CELL = ("activation", "init", "depth")  # the params that name a cell
SHORT = ("width", "optimizer", "lr", "loss", "data", "gain", "replicas")  # names preferred to long ones
LABELS = {"lr": "learning rate"}  # of settings, in sentences
PLAIN = {  # names in evidence -> in words
    "delta_rms first / last layer": "gradient of the first over that of the last layer",
    "delta_rms": "gradient of",
    "saturated_fraction": "saturated share",
    "dead_fraction": "share of dead units",
    "input_correlation": "correlation of two inputs",
}
FILL = {"accuracy": "{score}", "loss": "1 - {score} ÷ loss of the best constant"}  # of tiles, by the kind of the score
NONE = "–"
UNTRAINED, UNFINISHED = "not trained", "unfinished"


def number(n: int | str, thing: str) -> str:
    """`1 cell`, `2 cells`, `2 or 3 cells`."""
    return f"{n} {thing}{'s' * (str(n) != '1')}"


def decimal(x: float, _position: float = 0) -> str:
    """`0.001`, `1e-6`: without superscripts, which would be too small to read in a figure."""
    digits, _, exponent = f"{x:g}".partition("e")
    return f"{digits}e{int(exponent)}" if exponent else digits


def listed(values: Sequence[str], last: str, most: int = 8) -> str:
    """`a, b or c`; `a, b, c or 9 more` if there are many."""
    shown = [*values[:most], f"{len(values) - most} more"] if len(values) > most + 1 else list(values)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}" if len(shown) > 1 else "".join(shown)


def is_number(text: str) -> bool:
    """Is this text a finite number?"""
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def ordered(values: Iterable[str]) -> list[str]:
    """The different values: numbers in ascending order, names in the order of the sweep."""
    different = list(dict.fromkeys(values))
    return sorted(different, key=float) if all(map(is_number, different)) else different


def param(runs: Sequence[Run], name: str) -> list[str]:
    """A param of each run; a network without hidden layers has no width."""
    return [NONE if (value := run.params.get(name, NONE)) == "[]" else value for run in runs]


def told_apart(runs: Sequence[Run]) -> list[Run]:
    """The runs, renamed with all settings that differ if their names are not unique or come from several sweeps."""
    if len({run.tags["sweep"] for run in runs}) == 1 and len({run.name for run in runs}) == len(runs):
        return list(runs)
    names, keys = coordinates(runs)
    renamed = []
    for run, (activation, init, depth, *rest) in zip(runs, keys, strict=True):
        more = [f"{name.rpartition('.')[2]}={value}" for name, value in zip(names[len(CELL) :], rest, strict=True)]
        renamed.append(replace(run, name="-".join([init, activation, f"d{depth}", *more])))
    return renamed


def coordinates(runs: Sequence[Run]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Names of CELL, of a width that varies, and of the fewest other params that tell runs apart; each run's values.

    Of several sweeps also whatever else of SHORT varies: data, say, that no cell shares with another.
    """
    several = len({run.tags["sweep"] for run in runs}) > 1
    always = [name for name in SHORT if len({*param(runs, name), NONE}) > 2 and (several or name == "width")]
    names = [*CELL, *always]
    keys = list(zip(*(param(runs, name) for name in names), strict=True))
    for name in dict.fromkeys([*SHORT, *sorted({name for run in runs for name in run.params})]):
        finer = [(*key, value) for key, value in zip(keys, param(runs, name), strict=True)]
        if len(set(finer)) > len(set(keys)) and not name.startswith(NOT_IDENTITY):
            names, keys = [*names, name], finer
    if len(set(keys)) < len(keys):  # a cell was run several times
        keys = [(*key, str(keys[: i + 1].count(key))) for i, key in enumerate(keys)]
        names.append("repetition")
    return names, keys


def question(runs: Sequence[Run]) -> str:
    """The question that the sweep asks."""
    activations, inits, depths = (listed(ordered(param(runs, name)), "or") for name in CELL)
    others = {name: ordered(param(runs, name)) for name in coordinates(runs)[0][len(CELL) :] if name != "repetition"}
    also = [f"{LABELS.get(name, name)} {listed(values, 'or')}" for name, values in others.items() if len(values) > 1]
    things = number(depths, "hidden layer") + (f" and {listed(also, 'and')}" if also else "")
    return f"Does a network of {activations} units train when initialized by {inits}, with {things}?"


def grid(runs: Sequence[Run], options: Mapping[str, Sequence[str]]) -> str:
    """The settings of the sweep: number of networks, data, training, and what else was varied."""
    names = ("replicas", "width", "data", "optimizer", "lr", "loss", "training.epochs")
    replicas, width, data, optimizer, lr, loss, epochs = (
        listed([value for value in ordered(param(runs, name)) if value != NONE] or ["no"], "or", 4) for name in names
    )
    also = [f"{name} ({listed(options[name], 'and', 4)})" for name in options if name not in (*CELL, *names)]
    return (
        f"{number(len(runs), 'cell')}, {number(replicas, 'random initialization')} each, "
        f"{number(width, 'unit')} a layer, on {data}. "
        f"Trained by {optimizer} with learning rate {lr} on the loss {loss}, for {number(epochs, 'epoch')}."
        + (f" Also varied: {', '.join(also)}." if also else "")
    )


def outcome(run: style.Measured) -> str:
    """The most frequent outcome of the replicas of a run."""
    if run.params.get("training.epochs") == "0":
        return UNTRAINED
    ended = getattr(run, "status", "FINISHED") == "FINISHED"  # a run without status has just ended
    return run.tags.get("outcome", UNFINISHED) if ended else UNFINISHED


def count(run: style.Measured) -> tuple[int, int]:
    """The number of replicas with that outcome, and of all replicas; (0, 0) if it is not known."""
    if outcome(run) in (UNTRAINED, UNFINISHED):
        return 0, 0
    parts = (part.partition(" ") for part in run.tags.get("outcomes", "").split(", "))
    each = {name: int(n) for n, _, name in parts if n.isdecimal()}
    return each.get(outcome(run), 0), sum(each.values())


def outcome_in_full(run: Run) -> str:
    """The outcome, with counts if replicas differ, and with the status if the run did not finish."""
    each = run.tags.get("outcomes", "")
    counts = f" ({each})" if "," in each and outcome(run) not in (UNTRAINED, UNFINISHED) else ""
    same = f" ({run.tags['same_replicas']})" if "same_replicas" in run.tags else ""
    return outcome(run) + counts + same + ("" if run.status == "FINISHED" else f", {run.status.lower()}")


def gained(run: Run) -> float:
    """The share of what can be learned that was learned; NaN if it was not trained or is not known."""
    return nan if outcome(run) == UNTRAINED else run.metrics.get("final/gained", nan)


def outcomes(runs: Sequence[Run]) -> str:
    """A sentence with the number of cells for each outcome."""
    count = Counter(map(outcome, runs)).most_common()
    return f"Outcomes: {', '.join(f'{n} {name}' for name, n in count)}."


def plain(evidence: str) -> str:
    """Evidence without the names that statistics have in files."""
    for name, text in PLAIN.items():
        evidence = evidence.replace(name, text)
    return evidence


def predicted(run: Run) -> str:
    """The verdict that theory predicts, with ≠ if it is not the measured verdict."""
    verdict = run.tags.get("verdict_predicted", NONE)
    return verdict if verdict in (NONE, run.tags["verdict"]) else f"≠ {verdict}"


def score(run: Run) -> tuple[str, str, float]:
    """Name, text and value of the score, such as the test accuracy, with its 95 % interval."""
    name, is_share, heading = score_of(run.metrics, "final/")
    value, half = (run.metrics.get(f"final/{name}{end}", nan) for end in ("", "_ci95"))
    replicas = int(run.params["replicas"]) - int(run.metrics.get("final/diverged_replicas", 0))
    return heading, score_text("accuracy" if is_share else "loss", value, half, replicas) or NONE, value


def score_text(name: str, mean: float, half: float, replicas: int, join: str = " ") -> str:
    """`0.942 ± 0.008`, of so many replicas; an empty text if the mean is not known."""
    if name == "accuracy":
        return share_text(mean, half, replicas, join)
    spread = f"{join}± {half:.2g}" if isfinite(half) else ""
    return f"{mean:.3g}{spread}" if isfinite(mean) else ""


def filled(run: style.Measured, kind: str, value: float) -> float:
    """What fills the tile of a run with this score: see FILL. NaN if it is not known."""
    if kind == "accuracy":
        return value
    constant = nan
    with suppress(NotMeasured):
        constant = float(run.arrays.get("constant_loss", nan))
    return max(0.0, 1 - value / constant) if isfinite(value) and constant > 0 else nan


def chance(runs: Sequence[style.Measured]) -> float:
    """The training accuracy of the best constant output; NaN if it was not kept, or differs between runs."""
    kept = set()
    for run in runs:
        with suppress(NotMeasured):
            kept.add(float(run.arrays.get("chance", nan)))
    return kept.pop() if len(kept) == 1 else nan
