"""The map of the code is complete, and what should start fast imports nothing slow."""

import subprocess
import sys
from pathlib import Path

import pytest

import mlpstudy

ROOT = Path(__file__).resolve().parents[1]
OWN_WAYS = ("figures", "page")  # figures has its table FIGURES, page one subject
ROOMS = [path.parent for name in ("mlpstudy", "reports") for path in sorted((ROOT / name).glob("*/__init__.py"))]
SLOW = {"mlflow", "hydra", "matplotlib", "scipy", "sklearn", "pandas", "numpy"}


@pytest.mark.parametrize("room", [r for r in ROOMS if r.name not in OWN_WAYS], ids=lambda room: room.name)
def test_a_room_names_each_of_its_modules(room):
    told = (room / "__init__.py").read_text(encoding="utf-8").split('"""')[1]
    modules = {path.stem for path in room.glob("*.py")} - {"__init__"}
    assert modules
    assert {name for name in modules if name in told.replace(",", " ").split()} == modules


def imported_by(statement):
    code = f"import sys; {statement}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import mlpstudy", set()),
        ("import mlpstudy.network.gradient_check", {"numpy", "scipy"}),
        ("import mlpstudy.commands.cli", SLOW - {"mlflow", "matplotlib", "sklearn", "pandas"}),
        ("from mlpstudy import Activation, Scheme", {"numpy", "scipy"}),
    ],
)
def test_what_starts_fast_imports_nothing_slow(statement, allowed):
    assert imported_by(statement) & SLOW <= allowed


def test_public_names_are_the_objects_of_their_rooms():
    from mlpstudy.network.activations import ACTIVATIONS
    from mlpstudy.tracking.reading import load_runs

    assert isinstance(ACTIVATIONS["tanh"], mlpstudy.Activation)
    assert mlpstudy.load_runs is load_runs
    assert set(mlpstudy.__all__) <= set(dir(mlpstudy))
    assert all(hasattr(mlpstudy, name) for name in mlpstudy.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Activations'"):
        mlpstudy.Activations  # noqa: B018
