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
# section -> title of a chart -> (its metrics joined by +, its vertical axis)
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "How far it got": {
        "Test accuracy at the end": ("final/accuracy_test", BAR),
        "Training loss": ("loss/train", LOG),
        "Test accuracy": ("accuracy/test", LINEAR),
    },
    "Layer by layer at initialization (the axis Step counts layers)": {
        "Gradient by layer: log10 of rms, with theory": (
            "profile/log10_delta_rms_init + profile/log10_delta_rms_theory",
            LINEAR,
        ),
        "Signal by layer: log10 of rms, with theory": (
            "profile/log10_activation_rms_init + profile/log10_activation_rms_theory",
            LINEAR,
        ),
        "Saturated share by layer, with theory": (
            "profile/saturated_fraction_init + profile/saturated_fraction_theory",
            LINEAR,
        ),
        "Dead units by layer, with theory": ("profile/dead_fraction_init + profile/dead_fraction_theory", LINEAR),
        "Correlation of two inputs by layer, with theory": (
            "profile/input_correlation_init + profile/input_correlation_theory",
            LINEAR,
        ),
    },
    "Layer by layer at the end (the axis Step counts layers)": {
        "Gradient by layer at the end: log10 of rms": ("profile/log10_delta_rms_final", LINEAR),
        "Saturated share by layer at the end": ("profile/saturated_fraction_final", LINEAR),
        "Dead units by layer at the end": ("profile/dead_fraction_final", LINEAR),
        "Distinct units by layer at the end": ("profile/distinct_units_final", LINEAR),
    },
}
METRICS = {name for charts in SECTIONS.values() for names, _ in charts.values() for name in names.split(" + ")}
# the view of all runs shows means per initializer; the view of a sweep shows its cells
GROUP_BY_INIT = {"aggregateFunction": "average", "groupByKeys": [{"mode": "param", "groupByData": "init"}]}
COLUMNS = [
    "tags.`verdict`",
    "tags.`verdict_predicted`",
    "tags.`verdict_final`",
    "tags.`outcome_predicted`",
    "tags.`outcome`",
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
    charts = [
        _chart(f"{KEY}-{s}", i, title, names, axis)
        for s, charts in enumerate(SECTIONS.values())
        for i, (title, (names, axis)) in enumerate(charts.items())
    ]
    sections = [
        {"uuid": f"{KEY}-{s}", "name": name, "display": True, "isReordered": True} for s, name in enumerate(SECTIONS)
    ]
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


def _chart(section: str, index: int, title: str, names: str, axis: str) -> dict[str, Any]:
    metrics = names.split(" + ")
    chart = {
        "uuid": f"{section}-{index}",
        "metricSectionId": section,
        "metricKey": metrics[0],
        "displayName": title,
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
