"""A host that moved and has answered on its new link -> unsolicited advertisements for the neighbors it had.

Pure. Their neighbor caches hold the host's lladdr for up to 40 s, which is not reached on their link any more. Up to
three advertisements with the Override flag are sent, one second apart. Source: RFC 4861, 7.2.6.
"""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from ndpbr_py.core.actions import Action, Advertise
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.schedule import Deadlines

if TYPE_CHECKING:
    from ndpbr_py.core.state import State

_COUNT, _INTERVAL_S = 3, 1.0
_MAX_HOSTS = 1000


class Corrections:
    """The hosts that moved: how many advertisements each still gets, and when the next one is due."""

    def __init__(self) -> None:
        self._left: dict[IPv6Address, int] = {}
        self._deadlines: Deadlines[IPv6Address] = Deadlines()

    def record(self, decision: Decision, now: float) -> None:
        """Record a move; the first advertisement is due when the host has answered on its new link."""
        kind, address = decision.kind, decision.address
        if kind is DecisionKind.MOVED and address is not None and len(self._left) < _MAX_HOSTS:
            self._left[address] = _COUNT
        elif kind is DecisionKind.VERIFIED and address in self._left:
            self._deadlines.set(address, now)
        elif kind is DecisionKind.FORGOTTEN and address is not None:
            self._left.pop(address, None)

    def next_deadline(self) -> float | None:
        """Return when the next advertisement is due."""
        return self._deadlines.next()

    def due(self, state: State, now: float) -> list[Decision]:
        """Return the advertisements that are due, on each link where the host is proxied."""
        result = []
        while (address := self._deadlines.pop(now)) is not None:
            host, left = state.hosts.get(address), self._left.get(address, 0) - 1
            if left > 0:
                self._left[address] = left
                self._deadlines.set(address, now + _INTERVAL_S)
            else:
                self._left.pop(address, None)
            if host is not None and host.state.has_answered and left >= 0:
                devs = [dev for dev in host.installed.proxies if state.waiting.allows(dev, now)]
                actions: list[Action] = [Advertise(address, dev, None) for dev in devs]
                result.append(host.decision(DecisionKind.ADVERTISED, Reason.MOVED, actions))
        return result
