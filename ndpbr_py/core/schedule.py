"""When something is due: deadlines by key, and hosts that take turns.

Pure: the time is passed in, in seconds of a monotonic clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from ipaddress import IPv6Address
from itertools import count
from typing import Generic, TypeVar

from ndpbr_py.core.hosts import Host, Hosts

K = TypeVar("K", bound=Hashable)


class Deadlines(Generic[K]):
    """At most one deadline per key; the earliest is found without a search."""

    def __init__(self) -> None:
        self._at: dict[K, float] = {}
        # Older deadlines of a key stay in the heap until they come up: removing one would be a search.
        self._heap: list[tuple[float, int, K]] = []
        self._order = count()  # keys need not be comparable

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, key: K) -> bool:
        return key in self._at

    def set(self, key: K, at: float) -> None:
        """Make *key* due at *at*, instead of at its earlier deadline."""
        self._at[key] = at
        heapq.heappush(self._heap, (at, next(self._order), key))

    def next(self) -> float | None:
        """Return the earliest deadline."""
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> K | None:
        """Remove the earliest deadline that has passed, and return its key."""
        at = self.next()
        if at is None or at > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._at[key]
        return key


class RoundRobin:
    """Gives every host one turn per *interval_s* seconds, spread evenly.

    A round is a list of addresses. Each call of `due` takes a share of the round: the time since the last call divided
    by the interval.
    """

    # Turns need not be exact: a hundred wake-ups per interval, at most two per second and at least two per minute.
    _STEPS, _MIN_STEP_S, _MAX_STEP_S = 100, 0.5, 30.0

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._step_s = min(max(interval_s / self._STEPS, self._MIN_STEP_S), self._MAX_STEP_S)
        self._round: list[IPv6Address] = []
        self._credit = 0.0
        self._last: float | None = None

    def next_deadline(self) -> float:
        """Return when `due` should be called next."""
        return 0.0 if self._last is None else self._last + self._step_s

    def due(self, hosts: Hosts, now: float) -> Iterator[Host]:
        """Yield the hosts whose turn has come since the last call."""
        passed_s = 0.0 if self._last is None else now - self._last
        self._last = now
        # After a long suspend of the machine one whole round is enough.
        self._credit = min(self._credit + passed_s * len(hosts) / self._interval_s, float(len(hosts)))
        turns, self._credit = int(self._credit), self._credit % 1.0
        for _ in range(turns):
            if not self._round:
                self._round = [host.address for host in hosts]
                self._round.reverse()
            if self._round and (host := hosts.get(self._round.pop())) is not None:
                yield host
