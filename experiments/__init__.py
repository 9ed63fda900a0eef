"""Published studies, reproduced by one command each: a question, a sweep, and claims that are decided by numbers.

Every module here that has a STUDY is one; its sweep is `conf/experiment/<name>.yaml`.
"""

import importlib
import pkgutil

from experiments.study import Study
from mlpstudy import importing

importing.matplotlib_for_files()  # before a figure is drawn

_MODULES = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__) if m.name[0] != "_")
STUDIES: dict[str, Study] = {module.STUDY.name: module.STUDY for module in _MODULES if hasattr(module, "STUDY")}
