"""`python -m mlpstudy`."""

import sys

if __name__ == "__main__":
    try:
        from mlpstudy.cli import main  # takes seconds, in which one may think again
    except KeyboardInterrupt:
        sys.exit(130)
    main()
