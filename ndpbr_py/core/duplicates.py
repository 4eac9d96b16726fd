"""A DAD probe on one link for an address that no host has, and an answer on another link -> an advertisement.

Pure. A host that ndpbr has never seen may have the address. If it answers the lookup while detection is in progress,
it is advertised to all nodes (ff02::1) on the link of the probe, so that the newcomer does not take the address.
The next hop of a default route is no host, whatever answers: the routing table names its link.
Source: RFC 4862, 5.4.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ndpbr_py.core import neighbors
from ndpbr_py.core.actions import Advertise
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.events import NeighborChanged, NudState, SolicitationReceived

if TYPE_CHECKING:
    from ndpbr_py.core.state import State

_MAX_ADDRESSES_PER_LLADDR = 16  # an ND proxy, which answers for more, denies no host its address


def owners_links(state: State, probe: SolicitationReceived) -> list[str]:
    """Return the links where an owner may be. Not the provider's: a machine there may answer for any address."""
    if not state.rules.can_resolve:
        return []
    return [dev for dev in state.other_links(probe.target, probe.dev) if dev not in state.scope.routes.uplinks]


def of_next_hop(state: State, probe: SolicitationReceived, now: float) -> list[Decision]:
    """Return the advertisement that denies the prober the address of a next hop on another link."""
    address, dev = probe.target, probe.dev
    if not state.is_next_hop_elsewhere(address, dev) or not state.waiting.allows(dev, now):
        return []
    link, answer = state.scope.next_hops[address], Advertise(address, dev, None)
    return [
        Decision(
            DecisionKind.ADVERTISED,
            Reason.DETECTION,
            address,
            link,
            actions=[answer],
            detail=Detail(seen_on=dev),
        )
    ]


def denied(state: State, event: NeighborChanged, now: float) -> list[Decision]:
    """Return what follows if *event* is an owner's answer: the owner is learned, and advertised to the newcomer."""
    if event.state is not NudState.REACHABLE or (probe := state.detections.get(event.address, now)) is None:
        return []
    if event.lladdr in (None, probe.lladdr) or event.dev not in owners_links(state, probe):
        return []
    if state.hosts.count_with_lladdr(event.lladdr, event.dev) >= _MAX_ADDRESSES_PER_LLADDR:
        return []
    host = state.hosts.get(event.address)
    if host is None:
        decisions = neighbors.changed(state, event, now)
        host = state.hosts.get(event.address)
    elif (host.dev, host.lladdr) == (probe.dev, probe.lladdr) and host.answered_on(now) in (None, event.dev):
        # The newcomer, learned because of its own probe. No host on a third link is known to have the address.
        decisions = [state.move(host, event.dev, event.lladdr, Reason.OWNER_ANSWERS, now)]
        host.nud = event.state
    else:
        return []
    if host is None or not state.waiting.allows(probe.dev, now):
        return decisions
    answer = Advertise(event.address, probe.dev, None)
    return [*decisions, host.decision(DecisionKind.ADVERTISED, Reason.DETECTION, [answer], Detail(seen_on=probe.dev))]
