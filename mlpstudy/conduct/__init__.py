"""One sweep: a plan, a stream of events from an engine, those who listen to them, and a report.

sweep    the whole of it, from checked cells to the lines at the end
ahead    what is foreseen of many cells, without training them
plan     what is done, what grows, what is to train, and what is expected not to learn
follow   puts the events of each cell together, and passes them on
report   the lines before the training, and at its end: what came, and what to type next

From a training step to a browser: file and function, what it passes on, and where it runs. Replicas of a cell are
trained in one loop, so they end together, and a cell has one last Record.

1. network/fast/training.py  train             State            in a worker: a process, this one, or another machine
2. cells/recording.py        train_and_record  Record           in the worker
3. cells/one_cell.py         events_of         Event            in the worker: Record, Picture or Failure
4. engines/processes.py      run               (index, Event)   main thread, from pipes; of a cluster, batches.run
5. conduct/follow.py         Follower.hear     Record, Ending   main thread, to Results, SweepLog and SweepDisplay
6. tracking/sweep_log.py     SweepLog.record   jobs in a queue  main thread; SweepLog.ended does the same at the end
7. tracking/writing.py       RunLog.finish     a folder         thread that writes; Parcel is its run.json
8. tracking/writing.py       RunLog.send       calls of MLflow  thread that sends; parcel.fill, repeated by patience
9. tracking/reading.py       load_runs         Run              later: statistics.npz, for `python -m reports`
"""
