"""The verdict names the cause of a failure, from the statistics of one moment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mlpstudy.measure.sums import Statistic
from mlpstudy.network.activations import Activation

VERDICTS = ("symmetric", "dead", "saturated", "exploding", "vanishing", "collapsed", "healthy")


@dataclass(frozen=True)
class Thresholds:
    """The limits beyond which a layer counts as failed; conf/config.yaml has the values, settings/table.py why."""

    dead: float
    saturated: float
    exploding: float
    vanishing: float
    collapsed: float
    stalled: float
    slow: float
    too_slow: float
    too_fast: float


@dataclass(frozen=True)
class Finding:
    """One failure, and its evidence: the deciding number and the number of replicas."""

    name: str
    evidence: str


@dataclass(frozen=True)
class Verdict:
    """The first finding in order of precedence (or healthy), and all findings."""

    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """The name of the first finding; healthy if there is none."""
        return self.findings[0].name if self.findings else "healthy"

    @property
    def all(self) -> tuple[str, ...]:
        """The names of all findings, without repeats; ("healthy",) if there is none."""
        return tuple(dict.fromkeys(f.name for f in self.findings)) or ("healthy",)

    @property
    def evidence(self) -> str:
        """The numbers that decided the verdict."""
        return self.findings[0].evidence if self.findings else "no layer beyond a threshold"


@dataclass(frozen=True)
class _Case:
    """What every rule gets: the statistics of one snapshot, (R, depth) each, and the settings."""

    statistics: Mapping[str, Statistic]
    widths: Sequence[int]
    activation: Activation
    thresholds: Thresholds
    broken: NDArray[np.bool_]  # (R,): true if the loss of the replica is not finite


@dataclass(frozen=True)
class _Answer:
    """What one rule says of each replica: whether it applies, the deciding number, and the layer of that number."""

    what: str
    holds: NDArray[np.bool_]  # (R,)
    value: Statistic  # (R,)
    layer: NDArray[np.int64] | None = None  # (R,), counted from 1, 0 for no layer; None if layers do not decide
    digits: int = 3

    def evidence(self) -> str:
        """The median number and the most frequent layer, over the replicas to which the rule applies."""
        layers = self.layer[self.holds & (self.layer > 0)] if self.layer is not None else np.array([], int)
        where = f" in layer {np.bincount(layers).argmax()}" if layers.size else ""
        number = f"{np.median(self.value[self.holds]):.{self.digits}g}"
        return f"{self.what}{where}: {number} ({self.holds.sum()} of {self.holds.size} replicas)"


def delta_ratio(delta_rms: Statistic) -> Statistic:
    """delta_rms of the first hidden layer over that of the last, (R,); 0 if no gradient reaches the first."""
    first, last = delta_rms[:, 0], delta_rms[:, -1]
    # 0 / 0 counts as 0: no gradient reaches even the last hidden layer, the extreme case of vanishing
    with np.errstate(over="ignore"):
        return np.divide(first, last, out=np.where(first > 0, np.inf, first), where=last != 0)


def _ratio(case: _Case, largest: bool) -> _Answer:
    """The largest or smallest delta_rms of a layer over that of a later one, and the two layers of most replicas."""
    delta_rms, depth = case.statistics["delta_rms"], len(case.widths)
    extreme, place = (np.fmax, np.argmax) if largest else (np.fmin, np.argmin)
    rows = np.arange(len(delta_rms))
    before = extreme.accumulate(delta_rms, axis=1)  # of all layers up to each
    pairs = zip(before.T, delta_rms.T, strict=True)
    ratios = np.stack([delta_ratio(np.stack(pair, axis=1)) for pair in pairs], axis=1)
    ratios = np.where(np.isnan(ratios), 1.0, ratios)  # a layer that diverged is a finding of its own
    later = place(ratios, axis=1)
    earlier = (delta_rms == before[rows, later][:, None]).argmax(axis=1)
    ratio = ratios[rows, later]
    holds = ratio > case.thresholds.exploding if largest else ratio < case.thresholds.vanishing
    layers, counts = np.unique(np.stack([earlier, later], axis=1)[holds] + 1, axis=0, return_counts=True)
    i, j = layers[counts.argmax()] if len(layers) else (1, depth)
    where = "first / last layer" if (i, j) == (1, depth) else f"layer {i} / layer {j}"
    return _Answer(f"delta_rms {where}", holds, ratio)


def _worst(what: str, values: Statistic, threshold: float) -> _Answer:
    """The layer with the largest value, for each replica; NaN (a diverged layer) is ignored."""
    known = np.where(np.isnan(values), -np.inf, values)
    return _Answer(what, known.max(axis=1) > threshold, known.max(axis=1), known.argmax(axis=1) + 1)


def _non_finite(case: _Case) -> _Answer:
    names = ("preactivation_std", "activation_rms", "delta_rms", "weight_grad_rms", "weight_rms")
    broken = np.any([~np.isfinite(case.statistics[name]) for name in names], axis=0)
    if not broken.any():
        return _Answer("loss not finite", case.broken, case.broken.astype(np.float64))
    number = broken.sum(axis=1).astype(np.float64)
    layer = np.where(number > 0, broken.argmax(axis=1) + 1, 0)
    return _Answer("layers with non-finite values, first", (number > 0) | case.broken, number, layer)


def _symmetric(case: _Case) -> _Answer:
    widths = np.asarray(case.widths)
    units = case.statistics["distinct_units"] * widths
    units = np.where(np.isnan(units) | (widths == 1), np.inf, units)  # a layer of one unit is not symmetric
    fewest = units.min(axis=1)
    return _Answer("distinct units", np.rint(fewest) == 1, fewest, units.argmin(axis=1) + 1)


def _dead(case: _Case) -> _Answer:
    return _worst("dead_fraction", case.statistics["dead_fraction"], case.thresholds.dead)


def _saturated(case: _Case) -> _Answer:
    """Of the values that are not switched off: half of those of relu6 are, at any scale, as those of ReLU."""
    threshold = case.thresholds.saturated if case.activation.bounded else np.inf
    flat, off = case.statistics["saturated_fraction"], case.statistics["inactive_fraction"]
    share = np.divide(flat - off, 1 - off, out=np.zeros_like(flat), where=off < 1)
    return _worst("saturated_fraction" + " of active values" * bool(case.activation.inactive_side), share, threshold)


def _collapsed(case: _Case) -> _Answer:
    """Of the last hidden layer: that of a layer before it says little, since inputs can only become more alike."""
    last = case.statistics["input_correlation"][:, -1]
    layer = np.full(len(last), len(case.widths))
    return _Answer("input_correlation", last > case.thresholds.collapsed, last, layer, digits=5)


RULES: tuple[tuple[str, Callable[[_Case], _Answer]], ...] = (
    ("exploding", _non_finite),
    ("symmetric", _symmetric),
    ("dead", _dead),
    ("saturated", _saturated),
    ("exploding", partial(_ratio, largest=True)),
    ("vanishing", partial(_ratio, largest=False)),
    ("collapsed", _collapsed),
)


def judge(
    statistics: Mapping[str, Statistic],
    widths: Sequence[int],
    activation: Activation,
    thresholds: Thresholds,
    broken: NDArray[np.bool_] | None = None,
) -> Verdict:
    """All failures that more than half of the replicas have, in order of precedence.

    statistics: (R, depth) each, of one snapshot; widths: units of each hidden layer; broken: (R,), true if the loss of
    the replica is not finite.
    """
    if broken is None:
        broken = np.zeros(len(next(iter(statistics.values()))), bool)
    if not widths:
        said = f"loss not finite ({broken.sum()} of {broken.size} replicas)"
        return Verdict((Finding("exploding", said),) if broken.mean() > 0.5 else ())
    case = _Case(statistics, widths, activation, thresholds, broken)
    findings = []
    for name, rule in RULES:
        with np.errstate(invalid="ignore"):
            answer = rule(case)
        if answer.holds.mean() > 0.5:
            findings.append(Finding(name, answer.evidence()))
    return Verdict(tuple(findings))
