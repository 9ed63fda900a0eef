"""Is a random deep network ordered or chaotic? Fixed points of lengths and correlations."""

from experiments import drawing
from experiments.measures import at_start, lengths, measure, profile, squared_length
from experiments.study import Canvas, Grid, Mean, Runs, Study, Values

# gain, which is sigma_w with lecun -> q*, chi, c*; computed from the published equations at sigma_b = 0.3
PUBLISHED = {"1.3": (0.60705, 0.9398, 1.0), "2.5": (4.07912, 1.5852, 0.1221), "4.0": (12.60415, 2.3673, 0.0298)}
WIDTH, DEPTH = 300, 80


@measure
def settled(runs: Runs, gain: str) -> Values:
    """The squared length q of layer 8 over that of the last layer."""
    return squared_length(7, gain=gain)(runs) / squared_length(gain=gain)(runs)


def started(gain: str) -> float:
    """q of layer 1 over q*, for inputs of variance 1."""
    return (float(gain) ** 2 + 0.09) / PUBLISHED[gain][0]


def remaining(gain: str) -> float:
    """How far correlations are from c* after DEPTH layers at most, in the ordered phase: chi^(DEPTH - 1)."""
    _, chi, _ = PUBLISHED[gain]
    return chi ** (DEPTH - 1) if chi < 1 else 0.0


def draw(figure: Canvas, runs: Runs) -> None:
    """Lengths and correlations by layer, with their fixed points."""
    left, right = drawing.panels(figure, 2)
    for place, (gain, (q, _, c)) in enumerate(PUBLISHED.items()):
        name = f"sigma_w = {gain}"
        drawing.series(left, lengths(runs, gain=gain), place, name)
        drawing.series(right, profile(runs, "input_correlation", gain=gain), place, name)
        for axes, value in ((left, q), (right, c)):
            drawing.published(axes, [1, DEPTH], [value] * 2, "published fixed point")
    drawing.labelled(left, "Lengths settle within a few layers", "hidden layer", "squared length q", log="y",
                     legend=False)  # fmt: skip
    drawing.labelled(right, "Inputs: equal (ordered) or different (chaotic)", "hidden layer", "correlation")


STUDY = Study(
    name="poole_2016",
    question="Is a random deep tanh network ordered or chaotic, and where do lengths and correlations end?",
    source="Poole et al. 2016, figures 1 and 2: tanh with sigma_b = 0.3 and sigma_w = 1.3, 2.5 and 4",
    varied={"gain": PUBLISHED},
    grids=(Grid(quick=("replicas=5",)),),
    claims=(
        *(claim for gain, (q, chi, c) in PUBLISHED.items() for claim in (
            Mean(f"sigma_w = {gain}: the squared length ends at q*", q, squared_length(gain=gain),
                 2 * q / WIDTH, rival=1.2 * q),
            Mean(f"sigma_w = {gain}: squared gradients change by chi a layer", chi,
                 at_start("jacobian_gain", gain=gain), 2 * chi / WIDTH, rival=1.0),
            Mean(f"sigma_w = {gain}: the correlation of two inputs ends at c*", c,
                 at_start("input_correlation", gain=gain), 2 / WIDTH + remaining(gain), rival=0.5),
        )),
        *(Mean(f"sigma_w = {gain}: lengths settle to 1 % within 8 layers", 1.0, settled(gain), 0.01,
               rival=started(gain)) for gain in PUBLISHED),
    ),
    draw=draw,
)  # fmt: skip
