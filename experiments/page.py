"""What studies found, on one page and as Markdown: a figure of published beside measured values, the claims, words."""

import base64
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from experiments import drawing
from experiments.study import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Finding, Study
from mlpstudy.tracking.run import Run

STYLE = (
    "body { font: 16px system-ui; max-width: 60rem; margin: 2rem auto; padding: 0 1rem } img { max-width: 100% }"
    "td, th { text-align: left; padding: .3rem .8rem .3rem 0; vertical-align: top }"
)


@dataclass(frozen=True)
class Done:
    """A study whose claims have been checked."""

    study: Study
    findings: Sequence[Finding]
    runs: Sequence[Run]
    seconds: float  # that its sweep took
    instead: str = ""  # the data it used, if not those it is about

    @property
    def marked(self) -> str:
        """` (on digits, not MNIST)` after the name of a study that used other data."""
        return f" (on {self.instead})" if self.instead else ""

    @property
    def words(self) -> str:
        """A paragraph about what was found."""
        first, counts = self.findings[0], Counter(finding.verdict for finding in self.findings)
        others = [finding for finding in self.findings if finding.verdict != REPRODUCED]
        how = f", {counts[NOT_REPRODUCED]} not, and {counts[INCONCLUSIVE]} inconclusive" if others else ""
        sentences = [
            f"{self.study.question}{self.marked}",
            told(first),
            f"Of {len(self.findings)} claims, {counts[REPRODUCED]} are reproduced{how}.",
        ]
        for finding in others:
            sentences += [told(finding)] if finding is not first else []
            sentences += [finding.claim.note] if finding.claim.note else []
        return " ".join(sentences)

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """Claim, expected value, measured value and verdict of each."""
        return [(f.claim.statement, f.claim.expected_text, f.measured_text, f.verdict) for f in self.findings]


def told(finding: Finding) -> str:
    """A claim and what was measured, as a sentence."""
    claim = finding.claim
    return (
        f"{claim.statement[0].upper()}{claim.statement[1:]}: published {claim.expected_text}, "
        f"measured {finding.measured_text} ({finding.verdict})."
    )


def picture(done: Done) -> bytes:
    """The figure of a study: its own, or else a panel for each claim."""
    figure = drawing.figure()
    if done.study.draw is None:
        drawing.claims(figure, done.findings)
    else:
        done.study.draw(figure, done.runs)
    drawing.title(figure, done.study.question + done.marked)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()


def write(folder: Path, done: Sequence[Done]) -> Path:
    """Write NAME.png for each study, studies.md, and index.html, which needs no other file."""
    folder.mkdir(exist_ok=True)
    pictures = {one.study.name: picture(one) for one in done}
    for name, png in pictures.items():
        (folder / f"{name}.png").write_bytes(png)
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Studies</title><style>{STYLE}</style>'
    parts = "".join(in_html(one, pictures[one.study.name]) for one in done)
    path = folder / "index.html"
    path.write_text(f"{head}<h1>Published studies, reproduced</h1>{overview(done)}{parts}</html>", encoding="utf-8")
    (folder / "studies.md").write_text("\n".join(map(in_markdown, done)), encoding="utf-8")
    return path


def overview(done: Sequence[Done]) -> str:
    """A table with a row for each study: how many of its claims have each verdict."""
    head = "".join(f"<th>{verdict}" for verdict in drawing.COLOURS)
    rows = ""
    for one in done:
        verdicts = [finding.verdict for finding in one.findings]
        counts = "".join(f"<td>{verdicts.count(verdict)}</td>" for verdict in drawing.COLOURS)
        name = escape(one.study.name)
        rows += f'<tr><td><a href="#{name}">{name}</a></td>{counts}<td>{escape(one.study.question)}</td></tr>'
    return f"<table><tr><th>study{head}<th>question</tr>{rows}</table>"


def in_html(done: Done, png: bytes) -> str:
    """One study on the page."""
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}"
        f'<td style="color:{drawing.COLOURS[verdict]}">{verdict}</td></tr>'
        for *cells, verdict in done.rows
    )
    return (
        f'<h2 id="{escape(done.study.name)}">{escape(done.study.name)}</h2><p>'
        f"{escape(done.words)}</p><p>Source: {escape(done.study.source)}. "
        f'{taken(done)}.</p><img alt="{escape(done.study.question)}" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        f"<table><tr><th>claim<th>expected<th>measured<th>verdict</tr>{rows}</table>"
    )


def in_markdown(done: Done) -> str:
    """One study as a section of a Markdown file."""
    code: Callable[[str], str] = lambda text: text.replace("|", "\\|").replace("*", "\\*")  # noqa: E731
    rows = "\n".join(f"| {' | '.join(map(code, row))} |" for row in done.rows)
    return (
        f"## {done.study.name}\n\n{code(done.words)}\n\nSource: {done.study.source}. {taken(done)}.\n\n"
        f"![{done.study.question}](images/studies/{done.study.name}.png)\n\n"
        f"| claim | expected | measured | verdict |\n|---|---|---|---|\n{rows}\n"
    )


def taken(done: Done) -> str:
    """How large the sweep was and how long it took."""
    return f"{len(done.runs)} cells in {minutes(done.seconds)}"


def minutes(seconds: float) -> str:
    """`2 min 5 s`."""
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
