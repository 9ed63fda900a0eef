"""One point of the grid, a cell: its settings are checked, it is trained, and its result is put together.

parts        what the options of each group are: an activation, an initializer, a loss, ...
config       from settings to a checked Config
custom       the user's own activation, initializer or file of weights
streams      independent random numbers for data, minibatches and each replica's weights
problem      a cell as arrays: its network, its data and its initial weights
cell         a cell that is known to run, its hash and its name
advice       what would help: changes with which its pilots learn
changes      changes of its settings that may make it learn
before       what is known of a cell before it trains
recording    train a cell and record what happened
cell_result  the records of a cell as arrays, verdicts and outcome
joining      more replicas of a cell, joined with earlier ones
events       what happens to the cells of a sweep, and who listens
one_cell     train one cell and yield its events
"""
