"""Where cells are trained: processes of this machine, a Ray cluster, or a Slurm cluster.

The process that the user started gets every record, and it alone logs and displays. So the store, resume, progress and
tables are the same everywhere, and workers need no access to the store.

launcher     which engine, and its settings: the choice of hydra/launcher
engine       what all engines have in common, and the choice of one
processes    cells in processes of this machine
batches      cells in batches, and what happens when a worker is lost
worker       what runs at the other end: the cells of a batch, after a check that the code is the same
event_files  the events of a job, in files that are read while they are written
on_ray       batches as tasks of Ray
on_submitit  batches as jobs of Slurm, or as processes that submitit starts
"""
