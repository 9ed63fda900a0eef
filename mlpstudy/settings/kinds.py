"""Kinds of values: each says in words which values are of it, and knows one when it sees it."""

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mlpstudy.errors import OneOf, one_of


@dataclass(frozen=True)
class Kind:
    """`rule` completes the sentence "the setting must be ..."; `holds` says of a value whether that is true."""

    name: str  # number, integer, truth, option, list, text
    rule: str
    holds: Callable[[Any], bool]


def is_number(v: Any) -> bool:
    """Whether it is a finite number; true and false are none."""
    return isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= sys.float_info.max


def is_integer(v: Any) -> bool:
    """Whether it is an integer; true and false are none."""
    return isinstance(v, int) and not isinstance(v, bool)


def is_text(v: Any) -> bool:
    """Whether it is a text with at least one letter."""
    return isinstance(v, str) and v != ""


def number(rule: str, holds: Callable[[float], bool] = lambda v: True) -> Kind:
    """Numbers with a condition."""
    return Kind("number", rule, lambda v: is_number(v) and holds(v))


def integer(low: int) -> Kind:
    """Integers from `low`."""
    return Kind("integer", f"an integer >= {low}", lambda v: is_integer(v) and v >= low)


def option(options: Iterable[str]) -> Kind:
    """Names from a list."""
    rule = one_of(options)
    return Kind("option", rule, lambda v: isinstance(v, str) and v in rule.options)


def text(rule: str, holds: Callable[[Any], bool] = is_text) -> Kind:
    """Texts with a condition."""
    return Kind("text", rule, holds)


def list_of(rule: str, holds: Callable[[Any], bool]) -> Kind:
    """Lists whose items fulfil a condition."""
    return Kind("list", f"a list of {rule}", lambda v: isinstance(v, list) and all(map(holds, v)))


def or_null(kind: Kind) -> Kind:
    """The same kind, and null."""
    rule = one_of(kind.rule.options, or_null=True) if isinstance(kind.rule, OneOf) else f"null or {kind.rule}"
    return Kind(kind.name, rule, lambda v: v is None or kind.holds(v))


NUMBER = number("a finite number")
POSITIVE = number("a finite number > 0", lambda v: v > 0)
NOT_NEGATIVE = number("a finite number >= 0", lambda v: v >= 0)
FRACTION = number("a number > 0 and < 1", lambda v: 0 < v < 1)
SHARE = number("a number >= 0 and < 1", lambda v: 0 <= v < 1)
TRUTH = Kind("truth", "true or false", lambda v: isinstance(v, bool))
FUNCTION = text(
    "an import path such as mypackage.mymodule:myfunction, or null", lambda v: v is None or isinstance(v, str)
)
FILE = text("a path", lambda v: v is None or is_text(v))
NAME = text(  # the characters that MLflow allows in a tag
    "a name of up to 100 letters, digits, spaces and _ . : -",
    lambda v: isinstance(v, str) and re.fullmatch(r"[\w .:-]{1,100}", v) is not None and v.strip() != "",
)
COLUMN = text("the name of a column", lambda v: isinstance(v, str))
COLUMNS = list_of("names of columns", lambda v: isinstance(v, str))
