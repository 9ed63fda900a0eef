"""How do weight initialization, activation function and depth decide whether a network trains?

The public names below are imported when they are first used, so `import mlpstudy` is fast.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlpstudy.network.activations import Activation
    from mlpstudy.network.initializers import Scheme
    from mlpstudy.notebook import advise, foresee, predict, run
    from mlpstudy.tracking.reading import load_runs
    from mlpstudy.tracking.run import Run, Runs

__version__ = "0.1.0"
__all__ = ["Activation", "Run", "Runs", "Scheme", "advise", "foresee", "load_runs", "predict", "run"]

_HOME = {
    "Activation": "mlpstudy.network.activations",
    "Scheme": "mlpstudy.network.initializers",
    "Run": "mlpstudy.tracking.run",
    "Runs": "mlpstudy.tracking.run",
    "run": "mlpstudy.notebook",
    "advise": "mlpstudy.notebook",
    "foresee": "mlpstudy.notebook",
    "predict": "mlpstudy.notebook",
    "load_runs": "mlpstudy.tracking.reading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])


class _Package(ModuleType):
    """The package. A public name stays what it is: `import mlpstudy.predict` would put the module in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
