"""Public programs that do not train, and their published repairs: is what comes of them foreseen?

Each is a question that was asked in public (its address is in SOURCES), with synthetic data of the same shape and
scale. b: as asked; r: with the published repair. Programs that need a sigmoid or softmax after the last layer are left
out, or are run in the nearest form.
"""

import contextlib
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from mlpstudy.cells.cell_result import CellResult, collect
from mlpstudy.cells.problem import initial_theta, prepare
from mlpstudy.cells.recording import train_and_record
from mlpstudy.compose import cells
from mlpstudy.foresight.forecast import AHEAD

SOURCES = {
    "c01": "https://stackoverflow.com/questions/48934338",
    "c02": "https://stackoverflow.com/questions/34311586",
    "c03": "https://stackoverflow.com/questions/31556268",
    "c04": "https://stackoverflow.com/questions/48385830",
    "c06": "https://stackoverflow.com/questions/55328966",
    "c07": "https://stackoverflow.com/questions/39525358",
    "c08": "https://stackoverflow.com/questions/44066044",
    "c09": "https://stackoverflow.com/questions/31880720",
    "c10": "https://stackoverflow.com/questions/48221692",
    "c12": "https://stackoverflow.com/questions/52800582",
    "c13": "https://stackoverflow.com/questions/51930566",
    "c14": "https://stackoverflow.com/questions/33969059",
    "c15": "https://stats.stackexchange.com/questions/320672",
    "c16": "https://stats.stackexchange.com/questions/367057",
    "c17": "https://ai.stackexchange.com/questions/16557",
    "c19": "https://stats.stackexchange.com/questions/418955",
    "c20": "https://pullrequest.ru/11818227",
    "c25": "https://datascience.stackexchange.com/questions/18667",
    "c28": "https://stackoverflow.com/questions/78199673",
    "c29": "https://stats.stackexchange.com/questions/286424",
    "c32": "https://github.com/shiningrain/AUTOTRAINER (GradientExplode/case26.py)",
    "c34": "https://github.com/shiningrain/AUTOTRAINER (Motivation/DyingReLU)",
    "c35": "https://datascience.stackexchange.com/questions/79607",
    "c36": "https://stackoverflow.com/questions/14982358",
}
OWN_FUNCTIONS = """
import numpy as np
def unit(rng, shape): return rng.uniform(0, 1, shape)
def expo(z): return np.exp(z)
"""
WORDS = {  # short for
    "regression": "data.task=regression loss=mse data.standardize_target=false",
    "raw": "data.standardize=none",
    "whole": "data.test_fraction=0",
    "full": "training.batch_size=null",
}
KEYS = {
    "lr": "optimizer.lr", "momentum": "optimizer.momentum", "hidden": "network.hidden", "epochs": "training.epochs",
    "batch": "training.batch_size",
}  # fmt: skip
# the published rate r of SGD is lr=2r with one output, since mse has the factor 1/2 here
CASES = {
    "c01b": "square regression whole raw activation=relu hidden=[50,30] init=xavier_uniform lr=0.2 epochs=1000",
    "c01r": "square regression whole raw activation=relu hidden=[50,30] init=xavier_uniform lr=0.002 epochs=1000",
    "c02b": (
        "xor loss=bce whole raw activation=sigmoid hidden=[2,3] init=uniform init.scale=0.029 lr=0.001 "
        "momentum=0.9 optimizer.nesterov=true full epochs=20"
    ),
    "c02r": (
        "xor loss=bce whole raw activation=sigmoid hidden=[2,3] init=uniform init.scale=0.029 lr=0.1 "
        "momentum=0.9 optimizer.nesterov=true full epochs=10000"
    ),
    "c03b": (
        "xor loss=bce whole raw activation=sigmoid hidden=[4] init=xavier_uniform lr=0.05 momentum=0.11 full "
        "epochs=1000"
    ),
    "c03r": (
        "xor loss=bce whole raw activation=sigmoid hidden=[4] init=xavier_uniform optimizer=adam lr=0.001 "
        "full epochs=10000"
    ),
    "c04b": (
        "digits01 loss=mse raw activation=identity hidden=[30] init=normal init.scale=1 init.sigma_b=1 "
        "lr=0.6 batch=10 epochs=10"
    ),
    "c04r": (
        "digits01 raw activation=sigmoid hidden=[30] init=normal init.scale=1 init.sigma_b=1 lr=3 batch=10 epochs=10"
    ),
    "c06b": "digits255 raw activation=relu hidden=[50] init=xavier_uniform lr=0.0001 batch=32 epochs=10",
    "c06r": "digits01 raw activation=relu hidden=[50] init=xavier_uniform lr=0.0001 batch=32 epochs=10",
    "c07b": (
        "cols3 loss=bce raw activation=relu hidden=[12,3] init=uniform init.scale=0.029 optimizer=adam "
        "lr=0.001 batch=10 epochs=40"
    ),
    "c07r": (
        "cols3 loss=bce activation=relu hidden=[12,3] init=uniform init.scale=0.029 optimizer=adam lr=0.001 "
        "batch=10 epochs=40"
    ),
    "c08b": (
        "wine11 loss=bce raw activation=relu hidden=[12,12] init=normal init.scale=0.05 optimizer=adam "
        "lr=0.001 batch=5 epochs=30"
    ),
    "c08r": (
        "wine11 loss=bce activation=relu hidden=[12,12] init=normal init.scale=0.05 optimizer=adam lr=0.001 "
        "batch=5 epochs=30"
    ),
    "c09r": (
        "ones loss=bce raw activation=relu hidden=[50,50] init=xavier_uniform optimizer=rmsprop lr=0.001 "
        "batch=16 epochs=3"
    ),
    "c10r": "line10 regression raw activation=sigmoid hidden=[5] init=xavier_uniform lr=0.02 full epochs=1000",
    "c12b": (
        "x4 regression raw activation=sigmoid hidden=[50,50] init=xavier_uniform optimizer=adam lr=0.001 "
        "batch=100 epochs=40"
    ),
    "c12r": (
        "x4n regression activation=sigmoid hidden=[50,50] init=xavier_uniform optimizer=adam lr=0.001 "
        "batch=100 epochs=100"
    ),
    "c14b": (
        "lin3 regression raw activation=tanh hidden=[3,2] init=uniform init.scale=0.029 lr=0.2 momentum=0.9 "
        "optimizer.nesterov=true epochs=20"
    ),
    "c14r": (
        "lin3n regression activation=tanh hidden=[3,2] init=xavier lr=0.02 momentum=0.9 "
        "optimizer.nesterov=true epochs=20"
    ),
    "c15b": (
        "xor1000 loss=bce raw activation=relu hidden=[2] init=xavier_uniform optimizer=rmsprop lr=0.001 "
        "optimizer.decay=0.9 batch=4 epochs=40"
    ),
    "c15r": (
        "xor1000 loss=bce raw activation=relu hidden=[16] init=xavier_uniform optimizer=rmsprop lr=0.001 "
        "optimizer.decay=0.9 batch=4 epochs=40"
    ),
    "c16b": "digits255 raw activation=relu hidden=[128,128] init=xavier_uniform optimizer=adam lr=0.001 epochs=10",
    "c16r": "digits01 raw activation=relu hidden=[128,128] init=xavier_uniform optimizer=adam lr=0.001 epochs=10",
    "c17b": (
        "bits regression raw activation=sigmoid network.depth=4 network.width=100 init=xavier_uniform lr=0.01 epochs=20"
    ),
    "c17r": "bitsn regression activation=relu network.depth=4 network.width=100 init=he lr=0.01 epochs=20",
    "c19b": "x2 regression whole raw activation=identity hidden=[1] init=xavier_uniform lr=0.02 epochs=300",
    "c19r": "x2n regression whole raw activation=identity hidden=[1] init=xavier_uniform lr=0.02 epochs=300",
    "c20b": "digits01 raw activation=sigmoid hidden=[10] init=zeros lr=0.5 batch=100 epochs=60",
    "c20r": (
        "digits01 raw activation=sigmoid hidden=[10] init=truncated_normal init.scale=0.1 lr=0.5 batch=100 epochs=60"
    ),
    "c28b": (
        "ten regression whole raw network.depth=0 init=xavier_uniform optimizer=rmsprop lr=0.005 "
        "optimizer.decay=0.9 full epochs=100"
    ),
    "c28r": (
        "ten regression whole raw network.depth=0 init=xavier_uniform optimizer=rmsprop lr=0.01 "
        "optimizer.decay=0.9 full epochs=2000"
    ),
    "c29b": (
        "pixels01 raw activation=sigmoid hidden=[15] loss=mse init=custom init.function=mine:unit "
        "init.bias=0.5 init.sigma_b=0.29 lr=0.5 batch=1 epochs=3"
    ),
    "c29r": (
        "pixels01 raw activation=sigmoid hidden=[15] loss=mse init=uniform init.scale=0.289 "
        "init.sigma_b=0.289 lr=0.5 batch=1 epochs=3"
    ),
    "c32b": (
        "data=circles data.samples=1000 data.noise=0.1 loss=bce raw activation=custom "
        "activation.function=mine:expo activation.derivative=mine:expo network.depth=4 network.width=5 "
        "init=he_uniform optimizer=adam lr=0.001 batch=128 epochs=50"
    ),
    "c32r": (
        "data=circles data.samples=1000 data.noise=0.1 loss=bce raw activation=selu network.depth=4 "
        "network.width=5 init=he_uniform optimizer=adam lr=0.001 batch=128 epochs=50"
    ),
    "c34b": (
        "digits01 raw activation=relu network.depth=34 network.width=32 init=xavier_uniform optimizer=adam "
        "lr=0.001 epochs=10"
    ),
    "c34r": "digits01 raw activation=relu network.depth=34 network.width=32 init=he optimizer=adam lr=0.001 epochs=10",
    "c35b": (
        "two whole raw activation=sigmoid hidden=[3,3] init=constant init.value=1 init.bias=1 lr=0.5 full epochs=1000"
    ),
    "c35r": (
        "two whole raw activation=sigmoid hidden=[3,3] init=normal init.scale=1 init.sigma_b=1 lr=0.5 full epochs=1000"
    ),
    "c36r": "f43 regression raw activation=sigmoid hidden=[20] init=xavier lr=0.01 epochs=50",
    "c13r": (
        "data=iris activation=relu hidden=[4] init=normal init.scale=0.05 optimizer=adam lr=0.001 batch=5 epochs=100"
    ),
    "c25b": "digits255 raw activation=relu hidden=[100] init=xavier_uniform lr=0.01 batch=100 epochs=30",
    "c25r": "digits01 raw activation=relu hidden=[100] init=xavier_uniform lr=0.01 batch=100 epochs=30",
}


