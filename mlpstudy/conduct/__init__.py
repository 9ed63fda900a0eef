"""One sweep: a plan, a stream of events from an engine, those who listen to them, and a report.

sweep    the whole of it, from checked cells to the lines at the end
plan     what is done, what grows, and what is to train
follow   puts the events of each cell together, and passes them on
report   the lines before the training, and at its end: what came, and what to type next

From a training step to a browser, with what is passed on:

1. network.fast.training.train      State         in the process that trains, or on another machine
2. cells.recording.train_and_record  Record        the same; the last Record has `last`, since all replicas end together
3. cells.one_cell.events_of         Event         the same: a Record, the Picture, or a Failure
4. engines.processes, or batches    (index, Event) main thread: from the pipes of the workers, or the files of a cluster
5. conduct.follow.Follower.hear     Record, Ending main thread: to Results, SweepLog and SweepDisplay, in this order
6. tracking.sweep_log.SweepLog      jobs          main thread: into the queue of the thread that writes
7. tracking.writing.RunLog          Parcel        the thread that writes: a folder (`record`, `finish`)
8. tracking.parcel                  MLflow calls  the thread that sends (`show_curves`, `send`); repeated by `patience`
9. MLflow, `python -m reports`      statistics.npz  read back by tracking.reading, drawn by reports.figures
"""
