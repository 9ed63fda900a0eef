"""`python -m mlpstudy.clean`."""

import sys

from mlpstudy.commands.clean import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
