"""A neighbor entry that FAILED where no host is -> lookups on the other links, and the removal of the entry.

Pure. The router held a packet for the address, and solicited on the link that its routing table names; without a host
route that may be the wrong link. The limits are those of solicitations. A failed lookup of our own causes no
other: otherwise two links would cause lookups on each other in turn. The entry is removed, because the kernel ignores
unsolicited advertisements while it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from ndpbr_py.core.actions import DelNeighbor, Probe
from ndpbr_py.core.bounded import remember
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import NeighborChanged
from ndpbr_py.core.lookups import started

if TYPE_CHECKING:
    from ndpbr_py.core.state import State

_OWN_PROBE_S = 10.0  # the kernel gives up after 3 s, or after 6 s where it tries an lladdr first
_MAX_OWN_PROBES = 1000


class OwnProbes:
    """Our own recent probes, by address and link.

    When one fails, no other host or program was asking for the address, so no lookup follows.
    """

    def __init__(self) -> None:
        self._at: dict[tuple[IPv6Address, str], list[float]] = {}  # the times of the last two

    def record(self, probe: Probe, now: float) -> None:
        """Record a probe of ours."""
        key = probe.address, probe.dev
        remember(self._at, key, [*self._at.get(key, ())[-1:], now], _MAX_OWN_PROBES)

    def failed(self, address: IPv6Address, dev: str, now: float) -> int:
        """Return how many recent probes of ours the failure of *address* on *dev* ends, 2 at most."""
        return sum(now - at < _OWN_PROBE_S for at in self._at.pop((address, dev), ()))


def decisions(state: State, own: OwnProbes, event: NeighborChanged, now: float, *, known: bool) -> Sequence[Decision]:
    """Return what follows when the kernel could not resolve an address; *known*: a host had it until now."""
    address, dev = event.address, event.dev
    host = state.hosts.get(address)
    if dev not in state.desired.usable or not state.rules.can_resolve:
        return ()
    if known and (host is None or host.dev == dev):
        return ()  # host_states.py says what follows
    probes_of_ours = own.failed(address, dev, now)
    if host is not None and host.last_move is not None and host.last_move.previous_dev == dev:
        return ()  # the host has just moved from there, and is probed there once more
    if probes_of_ours:
        if probes_of_ours > 1:
            # The kernel has taken the later lookup for the one in progress, and has not begun it.
            return started(Reason.UNRESOLVED, address, dev, None, [Probe(address, dev, None)])
        removal = [DelNeighbor(address, dev)]
        return [Decision(DecisionKind.LOOKUP_FAILED, Reason.UNRESOLVED, address, dev, actions=removal)]
    if known or state.lookups.recently_probed(address, now):
        return ()
    devs = state.other_links(address, dev)
    if not devs:
        return ()
    if not state.lookups.allows(dev, None, address, len(devs), now):
        return state.lookups.report(dev, None, now)
    probes = [Probe(address, other, None) for other in devs]
    return started(Reason.UNRESOLVED, address, dev, None, [*probes, DelNeighbor(address, dev)])
