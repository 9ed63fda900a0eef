"""What is known of a cell before it is trained."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlpstudy.cells.config import Config
from mlpstudy.cells.problem import Problem, initial_theta, prepare
from mlpstudy.cells.streams import PILOT, stream
from mlpstudy.foresight import before, pilot
from mlpstudy.foresight.before import Before
from mlpstudy.foresight.forecast import ByPilot, Curve
from mlpstudy.foresight.lesson import Lesson
from mlpstudy.network.activations import Array


@dataclass(frozen=True)
class Foreseen:
    """What is foreseen of a cell: small enough to be kept of thousands of cells."""

    row: Mapping[str, str | float]  # see `Before.row`
    curve: Curve | None  # of the pilot; None if there is none


def before_training(config: Config, whole: bool = True) -> Before:
    """What is known of a cell with these settings, which is not trained. whole: see `look_ahead`."""
    problem = prepare(config)
    return look_ahead(problem, initial_theta(problem, range(config.replicas)), whole)


def look_ahead(problem: Problem, theta: Array, whole: bool = True) -> Before:
    """The prediction and the forecasts of a problem with these initial weights, theta (R, P).

    whole: otherwise without the pilot's learning curve.
    """
    c = problem.config
    drawn = "file" not in (c.flat["init.name"], c.flat.get("init.output.name"))
    rng, probe = stream(c.seed, PILOT), c.flat["training.probe_size"]
    return before.look_ahead(lesson(problem), c.thresholds, theta, probe, rng, drawn, whole)


def pilot_of(problem: Problem, replica: int) -> ByPilot:
    """The forecast of the pilot of one replica, without its curve."""
    theta, rng = initial_theta(problem, [replica]), stream(problem.config.seed, PILOT, replica)
    return pilot.fly(lesson(problem), problem.config.thresholds, theta, rng, whole=False)


def lesson(problem: Problem) -> Lesson:
    """What a problem gives to learn."""
    p = problem
    return Lesson(
        p.network, p.config.recipe, p.x_train, p.y_train, p.learned_constant_loss, p.yardstick, p.loss_unit,
        p.classification,
    )  # fmt: skip
