"""Published studies, reproduced by one command each: a question, a sweep, and claims that are decided by numbers."""

from experiments import dying_relu, hanin_2018, he_2015, poole_2016, symmetry, too_small_too_large
from experiments.study import Study

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (symmetry, too_small_too_large, he_2015, poole_2016, hanin_2018, dying_relu)
}
