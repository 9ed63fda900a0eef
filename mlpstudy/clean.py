"""`python -m mlpstudy.clean`."""

import sys

from mlpstudy.commands.clean import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
