"""What is known of a cell before it is trained."""

from mlpstudy.cells.config import Config
from mlpstudy.cells.problem import Problem, initial_theta, prepare
from mlpstudy.foresight import before
from mlpstudy.foresight.before import Before, Given
from mlpstudy.network.activations import Array


def before_training(config: Config) -> Before:
    """What is known of a cell with these settings, which is not trained."""
    problem = prepare(config)
    return look_ahead(problem, initial_theta(problem, range(config.replicas)))


def look_ahead(problem: Problem, theta: Array) -> Before:
    """The prediction and the forecast of a problem with these initial weights, theta (R, P)."""
    c = problem.config
    data = Given(*problem.probe, len(problem.y_train), problem.learned_constant_loss)
    drawn = "file" not in (c.flat["init.name"], c.flat.get("init.output.name"))
    return before.look_ahead(problem.network, c.recipe, c.thresholds, theta, data, drawn)
