"""Independent random streams, all descended from the one seed of a cell."""

import numpy as np

# Fixed keys, not an order of calls: replica r of seed s is the same network whatever the number of
# replicas, the launcher or the order of jobs.
DATA, ORDER, WEIGHTS, SAMPLE = 0, 1, 2, 3


def stream(seed: int, purpose: int, index: int = 0) -> np.random.Generator:
    """The generator for one purpose (DATA, ORDER, WEIGHTS or SAMPLE) and index (the replica, for WEIGHTS)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, index)))
