"""Draws the pages of a figure, with title, footnotes and theme. The same runs give the same bytes."""

import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from PIL import Image

from reports.drawing import arrangement, marks, style, theme, words

# without date and version, which would change the bytes; `small` compresses PNG
SAVING: dict[str, dict[str, Any]] = {
    "png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 0}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
}

TITLE_LINE, SUBTITLE_LINE, MARGIN = 0.26, 0.19, 0.1  # inches, for the header
FOOTER = 0.7
LEGEND = 1.5  # least width of the legend, beside the panels
KEY, LETTER = 0.6, 0.075  # width of a legend: before each label, and for each letter
NARROWEST = 6.5  # least width, for the footnotes
TITLE_LETTER, TITLE_LETTERS = 0.12, 60  # width of a letter; a longer title does not make a page wider
GAP = 0.2  # at least, between a legend and the footnotes
GROWN, MOST = 1.25, 4.0  # factor by which a page grows until panels fit, and the largest factor


class Picture(Canvas):
    """A page of a figure. `title` and `subtitle` are its texts; a notebook shows it as a picture."""

    title: Text
    subtitle: Text
    places: tuple[float, float, float]  # inches from the top to the title, the subtitle and the panels

    def resize(self, width: float, height: float) -> bool:
        """Give it another size in inches, and place everything again. Returns whether the panels fit."""
        self.set_size_inches(width, height)
        for text, below in zip((self.title, self.subtitle), self.places, strict=False):
            text.set_position((MARGIN / width, 1 - below / height))
        top = 1 - self.places[2] / height
        for corner in self.legends:  # matplotlib makes room for legends in the corner alone
            corner.set_bbox_to_anchor(None)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="constrained_layout not applied")
            try:  # once for all formats
                ConstrainedLayoutEngine(rect=(0, 0, 1, top), w_pad=0.06, h_pad=0.06).execute(self)
            except UserWarning:
                return False
        for corner in self.legends:
            corner.set_bbox_to_anchor((0, 0, 1, top))
        return True

    def png(self) -> bytes:
        """The page as a PNG."""
        return _save(self, ["png"]).pictures["png"]

    _repr_png_ = png  # for notebooks


def render(
    figure: style.Figure,
    runs: style.Runs,
    formats: Sequence[str],
    looks: str = "light",
    style_file: Path | None = None,
) -> list[style.Page]:
    """Draw a figure's pages in each format. Raises CannotDraw, or NotMeasured."""
    with matplotlib.rc_context(theme.settings(looks, style_file)):
        return [_save(picture, formats) for picture in pictures(figure, runs)]


def pictures(figure: style.Figure, runs: style.Runs) -> Iterator[Picture]:
    """Draw a figure's pages, in the current theme. Raises CannotDraw, or NotMeasured."""
    runs = arrangement.arranged(runs) if figure.arranges else runs
    drawn, left_out = having(figure.choose(runs), figure.needs)
    parts = [style.Part(page, runs) for page in figure.pages(drawn)]
    for number, page in enumerate(parts, start=1):
        yield draw(figure, page, (number, len(parts)), left_out, figure.finding(page) if figure.finding else "")


