"""Changes of a cell's settings that may make it learn, each with its words, its reason and its size."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from mlpstudy.cells.config import Config
from mlpstudy.settings.files import GROUPS, defaults

Raw = Mapping[str, Any]
INITS = {  # an initializer, and why
    "he": "weights of variance 2 / n_in keep the length of signals where ReLU halves their square",
    "xavier": "weights of variance 2 / (n_in + n_out) keep the length of signals where g is the identity near 0",
    "critical": "at the edge of chaos of this activation, gradients neither vanish nor explode",
}
SAME_KIND = {  # whether an activation is bounded -> others of its kind, and why
    True: {"tanh": "its outputs have mean 0 and its slope at 0 is 1"},
    False: {"relu": "its slope is 1 for half of the inputs", "elu": "it has a slope on both sides of 0"},
}


@dataclass(frozen=True)
class Change:
    """One change of settings, or two together."""

    words: tuple[str, ...]  # as they are typed
    reason: str
    size: float  # how much it changes: 1 for a learning rate three times as large

    @staticmethod
    def of(text: str) -> "Change":
        """The change of a line of advice, such as `init=he: why`."""
        words, _, reason = text.partition(": ")
        return Change(tuple(words.split()), reason, 0.0)

    def __add__(self, other: "Change") -> "Change":
        return Change(self.words + other.words, f"{self.reason}; {other.reason}", self.size + other.size)

    @property
    def keys(self) -> set[str]:
        """The keys that it sets."""
        return {word.partition("=")[0] for word in self.words}

    @property
    def kind(self) -> str:
        """What it changes: the first of these keys."""
        return self.words[0].partition("=")[0]


def singles(config: Config) -> Iterator[Change]:
    """Each change alone. Sizes order them by how much of the user's network they leave as it is."""
    flat, lr = config.flat, config.flat["optimizer.lr"]
    for factor, size in ((3, 1.0), (10, 1.5), (30, 2.0)):
        yield Change((f"optimizer.lr={_short(lr / factor)}",), f"steps {factor} times smaller", size)
        yield Change((f"optimizer.lr={_short(lr * factor)}",), f"steps {factor} times larger", size)
    if flat.get("data.standardize", "standard") != "standard":
        yield Change(("data.standardize=standard",), "every input has mean 0 and variance 1", 1.0)
    if flat.get("data.standardize_target") is False and flat.get("data.task") == "regression":
        yield Change(("data.standardize_target=true",), "the values to be learned have mean 0 and variance 1", 1.0)
    if flat["init.gain"] != 1:
        yield Change(("init.gain=1",), "the weights have the size that the initializer gives them", 1.2)
    yield Change((f"training.epochs={3 * config.recipe.epochs}",), "three times as many steps", 1.2)
    for name in ("xavier", "he", "critical") if config.activation.bounded else INITS:
        if flat["init.name"] != name:
            reason = INITS[name]
            yield Change((f"init={name}", *["init.gain=1"] * (flat["init.gain"] != 1)), reason, 1.5)
    for rate, size in ((0.001, 2.0), (0.003, 2.2)):
        reason = "every weight takes steps of the same length, however small its gradient is"
        yield Change(("optimizer=adam", f"optimizer.lr={rate}"), reason, size)
    for name, reason in SAME_KIND[config.activation.bounded].items():
        if flat["activation.name"] != name:
            yield Change((f"activation={name}",), reason, 2.5)
    if half := len(config.hidden) // 2:
        sizes = ",".join(map(str, config.hidden[:half]))
        word = f"network.depth={half}" if flat["network.hidden"] is None else f"network.hidden=[{sizes}]"
        yield Change((word,), "signals and gradients pass half as many layers", 3.0)


def _short(number: float) -> str:
    """Two digits, as a person types them."""
    return f"{float(f'{number:.2g}'):g}"


def pairs(best: Sequence[Change]) -> Iterator[Change]:
    """Two of these changes together, of different kinds."""
    for i, one in enumerate(best):
        yield from (one + other for other in best[i + 1 :] if not one.keys & other.keys)


def changed(raw: Raw, change: Change) -> dict[str, Any]:
    """The settings with this change. Another option of a group has its own settings, and keeps those of the group."""
    result = deepcopy(dict(raw))
    for word in change.words:
        key, _, value = word.partition("=")
        if key in GROUPS:
            result[key] = {**{name: result[key][name] for name in defaults().get(key, {})}, **defaults(key, value)}
        else:
            *parents, last = key.split(".")
            node = result
            for parent in parents:
                node = node[parent]
            with contextlib.suppress(json.JSONDecodeError):
                value = json.loads(value)
            node[last] = value
    return result


def retyped(typed: Mapping[str, str], change: Change) -> list[str]:
    """The words of a cell with this change, without those that the change replaces."""
    groups = change.keys & set(GROUPS)
    stays = {f"{group}.{name}" for group in groups for name in defaults().get(group, {})}
    kept = {k: v for k, v in typed.items() if k in stays or k.partition(".")[0] not in groups}
    return [f"{key}={value}" for key, value in kept.items() if key not in change.keys] + list(change.words)
