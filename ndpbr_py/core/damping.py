"""What another program changes again and again -> whether it is restored now, or later.

Pure. The first restore is immediate. The next one follows after a second at the earliest, and the time doubles with
each. After some quiet time it starts over.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import inf

from ndpbr_py.core.bounded import remember

_FIRST_INTERVAL_S, _LAST_INTERVAL_S = 1.0, 60.0  # between two restores
_QUIET_S = 120.0  # since the last restore, after which a change is no longer part of a fight
_MAX_KEYS = 1000


@dataclass(frozen=True, slots=True)
class _Restored:
    at: float
    interval_s: float  # until the next one
    times: int


class Damping:
    """The last restores of each setting, or of the entries of each address.

    Attributes:
        retry_at: When the first key that had to wait in this comparison may be restored; infinite: no key had to wait.
    """

    def __init__(self) -> None:
        self._restored: dict[Hashable, _Restored] = {}
        self.retry_at = inf

    def begin(self) -> None:
        """Begin to compare everything: what is still different is found again."""
        self.retry_at = inf

    def times(self, key: Hashable, now: float) -> int | None:
        """Record that *key* is restored now; return how many times in a row, or None if it is too early."""
        last = self._restored.get(key)
        if last is None or now - last.at >= _QUIET_S:
            new = _Restored(now, _FIRST_INTERVAL_S, 1)
        elif now - last.at < last.interval_s:
            self.retry_at = min(self.retry_at, last.at + last.interval_s)
            return None
        else:
            new = _Restored(now, min(2 * last.interval_s, _LAST_INTERVAL_S), last.times + 1)
        remember(self._restored, key, new, _MAX_KEYS)
        return new.times
