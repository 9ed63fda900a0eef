"""The only package that imports mlflow: writes runs while cells train, and reads them back.

One MLflow run per cell, flat, tied together by the tag `sweep`. Everything a run measured is in one artifact,
`statistics.npz`; metrics and tags are what the MLflow UI shows of it.
"""

import logging
import os

# have to stand before mlflow is imported
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlpstudy.tracking.reading import NotMeasured, Run, load_runs, unmeasured
from mlpstudy.tracking.report import log_report
from mlpstudy.tracking.store import Store, open_store, save_view
from mlpstudy.tracking.writing import RunLog

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.tracking.fluent").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # we raise, or tell in one line, what fails

__all__ = ["NotMeasured", "Run", "RunLog", "Store", "load_runs", "log_report", "open_store", "save_view", "unmeasured"]
