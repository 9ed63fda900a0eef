"""How deep can a random tanh network be and still be trained?"""

import numpy as np
from scipy import stats

from experiments import drawing
from experiments.measures import late_mean
from experiments.study import Canvas, Grid, Mean, Order, Runs, Study, Values, chosen

# sigma_w -> depth scale of correlations xi_c at sigma_b^2 = 0.05, by quadrature of the published equations
SCALES = {"1": 3.627, "1.1": 6.104, "1.2": 12.38, "1.32701": np.inf, "1.45": 19.30, "1.6": 11.30, "1.8": 8.344,
          "2.1": 6.516, "2.5": 5.309}  # fmt: skip
CRITICAL = "1.32701"  # its square is 1.76096
DEPTHS = ("5", "10", "20", "40", "80")
TRAINED = 0.5  # test accuracy
SCALES_DEEP = 6  # published: networks train up to about six depth scales


def swept(runs: Runs) -> list[str]:
    """The values of sigma_w of the sweep."""
    return [gain for gain in SCALES if any(run.params["gain"] == gain for run in runs)]


def accuracies(runs: Runs, gain: str) -> tuple[Values, Values]:
    """The depths with this sigma_w, and the test accuracies, (depth, R)."""
    ends = {int(run.params["depth"]): run.arrays["curve_accuracy_test"][-1] for run in chosen(runs, gain=gain)}
    depths = sorted(ends)
    return np.array(depths), np.stack([ends[depth] for depth in depths])


def trainable_depth(runs: Runs, gain: str) -> Values:
    """The depth where the accuracy falls to TRAINED, interpolated in log depth, (R,)."""
    depths, values = accuracies(runs, gain)
    crossings = []
    for curve in values.T:
        last = int(max(np.flatnonzero(curve > TRAINED), default=0))  # the deepest that trains
        around = [last + 1, last]
        deeper = last + 1 < len(depths)
        crossings.append(np.exp(np.interp(TRAINED, curve[around], np.log(depths[around]))) if deeper else np.inf)
    return np.array(crossings)


def log_depths(runs: Runs) -> tuple[Values, Values]:
    """log2 of SCALES_DEEP depth scales, (gain,), and log2 of the trainable depth, (gain, R)."""
    gains = [gain for gain in swept(runs) if gain != CRITICAL]
    scales = np.log2([SCALES_DEEP * SCALES[gain] for gain in gains])
    return scales, np.log2(np.stack([trainable_depth(runs, gain) for gain in gains]))


def rank_correlation(runs: Runs) -> Values:
    """Kendall's correlation of trainable depth and depth scale over sigma_w, for each network."""
    scales, depths = log_depths(runs)
    return np.array([stats.kendalltau(scales, mine).statistic for mine in depths.T])


def excess(runs: Runs) -> Values:
    """log2 of the trainable depth over SCALES_DEEP depth scales: mean over sigma_w, for each network."""
    scales, depths = log_depths(runs)
    return np.asarray((depths - scales[:, None]).mean(axis=0))


def draw(figure: Canvas, runs: Runs) -> None:
    """The heat map of accuracy over sigma_w and depth, with the published curve over it."""
    (axes,) = drawing.panels(figure, 1, width=8, height=4.2)
    gains = swept(runs)
    depths = np.unique([int(run.params["depth"]) for run in runs])
    means = np.full((len(depths), len(gains)), np.nan)  # not every sigma_w has the largest depth
    for column, gain in enumerate(gains):
        there, values = accuracies(runs, gain)
        means[np.searchsorted(depths, there), column] = values.mean(axis=1)
    image = axes.pcolormesh(range(len(gains)), np.log2(depths), means, vmin=0, vmax=1, shading="nearest")
    figure.colorbar(image, label="test accuracy")
    limit = np.log2(np.minimum([SCALES_DEEP * SCALES[gain] for gain in gains], 1e3))
    axes.plot(range(len(gains)), limit, "o--", color="white", label=f"published: {SCALES_DEEP} depth scales")
    axes.set_xticks(range(len(gains)), [f"{float(gain):.2f}" for gain in gains])
    axes.set_yticks(np.log2(depths), [str(depth) for depth in depths])
    axes.set_ylim(np.log2(depths[0]) - 0.5, np.log2(depths[-1]) + 0.5)
    drawing.labelled(axes, "tanh, width 100, digits", "sigma_w (critical: 1.33)", "hidden layers", legend=False)
    axes.legend(loc="lower left", fontsize=8, labelcolor="white", facecolor="0.15", edgecolor="none")


STUDY = Study(
    name="schoenholz_2017",
    question="How deep can a random tanh network be and still be trained?",
    source="Schoenholz et al. 2017: at sigma_b^2 = 0.05 the edge of chaos is at sigma_w^2 = 1.7610, and networks train "
    "up to about six depth scales (figure 5)",
    varied={"gain": ("1", CRITICAL, "1.6"), "depth": ("20", "40")},
    grids=(
        Grid(quick=("init.gain=1,1.32701,1.6,2.1", "network.depth=10,20,40,80", "training.epochs=5")),
        Grid(("init.gain=1.2,1.45", "network.depth=160"), quick=None),  # which may train deeper than 80 layers
    ),
    claims=(
        Order("networks train deeper where the depth scale is larger (Kendall's correlation over sigma_w)", 0.0,
              rank_correlation),
        Mean("networks train up to 6 depth scales (log2 of the ratio; depths are swept by factors of 2)", 0.0, excess,
             0.5, rival=1.5),
        Mean("squared gradients keep their scale at sigma_w^2 = 1.7610 (chi, mean over the last 20 of 40 layers)", 1.0,
             late_mean("jacobian_gain", 20, gain=CRITICAL, depth="40"), 0.02, rival=1.15),
    ),
    draw=draw,
)  # fmt: skip
