"""Image sets as they are published: in IDX files, as MNIST is, or downloaded from OpenML."""

import gzip
import math
import warnings
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlpstudy.data.splits import Split
from mlpstudy.errors import ConfigError

IMAGES = {"mnist": "mnist_784", "fashion_mnist": "Fashion-MNIST"}  # and their names on OpenML
SPLITS, IMAGE_FILE, LABEL_FILE = ("train", "t10k"), "{}-images-idx3-ubyte", "{}-labels-idx1-ubyte"


def image_files(name: str, *, root: str | None, standardize: str) -> str:
    """What the arrays of an image set are made from: a hash of its files, or its name on OpenML, and the setting."""
    digest = sha256()
    if root is not None:
        for file in (kind.format(split) for split in SPLITS for kind in (IMAGE_FILE, LABEL_FILE)):
            digest.update(sha256(_read(Path(root), file)[0]).digest())
    return f"{digest.hexdigest() if root is not None else f'OpenML {IMAGES[name]}'} {name} {standardize}"


def download(name: str) -> tuple[Split, Split]:
    """An image set from OpenML, pixels in [0, 1], in its published split of 60,000 and 10,000."""
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the error below says that a download failed
            x, y = fetch_openml(IMAGES[name], version=1, as_frame=False, return_X_y=True, n_retries=1)
    except (OSError, ValueError) as error:
        reason = f"a folder with the IDX files, as downloading them from openml.org failed ({error})"
        raise ConfigError("data.root", reason, None) from error
    x, y = x / 255.0, y.astype(np.int64)
    return (x[:60000], y[:60000]), (x[60000:], y[60000:])


def read_folder(root: Path) -> tuple[Split, Split]:
    """The training and the t10k split of a folder with four IDX files, gzipped or not; pixels in [0, 1]."""
    train, test = (_read_split(root, split) for split in SPLITS)
    if train[0].shape[1] != test[0].shape[1]:
        raise _refused(root, "whose train and t10k images have the same size")
    return train, test


def _read_split(root: Path, split: str) -> Split:
    images, path = _read_idx(root, IMAGE_FILE.format(split), dimensions=3)
    labels, _ = _read_idx(root, LABEL_FILE.format(split), dimensions=1)
    if len(images) != len(labels):
        raise _refused(root, f"with one label for each image of {path.name}")
    if not len(images):
        raise _refused(root, f"whose {path.name} holds at least one image")
    if labels.max() > 9:
        raise _refused(root, f"whose {split} labels are 0 to 9")
    return images.reshape(len(images), -1) / 255.0, labels.astype(np.int64)


def _read_idx(root: Path, name: str, dimensions: int) -> tuple[NDArray[Any], Path]:
    """One IDX file: two zero bytes, type 8 (unsigned byte), number of dimensions, sizes, then the values."""
    content, path = _read(root, name)
    try:
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise _refused(root, f"with a readable {path.name} ({error})") from error
    header = 4 + 4 * dimensions
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) < header:
        raise _refused(root, f"whose {path.name} is an IDX file of {dimensions}-D bytes")
    shape = tuple(int(n) for n in np.frombuffer(content[4:header], ">u4"))
    announced, held = math.prod(shape), len(content) - header
    if held != announced:
        raise _refused(root, f"whose {path.name} holds the {announced} values it announces, not {held}")
    return np.frombuffer(content[header:], np.uint8).reshape(shape), path


def _read(root: Path, name: str) -> tuple[bytes, Path]:
    """The bytes of a file, gzipped or not, and its path."""
    path = next((p for p in (root / name, root / f"{name}.gz") if p.is_file()), None)
    if path is None:
        raise _refused(root, f"that holds {name} or {name}.gz")
    try:
        return path.read_bytes(), path
    except OSError as error:
        raise _refused(root, f"with a readable {path.name} ({error})") from error


def _refused(root: Path, rule: str) -> ConfigError:
    return ConfigError("data.root", f"a folder {rule}", str(root))
