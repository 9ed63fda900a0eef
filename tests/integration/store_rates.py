"""How many rows of metrics, and how many runs a second, a store takes from 1, 2 and 8 writers at the same time.

`python -m tests.integration.store_rates URI [writers]`. Rows are logged in batches of 1,000 as sweeps do; every row is
read back and counted. Runs are those of a default cell, which is trained once, with files and params.
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


def write_cell(uri, experiment, runs):
    """Train a default cell, and write its run so many times; when this began and ended."""
    from mlpstudy import compose
    from mlpstudy.cells.cell_result import collect
    from mlpstudy.cells.events import Ending, Picture
    from mlpstudy.engines import processes
    from mlpstudy.tracking.store import open_store
    from mlpstudy.tracking.writing import RunLog

    (cell,), store = compose.cells(["init=xavier"]), open_store(uri, experiment)
    records = [event for _, event in processes.run([cell], 1)]
    result, picture = collect(cell, records), Picture(bytes(20_000))
    begun = time.time()
    for number in range(runs):
        log = RunLog(store, cell, f"cell {number}", "rates", number)
        for record in records:
            log.record(record)
            log.show_curves(lambda ask: ask())
        log.finish(Ending("FINISHED", result, picture=picture))
        log.send(lambda ask: ask())
    return begun, time.time()


def measure_runs(uri, writers, runs=30):
    """Runs a second of so many writers."""
    with multiprocessing.get_context("spawn").Pool(writers) as pool:
        name = f"rates-{time.time_ns()}"
        pool.starmap(write_cell, [(uri, name, 1)] * writers)  # imports
        times = pool.starmap(write_cell, [(uri, name, runs)] * writers, chunksize=1)
    return writers * runs / (max(end for _, end in times) - min(begun for begun, _ in times))


if __name__ == "__main__":
    print(f"{'writers':>7}  {'rows/s':>8}  missing  {'runs/s':>8}")
    for count in map(int, (sys.argv[2] if len(sys.argv) > 2 else "1,2,8").split(",")):
        rate, missing = measure(sys.argv[1], count)
        print(f"{count:>7}  {rate:>8.0f}  {missing:>7}  {measure_runs(sys.argv[1], count):>8.1f}", flush=True)
