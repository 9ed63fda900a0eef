"""The one kind of error a user is meant to read."""

from collections.abc import Iterable
from typing import Any


class ConfigError(ValueError):
    """A setting that cannot be honoured: `{full.key} must be <rule>; got {value!r}`, on one line."""

    def __init__(self, key: str, rule: str, value: Any) -> None:
        super().__init__(key, rule, value)  # the arguments as they are, so that it travels between processes

    def __str__(self) -> str:
        key, rule, value = self.args
        return f"{key} must be {' '.join(rule.split())}; got {value!r}"  # a rule may quote a library's many lines


def one_of(options: Iterable[str]) -> str:
    """The rule text that lists every option."""
    return "one of " + ", ".join(sorted(options))
