"""What several modules of this folder share."""

import pytest

from mlpstudy.cells import sweep
from mlpstudy.commands import cli


@pytest.fixture
def trained(request, new_uri, monkeypatch, no_pictures, tmp_path):
    """(*words) -> the names of the cells that such a sweep trains; all sweeps share a store, in the current folder.

    The module says with TINY how small the cells are.
    """
    monkeypatch.chdir(tmp_path)
    names = []
    original = sweep.train

    def train(index, config, first, *rest):
        names.append(f"{config.init_name} {config.seed}" + (f" from {first}" if first else ""))
        return original(index, config, first, *rest)

    monkeypatch.setattr(sweep, "train", train)

    def run(*words):
        names.clear()
        assert cli.run(cli.cells(["-m", *request.module.TINY, f"tracking.uri={new_uri}", *words]))
        return list(names)

    run.uri = new_uri
    return run
