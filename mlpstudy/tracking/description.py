"""The description of an experiment in MLflow: the question, and the grid and results of its last sweep."""

import contextlib
from collections.abc import Mapping, Sequence

from mlflow.exceptions import MlflowException

from mlpstudy.foresight.agreement import Counts
from mlpstudy.settings.keys import NOT_IDENTITY
from mlpstudy.tracking.store import Store

NOTE = "mlflow.note.content"
QUESTION = "How do weight initialization, activation function and depth decide whether a network trains?"
MOST = 12  # values of a setting that are listed

Texts = Mapping[str, str]


def describe(store: Store, sweep: str, runs: Sequence[tuple[Texts, Texts]]) -> None:
    """Write the description, unless the user has written one. runs: params and tags of the runs of the sweep."""
    with contextlib.suppress(MlflowException):  # the results are in the runs anyway
        before = store.client.get_experiment(store.experiment_id).tags.get(NOTE, "")
        if not before or before.startswith(QUESTION):
            store.client.set_experiment_tag(store.experiment_id, NOTE, _text(sweep, runs))


def _text(sweep: str, runs: Sequence[tuple[Texts, Texts]]) -> str:
    """Markdown: the question, what was varied, and how many cells had which verdict and outcome."""
    lines = [QUESTION, "", f"**Last sweep: {sweep}**, {len(runs)} cell{'s' * (len(runs) != 1)}", ""]
    lines += [f"- {name}: {', '.join(values)}" for name, values in _varied([params for params, _ in runs]).items()]
    for counts in Counts.of([tags for params, tags in runs if params.get("training.epochs") != "0"]):
        lines += ["", f"| {counts.heading} | {' | '.join(counts.columns)} |", "|---" * (1 + len(counts.columns)) + "|"]
        lines += [f"| {' | '.join([name, *map(str, numbers)])} |" for name, numbers in counts.rows.items()]
    return "\n".join(lines)


def _varied(params: Sequence[Texts]) -> dict[str, list[str]]:
    """The settings that differ between the cells, each with its values; by their short names if they have one."""
    varied: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for one in params for name in one):
        values = list(dict.fromkeys(one.get(name, "") for one in params))
        if len(values) > 1 and not name.startswith(NOT_IDENTITY) and values not in varied.values():
            varied[name] = values
    return {name: values[:MOST] + ["..."] * (len(values) > MOST) for name, values in varied.items()}
