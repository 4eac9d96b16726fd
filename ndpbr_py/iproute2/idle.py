"""Events come, or they don't -> a call once they don't.

In a flood the loop finds more to read each time it comes round.  What need not be done while that lasts waits for the
first lull, which after a single packet is a tenth of a millisecond later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_ROUNDS = 2  # of the loop; in the first, what became ready meanwhile is only noticed


class IdleCallback:
    """Calls *callback* when the loop has come round twice without a touch."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._left = 0
        self._going = False
        self._loop = asyncio.get_running_loop()

    def touch(self) -> None:
        """Wait (anew) for a lull."""
        self._left = _ROUNDS
        if not self._going:
            self._going = True
            self._loop.call_soon(self._round)

    def _round(self) -> None:
        if self._left:
            self._left -= 1
            self._loop.call_soon(self._round)
        else:
            self._going = False
            self._callback()
