"""Keys of settings: whole, in short, and those that do not exist."""

from mlpstudy.errors import ConfigError, UnknownKey, one_of
from mlpstudy.settings.files import GROUPS
from mlpstudy.settings.table import SETTINGS, Setting

NOT_IDENTITY = tuple(key for key, s in SETTINGS.items() if s.identity == "nothing")  # where or how a cell ran
OF_SWEEP = tuple(key for key, setting in SETTINGS.items() if setting.of == "sweep")
ROOTS = (*GROUPS, "experiment", *SETTINGS)  # whatever can stand before =


def declared(key: str) -> Setting | None:
    """The declaration of a key; init.output.scale is declared as init.scale."""
    return SETTINGS.get(key.replace("init.output.", "init."))


def full_key(name: str) -> str:
    """The whole key for a name: a group, a key, or its last part if no other key ends so. Raises ConfigError."""
    if name in ROOTS:
        return name
    ending = [key for key in SETTINGS if key.rpartition(".")[2] == name]
    if len(ending) > 1:
        raise ConfigError("a setting", one_of(ending), name)
    if not ending and "." not in name:
        raise unknown_key(name)
    return ending[0] if ending else name


def unknown_key(key: str, typed: str | None = None) -> UnknownKey:
    """The error for a key that does not exist; it lists the keys that exist in the same group."""
    parent, siblings = key, list(ROOTS)
    while "." in parent:
        parent = parent.rpartition(".")[0]
        if inside := [k for k in SETTINGS if k.startswith(f"{parent}.")]:
            siblings = inside
            break
    return UnknownKey("a key", one_of(siblings), typed or key)
