"""`python -m mlpstudy.predict`."""

import sys

from mlpstudy.commands.predict import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