def write(folder: Path) -> None:
    """The data sets of the cases, as NPZ files, and the user's own functions."""

    def save(name: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        np.savez(folder / f"{name}.npz", x=x, y=y)

    (folder / "mine.py").write_text(OWN_FUNCTIONS, encoding="utf-8")
    rng = np.random.default_rng(0)
    line = np.arange(0, 5, 0.1)[:, None]
    save("square", line, 5 * line[:, 0] ** 2 + rng.normal(size=50) ** 3)
    save("xor", np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0]))
    bits = rng.integers(0, 2, (1000, 2))
    save("xor1000", bits.astype(float), bits[:, 0] ^ bits[:, 1])
    pixels, classes = blank_pixels(rng)
    save("pixels01", pixels, classes)
    columns = rng.uniform(0, 1, (600, 3)) * [5000, 300, 1]
    save("cols3", columns, (columns[:, 0] / 5000 + columns[:, 2] > 1).astype(int))
    line = np.linspace(-100, 100, 2001)[:, None]
    save("x4", line, line[:, 0] ** 4)
    save("x4n", line, standard(line[:, 0] ** 4))
    three = rng.uniform(0, 1e4, (2000, 3))
    total = three @ [0.9, 0.45, 0.23] + 1
    save("lin3", three, total)
    save("lin3n", three, standard(total))
    numbers = np.arange(100.0)
    save("x2", standard(numbers)[:, None], numbers**2 + 3)
    save("x2n", standard(numbers)[:, None], standard(numbers**2 + 3))
    bits = rng.integers(0, 2, (2000, 20)).astype(float)
    total = bits @ rng.uniform(0, 20, 20) + 30 * bits[:, 0] * bits[:, 1]
    save("bits", bits, total)
    save("bitsn", bits, standard(total))
    save("ten", np.arange(1, 11.0)[:, None], 10 * np.arange(1, 11.0))
    wine = rng.normal(size=(600, 11)) * [1.7, 0.2, 0.2, 1.4, 0.05, 10, 33, 0.002, 0.15, 0.17, 1]
    wine += [8, 0.5, 0.3, 2.5, 0.09, 16, 46, 1, 3.3, 0.66, 10]
    save("wine11", wine, (wine[:, 10] - 10 - 3 * (wine[:, 1] - 0.5) > 0).astype(int))
    line = rng.uniform(0, 10, (200, 1))
    save("line10", line, 3 * line[:, 0] + 2)
    save("ones", np.repeat([[1.0] * 128, [0.0] * 128], 500, 0), np.repeat([1, 0], 500))
    save("two", np.array([[0.8, 0.4], [0.3, 0.3]]), np.array([0, 1]))
    many = rng.normal(size=(500, 43))
    save("f43", many, np.clip(50 + 8 * many[:, :5].sum(axis=1), 0, 100))
    digits = load_digits()
    images = np.zeros((len(digits.target), 28, 28))  # 8 x 8 digits, three times as large
    images[:, 2:26, 2:26] = np.kron(digits.images, np.ones((3, 3))) / 16
    save("digits01", images.reshape(len(images), 784), digits.target)
    save("digits255", images.reshape(len(images), 784) * 255, digits.target)


