"""Token bucket: may this happen now? Counts what it refused.

Pure. A machine that claims thousands of addresses must not fill the router's small log or its neighbor table.
"""

from __future__ import annotations

from collections.abc import Hashable

from ndpbr_py.core.bounded import remember


class OncePerKey:
    """Says whether a key is due: it was not recorded in the last *interval_s* seconds. Knows the latest keys only."""

    def __init__(self, interval_s: float, max_keys: int) -> None:
        self._interval_s = interval_s
        self._max_keys = max_keys
        self._recorded: dict[Hashable, float] = {}

    def is_due(self, key: Hashable, now: float) -> bool:
        """Return whether *key* is due at *now* (seconds, monotonic)."""
        recorded = self._recorded.get(key)
        return recorded is None or now - recorded >= self._interval_s

    def record(self, key: Hashable, now: float) -> None:
        """Record that *key* has had its turn."""
        remember(self._recorded, key, now, self._max_keys)


class TokenBucket:
    """Allows *burst* in one burst, and *rate* per second in the long run."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._last = 0.0
        self._refused = 0

    def allows(self, now: float) -> bool:
        """Return whether another one may happen at *now* (seconds, monotonic); count a refusal."""
        if (self._tokens >= 1 or now != self._last) and self.take(1, now):
            return True
        self._refused += 1
        return False

    def take(self, number: float, now: float) -> bool:
        """Return whether *number* may happen now, and if so, take that many tokens."""
        if self.available(now) < number:
            return False
        self.owe(number)
        return True

    def available(self, now: float) -> float:
        """Return how many may happen now; negative if some have happened in advance."""
        self._tokens = min(self._burst, self._tokens + (now - self._last) * self._rate)
        self._last = now
        return self._tokens

    def owe(self, number: float) -> None:
        """Take *number* tokens, even in advance."""
        self._tokens -= number

    @property
    def has_refused(self) -> bool:
        """Whether anything was refused since the last call of `refused()`."""
        return self._refused > 0

    def refused(self) -> int:
        """Return how many were refused since the last call."""
        count, self._refused = self._refused, 0
        return count
