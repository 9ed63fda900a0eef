"""What studies found, on one page and as Markdown: a figure of published beside measured values, the claims, words."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from experiments import drawing
from experiments.study import REPRODUCED, VERDICTS, Finding, Study
from mlpstudy.tracking.run import Run

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"), autoescape=select_autoescape(),
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
)  # fmt: skip
templates.filters["plain"] = lambda text: text.replace("|", "\\|").replace("*", "\\*")  # in Markdown


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
    def verdicts(self) -> list[str]:
        """Those of all claims."""
        return [finding.verdict for finding in self.findings]

    @property
    def words(self) -> str:
        """A paragraph about what was found."""
        reproduced, failed, inconclusive = map(self.verdicts.count, VERDICTS)
        others = [finding for finding in self.findings if finding.verdict != REPRODUCED]
        how = f", {failed} not, and {inconclusive} inconclusive" if others else ""
        first = self.findings[0]
        sentences = [
            f"{self.study.question}{self.marked}",
            sentence(first),
            f"Of {len(self.findings)} claims, {reproduced} are reproduced{how}.",
        ]
        for finding in others:
            sentences += [sentence(finding)] if finding is not first else []
            sentences += [finding.claim.note] if finding.claim.note else []
        return " ".join(sentences)

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """Claim, expected value, measured value and verdict of each."""
        return [(f.claim.statement, f.claim.expected_text, f.measured_text, f.verdict) for f in self.findings]

    @property
    def took(self) -> str:
        """`2 min 5 s`."""
        return f"{self.seconds // 60:.0f} min {self.seconds % 60:.0f} s"

    @property
    def taken(self) -> str:
        """How large the sweep was and how long it took."""
        return f"{len(self.runs)} cells in {self.took}"

    @cached_property
    def picture(self) -> bytes:
        """The figure of the study, as PNG: its own, or else a panel for each claim."""
        figure = drawing.figure()
        if self.study.draw is None:
            drawing.claims(figure, self.findings)
        else:
            self.study.draw(figure, self.runs)
        drawing.title(figure, self.study.question + self.marked)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=110)
        return out.getvalue()

    @property
    def image(self) -> str:
        """The figure, in base64."""
        return base64.b64encode(self.picture).decode()


def sentence(finding: Finding) -> str:
    """A claim and what was measured, as a sentence."""
    claim = finding.claim
    return (
        f"{claim.statement[0].upper()}{claim.statement[1:]}: published {claim.expected_text}, "
        f"measured {finding.measured_text} ({finding.verdict})."
    )


def write(folder: Path, done: Sequence[Done]) -> Path:
    """Write NAME.png for each study, studies.md, and index.html, which needs no other file."""
    folder.mkdir(exist_ok=True)
    for one in done:
        (folder / f"{one.study.name}.png").write_bytes(one.picture)
    path = folder / "index.html"
    for template, file in (("page.html", path), ("page.md", folder / "studies.md")):
        text = templates.get_template(template).render(done=done, colours=drawing.COLOURS)
        file.write_text(text, encoding="utf-8")
    return path
