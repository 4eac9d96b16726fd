"""How often the kernel may be made to look for somebody, and the looks that are due later.

Pure.  A look leaves an entry in the kernel's neighbor table, which holds some 500 before hosts begin to fall out of it;
one that found nobody stays for 15 s.  So a scan of the whole prefix is answered by a few looks a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from ipaddress import IPv6Address
from typing import Any

from ndpbr_py.core.ratelimit import TokenBucket
from ndpbr_py.core.value import value

# Looks a second, and at once: for what is heard on one interface, and from one link-layer address there.
_RATE, _BURST = 10.0, 50.0
_SOURCE_RATE, _SOURCE_BURST = 5.0, 25.0
_LASTS = 3.0  # s: the kernel asks three times, RetransTimer apart
_MOST = 1000  # sources, targets and looks kept in mind
_MINUTE = 60.0


class Step(Enum):
    """What is due."""

    LOOK_UP = "look-up"  # for a host that may have an address by now
    CHECK_OWNER = "check-owner"  # whether an owner has answered, whose address another link is about to use
    RESTORE_PROXY = "restore-proxy"  # an address that was left open to another link


@value
class Due:
    """Something to be done later about an address on an interface."""

    step: Step
    address: IPv6Address
    dev: str


class Lookups:
    """Counts and times."""

    def __init__(self, interfaces: Sequence[str]) -> None:
        self.received = 0
        self.made = 0
        self.rate_limited = 0
        self._reported = 0
        self._links = {dev: TokenBucket(_RATE, _BURST) for dev in interfaces}
        self._sources: dict[tuple[str, str | None], TokenBucket] = {}
        self._last: dict[IPv6Address, float] = {}
        self._due: dict[Due, float] = {}
        self._reports = TokenBucket(1 / _MINUTE, 1)

    def recently_probed(self, target: IPv6Address, now: float) -> bool:
        """Whether the kernel is still looking for *target*."""
        return now - self._last.get(target, float("-inf")) < _LASTS

    def allows(self, dev: str, lladdr: str | None, target: IPv6Address, number: int, now: float) -> bool:
        """Return whether what *lladdr* said on *dev* may lead to that many looks for *target*; they then count."""
        source = self._sources.setdefault((dev, lladdr), TokenBucket(_SOURCE_RATE, _SOURCE_BURST))
        _bound(self._sources)
        cost = min(number, _SOURCE_BURST)  # a router with more interfaces looks on all of them, too
        if not source.takes(cost, now) or not self._links[dev].takes(cost, now):
            self.rate_limited += 1
            return False
        self.made += number
        self._last.pop(target, None)
        self._last[target] = now
        _bound(self._last)
        return True

    def report(self, now: float) -> int | None:
        """Return how many were left out since this was last said, once a minute; otherwise None."""
        if not self._reports.allows(now):
            return None
        count, self._reported = self.rate_limited - self._reported, self.rate_limited
        return count

    def later(self, step: Step, address: IPv6Address, dev: str, at: float) -> None:
        """Have *step* fall due at that time, in place of the same step planned before."""
        due = Due(step, address, dev)
        self._due.pop(due, None)
        if step is not Step.LOOK_UP or len(self._due) < _MOST:
            self._due[due] = at

    @property
    def next(self) -> float | None:
        """When the next step is due, if any is."""
        return min(self._due.values(), default=None)

    def fallen_due(self, now: float) -> Iterator[Due]:
        """Yield what is due; it is no longer planned."""
        for due in [due for due, at in self._due.items() if at <= now]:
            del self._due[due]
            yield due


def _bound(kept: dict[Any, Any]) -> None:
    """Drop the oldest one of too many."""
    if len(kept) > _MOST:
        del kept[next(iter(kept))]
