"""How often -> whether now, too: a token bucket, and how often not.

Pure.  Whoever claims addresses by the thousand must not fill the router's log, which is small, with them.
"""

from __future__ import annotations


class TokenBucket:
    """Lets *burst* through at once, and *rate* a second in the long run."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._last = 0.0
        self._left_out = 0

    def allows(self, now: float) -> bool:
        """Return whether another one may come at *now* (seconds, monotonic); one that may not is counted."""
        if (self._tokens >= 1 or now != self._last) and self.takes(1, now):
            return True
        self._left_out += 1
        return False

    def takes(self, number: float, now: float) -> bool:
        """Return whether that many may come at once; they then have."""
        self._tokens = min(self._burst, self._tokens + (now - self._last) * self._rate)
        self._last = now
        if self._tokens < number:
            return False
        self._tokens -= number
        return True

    @property
    def has_left_out(self) -> bool:
        """Whether any was not let through since `left_out()` was last asked."""
        return self._left_out > 0

    def left_out(self) -> int:
        """Return how many were not let through since this was last asked."""
        count, self._left_out = self._left_out, 0
        return count
