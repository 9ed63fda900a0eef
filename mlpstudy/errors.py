"""The error for a wrong setting: it carries its parts, and whoever shows it to the user makes one line of them."""

from collections.abc import Iterable
from typing import Any


class ConfigError(ValueError):
    """A setting with a wrong value: `{full.key} must be <rule>; got {value!r}`, on one line."""

    def __init__(self, key: str, rule: str, value: Any) -> None:
        super().__init__(key, rule, value)  # unchanged, so that processes can send each other the error
        self.key, self.rule, self.value = key, rule, value

    @property
    def options(self) -> tuple[str, ...]:
        """The values that are possible, where the rule lists them all."""
        return self.rule.options if isinstance(self.rule, OneOf) else ()

    def __str__(self) -> str:
        return f"{self.key} must be {' '.join(self.rule.split())}; got {self.value!r}"  # rules can quote several lines


class DoesNotFit(ConfigError):
    """Settings that are right by themselves but cannot be together: a sweep leaves such a cell out."""


class UnknownKey(ConfigError):
    """A key that does not exist. Its value is what was typed: lr or lr=0.1."""


class OneOf(str):
    """A rule in words that lists every option."""

    options: tuple[str, ...]


def one_of(options: Iterable[str], or_null: bool = False) -> OneOf:
    """The rule that a value is one of these."""
    names = tuple(sorted(options))
    rule = OneOf(f"{'null or ' * or_null}one of {', '.join(names)}")
    rule.options = names
    return rule
