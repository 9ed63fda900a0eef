"""`python -m mlpstudy`."""

import sys

if __name__ == "__main__":
    try:
        from mlpstudy.commands.cli import main  # this import takes a second, and the user may press Ctrl-C
    except KeyboardInterrupt:
        sys.exit(130)
    main()
