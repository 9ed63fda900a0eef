"""Image sets downloaded from OpenML."""

import warnings

import numpy as np

from mlpstudy.data.splits import Split
from mlpstudy.errors import ConfigError


def download(name: str) -> tuple[Split, Split]:
    """An image set of OpenML by name, pixels in [0, 1], in its published split of 60,000 and 10,000."""
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the error below says that a download failed
            x, y = fetch_openml(name, version=1, as_frame=False, return_X_y=True, n_retries=1)
    except (OSError, ValueError) as error:
        reason = f"a folder with the IDX files, as downloading them from openml.org failed ({error})"
        raise ConfigError("data.root", reason, None) from error
    x, y = x / 255.0, y.astype(np.int64)
    return (x[:60000], y[:60000]), (x[60000:], y[60000:])
