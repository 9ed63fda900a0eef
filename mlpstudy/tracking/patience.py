"""Calls to a store that may be away for a while: said at once, waited for, and given up."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import requests
from mlflow.exceptions import MlflowException

from mlpstudy.tracking.uris import one_line

SLOW_SECONDS = 5  # a call that takes longer is spoken of
PAUSE_SECONDS = 1  # between two questions
PATIENCE_SECONDS = 120  # the longest wait for a store that does not answer
AGAIN_SECONDS = 60  # a store that was given up is asked again after this time

Answer = TypeVar("Answer")
Say = Callable[[str], None]


class StoreGone(Exception):
    """The store was given up; it is not asked now."""


class Patience:
    """Repeats calls while a store is away. `stop` ends the waiting."""

    def __init__(self, say: Say) -> None:
        self.stop = threading.Event()
        self._say = say
        self._away_since: float | None = None
        self._asked = 0.0
        self._gone = False

    def call(self, ask: Callable[[], Answer]) -> Answer:
        """The answer of the store. Raises its last error if the store stays away too long, or StoreGone."""
        while True:
            if self._gone and (self.stop.is_set() or time.monotonic() - self._asked < AGAIN_SECONDS):
                raise StoreGone(f"it did not answer for {PATIENCE_SECONDS} s")
            try:
                answer = self._ask(ask)
            except Exception as error:  # each kind of store raises its own errors
                if not is_away(error):
                    raise
                self._say_away(error)
                if self._gone or self.stop.wait(PAUSE_SECONDS):
                    raise
            else:
                if self._away_since is not None:
                    self._say("The store answers again.")
                self._away_since, self._gone = None, False
                return answer

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        self._asked = time.monotonic()
        slow = threading.Timer(SLOW_SECONDS, self._say_away, [f"no answer for {SLOW_SECONDS} s"])
        slow.daemon = True
        slow.start()
        try:
            return ask()
        finally:
            slow.cancel()

    def _say_away(self, reason: object) -> None:
        if self._away_since is None:
            self._away_since = self._asked
            self._say(f"The store does not answer ({one_line(reason)}). Training does not wait for it.")
        elif not self._gone and time.monotonic() - self._away_since > PATIENCE_SECONDS:
            self._gone = True
            self._say(f"The store has not answered for {PATIENCE_SECONDS} s. Runs are kept in a folder from now on.")


def is_away(error: Exception) -> bool:
    """Whether the same call may succeed later: the store is locked, or cannot be reached."""
    if isinstance(error, MlflowException):
        return error.error_code == "TEMPORARILY_UNAVAILABLE" or "API request to" in str(error)
    return isinstance(error, ConnectionError | TimeoutError | requests.RequestException)
