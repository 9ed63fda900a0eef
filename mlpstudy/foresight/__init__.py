"""What will come of a training, before it, and how often that was right.

A forecast is an outcome, a reason, and by whom it is made; all who make one give the same record.

forecast    the record
task        what is to be learned beyond the best constant output
steps       what the steps of an optimizer can do
lesson      what is to be learned, and how
pilot       a short training of merged steps: the outcome, and a learning curve
start       gradients and verdict as a network starts, by theory or measured
inputs      whether inputs are centred and scaled
rule        theory's rule: from the verdict and the progress of a step to a forecast, at once
ensembles   what theory needs to know of drawn weights and of data
prediction  what theory expects of a network at initialization, and its verdict
before      all that is known before a training
agreement   how often verdicts and outcomes were foreseen
"""
