"""Figures and a page about a sweep, drawn from what MLflow holds and nothing else.

__main__  the command `python -m reports`
report    what it does without --compare and --film
gallery   draws all figures of a report and writes them
figures   one module for each figure
drawing   what figures are made with
page      the page that shows them, `index.html`
"""

from typing import TYPE_CHECKING, Any

from mlpstudy import importing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

importing.matplotlib_for_files()  # before any module in here imports it


def draw(name: str, runs: Any, page: int = 1, theme: str = "light", style: Any = None) -> "Figure":
    """A page of a figure about runs of `mlpstudy.load_runs`, as a matplotlib figure that you may change and save.

    name: see `reports.figures.FIGURES`, such as gradient_flow. theme: light or dark. style: a matplotlib style file.
    Raises ValueError for a wrong name or page, and `reports.drawing.style.CannotDraw` if these runs do not fit.
    """
    from itertools import islice
    from pathlib import Path

    import matplotlib

    from mlpstudy.errors import ConfigError, one_of
    from reports import gallery
    from reports.drawing import rendering, words
    from reports.drawing.theme import THEMES, settings
    from reports.figures import FIGURES

    for setting, known, value in (("name", FIGURES, name), ("theme", THEMES, theme)):
        if value not in known:
            raise ConfigError(setting, one_of(known), value)
    with matplotlib.rc_context(settings(theme, None if style is None else Path(style))):
        pages = list(islice(rendering.pictures(gallery.figure(name), words.told_apart(runs)), page))
    if not 1 <= page <= len(pages):
        raise ConfigError("page", f"a number from 1 to {len(pages)}", page)
    return pages[page - 1]
