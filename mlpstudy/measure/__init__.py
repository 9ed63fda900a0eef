"""What happened in each layer: pure functions of one forward and one backward pass.

snapshot          the network at one step, with both passes on the probe batch
statistics        the table of statistics per layer: one function and one row each
histograms        how z, a and delta are distributed
jacobian, unit_paths, decision_regions   what is measured of the network as a whole, or of a few units
evaluation        loss and accuracy
arrays            what a run keeps: the axes, the kind and the meaning of every array
verdict           the named cause of a failure, from the statistics
outcomes          how a training ended
score             the number that says how good a network is
intervals, sums   the mean over replicas and its 95 % interval; sums in float64 that cannot overflow
"""
