"""How often is the outcome foreseen? Cells drawn at random, trained, and compared with both forecasts.

Nothing in the product was chosen by these cells: they follow from SEED, which was drawn after both were fixed.
"""

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from threadpoolctl import threadpool_limits

from mlpstudy.cells.cell_result import collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.commands import cli
from mlpstudy.errors import ConfigError
from mlpstudy.foresight.forecast import AHEAD

SEED, CELLS = 20261129, 330
ACTIVATIONS = (
    "tanh", "relu", "sigmoid", "gelu", "silu", "elu", "selu", "leaky_relu", "softsign", "hard_tanh", "softplus", "erf",
    "mish", "sin",
)  # fmt: skip
INITIALIZERS = (
    "xavier", "he", "lecun", "orthogonal", "he_uniform", "xavier_uniform", "critical", "normal init.scale=0.1",
    "normal init.scale=0.01",
)  # fmt: skip
COMMON = {
    "optimizer=sgd": (0.001, 0.01, 0.1, 1.0),
    "optimizer=sgd optimizer.momentum=0.9": (0.001, 0.01, 0.1, 1.0),
    "optimizer=adam": (0.0001, 0.001, 0.01, 0.1),
}
OTHERS = {
    "optimizer=sgd optimizer.momentum=0.9 optimizer.nesterov=true": (0.001, 0.01, 0.1),
    "optimizer=rmsprop": (0.0001, 0.001, 0.01),
    "optimizer=adamw": (0.0001, 0.001, 0.01),
    "optimizer=sgd schedule=cosine": (0.01, 0.1, 1.0),
    "optimizer=sgd training.clip_norm=1": (0.01, 0.1, 1.0),
    "optimizer=adam schedule=step schedule.every=5": (0.001, 0.01),
}
DATA = (
    *["digits", "breast_cancer"] * 2, "mnist", "moons", "spirals", "wine", "diabetes loss=mse", "teacher loss=mse",
    "csv",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What came of one cell, beside what was foreseen."""

    overrides: str
    outcome: str
    gained: list[float]
    rule: str
    pilot: str
    pilot_gained: float
    steps: tuple[float, float]  # to a loss 5 % below the constant's: by the pilot, and of the median replica

    @property
    def agree(self) -> bool:
        """Do both say the same?"""
        return self.rule == self.pilot

    def right(self, forecast: str) -> bool:
        """Is this what came?"""
        return forecast == AHEAD[self.outcome]


def user_file(folder: Path) -> Path:
    """A CSV file as a user may bring it: 12 columns of very different size, 3 classes, 8 % wrong labels."""
    x, y = make_classification(
        1200, 12, n_informative=6, n_redundant=2, n_classes=3, class_sep=1.2, flip_y=0.08, random_state=5
    )
    table = pd.DataFrame(x * np.geomspace(0.01, 1000, 12) + np.arange(12) * 10, columns=[f"c{i}" for i in range(12)])
    table["label"] = np.array(["a", "b", "c"])[y]
    path = folder / "user.csv"
    table.to_csv(path, index=False)
    return path


def drawn(mnist: Path | None, rng: random.Random, csv: Path | None = None) -> Iterator[str]:
    """Random cells without end."""
    files = {"mnist": f"mnist data.root={mnist}", "csv": f"csv data.path={csv}"}
    names = [name for name in DATA if name not in files or {"mnist": mnist, "csv": csv}[name] is not None]
    while True:
        data = rng.choice(names)
        table = COMMON if rng.random() < 0.75 else OTHERS
        optimizer = rng.choice(list(table))
        epochs = "1" if data == "mnist" else rng.choice(["5", "20"])
        activation, init, depth = rng.choice(ACTIVATIONS), rng.choice(INITIALIZERS), rng.choice([3, 10, 30])
        width, lr, seed = rng.choice([50, 100]), rng.choice(table[optimizer]), rng.randrange(10**6)
        yield (
            f"activation={activation} init={init} network.depth={depth} network.width={width} {optimizer} "
            f"optimizer.lr={lr} training.epochs={epochs} seed={seed} replicas=3 data={files.get(data, data)}"
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
    rule, pilot, arrays = result.foreseen, result.pilot, result.arrays
    assert rule is not None
    assert pilot is not None
    assert result.outcome is not None
    lower = 0.95 * cell.yardstick.constant_loss
    measured = [first(arrays["curve_step"], loss, lower) for loss in arrays["curve_loss_train"].T]
    return Told(
        overrides, result.outcome, arrays["gained"].tolist(), rule.outcome, pilot.outcome, pilot.gained,
        (first(pilot.curve.step, pilot.curve.loss, lower), float(np.median(measured))),
    )  # fmt: skip


def first(steps: np.ndarray, loss: np.ndarray, below: float) -> float:
    """The first of these steps with such a loss; inf if there is none."""
    return float(steps[(loss <= below).argmax()]) if (loss <= below).any() else np.inf


def share(cells: Sequence[Told], holds: Callable[[Told], bool]) -> str:
    """`182 of 200 (91 %)`."""
    right = sum(map(holds, cells))
    return f"{right} of {len(cells)} ({right / max(len(cells), 1):.0%})"


def main(mnist: Path | None) -> object:
    """Print how often the outcome was foreseen."""
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(2) as pool:
        source = drawn(mnist, random.Random(SEED), user_file(Path(folder)))
        found = [told for told in pool.map(trained, [next(source) for _ in range(CELLS)]) if told is not None]
    report(found)
    return {"cells": [told.__dict__ for told in found]}


def report(found: Sequence[Told]) -> None:
    """Print the counts."""
    print(f"all cells: {shares(found)}")
    agreed = [told for told in found if told.agree]
    right = share(agreed, lambda told: told.right(told.pilot))
    print(f"both agree: {len(agreed)} of {len(found)}, and are right in {right}")
    for part in ("optimizer=sgd", "optimizer=adam", "optimizer=adamw", "optimizer=rmsprop", "momentum", "schedule",
                 "clip_norm", "network.depth=3 ", "network.depth=10", "network.depth=30"):  # fmt: skip
        print(f"  {part.strip()}: {shares([told for told in found if part in told.overrides])}")
    for data in sorted({told.overrides.partition("data=")[2].split()[0] for told in found}):
        print(f"  data={data}: {shares([told for told in found if f'data={data}' in told.overrides])}")
    for by in ("pilot", "rule"):
        counts = Counter((getattr(told, by), told.outcome) for told in found)
        for (ahead, came), count in sorted(counts.items()):
            print(f"  by the {by} {ahead}, {came}: {count}")
    learned = [told.steps for told in found if told.outcome == "learned"]
    near = [1 / 2 <= ahead / came <= 2 for ahead, came in learned if 0 < came < np.inf and ahead > 0]
    print(f"  steps to a 5 % lower loss within a factor 2: {sum(near)} of {len(near)} cells that learned")


def shares(cells: Sequence[Told]) -> str:
    """How often each forecast was right."""
    pilot, rule = share(cells, lambda told: told.right(told.pilot)), share(cells, lambda told: told.right(told.rule))
    return f"by the pilot {pilot}, by theory's rule {rule}"
