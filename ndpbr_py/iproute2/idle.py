"""Events arrive or do not -> a call when none arrive.

In a flood the loop finds more to read in every round.  Work that can wait is done in the first quiet moment, which
after a single packet is a tenth of a millisecond later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_QUIET_ROUNDS = 2  # of the loop; the first one only notices what became ready meanwhile


class IdleCallback:
    """Calls *callback* when the loop has gone round twice without a touch."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._rounds_left = 0
        self._scheduled = False
        self._loop = asyncio.get_running_loop()

    def touch(self) -> None:
        """Start counting rounds (anew)."""
        self._rounds_left = _QUIET_ROUNDS
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._on_round)

    def _on_round(self) -> None:
        if self._rounds_left:
            self._rounds_left -= 1
            self._loop.call_soon(self._on_round)
        else:
            self._scheduled = False
            self._callback()
