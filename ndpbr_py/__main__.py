"""python -m ndpbr_py."""

import sys

from ndpbr_py.cli import main

if __name__ == "__main__":
    sys.exit(main())
