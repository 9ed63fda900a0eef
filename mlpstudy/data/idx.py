"""Image sets in the IDX format, in which MNIST is published."""

import gzip
import math
import zlib
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.splits import Split
from mlpstudy.errors import ConfigError


def read_idx_folder(root: Path) -> tuple[Split, Split]:
    """The training and the t10k split of a folder with four IDX files, gzipped or not; pixels in [0, 1]."""
    parts = []
    for split in ("train", "t10k"):
        images, path = _read_idx(root, f"{split}-images-idx3-ubyte", dimensions=3)
        labels, _ = _read_idx(root, f"{split}-labels-idx1-ubyte", dimensions=1)
        if len(images) != len(labels):
            raise ConfigError("data.root", f"a folder with one label for each image of {path.name}", str(root))
        if not len(images):
            raise ConfigError("data.root", f"a folder whose {path.name} holds at least one image", str(root))
        if labels.max() > 9:
            raise ConfigError("data.root", f"a folder whose {split} labels are 0 to 9", str(root))
        parts.append((images.reshape(len(images), -1) / 255.0, labels.astype(np.int64)))
    if parts[0][0].shape[1] != parts[1][0].shape[1]:
        raise ConfigError("data.root", "a folder whose train and t10k images have the same size", str(root))
    return parts[0], parts[1]


def digest(root: Path) -> str:
    """A hash of the four files. Raises ConfigError if one is missing or cannot be read."""
    digest = sha256()
    for split in ("train", "t10k"):
        for name in (f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"):
            digest.update(sha256(_read(root, name)[0]).digest())
    return digest.hexdigest()


def _read(root: Path, name: str) -> tuple[bytes, Path]:
    """The bytes of a file, gzipped or not, and its path."""
    paths = [p for p in (root / name, root / f"{name}.gz") if p.is_file()]
    if not paths:
        raise ConfigError("data.root", f"a folder that holds {name} or {name}.gz", str(root))
    try:
        return paths[0].read_bytes(), paths[0]
    except OSError as error:
        raise _unreadable(root, paths[0], error) from error


def _unreadable(root: Path, path: Path, error: Exception) -> ConfigError:
    return ConfigError("data.root", f"a folder with a readable {path.name} ({error})", str(root))


def _read_idx(root: Path, name: str, dimensions: int) -> tuple[NDArray[np.uint8], Path]:
    """One IDX file: two zero bytes, type 8 (unsigned byte), number of dimensions, sizes, then the values."""
    content, path = _read(root, name)
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(root, path, error) from error
    header = 4 + 4 * dimensions
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) < header:
        raise ConfigError("data.root", f"a folder whose {path.name} is an IDX file of {dimensions}-D bytes", str(root))
    shape = tuple(int(n) for n in np.frombuffer(content[4:header], ">u4"))
    if len(content) - header != math.prod(shape):
        rule = (
            f"a folder whose {path.name} holds the {math.prod(shape)} values it announces, not {len(content) - header}"
        )
        raise ConfigError("data.root", rule, str(root))
    return np.frombuffer(content[header:], np.uint8).reshape(shape), path
