"""How much the tests of random input try, and from which seed.

NDPBR_QUICK=1, which `make quick` sets, makes the number of examples a tenth, and has the one file built for one Python.
NDPBR_FAULTS is the number of faults.
"""

from __future__ import annotations

import os
from random import Random

QUICK = "NDPBR_QUICK" in os.environ
FAULTS = int(os.environ.get("NDPBR_FAULTS", "1000"))
SEED = int(os.environ.get("NDPBR_SEED", Random().randrange(1 << 32)))


def examples(number: int) -> int:
    """Return how many examples to try where a complete run tries *number*."""
    return number // 10 if QUICK else number
