"""A host that was learned at first sight, and an answer for its address on another link -> which of the two keeps it.

Pure. The link of a default route has priority: otherwise a LAN host could take the modem's own address, and the modem
would fail duplicate address detection at its next start. On other links the answer is a claim like any other.
"""

from __future__ import annotations

from ndpbr_py.core import neighbors
from ndpbr_py.core.decision import Decision, Reason
from ndpbr_py.core.events import NeighborChanged
from ndpbr_py.core.state import State


def due(state: State, now: float) -> list[Decision]:
    """Return the decisions about the conflicts that are due."""
    return [decision for event in state.first_sights.due(now) for decision in _decided(state, event, now)]


def _decided(state: State, event: NeighborChanged, now: float) -> list[Decision]:
    host = state.hosts.get(event.address)
    assert event.lladdr is not None, f"an answer has an lladdr, got {event}"
    if state.first_sights.answers_for_others(event.dev, event.lladdr):
        return []
    if host is None:
        return neighbors.changed(state, event, now)  # the host that was seen first has not answered
    if host.dev == event.dev or host.pinned:
        return []
    uplinks = state.scope.routes.uplinks
    if event.dev not in uplinks or host.dev in uplinks:
        host.lladdr_forged |= host.lladdr == event.lladdr  # the host is probed before it is moved
        return neighbors.claimed(state, host, event, event.lladdr, now)
    if event.router or event.dev in state.rules.upstreams:
        state.record_router(event.address, event.dev)
    if event.dev not in state.rules.upstreams:
        return neighbors.owner_answered(state, host, event, event.lladdr, now)
    state.conflicts.claim(host.address, host.lladdr or "", host.dev, now)
    conflict = host.conflict(Reason.OWNER_ANSWERS, host.lladdr, host.dev)
    return [conflict, state.forget(host, Reason.OWNER_ANSWERS, now)]