def draw(
    figure: style.Figure,
    page: style.Runs,
    number: tuple[int, int] = (1, 1),
    left_out: str = "",
    finding: str = "",
) -> Picture:
    """One page, in the current theme. The finding is its title, and the topic then the subtitle."""
    rows, columns = figure.panels(page)
    legend = max(LEGEND, KEY + LETTER * max(len(style.label(run)) for run in page))
    narrowest = max(NARROWEST, TITLE_LETTER * min(len(finding or figure.title), TITLE_LETTERS))
    size = max(columns * figure.panel_size[0] + legend, narrowest), rows * figure.panel_size[1] + FOOTER
    canvas = Picture(figsize=size)
    FigureCanvasAgg(canvas)
    figure.draw(canvas.subplots(rows, columns, squeeze=False), page)
    width = canvas.get_figwidth()  # the figure may have changed it
    left = MARGIN / width
    titles = textwrap.wrap(finding or figure.title, int(width / TITLE_LETTER))
    page_of = f"   (page {number[0]} of {number[1]})" if number[1] > 1 else ""
    named = compared(page, int(10 * width) - len(page_of)) + page_of  # one inch has ten letters of this size
    subtitles = [figure.title, named] if finding else [named]
    canvas.title = canvas.text(left, 1, "\n".join(titles), fontsize=13, weight="bold", va="top")
    canvas.subtitle = canvas.text(left, 1, "\n".join(subtitles), fontsize=9.5, va="top", color=theme.ink(0.8))
    second = MARGIN + TITLE_LINE * len(titles)
    canvas.places = (MARGIN, second, second + SUBTITLE_LINE * len(subtitles) + MARGIN)
    notes = [*canvas.get_supxlabel().splitlines(), left_out, provenance(page)]
    text = "\n".join(textwrap.fill(note, int(marks.LETTERS * width)) for note in notes if note)
    below = canvas.supxlabel(text, fontsize=theme.SMALL, color=theme.ink(0.7), x=left, ha="left")
    beside = max([0.0, *(corner.get_window_extent().height for corner in canvas.legends)])
    header = canvas.places[2]
    height = max(size[1] + header, header + GAP + (beside + below.get_window_extent().height) / canvas.dpi)
    highest = MOST * height
    while not canvas.resize(width, height) and height < highest:
        height *= GROWN
    return canvas


def having(runs: style.Runs, names: Sequence[str]) -> tuple[style.Runs, str]:
    """The runs that have all these arrays, and a remark on the others. Raises CannotDraw if no run has them."""
    lacking = {run.name: name for run in runs for name in names if name not in run.arrays}
    if not lacking:
        return runs, ""
    lacked = next(iter(lacking.values()))
    kept = style.those(runs, lambda run: run.name not in lacking, f"none of these runs holds {lacked}")
    return kept, f"left out, without {lacked}: {style.listed(list(lacking))}"


def compared(runs: style.Runs, room: int) -> str:
    """What is compared: initializers, activations and depths, by name, or their number if there is no room."""
    names = style.different(runs, style.hue), style.panel_names(runs), [str(depth) for depth in style.depths(runs)]
    inits, activations, depths = (", ".join(some) for some in names)
    named = f"{inits}   ×   {activations}   ×   {words.number(depths, 'hidden layer')}"
    things = zip(names, ("initializer", "activation", "depth"), strict=True)
    return named if len(named) <= room else "   ×   ".join(words.number(len(some), thing) for some, thing in things)


def provenance(runs: style.Runs) -> str:
    """The sweep, its data and how it was trained."""

    def every(name: str) -> str:
        return style.listed(sorted({run.params[name] for run in runs}))

    sweeps = style.listed(list(dict.fromkeys(run.tags["sweep"] for run in runs)))
    return f"sweep {sweeps}; data {every('data')}; {every('optimizer')}, learning rate {every('lr')}"


def _save(canvas: Picture, formats: Sequence[str]) -> style.Page:
    pictures = {}
    for name in formats:
        picture = io.BytesIO()
        canvas.savefig(picture, format=name, **SAVING[name])
        pictures[name] = small(picture) if name == "png" else picture.getvalue()
    return style.Page(" ".join(canvas.title.get_text().split()), pictures)


def small(picture: io.BytesIO) -> bytes:
    """A PNG with a palette of 256 colours: a quarter as large, and the same to the eye."""
    packed = io.BytesIO()
    with Image.open(picture) as full:
        opaque = full.getextrema()[-1] == (255, 255)
        few = (full.convert("RGB") if opaque else full).quantize(
            256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        few.save(packed, "png", dpi=full.info["dpi"])
    return packed.getvalue()
