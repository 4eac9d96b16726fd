"""An interface comes or goes -> what that means for the hosts on it.

Pure.  Admin-down (and deletion) takes an interface's proxy entries and routes with it, silently; carrier loss keeps
both [measured on Linux 6.18].  A host behind an interface that is down is kept in mind, without entries.
"""

from __future__ import annotations

from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import LinkChanged, LinkDeleted
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.state import State


def decisions(state: State, event: LinkChanged | LinkDeleted) -> list[Decision]:
    """Return what follows when the interface ``event.dev`` has come or gone."""
    dev = event.dev
    desired = state.desired
    if dev not in desired.interfaces:
        return []
    up = isinstance(event, LinkChanged) and event.up
    if state.changed_during is not None:
        state.links_during[dev] = up
    as_before = isinstance(event, LinkChanged) and event.nd is (dev not in desired.without_nd)
    if up and as_before and dev in desired.usable:
        return []
    desired.use(desired.usable | {dev} if up else desired.usable - {dev}, desired.without_nd)
    if up:
        # What is missing there is put back from the reading: only that knows what the kernel still has.
        return [Decision(DecisionKind.LINK_UP_AGAIN, Reason.LINK_UP, dev=dev, resync=True)]
    return [_suspended(state, host, dev) for host in state.hosts if _concerns(host, dev)]


def _concerns(host: Host, dev: str) -> bool:
    # A host without a route of ours has another program's, which is gone with the interface, too.
    return (
        host.installed.route == dev or dev in host.installed.proxies or (host.dev == dev and host.installed != NOTHING)
    )


def _suspended(state: State, host: Host, dev: str) -> Decision:
    # Already gone from the kernel, with the interface.
    route = None if host.installed.route == dev else host.installed.route
    host.installed = Entries(route, tuple(p for p in host.installed.proxies if p != dev))
    return host.decision(DecisionKind.SUSPENDED, Reason.LINK_DOWN, state.converge(host), detail=dev)
