"""Imports: what the user names as `module:name`, and libraries that take seconds."""

import contextlib
import functools
import gc
import importlib
import os
import sys
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from mlpstudy.errors import ConfigError


def load(key: str, path: str | None) -> Any:
    """Import `module:name`; modules in the current directory are found too. A function comes as `without_exit`."""
    if not path or path.count(":") != 1:
        raise ConfigError(key, "an import path such as mypackage.mymodule:myfunction", path)
    module, name = path.split(":")
    if os.getcwd() not in sys.path:  # `python -m` looks there, a console script does not
        sys.path.insert(0, os.getcwd())
    try:
        value = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # the user's module can raise anything
        raise ConfigError(key, f"importable ({type(error).__name__}: {error})", path) from error
    return without_exit(value) if callable(value) else value


class CalledExit(RuntimeError):
    """A function of the user has called sys.exit."""


def without_exit(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, but sys.exit in it is an error like others: it would end the whole sweep without a word."""
    return _kept(function) if isinstance(function, Hashable) else _guarded(function)


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except SystemExit as error:
            code, name = "" if error.code is None else error.code, getattr(function, "__name__", "your function")
            raise CalledExit(f"sys.exit({code}) was called by {name}") from error

    return guarded


_kept = functools.cache(_guarded)  # one for all cells, since what is known of a function is kept under it


def matplotlib_for_files() -> None:
    """Import matplotlib whatever MPLBACKEND says: we draw to files, and that backend may not be installed here.

    A backend that is installed stays the one of the user's notebook.
    """
    if "matplotlib" in sys.modules or "MPLBACKEND" not in os.environ:
        return
    backend = os.environ.pop("MPLBACKEND")
    try:
        library = importlib.import_module("matplotlib")
        with contextlib.suppress(ValueError):
            library.rcParams["backend"] = backend
    finally:
        os.environ["MPLBACKEND"] = backend


@contextlib.contextmanager
def quickly() -> Iterator[None]:
    """Do not search for garbage meanwhile: an import makes none. This saves 0.15 of 3.4 s of the start."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


def nothing_to_collect() -> None:
    """Call it last: at its end Python would search for garbage in all that was imported, 0.7 of 3.4 s with MLflow."""
    gc.freeze()
