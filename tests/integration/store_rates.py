"""How many rows of metrics a second an MLflow store takes: `python -m tests.integration.store_rates URI [writers]`.

Each writer logs runs of its own, in batches of 1,000 rows as sweeps do. Every row is read back and counted.
"""

import multiprocessing
import sys
import time

BATCH = 1000


def write(uri, experiment, runs, names, steps):
    """Log runs of `names` metrics with `steps` rows each; the ids of the runs."""
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

    client, ids = MlflowClient(uri), []
    for _ in range(runs):
        run = client.create_run(experiment).info.run_id
        rows = [Metric(f"m{name}", float(step), 0, step) for name in range(names) for step in range(steps)]
        for start in range(0, len(rows), BATCH):
            client.log_batch(run, rows[start : start + BATCH])
        client.set_terminated(run)
        ids.append(run)
    return ids


def measure(uri, writers, runs=16, names=20, steps=100):
    """Rows a second of so many writers, and how many rows are missing afterwards."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = client.create_experiment(f"rates-{time.time_ns()}")
    with multiprocessing.get_context("spawn").Pool(writers) as pool:
        pool.starmap(write, [(uri, experiment, 0, 0, 0)] * writers)  # imports
        begun = time.perf_counter()
        found = pool.starmap(write, [(uri, experiment, runs, names, steps)] * writers, chunksize=1)
        seconds = time.perf_counter() - begun
    ids = [one for some in found for one in some]
    there = sum(len(client.get_metric_history(one, f"m{name}")) for one in ids for name in range(names))
    wanted = writers * runs * names * steps
    return wanted / seconds, wanted - there


if __name__ == "__main__":
    print(f"{'writers':>7}  {'rows/s':>8}  missing")
    for count in map(int, (sys.argv[2] if len(sys.argv) > 2 else "1,2,8").split(",")):
        rate, missing = measure(sys.argv[1], count)
        print(f"{count:>7}  {rate:>8.0f}  {missing}", flush=True)
