"""`python -m mlpstudy.export`."""

import sys

from mlpstudy.commands.export import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
