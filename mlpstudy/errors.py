"""The error for a wrong setting, which the user reads as one line."""

from collections.abc import Iterable
from typing import Any


class ConfigError(ValueError):
    """A setting with a wrong value: `{full.key} must be <rule>; got {value!r}`, on one line."""

    def __init__(self, key: str, rule: str, value: Any) -> None:
        super().__init__(key, rule, value)  # unchanged, so that processes can send each other the error

    def __str__(self) -> str:
        key, rule, value = self.args
        return f"{key} must be {' '.join(rule.split())}; got {value!r}"  # rules can quote several lines


class DoesNotFit(ConfigError):
    """Settings that are right by themselves but cannot be together: a sweep leaves such a cell out."""


def one_of(options: Iterable[str]) -> str:
    """The text of a rule that lists every option."""
    return "one of " + ", ".join(sorted(options))
