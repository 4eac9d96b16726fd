"""A host that has answered on another link than before -> unsolicited advertisements for the neighbors it had.

Pure. Neighbors on the old link keep the host's lladdr in their caches for up to 40 s, and it is not reached there any
more. Up to three advertisements with the Override flag are sent, one second apart. Source: RFC 4861, 7.2.6.

After a start that finds no entries of ours, another router may have served before, whose lladdr the modem has in its
cache: each host that answers in the first minute is advertised once.
"""

from __future__ import annotations

from collections import deque
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from ndpbr_py.core.actions import Advertise
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.core.schedule import Deadlines

if TYPE_CHECKING:
    from ndpbr_py.core.hosts import Host
    from ndpbr_py.core.state import State

_ADVERTISEMENTS_PER_HOST, _INTERVAL_S = 3, 1.0
_START_PHASE_S, _START_INTERVAL_S = 60.0, 1 / 20  # between two hosts
_MAX_OF_START = 10_000  # what hosts that come and go in that minute can fill must not grow without a bound
_VERIFIED = frozenset((Reason.REACHABLE, Reason.PERMANENT, Reason.STATIC, Reason.OWNER_ANSWERS))
_KINDS = frozenset((DecisionKind.LEARNED, DecisionKind.MOVED, DecisionKind.VERIFIED, DecisionKind.FORGOTTEN))


class Corrections:
    """The hosts to advertise: how many times each still, and when the next advertisement is due."""

    def __init__(self) -> None:
        self._remaining: dict[IPv6Address, int] = {}  # of known hosts only, which are bounded
        self._deadlines: Deadlines[IPv6Address] = Deadlines()
        # The hosts that have answered since the start; some may have gone, or been advertised, since.
        self._of_start: deque[IPv6Address] = deque(maxlen=_MAX_OF_START)
        self._start_ends: float | None = None
        self._next_of_start = float("-inf")

    def on_snapshot(self, kernel: KernelSnapshot, now: float) -> None:
        """Find out in the first snapshot whether ndpbr has served here before."""
        if self._start_ends is None:
            served = any(it.ours for it in kernel.host_routes) or any(it.ours for it in kernel.proxies)
            self._start_ends = now if served else now + _START_PHASE_S

    def record(self, decision: Decision, now: float) -> None:
        """Record what *decision* means for neighbors' caches; a host is advertised when it has answered."""
        kind, address = decision.kind, decision.address
        if kind not in _KINDS or address is None:
            return
        if kind is DecisionKind.FORGOTTEN:
            self._remaining.pop(address, None)
            return
        if decision.detail is not None and decision.detail.from_dev is not None:
            self._remaining[address] = _ADVERTISEMENTS_PER_HOST
        if kind is not DecisionKind.VERIFIED and decision.reason not in _VERIFIED:
            return
        if self._remaining and address in self._remaining:  # hashing an address is slow
            self._deadlines.set(address, now)
        elif self._start_ends is not None and now < self._start_ends:
            if not self._of_start:
                self._next_of_start = max(now, self._next_of_start)
            self._of_start.append(address)

    def next_deadline(self) -> float | None:
        """Return when the next advertisement is due."""
        at = self._deadlines.next()
        if not self._of_start:
            return at
        return self._next_of_start if at is None else min(at, self._next_of_start)

    def due(self, state: State, now: float) -> list[Decision]:
        """Return the advertisements that are due, on each link where the host is proxied."""
        result = []
        while (address := self._deadlines.pop(now)) is not None:
            host = state.hosts.get(address)
            if host is None or not host.state.has_answered or address not in self._remaining:
                continue  # a host that has moved on is due again when it answers
            count = self._remaining.pop(address)
            if count > 1:
                self._remaining[address] = count - 1
                self._deadlines.set(address, now + _INTERVAL_S)
            result.append(_advertised(state, host, Reason.MOVED, now))
        while self._of_start and self._next_of_start <= now:
            host = state.hosts.get(self._of_start.popleft())
            if host is not None and host.state.has_answered:
                self._next_of_start += _START_INTERVAL_S
                result.append(_advertised(state, host, Reason.NOTHING_ADOPTED, now))
        return result


def _advertised(state: State, host: Host, reason: Reason, now: float) -> Decision:
    devs = [dev for dev in host.installed.proxies if state.waiting.allows(dev, now)]
    return host.decision(DecisionKind.ADVERTISED, reason, [Advertise(host.address, dev, None) for dev in devs])
