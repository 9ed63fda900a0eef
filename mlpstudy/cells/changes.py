"""Changes of a cell's settings that may make it learn, each with its words, its reason and its size."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

from mlpstudy.cells.config import Config
from mlpstudy.settings.files import GROUPS, defaults

Raw = Mapping[str, Any]
BOUNDED, UNBOUNDED = ("tanh",), ("relu", "elu")  # activations that are tried, of the same kind


@dataclass(frozen=True)
class Change:
    """One change of settings, or two together."""

    words: tuple[str, ...]  # as they are typed
    reason: str
    size: float  # how much is changed: 1 for a learning rate three times as large

    def __add__(self, other: "Change") -> "Change":
        return Change(self.words + other.words, f"{self.reason}; {other.reason}", self.size + other.size)

    @property
    def keys(self) -> set[str]:
        """The keys that it sets."""
        return {word.partition("=")[0] for word in self.words}


def changed(raw: Raw, words: Sequence[str]) -> dict[str, Any]:
    """The settings with these words in place of what they had; another option of a group brings its own settings."""
    result = deepcopy(dict(raw))
    for word in words:
        key, _, value = word.partition("=")
        if key in GROUPS:
            common = {name: result[key][name] for name in defaults().get(key, {})}
            result[key] = {**common, **defaults(key, value)}
        else:
            *parents, last = key.split(".")
            node = result
            for parent in parents:
                node = node[parent]
            node[last] = yaml.safe_load(value)
    return result


def without(typed: Mapping[str, str], change: Change) -> dict[str, str]:
    """What was typed for a cell, without what this change replaces."""
    replaced = change.keys
    groups = replaced & set(GROUPS)
    kept = {f"{group}.{name}" for group in groups for name in defaults().get(group, {})}
    return {k: v for k, v in typed.items() if k not in replaced and (k.partition(".")[0] not in groups or k in kept)}


def singles(raw: Raw, config: Config) -> Iterator[Change]:
    """One change each."""
    lr = config.flat["optimizer.lr"]
    for factor, size in ((3, 1.0), (10, 1.5), (30, 2.0)):
        yield Change((f"optimizer.lr={lr / factor:.3g}",), "smaller steps", size)
        yield Change((f"optimizer.lr={lr * factor:.3g}",), "larger steps", size)
    for name in ("he", "xavier", "critical"):
        yield Change((f"init={name}", "init.gain=1"), name, 1.5)
    if config.flat["init.name"] != "critical" and config.flat["init.gain"] != 1:
        yield Change(("init.gain=1",), "gain", 1.2)
    for rate, size in ((0.001, 2.0), (0.003, 2.2)):
        yield Change(("optimizer=adam", f"optimizer.lr={rate}"), "adam", size)
    for name in BOUNDED if config.activation.bounded else UNBOUNDED:
        yield Change((f"activation={name}",), "activation", 2.5)
    if len(config.hidden) > 1:
        half = len(config.hidden) // 2
        hidden = config.flat["network.hidden"]
        yield Change(
            (f"network.depth={half}" if hidden is None else f"network.hidden={list(config.hidden[:half])}",),
            "fewer",
            3.0,
        )
    yield Change((f"training.epochs={3 * config.recipe.epochs}",), "longer", 1.2)
    if config.flat.get("data.standardize", "standard") != "standard":
        yield Change(("data.standardize=standard",), "inputs", 1.0)
    if config.flat.get("data.task") == "regression" and not config.flat["data.standardize_target"]:
        yield Change(("data.standardize_target=true",), "targets", 1.0)
