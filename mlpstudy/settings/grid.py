"""From words to the settings of every cell: Hydra composes them, once for all cells that choose the same files.

Hydra reads all files of `conf` for each composition, which takes about 0.1 s. Most cells of a grid differ in numbers,
such as `seed=0,1,2`, and not in the files that they choose.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from functools import cache
from itertools import product
from typing import Any, cast

from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mlpstudy.errors import ConfigError, one_of
from mlpstudy.settings.files import CONF, options_with
from mlpstudy.settings.keys import unknown_key
from mlpstudy.settings.words import SEVERAL, check_choice, without_flags

Raw = dict[str, Any]
LAUNCHER = "hydra.launcher."


@contextlib.contextmanager
def conf() -> Iterator[ConfigLoader]:
    """What Hydra reads the files in conf/ with."""
    with initialize_config_dir(str(CONF), job_name="mlpstudy", version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


class Composer:
    """Composes the settings of the cells that one grid of words asks for. Raises ConfigError, or an error of Hydra."""

    launcher: tuple[str, Raw]  # its name, and its settings

    def __init__(self, loader: ConfigLoader, words: Sequence[str]) -> None:
        self._loader, self._parser = loader, OverridesParser.create(config_loader=loader)
        self._groups = set(loader.list_groups(""))
        self._parse, self._composed = cache(self._parser.parse_override), cache(self._compose)
        typed = self._parser.parse_overrides(without_flags(words))
        ours = [override for override in typed if not override.is_hydra_override()]
        engine = [override for override in typed if override.key_or_group.startswith(LAUNCHER)]
        self._hydras = [str(o.input_line) for o in typed if o.is_hydra_override() and o not in engine]
        experiment = [str(o.input_line) for o in ours if o.key_or_group == "experiment"]
        settings = self._load([*self._hydras, *experiment]).hydra
        several = bool(SEVERAL & set(words)) or settings.mode == RunMode.MULTIRUN
        for override in typed:
            if override.package is not None:  # such as init@somewhere=he
                raise unknown_key(override.get_key_element())
            if override.is_sweep_override() and (override.is_hydra_override() or not several):
                rule = "one value" + " (or add -m to sweep over several)" * (not override.is_hydra_override())
                raise ConfigError(override.key_or_group, rule, _value(override))
        chosen: Any = OmegaConf.to_container(settings.launcher)
        chosen |= {override.key_or_group.removeprefix(LAUNCHER): override.value() for override in engine}
        self.launcher = str(settings.runtime.choices["hydra/launcher"]), chosen
        of_experiment = [f"{key}={value}" for key, value in (settings.sweeper.params or {}).items() if several]
        for word in of_experiment:
            check_choice(word)
        self._axes = axes([*self._parser.parse_overrides(of_experiment), *ours], self._groups)

    def cells(self) -> Iterator[tuple[Raw, list[str]]]:
        """The settings of each cell, and the words that made them: all combinations of the values of the keys."""
        for words in product(*self._axes):
            yield self.settings(words), list(words)

    def settings(self, cell: Sequence[str]) -> Raw:
        """The settings of a cell. Numbers and names of keys that exist are put in after the rest was composed."""
        overrides = [self._parse(text) for text in cell]
        late = [override for override in overrides if self._is_plain(override)]
        settings = deepcopy(self._composed(*(str(o.input_line) for o in overrides if o not in late)))
        for override in late:
            *parents, last = override.key_or_group.split(".")
            node: Any = settings
            for parent in parents:
                node = node.get(parent) if isinstance(node, dict) else None
            if not isinstance(node, dict) or last not in node:
                raise no_such_key(override)
            if isinstance(node[last], dict):
                return resolved(deepcopy(self._composed(*cell)))  # a group of keys is given as a whole
            node[last] = override.value()
        return resolved(settings)

    def _is_plain(self, override: Override) -> bool:
        """Whether it gives a key a value, and does not choose a file, add or delete a key."""
        changes = override.is_add() or override.is_force_add() or override.is_delete()
        return not (changes or override.key_or_group in self._groups or isinstance(override.value(), dict))

    def _compose(self, *overrides: str) -> Raw:
        raw: Any = OmegaConf.to_container(self._load([*self._hydras, *overrides]))
        del raw["hydra"]
        return cast(Raw, raw)

    def _load(self, overrides: list[str]) -> DictConfig:
        try:
            return self._loader.load_configuration(
                "config", overrides, RunMode.MULTIRUN, validate_sweep_overrides=False
            )
        except MissingConfigException as error:
            if not (error.options and error.missing_cfg_file):
                raise
            group, _, option = error.missing_cfg_file.rpartition("/")
            raise ConfigError(group, one_of(error.options), option) from error


def resolved(settings: Raw) -> Raw:
    """The settings with values in the place of ${other.key}. This takes OmegaConf a while."""
    if "${" not in str(settings):
        return settings
    return cast(Raw, OmegaConf.to_container(OmegaConf.create(settings), resolve=True))


def axes(overrides: Iterable[Override], groups: set[str]) -> list[list[str]]:
    """The values of each key, as words. Of a key that is typed twice, the last. Raises ConfigError."""
    words: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if not override.is_sweep_override():
            words[key] = [f"{key}={override.get_value_element_as_str()}"]
            continue
        without_options = override.value_type == ValueType.GLOB_CHOICE_SWEEP and override.key_or_group not in groups
        if without_options or not override.is_discrete_sweep():
            raise ConfigError(key, "values with commas between them, or range(...)", _value(override))
        words[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
    return list(words.values())


def no_such_key(override: Override) -> ConfigError:
    """The error for a key that is not in the settings of a cell, or not beside the other choices."""
    key = override.key_or_group
    if having := options_with(key):
        group = key.partition(".")[0]
        rule = f"one that the chosen {group} has; this one belongs to {group}={','.join(having)}"
        return ConfigError("a key", rule, key)
    return unknown_key(key, f"{key}={_value(override)}")


def _value(override: Override) -> str:
    """What was typed behind the =."""
    return str(override.input_line).partition("=")[2]
