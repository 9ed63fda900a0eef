"""What studies found, on one page: a figure of published beside measured values, the claims, and a paragraph each."""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from experiments.study import INCONCLUSIVE, NOT_REPRODUCED, REPRODUCED, Finding, Mean, Study, interval
from mlpstudy.palette import VERDICT_COLOURS

COLUMNS, PANEL = 4, (3.0, 2.1)  # inches
STYLE = (
    "body { font: 16px system-ui; max-width: 60rem; margin: 2rem auto; padding: 0 1rem } img { max-width: 100% }"
    "td, th { text-align: left; padding: .3rem .8rem .3rem 0; vertical-align: top }"
)
COLOURS = {
    REPRODUCED: VERDICT_COLOURS["healthy"],
    NOT_REPRODUCED: VERDICT_COLOURS["exploding"],
    INCONCLUSIVE: VERDICT_COLOURS["symmetric"],
}


@dataclass(frozen=True)
class Done:
    """A study whose claims have been checked."""

    study: Study
    findings: Sequence[Finding]

    @property
    def words(self) -> str:
        """A paragraph about what was found."""
        counts = Counter(finding.verdict for finding in self.findings)
        text = f"{self.study.question} Of {len(self.findings)} claims, {counts[REPRODUCED]} are reproduced."
        for verdict, told in ((NOT_REPRODUCED, "Not reproduced"), (INCONCLUSIVE, "Inconclusive")):
            for finding in (f for f in self.findings if f.verdict == verdict):
                text += f" {told}: {finding.claim.statement}; expected {finding.claim.expected_text}, "
                text += f"measured {finding.measured_text}."
        return text


def picture(done: Done) -> bytes:
    """A panel for each claim: the published value, what each network measured, and the interval of the mean."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    n = len(done.findings)
    columns = min(n, COLUMNS)
    rows = -(-n // columns)
    figure = Figure((PANEL[0] * columns, PANEL[1] * rows + 0.5), layout="constrained")
    figure.suptitle(done.study.question, x=0.01, ha="left", weight="bold")
    for axes, finding in zip(figure.subplots(rows, columns, squeeze=False).flat, done.findings, strict=False):
        claim, values = finding.claim, finding.measured
        colour = COLOURS[finding.verdict]
        axes.plot(np.linspace(-0.3, 0.3, len(values)), values, ".", color="0.7", markersize=4)
        axes.axhspan(claim.expected - claim.tolerance, claim.expected + claim.tolerance, color="0.85", zorder=0)
        axes.axhline(claim.expected, color="0.2", linewidth=1, linestyle="--")
        if isinstance(claim, Mean):
            low, high = interval(values, finding.claims)
            axes.plot([0.45, 0.45], [low, high], color=colour, linewidth=3)
            axes.plot([0.45], [values.mean()], "o", color=colour)
        axes.set_xticks([])
        axes.set_xlim(-0.5, 0.7)
        axes.set_title(f"{claim.statement}\n{finding.verdict}", fontsize=8, wrap=True, color=colour)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in figure.axes[n:]:
        axes.set_axis_off()
    figure.supxlabel(
        "dashed: published; grey: its rounding, or what the width explains; dots: networks; bar: interval of the mean",
        fontsize=8, x=0.01, ha="left",
    )  # fmt: skip
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=120)
    return out.getvalue()


def write(folder: Path, done: Sequence[Done]) -> Path:
    """Write NAME.png for each study, and index.html, which needs no other file."""
    folder.mkdir(exist_ok=True)
    parts = []
    for one in done:
        png = picture(one)
        (folder / f"{one.study.name}.png").write_bytes(png)
        rows = "".join(
            f"<tr><td>{escape(f.claim.statement)}</td><td>{escape(f.claim.expected_text)}</td>"
            f'<td>{escape(f.measured_text)}</td><td style="color:{COLOURS[f.verdict]}">{f.verdict}</td></tr>'
            for f in one.findings
        )
        image = base64.b64encode(png).decode()
        parts.append(
            f"<h2>{escape(one.study.name)}</h2><p>{escape(one.words)}</p><p>Source: {escape(one.study.source)}</p>"
            f'<img alt="published and measured values" src="data:image/png;base64,{image}">'
            f"<table><tr><th>claim<th>expected<th>measured<th>verdict</tr>{rows}</table>"
        )
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Studies</title><style>{STYLE}</style>'
    path = folder / "index.html"
    path.write_text(f"{head}<h1>Published studies, reproduced</h1>{''.join(parts)}</html>", encoding="utf-8")
    return path
