"""A lookup that the user requested -> probes on every link where the host may be, or why there are none.

Pure. The limits are those of solicitations.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, Reason
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.lookups import started

if TYPE_CHECKING:
    from ndpbr_py.core.state import State


def probes(state: State, address: IPv6Address) -> list[Probe]:
    """Return the probes that look *address* up; the first one goes to the link where the host is known."""
    host = state.hosts.get(address)
    if host is not None and host.pinned:
        return []  # a probe would make a PERMANENT entry an ordinary one
    known = [Probe(address, host.dev, host.lladdr)] if host is not None and state.admits(address, host.dev) else []
    if not state.rules.can_resolve:
        return known
    return [*known, *[Probe(address, dev, None) for dev in state.other_links(address, host.dev if host else "")]]


def lookup(state: State, address: IPv6Address, now: float) -> Sequence[Decision]:
    """Return the lookup of *address*; none where the limits refuse it."""
    found = probes(state, address)
    if not found or not state.lookups.allows(found[0].dev, None, address, len(found), now):
        return ()
    return started(Reason.REQUESTED, address, found[0].dev, None, found)


def obstacle(state: State, address: IPv6Address) -> Reason | None:
    """Return why *address* may not be looked up.

    None: the address is not the obstacle (no link is up, or ip(8) is too old).
    """
    host = state.hosts.get(address)
    if host is not None and host.pinned:
        if host.state is HostState.ROUTED:
            return Reason.ROUTED
        return Reason.STATIC if address in state.rules.statics else Reason.PERMANENT
    objections = [state.objection(address, dev) for dev in state.rules.interfaces]
    return None if None in objections else objections[0]
