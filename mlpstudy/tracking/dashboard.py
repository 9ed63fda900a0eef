"""The charts that the MLflow UI opens with, their axes and their order.

The UI keeps a shared view as an experiment tag `mlflow.sharedViewState.<key>` whose value is the zlib-deflated
JSON of its page state. That format is MLflow's own and may change: the page then opens on its default charts.
"""

import base64
import json
import zlib
from typing import Any

KEY = "mlpstudy"  # the view of all runs; each sweep has a view with the name of the sweep

BAR, LINEAR, LOG = "bar", "linear", "log"
AT_START = ("log10_delta_rms", "log10_activation_rms", "saturated_fraction", "dead_fraction", "input_correlation")
AT_END = ("log10_delta_rms", "saturated_fraction", "dead_fraction", "distinct_units")
# section -> charts of (metrics joined by +, vertical axis)
SECTIONS: dict[str, list[tuple[str, str]]] = {
    "How far it got": [
        ("final/accuracy_test", BAR),
        ("loss/train + foreseen/loss_train", LOG),
        ("accuracy/test", LINEAR),
    ],
    "Layer by layer at initialization (step = layer)": [
        (f"profile/{name}_init + profile/{name}_theory", LINEAR) for name in AT_START
    ],
    "Layer by layer at the end (step = layer)": [(f"profile/{name}_final", LINEAR) for name in AT_END],
}
METRICS = {name for charts in SECTIONS.values() for names, _ in charts for name in names.split(" + ")}
# the view of all runs shows means per initializer; the view of a sweep shows its cells
GROUP_BY_INIT = {"aggregateFunction": "average", "groupByKeys": [{"mode": "param", "groupByData": "init"}]}
COLUMNS = [
    "tags.`verdict`",
    "tags.`verdict_predicted`",
    "tags.`verdict_final`",
    "tags.`outcome_predicted`",
    "tags.`outcome_by_pilot`",
    "tags.`outcome`",
    "metrics.`final/gained`",
    "metrics.`final/accuracy_test`",
    "params.`init`",
    "params.`activation`",
    "params.`depth`",
]


def tag(key: str) -> str:
    """Name of the experiment tag that holds the view `?viewStateShareKey=<key>`."""
    return f"mlflow.sharedViewState.{key}"


def view_state(search: str = "") -> str:
    """The tag's value: our charts and columns, for the runs that `search` finds."""
    charts: list[dict[str, Any]] = []
    sections = []
    for number, (name, shown) in enumerate(SECTIONS.items()):
        section = f"{KEY}-{number}"
        sections.append({"uuid": section, "name": name, "display": True, "isReordered": True})
        charts += [_chart(section, i, names, axis) for i, (names, axis) in enumerate(shown)]
    state = {
        "searchFilter": search,
        "orderByKey": "attributes.start_time",
        "orderByAsc": True,
        "compareRunCharts": charts,
        "compareRunSections": sections,
        "isAccordionReordered": True,
        "runsHiddenMode": "FIRST_20_RUNS",
        "selectedColumns": COLUMNS,
        "hideEmptyCharts": True,
        "autoRefreshEnabled": True,
        "groupBy": None if search else GROUP_BY_INIT,
    }
    packed = zlib.compress(json.dumps(state).encode())
    return "deflate;" + base64.b64encode(packed).decode()


def _chart(section: str, index: int, names: str, axis: str) -> dict[str, Any]:
    metrics = names.split(" + ")
    chart = {
        "uuid": f"{section}-{index}",
        "metricSectionId": section,
        "metricKey": metrics[0],
        "runsCountToCompare": 20,
        "deleted": False,
        "isGenerated": False,
    }
    if axis == BAR:
        return chart | {"type": "BAR"}
    return chart | {
        "type": "LINE",
        "selectedMetricKeys": metrics,
        "scaleType": axis,
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "lineSmoothness": 0,
    }
