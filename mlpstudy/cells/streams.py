"""Independent streams of random numbers, all derived from the seed of a cell."""

import numpy as np

# The keys are fixed and do not depend on the order of calls. So replica r of seed s is the same network for any number
# of replicas and any order of the cells.
DATA, ORDER, WEIGHTS, SAMPLE, PILOT = 0, 1, 2, 3, 4


def stream(seed: int, purpose: int, index: int = 0) -> np.random.Generator:
    """The generator for one purpose (DATA, ORDER, ...) and index (the replica, for WEIGHTS)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, index)))
