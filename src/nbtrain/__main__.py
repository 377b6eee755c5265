"""``python -m nbtrain`` is the command line."""

import sys

from nbtrain.cli import main

if __name__ == "__main__":
    sys.exit(main())
