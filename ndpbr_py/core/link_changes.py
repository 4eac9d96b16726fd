"""An interface goes up, down or disappears -> what follows for the hosts on it.

Pure. When an interface is set down or deleted, the kernel removes its proxy entries and routes and does not say so.
Without carrier, both stay [measured on Linux 6.18]. A host on an interface that is down is retained without entries.
"""

from __future__ import annotations

from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import LinkChanged, LinkDeleted
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.state import State


def decisions(state: State, event: LinkChanged | LinkDeleted) -> list[Decision]:
    """Return the decisions that follow when ``event.dev`` changes."""
    dev = event.dev
    desired = state.desired
    if dev not in desired.interfaces:
        return []
    up = isinstance(event, LinkChanged) and event.up
    if state.snapshot is not None:
        state.snapshot.links[dev] = up
    as_before = isinstance(event, LinkChanged) and event.nd is (dev not in desired.without_nd)
    if up and as_before and dev in desired.usable:
        return []
    desired.use(desired.usable | {dev} if up else desired.usable - {dev}, desired.without_nd)
    if up:
        # Only a snapshot shows which entries the kernel still has there.
        return [Decision(DecisionKind.LINK_UP_AGAIN, Reason.LINK_UP, dev=dev, resync=True)]
    return [_suspended(state, host, dev) for host in state.hosts if _is_affected(host, dev)]


def _is_affected(host: Host, dev: str) -> bool:
    # A host without a route of ours has another program's, which is gone with the interface.
    return (
        host.installed.route == dev or dev in host.installed.proxies or (host.dev == dev and host.installed != NOTHING)
    )


def _suspended(state: State, host: Host, dev: str) -> Decision:
    # The kernel has removed these entries with the interface.
    route = None if host.installed.route == dev else host.installed.route
    host.installed = Entries(route, tuple(p for p in host.installed.proxies if p != dev))
    return host.decision(DecisionKind.SUSPENDED, Reason.LINK_DOWN, state.converge(host), Detail(down=dev))
