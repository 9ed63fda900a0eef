"""Templates: text is escaped, markup is what a template says, and a value that is missing is an error."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mlpstudy.palette import VERDICT_GLYPHS

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}  # of the filter tojson
templates.globals["glyphs"] = VERDICT_GLYPHS


def rendered(name: str, **values: Any) -> str:
    """A template of this folder with these values."""
    return templates.get_template(name).render(values)
