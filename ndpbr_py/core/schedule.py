"""Time -> the hosts whose turn it is to be looked at: each once an interval, spread evenly over it.

Pure.  A round is a list of addresses; each tick takes the share of it that the time passed is of the interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address

from ndpbr_py.core.hosts import Host, Hosts


class RoundRobin:
    """Goes round the hosts, once in *interval* seconds."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._round: list[IPv6Address] = []
        self._credit = 0.0
        self._last: float | None = None

    def due(self, hosts: Hosts, now: float) -> Iterator[Host]:
        """Yield the hosts whose turn has come since the last call."""
        passed = 0.0 if self._last is None else now - self._last
        self._last = now
        # After a long sleep (suspend) one whole round is enough.
        self._credit = min(self._credit + passed * len(hosts) / self._interval, float(len(hosts)))
        turns, self._credit = int(self._credit), self._credit % 1.0
        for _ in range(turns):
            if not self._round:
                self._round = [host.address for host in hosts]
                self._round.reverse()
            if self._round and (host := hosts.get(self._round.pop())) is not None:
                yield host