def blank_pixels(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Ten prototypes of 784 pixels in [0, 1], 80 % of them blank, 200 noisy copies of each, and their classes."""
    prototypes = rng.uniform(0, 1, (10, 784)) * (rng.uniform(size=(10, 784)) < 0.2)
    classes = np.arange(2000) % 10
    noise = (rng.uniform(size=(2000, 784)) < 0.05) * rng.uniform(0, 1, (2000, 784))
    return np.clip(prototypes[classes] * rng.uniform(0.3, 1, (2000, 1)) + noise, 0, 1), classes


def standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """With mean 0 and variance 1."""
    return np.asarray((values - values.mean()) / values.std())


def settings(case: str) -> list[str]:
    """The words of a case as they are typed."""
    first, *words = CASES[case].split()
    data = [first] if first.startswith("data=") else ["data=npz", f"data.path={first}.npz"]
    return [*data, *" ".join(map(in_full, words)).split(), "replicas=5", "training.snapshots=6"]


def in_full(word: str) -> str:
    """A word of a case with the full names of its settings."""
    key, equals, value = word.partition("=")
    return WORDS.get(word, KEYS.get(key, key) + equals + value)


def trained(case: str) -> CellResult:
    """What comes of a case."""
    (cell,) = cells(settings(case))
    with threadpool_limits(1):
        problem = prepare(cell.config)
        return collect(cell, list(train_and_record(problem, initial_theta(problem, range(cell.config.replicas)))))


def main(mnist: Path | None) -> object:
    """Train the cases in a temporary folder and print what came of each, beside what was foreseen."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        write(Path(folder))
        sys.path.insert(0, folder)
        for case in CASES:
            rows[case] = row(case, trained(case))
        sys.path.remove(folder)
    for part, ending in (("as asked", "b"), ("repaired", "r")):
        right = [told["right"] for case, told in rows.items() if case.endswith(ending)]
        print(f"{part}: foreseen {sum(right)} of {len(right)}")
    return rows


def row(case: str, result: CellResult) -> dict[str, object]:
    """Print the line of one case."""
    foreseen, came = result.foreseen, result.outcome
    outcome = "-" if foreseen is None else foreseen.outcome
    right = outcome == AHEAD[came]
    loss, accuracy = result.last("loss_train"), result.last("accuracy_train")
    number = float(np.median(loss if accuracy is None else accuracy))
    print(f"{case}  {result.verdict.name:9}  {outcome:8}  {came:8}  {number:<8.3g}  {'right' if right else 'WRONG'}")
    if foreseen is not None:
        print(
            textwrap.fill(
                f"{foreseen.reason} (by {foreseen.by})", 110, initial_indent="     ", subsequent_indent=" " * 5
            )
        )
    return {"outcome": outcome, "came": came, "right": right, "number": number}
