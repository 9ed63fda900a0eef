"""Hydra's sweeper for grids: it composes what cells have in common once, so that a thousand cells take seconds.

Hydra's own sweeper reads all files of `conf` twice for every cell, which takes about 0.15 s. Most cells of a grid
differ in numbers, such as `seed=0,1,2`, and not in the files that they choose.

Hydra looks for plugins in the package `hydra_plugins` alone. `conf/config.yaml` chooses this one.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from copy import deepcopy
from itertools import product
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, ValueType
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from mlpstudy.errors import ConfigError

Raw = dict[str, Any]


def grid(overrides: Iterable[Override], groups: Container[str]) -> list[list[str]]:
    """The overrides of every cell: all combinations of the values of the keys. Of a key that is typed twice, the last.

    Raises ConfigError if a key has no list of values.
    """
    axes: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if not override.is_sweep_override():
            axes[key] = [f"{key}={override.get_value_element_as_str()}"]
            continue
        without_options = override.value_type == ValueType.GLOB_CHOICE_SWEEP and override.key_or_group not in groups
        if without_options or not override.is_discrete_sweep():
            typed = str(override.input_line).partition("=")[2]
            raise ConfigError(key, "values with commas between them, or range(...)", typed)
        axes[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
    return [list(cell) for cell in product(*axes.values())]


class Composer:
    """Composes the settings of cells, as Hydra does."""

    def __init__(self, loader: ConfigLoader, config_name: str | None) -> None:
        self._loader, self._name = loader, config_name
        self.parser = OverridesParser.create(config_loader=loader)
        self.groups = set(loader.list_groups(""))
        self._parsed: dict[str, Override] = {}
        self._composed: dict[tuple[str, ...], Raw] = {}

    def settings(self, cell: Sequence[str]) -> DictConfig:
        """The settings of a cell. Numbers and names of keys that exist are put in after the rest was composed."""
        overrides = [self._parse(text) for text in cell]
        plain = [self._is_plain(override) for override in overrides]
        settings = deepcopy(self._compose(text for text, late in zip(cell, plain, strict=True) if not late))
        for override in (o for o, late in zip(overrides, plain, strict=True) if late):
            *parents, last = override.key_or_group.split(".")
            node: Any = settings
            for parent in parents:
                node = node.get(parent) if isinstance(node, dict) else None
            if not isinstance(node, dict) or last not in node or isinstance(node[last], dict):
                return OmegaConf.create(self._compose(cell))  # raises Hydra's own error, if it is one
            node[last] = override.value()
        return OmegaConf.create(settings)

    def _parse(self, text: str) -> Override:
        if text not in self._parsed:
            self._parsed[text] = self.parser.parse_override(text)
        return self._parsed[text]

    def _is_plain(self, override: Override) -> bool:
        """Whether it gives a key a value, and does not choose a file, add or delete a key."""
        key, changes = override.key_or_group, override.is_add() or override.is_delete() or override.package is not None
        return not (changes or key in self.groups or key.startswith("hydra") or isinstance(override.value(), dict))

    def _compose(self, overrides: Iterable[str]) -> Raw:
        key = tuple(overrides)
        if key not in self._composed:
            found = self._loader.load_configuration(self._name, list(key), RunMode.MULTIRUN)
            raw: Any = OmegaConf.to_container(found)
            del raw["hydra"]
            self._composed[key] = raw
        return self._composed[key]


class GridSweeper(Sweeper):
    """Calls the task function once for each cell, with its settings and with the overrides that made them."""

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        self._params = params or {}  # the grid of an `experiment`

    def setup(self, *, hydra_context: HydraContext, task_function: Callable[..., Any], config: DictConfig) -> None:
        """Called by Hydra."""
        self.hydra_context, self._task, self.config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> None:
        """Called by Hydra with the overrides of the command line."""
        assert self.hydra_context is not None
        assert self.config is not None
        loader = self.hydra_context.config_loader
        typed = [*(f"{key}={value}" for key, value in self._params.items()), *arguments]
        composer = Composer(loader, self.config.hydra.job.config_name)
        for cell in grid(composer.parser.parse_overrides(typed), composer.groups):
            self._task(composer.settings(cell), cell, self.config.hydra)


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="grid",
    node={"_target_": f"{__name__}.{GridSweeper.__name__}", "params": None},
    provider="mlpstudy",
)
