"""What several modules of this folder share."""

import pytest

from mlpstudy.cells import one_cell
from mlpstudy.cells.config import parse
from mlpstudy.commands import cli


@pytest.fixture
def trained(request, new_uri, monkeypatch, no_pictures, tmp_path):
    """(*words) -> the names of the cells that such a sweep trains; all sweeps share a store, in the current folder.

    The module says with TINY how small the cells are.
    """
    monkeypatch.chdir(tmp_path)
    names = []
    original = one_cell.events_of

    def events_of(job, draw):
        config = parse(job.raw)
        names.append(f"{config.init_name} {config.seed}" + (f" from {job.first}" if job.first else ""))
        return original(job, draw)

    monkeypatch.setattr(one_cell, "events_of", events_of)

    def run(*words):
        names.clear()
        assert cli.run(cli.cells(["-m", *request.module.TINY, f"tracking.uri={new_uri}", *words]))
        return list(names)

    run.uri = new_uri
    return run
