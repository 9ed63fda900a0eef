"""What a sweep found, in a few sentences: which cells learned, which did not, and why."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import isfinite, prod

from mlpstudy.foresight.forecast import AHEAD
from mlpstudy.measure.outcomes import FAILED
from mlpstudy.tracking.run import Run
from reports.drawing.words import CELL, coordinates, decimal, listed, number, ordered, outcome, param, score

MOST = 5  # causes that get a sentence of their own
SURPRISES = 3  # cells that are named
EXPECTED = {"learns": "learn", "is slow": "be slow", "stalls": "stall", "diverges": "diverge"}
CAUSES = {  # verdict -> what is the matter
    "symmetric": "all units of a layer are the same, and get the same gradient",
    "dead": "in some layer nearly every unit has slope 0 for every example",
    "saturated": "more than half of the activations of some layer are on their flat ends",
    "collapsed": "different inputs look the same in the last hidden layer",
}


def answer(runs: Sequence[Run]) -> list[str]:
    """A sentence about all cells, and one for each cause of a failure; the most frequent cause first."""
    trained = [run for run in runs if outcome(run) in ("learned", *FAILED)]
    if not trained:
        return [f"None of the {number(len(runs), 'cell')} was trained.", *causes(runs, "healthy")]
    learned = [run for run in trained if outcome(run) == "learned"]
    first = f"{len(learned)} of {number(len(trained), 'cell')} learned"
    if learned:
        best = max(learned, key=lambda run: score(run)[2] if "accuracy" in score(run)[0] else -score(run)[2])
        first += f"; the best is {best.name}, with {' '.join(score(best)[:2])}"
    failed = [run for run in trained if outcome(run) != "learned"]
    return [f"{first}.", *everywhere(learned, failed), *causes(failed), *surprises(trained)]


def everywhere(learned: Sequence[Run], failed: Sequence[Run]) -> list[str]:
    """`Learned at every depth: tanh with xavier or he.` Nothing if the depth or the outcome is always the same."""
    if not failed or len({run.params["depth"] for run in [*learned, *failed]}) < 2:
        return []
    good, bad = ([(run.params["activation"], run.params["init"]) for run in runs] for runs in (learned, failed))
    inits: dict[str, list[str]] = {}
    for activation, init in dict.fromkeys(good):
        if (activation, init) not in bad:
            inits.setdefault(activation, []).append(init)
    names = [f"{activation} with {listed(some, 'or')}" for activation, some in inits.items()]
    return [f"Learned at every depth: {', '.join(names)}."] if names else []


def causes(runs: Sequence[Run], fine: str = "") -> list[str]:
    """A sentence for each verdict and activation, except for the verdict that is fine.

    Activations that have a verdict in the same cells share a sentence.
    """
    cells: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        cells[run.params["activation"], run.tags["verdict"]].append(run)
    merged: dict[tuple[str, frozenset[tuple[str, str]]], list[Run]] = defaultdict(list)
    for activation, verdict in sorted(cells):
        if verdict != fine:
            them = cells[activation, verdict]
            merged[verdict, frozenset((run.params["init"], run.params["depth"]) for run in them)] += them
    groups = sorted(merged.items(), key=lambda group: -len(group[1]))
    place = {id(run): i for i, run in enumerate(runs)}  # the order of the sweep
    sentences = [
        cause(verdict, sorted(them, key=lambda run: place[id(run)]), runs) for (verdict, _), them in groups[:MOST]
    ]
    if rest := sum(len(them) for _, them in groups[MOST:]):
        verdicts = ordered(verdict for (verdict, _), _ in groups[MOST:])
        kinds = ["healthy at the start" if verdict == "healthy" else verdict for verdict in verdicts]
        sentences.append(f"{number(rest, 'other cell')} failed: they were {listed(kinds, 'or')}; see the table.")
    return sentences


def cause(verdict: str, runs: Sequence[Run], among: Sequence[Run]) -> str:
    """`sigmoid, 20 hidden layers, xavier or he: vanishing. The first layer gets ..., as theory predicted.`"""
    names, keys = coordinates(among)
    varied = [names[i] for i in range(len(CELL), len(names)) if len({key[i] for key in keys}) > 1]
    values = {name: ordered(param(runs, name)) for name in (*CELL, *varied)}
    activations, inits, depths, *others = (listed(those, "or") for those in values.values())
    places = [
        f"{activations} with {number(depths, 'hidden layer')}",
        inits,
        *(f"{name.rpartition('.')[2]} {text}" for name, text in zip(varied, others, strict=True)),
    ]
    theory = "" if verdict == "healthy" else by_theory(runs)
    ends = listed(ordered(outcome(run) for run in runs), "or")
    named = verdict if verdict != "healthy" else f"healthy at the start, but {ends}"
    all_of_them = prod(map(len, values.values())) == len(runs)  # otherwise the sentence names more cells than there are
    count = "" if all_of_them else f" (in {number(len(runs), 'cell')})"
    return f"{', '.join(places)}: {named}{count}. {reason(verdict, runs)}{theory}."


def reason(verdict: str, runs: Sequence[Run]) -> str:
    """What is the matter, with the range of the numbers that tell it."""
    if verdict in CAUSES:
        text = CAUSES[verdict]
    elif verdict in ("vanishing", "exploding"):
        ratios = sorted(run.metrics.get("final/gradient_ratio_init", float("nan")) for run in runs)
        finite = [ratio for ratio in ratios if isfinite(ratio)]
        ends = dict.fromkeys(decimal(float(f"{ratio:.0e}")) for ratio in finite)
        shown = " to ".join([*ends][:: max(1, len(ends) - 1)])
        text = f"the first hidden layer gets {shown} times the gradient of the last" if finite else "it is not finite"
    else:
        text = unforeseen(runs)
        ends = dict.fromkeys(run.tags.get("verdict_final", verdict) for run in runs)
        if later := [name for name in ends if name != verdict]:
            text += f"; after training it is {listed(later, 'or')}"
    return text[0].upper() + text[1:]


def unforeseen(runs: Sequence[Run]) -> str:
    """Why networks failed that were healthy at the start: what theory's rule says, and of how many it says nothing."""
    others = [run for run in runs if run.tags.get("outcome_predicted") not in ("stalls", "diverges")]
    foreseen = [run for run in runs if run.tags.get("outcome_predicted") in ("stalls", "diverges")]
    reasons = [run.tags.get("outcome_predicted_reason", "").partition(": ")[2] for run in foreseen]
    kinds = Counter(reason.partition(":")[0] for reason in reasons if reason)
    if not kinds:
        return "nothing at the start tells why" + piloted(runs)
    if not others and len(kinds) == 1:
        return f"signals and gradients get through, but training is {reasons[0]}"
    names = " and ".join(f"{kind} in {number(count, 'cell')}" for kind, count in kinds.items())
    text = f"signals and gradients get through, but training is {names}, as was foreseen"
    if not others:
        return text
    return f"{text}; nothing at the start tells why in {number(len(others), 'other cell')}{piloted(others)}"


