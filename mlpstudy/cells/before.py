"""What is known of a cell before it is trained."""

from mlpstudy.cells.config import Config
from mlpstudy.cells.problem import Problem, initial_theta, prepare
from mlpstudy.cells.streams import PILOT, stream
from mlpstudy.foresight import before
from mlpstudy.foresight.before import Before
from mlpstudy.foresight.lesson import Lesson
from mlpstudy.network.activations import Array


def before_training(config: Config) -> Before:
    """What is known of a cell with these settings, which is not trained."""
    problem = prepare(config)
    return look_ahead(problem, initial_theta(problem, range(config.replicas)))


def look_ahead(problem: Problem, theta: Array) -> Before:
    """The prediction and the forecasts of a problem with these initial weights, theta (R, P)."""
    c, p = problem.config, problem
    lesson = Lesson(
        p.network, c.recipe, p.x_train, p.y_train, p.learned_constant_loss, p.yardstick, p.loss_unit, p.classification
    )
    drawn = "file" not in (c.flat["init.name"], c.flat.get("init.output.name"))
    return before.look_ahead(lesson, c.thresholds, theta, c.flat["training.probe_size"], stream(c.seed, PILOT), drawn)
