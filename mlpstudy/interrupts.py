"""Ctrl-C and SIGTERM: they end a sweep, but never in the middle of a run that is being closed."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

INTERRUPTED = threading.Event()  # a library may catch the KeyboardInterrupt; this flag stays
TERMINATED = threading.Event()  # and it was SIGTERM
ENDING = threading.Event()  # runs are being closed


class Terminated(KeyboardInterrupt):
    """The process is asked to end, by SIGTERM."""


def interrupt(number: int = signal.SIGINT, *_: object) -> None:
    """Stop the sweep. While it ends, which takes at most three seconds, more signals change nothing."""
    INTERRUPTED.set()
    if number == signal.SIGTERM:
        TERMINATED.set()
    if not ENDING.is_set():
        go_on()


def go_on() -> None:
    """Raise the KeyboardInterrupt that has waited, or that a library has caught."""
    if INTERRUPTED.is_set():
        raise Terminated if TERMINATED.is_set() else KeyboardInterrupt


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Signals are handled by `interrupt`, and afterwards as before: in a notebook and a script, too.

    Python has signals in its main thread alone; a sweep in another thread does without.
    """
    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is interrupt:
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Terminated:
        _restore(before)
        sys.stdout.flush()
        signal.raise_signal(signal.SIGTERM)  # now that runs are closed, it ends the program as it would have done
        raise
    finally:
        _restore(before)
        INTERRUPTED.clear()
        TERMINATED.clear()


def _restore(before: "dict[signal.Signals, signal._HANDLER]") -> None:
    for number, handler in before.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: it was not set by Python


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until this has ended: a run that is half closed would look like one that still runs."""
    if not _in_main_thread() or ENDING.is_set():
        yield
        return
    ENDING.set()
    try:
        yield
    finally:
        ENDING.clear()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
