"""Imports: what the user names as `module:name`, and libraries that take seconds."""

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from mlpstudy.errors import ConfigError


def load(key: str, path: str | None) -> Any:
    """Import `module:name`; modules in the current directory are found too."""
    if not path or path.count(":") != 1:
        raise ConfigError(key, "an import path such as mypackage.mymodule:myfunction", path)
    module, name = path.split(":")
    if os.getcwd() not in sys.path:  # `python -m` looks there, a console script does not
        sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # the user's module can raise anything
        raise ConfigError(key, f"importable ({type(error).__name__}: {error})", path) from error


@contextlib.contextmanager
def quickly() -> Iterator[None]:
    """Do not search for garbage meanwhile: an import makes none, and the search takes a fifth of its time."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()
