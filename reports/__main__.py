"""`python -m reports`: draw the figures of a sweep from what MLflow holds."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from mlpstudy.errors import ConfigError
from mlpstudy.tracking import NotMeasured, Run, load_runs
from reports import gradient_flow, learning_curves, saturation, symmetry
from reports.style import RC, CannotDraw, Figure

FIGURES: dict[str, Figure] = {
    "saturation": saturation.FIGURE,
    "gradient_flow": gradient_flow.FIGURE,
    "symmetry": symmetry.FIGURE,
    "learning_curves": learning_curves.FIGURE,
}


def render(figure: Figure, runs: Sequence[Run], path: Path) -> None:
    """Draw one figure and save it; the format is that of the suffix. Raises CannotDraw."""
    with matplotlib.rc_context(RC):
        rows, columns = figure.panels(runs)
        width, height = figure.panel_size
        canvas = Canvas(figsize=(max(columns * width, 7.0) + 1.5, rows * height + 0.9), layout="constrained")
        FigureCanvasAgg(canvas)
        axes = canvas.subplots(rows, columns, squeeze=False)
        figure.draw(axes, runs)
        canvas.suptitle(figure.title)
        canvas.supxlabel(f"{canvas.get_supxlabel()}\n{provenance(runs)}", fontsize=8, color="0.4")
        canvas.savefig(path, metadata={"Software": None})


def provenance(runs: Sequence[Run]) -> str:
    """Which sweep, on which data, trained how."""

    def all_of(name: str) -> str:
        return ", ".join(sorted({run.params[name] for run in runs}))

    return f"sweep {runs[0].tags['sweep']}; data {all_of('data')}; {all_of('optimizer')}, learning rate {all_of('lr')}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw every figure; one that cannot be drawn says why and does not stop the others."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    parser.add_argument("--uri", help="MLflow store; MLFLOW_TRACKING_URI or mlflow.db in this directory by default")
    parser.add_argument("--experiment", help="only this MLflow experiment")
    parser.add_argument("--sweep", help="this sweep instead of the latest")
    parser.add_argument("--out", type=Path, default=Path("figures"), help="folder for the figures (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        runs = load_runs(options.uri, sweep=options.sweep, experiment=options.experiment)
        options.out.mkdir(parents=True, exist_ok=True)
    except ConfigError as error:
        print(f"reports: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"reports: --out must be a folder that can be written ({error}); got {str(options.out)!r}", file=sys.stderr
        )
        return 1
    print(f"Sweep {runs[0].tags['sweep']}: {len(runs)} run{'s' * (len(runs) != 1)}")
    missing = 0
    for name, figure in FIGURES.items():
        path = options.out / f"{name}.png"
        try:
            render(figure, runs, path)
            print(path)
        except (CannotDraw, NotMeasured) as reason:
            missing += 1
            path.unlink(missing_ok=True)  # one of an earlier sweep
            print(f"{name}: not drawn, {reason}")
    return 1 if missing == len(FIGURES) else 0


if __name__ == "__main__":
    sys.exit(main())
