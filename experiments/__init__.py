"""Published studies, reproduced by one command each: a question, a sweep, and claims that are decided by numbers."""

from experiments import (
    dying_relu,
    glorot_2010,
    hanin_2018,
    hayou_2019,
    he_2015,
    lsuv_2015,
    mnist_grid,
    optimizers,
    pennington_2017,
    poole_2016,
    saxe_2013,
    schoenholz_2017,
    selu_2017,
    symmetry,
    too_small_too_large,
    update_ratio,
)
from experiments.study import Study

STUDIES: dict[str, Study] = {
    module.STUDY.name: module.STUDY
    for module in (
        symmetry, too_small_too_large, glorot_2010, he_2015, saxe_2013, poole_2016, schoenholz_2017, pennington_2017,
        selu_2017, lsuv_2015, hayou_2019, hanin_2018, dying_relu, update_ratio, optimizers, mnist_grid,
    )
}  # fmt: skip
