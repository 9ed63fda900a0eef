"""`python -m mlpstudy.predict activation=gelu init.sigma_b=0.1`: the predictions of theory, without any training."""

import sys

from mlpstudy.theory_command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
