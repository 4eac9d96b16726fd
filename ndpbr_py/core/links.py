"""An interface comes or goes -> what that means for the hosts on it.

Pure.  Admin-down (and deletion) takes an interface's proxy entries and routes with it, silently; carrier loss keeps
both [measured on Linux 6.18].  A host behind an interface that is down is kept in mind, without entries.
"""

from __future__ import annotations

from ndpbr_py.core.actions import Refresh
from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.entries import NOTHING, Entries
from ndpbr_py.core.events import LinkChanged, LinkDeleted
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.policy import Reason
from ndpbr_py.core.state import State


def decisions(state: State, event: LinkChanged | LinkDeleted) -> list[Decision]:
    """Return what follows when the interface ``event.dev`` has come or gone."""
    dev = event.dev
    placement = state.placement
    if dev not in placement.interfaces:
        return []
    up = isinstance(event, LinkChanged) and event.up
    if state.heard is not None:
        state.heard_links[dev] = up
    as_before = isinstance(event, LinkChanged) and event.nd is (dev not in placement.without_nd)
    if up and as_before and dev in placement.usable:
        return []
    placement.use(placement.usable | {dev} if up else placement.usable - {dev}, placement.without_nd)
    if up:
        # What is missing there is put back from the reading: only that knows what the kernel still has.
        return [Decision(What.RESUMED, Reason.LINK_UP, dev=dev, actions=[Refresh()])]
    return [_suspended(state, host, dev) for host in state.hosts if _concerns(host, dev)]


def _concerns(host: Host, dev: str) -> bool:
    # A host without a route of ours has another program's, which is gone with the interface, too.
    return host.have.route == dev or dev in host.have.proxies or (host.dev == dev and host.have != NOTHING)


def _suspended(state: State, host: Host, dev: str) -> Decision:
    # Already gone from the kernel, with the interface.
    route = None if host.have.route == dev else host.have.route
    host.have = Entries(route, tuple(p for p in host.have.proxies if p != dev))
    return host.decision(What.SUSPENDED, Reason.LINK_DOWN, state.converge(host), note=dev)
