"""The only package that imports mlflow: writes runs while cells train, and reads them back.

One MLflow run per cell, flat, tied together by the tag `sweep`. Everything a run measured is in one artifact,
`statistics.npz`; metrics and tags are what the MLflow UI shows of it.
"""

import logging
import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # has to stand before mlflow is imported

from mlpstudy.tracking.reading import Run, load_runs
from mlpstudy.tracking.store import Store, open_store, save_view
from mlpstudy.tracking.writing import RunLog

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.tracking.fluent").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # we raise, or tell in one line, what fails

__all__ = ["Run", "RunLog", "Store", "load_runs", "open_store", "save_view"]
