"""The only room that imports mlflow: runs are written while cells train, and read back for reports and studies.

There is one MLflow run per cell. Runs are not nested; the tag `sweep` ties them together. Everything that a run
measured is in one artifact, `statistics.npz`; its metrics and tags are what the MLflow UI shows.

store        open an MLflow store, and make it where it is missing
sweep_log    all runs of a sweep: a thread writes their folders, another one sends them
writing      one cell's run, from its records to its folder and into the store
files        the files of a run
parcel       a run as a folder, and how it gets into a store
moving       runs kept in folders, exported and brought in
inside       what depends on the inside of MLflow, and on its version
patience     calls to a store that may be away
at_once      what several sweeps do to one store at the same moment
sqlite       the file of an SQLite store, made whole and found again where it is now
cleaning     remove a sweep
metrics      the names and numbers that a run logs
environment  where a run was made: process and versions
dashboard    the charts that the MLflow UI opens with
run          a run as it is read back
reading      find the runs of a sweep again
resume       cells that are done, and runs whose process has gone
artifacts    the arrays of a run, read in place or through a cache
logged_model the trained network as an MLflow model
description  the text that MLflow shows above an experiment
report       the figures of a sweep, kept in MLflow
uris         which store a URI means, and how to show it without its password
"""

import logging
import os

from mlpstudy import cache

# These have to be set before mlflow is imported.
cache.ensure_home()
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # we repeat calls ourselves, see patience
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")  # seconds; a server that takes longer counts as away
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

logging.getLogger("alembic").setLevel(logging.WARNING)
logging.getLogger("mlflow.tracking.fluent").setLevel(logging.WARNING)
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # its errors are ours to report, in one line
logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
