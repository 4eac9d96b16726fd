"""How many examples the tests of generated input try: NDPBR_QUICK=1, which `make quick` sets, makes it a tenth."""

from __future__ import annotations

import os

QUICK = "NDPBR_QUICK" in os.environ


def examples(number: int) -> int:
    """Return how many examples to try where a complete run tries *number*."""
    return number // 10 if QUICK else number