def piloted(runs: Sequence[Run]) -> str:
    """Whether the pilot foresaw it all the same, without a cause."""
    right = sum(run.tags.get("outcome_by_pilot") == AHEAD[outcome(run)] for run in runs)
    if not right:
        return ""
    return f", but the pilot foresaw it{'' if right == len(runs) else f' in {right} of {len(runs)}'}"


def surprises(trained: Sequence[Run]) -> list[str]:
    """The cells whose outcome was not the one that the pilot foresaw."""
    judged = [run for run in trained if "outcome_by_pilot" in run.tags]
    other = [run for run in judged if run.tags["outcome_by_pilot"] != AHEAD[outcome(run)]]
    if not judged:
        return []
    if not other:
        return [f"The pilot foresaw every outcome before training ({len(judged)} of {len(judged)})."]
    names = [f"{run.name} (expected to {EXPECTED[run.tags['outcome_by_pilot']]}, but {outcome(run)})" for run in other]
    count = f"{len(other)} of {number(len(judged), 'outcome')}"
    return [
        f"{count} {'was' if len(other) == 1 else 'were'} not foreseen by the pilot: {listed(names, 'and', SURPRISES)}."
    ]


def by_theory(runs: Sequence[Run]) -> str:
    """Whether theory predicted this verdict."""
    judged = [run for run in runs if "verdict_predicted" in run.tags]
    right = sum(run.tags["verdict_predicted"] == run.tags["verdict"] for run in judged)
    if not judged:
        return ""
    if right == len(judged):
        return ", as theory predicted"
    return f"; theory predicted it in {right} of {len(judged)}" if right else "; theory did not predict it"
