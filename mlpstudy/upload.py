"""`python -m mlpstudy.upload`."""

import sys

from mlpstudy.commands.upload import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
