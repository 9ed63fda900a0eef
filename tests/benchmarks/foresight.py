"""How often is the outcome foreseen? Cells drawn at random, trained, and compared with what was foreseen of them.

Nothing in the product was chosen by these cells: they follow from SEED, which was drawn after the rule was fixed.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.commands import cli
from mlpstudy.errors import ConfigError
from mlpstudy.foresight.forecast import AHEAD

SEED, CELLS = 20261128, 240
ACTIVATIONS = (
    "tanh", "relu", "sigmoid", "gelu", "silu", "elu", "selu", "leaky_relu", "softsign", "hard_tanh", "softplus", "erf",
    "mish", "sin",
)  # fmt: skip
INITIALIZERS = (
    "xavier", "he", "lecun", "orthogonal", "he_uniform", "xavier_uniform", "critical", "normal init.scale=0.1",
    "normal init.scale=0.01",
)  # fmt: skip
OPTIMIZERS = {
    "optimizer=sgd": (0.001, 0.01, 0.1, 1.0),
    "optimizer=sgd optimizer.momentum=0.9": (0.001, 0.01, 0.1, 1.0),
    "optimizer=adam": (0.0001, 0.001, 0.01, 0.1),
}
SHARES = (1 / 64, 1 / 16, 1 / 4, 1, 4)  # of the largest learning rate
NEAR = 2.0  # a cell within this factor of a limit is near the border


@dataclass(frozen=True)
class Told:
    """What came of one cell, beside what was foreseen."""

    overrides: str
    verdict: str
    outcome: str
    foreseen: str
    near: bool
    accuracy: float
    epochs: tuple[float, float]  # to a loss 5 % below the constant's: foreseen, and the median of what came

    @property
    def right(self) -> bool:
        """Was the outcome foreseen?"""
        return self.foreseen == AHEAD[self.outcome]

    @property
    def plain(self) -> bool:
        """Would the rule `healthy networks learn, all others do not` have been right?"""
        return (self.verdict == "healthy") == (self.outcome == "learned")

    @property
    def half(self) -> bool:
        """Was it foreseen whether the cell learns?"""
        return (self.foreseen == "learns") == (self.outcome == "learned")


def drawn(mnist: Path | None) -> Iterator[str]:
    """Random cells without end."""
    rng = random.Random(SEED)
    while True:
        data = rng.choice(["digits", "breast_cancer", *["mnist"] * (mnist is not None)])
        optimizer = rng.choice(list(OPTIMIZERS))
        epochs = "1" if data == "mnist" else rng.choice(["5", "20"])
        activation, init, depth = rng.choice(ACTIVATIONS), rng.choice(INITIALIZERS), rng.choice([3, 10, 30])
        width, lr, seed = rng.choice([50, 100]), rng.choice(OPTIMIZERS[optimizer]), rng.randrange(10**6)
        yield (
            f"activation={activation} init={init} network.depth={depth} network.width={width} {optimizer} "
            f"optimizer.lr={lr} training.epochs={epochs} seed={seed} replicas=3 data={data}"
            + f" data.root={mnist}"
            * (data == "mnist")
        )


def trained(overrides: str) -> Told | None:
    """Foresee and train one cell; None if there is no such cell (no critical point)."""
    try:
        (cell,) = cli.cells(overrides.split())
    except ConfigError:
        return None
    with threadpool_limits(1):
        problem = prepare(cell.config)
        theta = initial_theta(problem, range(cell.config.replicas))
        result = collect(cell, list(train_and_record(problem, theta)))
    f = result.foreseen
    assert f is not None
    accuracy = result.last("accuracy_train")
    assert accuracy is not None
    near = any(1 / NEAR < distance < NEAR for distance in f.distances)
    reached = np.asarray(result.arrays["epochs_to_lower_loss"], dtype=np.float64)
    came = float(np.median(np.where(np.isnan(reached), np.inf, reached)))
    known = accuracy[np.isfinite(accuracy)]
    return Told(
        overrides, result.verdict.name, result.outcome, f.outcome, near,
        float(known.mean()) if known.size else np.nan, (f.epochs_to_lower_loss, came),
    )  # fmt: skip


def share(cells: Sequence[Told], holds: Callable[[Told], bool]) -> str:
    """`182 of 200 (91 %)`."""
    right = sum(map(holds, cells))
    return f"{right} of {len(cells)} ({right / max(len(cells), 1):.0%})"


def main(mnist: Path | None) -> object:
    """Print how often the outcome was foreseen, and how networks fare at shares of the largest learning rate."""
    source = drawn(mnist)
    with ProcessPoolExecutor(2) as pool:
        found = [told for told in pool.map(trained, [next(source) for _ in range(CELLS)]) if told is not None]
    report(found)
    return {"cells": [told.__dict__ for told in found], "largest_lr": at_shares()}


def report(found: Sequence[Told]) -> None:
    """Print the counts."""
    far = [told for told in found if not told.near]
    print(f"all cells: {shares(found)}\nnot within a factor {NEAR:g} of a limit: {shares(far)}")
    for key in ("data", "optimizer", "depth"):
        parts = {part for told in found for part in told.overrides.split() if part.partition("=")[0].endswith(key)}
        for part in sorted(parts):
            print(f"  {part}: {shares([told for told in found if part in told.overrides.split()])}")
    for (ahead, came), count in sorted(Counter((told.foreseen, told.outcome) for told in found).items()):
        print(f"  foreseen {ahead}, {came}: {count}")
    ended = [told.epochs for told in found if told.right and told.outcome == "learned"]
    ratios = [np.log10(ahead / came) for ahead, came in ended if 0 < came < np.inf and ahead < np.inf]
    print(f"  epochs to a lower loss, foreseen / measured, in decades: quartiles {np.percentile(ratios, [25, 50, 75])}")
    for told in far:
        if not told.right:
            print(f"  foreseen {told.foreseen}, {told.outcome} ({told.accuracy:.2f}, {told.verdict}): {told.overrides}")


def shares(cells: Sequence[Told]) -> str:
    """How often the outcome was foreseen, and whether the cell learns, by the forecast and by the plain rule."""
    parts = share(cells, lambda told: told.right), share(cells, lambda told: told.half), share(cells, lambda t: t.plain)
    return "outcome foreseen in {}; whether it learns, in {}; by 'healthy = learns', in {}".format(*parts)


def at_shares() -> dict[str, int]:
    """How many of some networks learn at shares of the largest learning rate that is foreseen for them."""
    from mlpstudy.cells.before import before_training

    counts: Counter[float] = Counter()
    number = 0
    for activation in ("tanh", "relu", "gelu", "softsign", "elu", "silu"):
        for init in ("xavier", "he", "orthogonal"):
            for depth in (3, 10):
                cell = f"activation={activation} init={init} network.depth={depth} training.epochs=5 replicas=3"
                foreseen = before_training(cli.cells(cell.split())[0].config).foreseen
                assert foreseen is not None
                number += 1
                for part in SHARES:
                    told = trained(f"{cell} optimizer.lr={foreseen.largest_lr * part:.3g}")
                    counts[part] += told is not None and told.outcome == "learned"
    for part in SHARES:
        print(f"at {part:g} of the largest learning rate: {counts[part]} of {number} networks learned")
    return {f"{part:g}": counts[part] for part in SHARES}
