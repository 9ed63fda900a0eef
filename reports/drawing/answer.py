"""What a sweep found, in a few sentences: which cells learned, which did not, and why."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from math import isfinite, prod

from mlpstudy.foresight.forecast import AHEAD
from mlpstudy.tracking.run import Run
from reports.drawing.words import CELL, coordinates, decimal, listed, number, ordered, outcome, param, score

MOST = 5  # causes that get a sentence of their own
SURPRISES = 3  # cells that are named
FAILED = ("stalled", "diverged")
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
        name, text, _ = best = max(map(score, learned), key=lambda told: told[2] if "accuracy" in told[0] else -told[2])
        winner = next(run for run in learned if score(run) == best)
        first += f"; the best is {winner.name}, with {name} {text}"
    failed = [run for run in trained if outcome(run) != "learned"]
    return [f"{first}.", *everywhere(learned, failed), *causes(failed), *surprises(trained)]


def everywhere(learned: Sequence[Run], failed: Sequence[Run]) -> list[str]:
    """`Learned at every depth: tanh with xavier or he.` Nothing if the depth or the outcome is always the same."""
    if not failed or len({run.params["depth"] for run in [*learned, *failed]}) < 2:
        return []
    lost = {_line(run) for run in failed}
    inits: dict[str, list[str]] = {}
    for activation, init in dict.fromkeys(_line(run) for run in learned if _line(run) not in lost):
        inits.setdefault(activation, []).append(init)
    told = [f"{activation} with {listed(names, 'or')}" for activation, names in inits.items()]
    return [f"Learned at every depth: {', '.join(told)}."] if told else []


def _line(run: Run) -> tuple[str, str]:
    return run.params["activation"], run.params["init"]


def causes(runs: Sequence[Run], fine: str = "") -> list[str]:
    """A sentence for each verdict and activation, except for the verdict that is fine.

    Activations that have a verdict in the same cells share a sentence.
    """
    merged: dict[tuple[str, frozenset[tuple[str, str]]], list[Run]] = {}
    for (_, verdict), those in groupby(sorted(runs, key=_group), _group):
        them = list(those)
        if verdict != fine:
            where = frozenset((run.params["init"], run.params["depth"]) for run in them)
            merged.setdefault((verdict, where), []).extend(them)
    groups = sorted(merged.items(), key=lambda group: -len(group[1]))
    place = {id(run): i for i, run in enumerate(runs)}  # the order of the sweep
    found = [cause(verdict, sorted(them, key=lambda run: place[id(run)]), runs) for (verdict, _), them in groups[:MOST]]
    if rest := sum(len(them) for _, them in groups[MOST:]):
        kinds = [_at_start(verdict) for verdict in ordered(verdict for (verdict, _), _ in groups[MOST:])]
        found.append(f"{number(rest, 'other cell')} failed: they were {listed(kinds, 'or')}; see the table.")
    return found


def _at_start(verdict: str) -> str:
    return "healthy at the start" if verdict == "healthy" else verdict


def _group(run: Run) -> tuple[str, str]:
    return run.params["activation"], run.tags["verdict"]


def cause(verdict: str, runs: Sequence[Run], among: Sequence[Run]) -> str:
    """`sigmoid, 20 hidden layers, xavier or he: vanishing. The first layer gets ..., as theory predicted.`"""
    names, keys = coordinates(among)
    varied = [names[i] for i in range(len(CELL), len(names)) if len({key[i] for key in keys}) > 1]
    layers = listed(ordered(param(runs, "depth")), "or")
    places = [
        f"{listed(ordered(param(runs, 'activation')), 'or')} with {layers} hidden layer{'s' * (layers != '1')}",
        listed(ordered(param(runs, "init")), "or"),
        *(f"{name.rpartition('.')[2]} {listed(ordered(param(runs, name)), 'or')}" for name in varied),
    ]
    theory = "" if verdict == "healthy" else by_theory(runs)
    ends = listed(ordered(outcome(run) for run in runs), "or")
    named = verdict if verdict != "healthy" else f"{_at_start(verdict)}, but {ends}"
    values = [ordered(param(runs, name)) for name in ("activation", "depth", "init", *varied)]
    all_of_them = prod(map(len, values)) == len(runs)  # otherwise the sentence names more cells than there are
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
    """Why networks failed that were healthy at the start: what was foreseen, and of how many nothing was."""
    reasons = [run.tags.get("outcome_predicted_reason", "").partition(": ")[2] for run in runs if foreseen(run)]
    kinds = Counter(reason.partition(":")[0] for reason in reasons if reason)
    open_ = len(runs) - kinds.total()
    if not kinds:
        return "nothing at the start tells why"
    if not open_ and len(kinds) == 1:
        return f"signals and gradients get through, but training is {reasons[0]}"
    told = " and ".join(f"{kind} in {number(count, 'cell')}" for kind, count in kinds.items())
    text = f"signals and gradients get through, but training is {told}, as was foreseen"
    return text + (f"; nothing at the start tells why in {number(open_, 'other cell')}" if open_ else "")


def foreseen(run: Run) -> bool:
    """Was a failure foreseen?"""
    return run.tags.get("outcome_predicted") in ("stalls", "diverges")


def surprises(trained: Sequence[Run]) -> list[str]:
    """The cells whose outcome was not the foreseen one."""
    judged = [run for run in trained if "outcome_predicted" in run.tags]
    other = [run for run in judged if run.tags["outcome_predicted"] != AHEAD[outcome(run)]]
    if not judged:
        return []
    if not other:
        return [f"Every outcome was foreseen before training ({len(judged)} of {len(judged)})."]
    told = [f"{run.name} (expected to {run.tags['outcome_predicted'][:-1]}, but {outcome(run)})" for run in other]
    count = f"{len(other)} of {number(len(judged), 'outcome')}"
    return [f"{count} {'was' if len(other) == 1 else 'were'} not foreseen: {listed(told, 'and', SURPRISES)}."]


def by_theory(runs: Sequence[Run]) -> str:
    """Whether theory predicted this verdict."""
    judged = [run for run in runs if "verdict_predicted" in run.tags]
    right = sum(run.tags["verdict_predicted"] == run.tags["verdict"] for run in judged)
    if not judged:
        return ""
    if right == len(judged):
        return ", as theory predicted"
    return f"; theory predicted it in {right} of {len(judged)}" if right else "; theory did not predict it"
