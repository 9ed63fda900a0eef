"""Files with other content under the same name, and the same content under another name: what counts as done before."""

import gzip
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

TINY = ["network.hidden=[6]", "training.epochs=2", "replicas=2", "training.snapshots=3", "workers=1"]


def examples(version: int) -> tuple[np.ndarray, np.ndarray]:
    """40 examples of 4 x 4 features, two classes."""
    rng = np.random.default_rng(version)
    y = np.arange(40) % 2
    return np.clip(rng.normal(100 + 50 * y[:, None], 20, (40, 16)), 0, 255).astype(np.uint8), y


def csv(place: Path, version: int) -> list[str]:
    """A table."""
    x, y = examples(version)
    np.savetxt(place / "table.csv", np.column_stack([x, y]), fmt="%d", delimiter=",")
    return ["data=csv", f"data.path={place}/table.csv"]


def npz(place: Path, version: int) -> list[str]:
    """Arrays."""
    x, y = examples(version)
    np.savez(place / "arrays.npz", x=x, y=y)
    return ["data=npz", f"data.path={place}/arrays.npz"]


def images(place: Path, version: int) -> list[str]:
    """The four files of an image set."""
    x, y = examples(version)
    for split in ("train", "t10k"):
        header = bytes([0, 0, 8, 3]) + struct.pack(">3I", len(x), 4, 4)
        with gzip.open(place / f"{split}-images-idx3-ubyte.gz", "wb") as file:
            file.write(header + x.tobytes())
        with gzip.open(place / f"{split}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(bytes([0, 0, 8, 1]) + struct.pack(">I", len(y)) + y.astype(np.uint8).tobytes())
    return ["data=mnist", f"data.root={place}"]


def weights(place: Path, version: int) -> list[str]:
    """A file of weights for digits."""
    rng = np.random.default_rng(version)
    sizes = ((6, 64), (10, 6))
    arrays = {f"W{layer}": rng.normal(0, 0.1, shape) for layer, shape in enumerate(sizes, start=1)}
    arrays |= {f"b{layer}": np.zeros(shape[0]) for layer, shape in enumerate(sizes, start=1)}
    np.savez(place / "weights.npz", **arrays)
    return ["init=file", f"init.path={place}/weights.npz"]


KINDS: tuple[Callable[[Path, int], list[str]], ...] = (csv, npz, images, weights)


def identity(folder: Path) -> Counter[str]:
    """Of each kind: typed again, the same elsewhere, other content, and the first content again."""
    wrong: Counter[str] = Counter()
    for kind in KINDS:
        here, other = folder / kind.__name__, folder / f"{kind.__name__} of another place"
        here.mkdir()
        other.mkdir()
        for what, place, version, done in (
            ("at first", here, 0, False),
            ("typed again", here, 0, True),
            ("the same content elsewhere", other, 0, True),
            ("other content under the same name", here, 1, False),
            ("the first content again", here, 0, True),
        ):
            words = [*TINY, *kind(place, version)]
            ended = subprocess.run(
                [sys.executable, "-m", "mlpstudy", *words], cwd=folder, capture_output=True, text=True, check=False
            )
            wrong[f"{kind.__name__} failed"] += ended.returncode != 0
            wrong[f"{kind.__name__}, {what}: done before is not {done}"] += ("done before" in ended.stdout) is not done
            if ended.returncode:
                print(ended.stderr[-500:], file=sys.stderr)
    return +wrong  # without what went well
