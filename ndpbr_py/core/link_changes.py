"""An interface goes up, down or disappears, or its carrier does -> what follows for the hosts on it.

Pure. When an interface is set down or deleted, the kernel removes its proxy entries and routes and does not say so.
Without carrier it keeps both [measured on Linux 6.18]. A host on an interface that is down is retained without entries.
The silence of a host without carrier says nothing (neighbors.py); it is probed when the carrier is back.
"""

from __future__ import annotations

from ndpbr_py.core import on_demand
from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import KernelSnapshot, LinkChanged, LinkDeleted
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.state import SnapshotInProgress, State


def decisions(state: State, event: LinkChanged | LinkDeleted, now: float) -> list[Decision]:
    """Return the decisions that follow when ``event.dev`` changes."""
    dev = event.dev
    desired = state.desired
    if dev not in desired.interfaces:
        return []
    up = isinstance(event, LinkChanged) and event.up
    carrier = isinstance(event, LinkChanged) and event.up and event.carrier
    if state.snapshot is not None:
        state.snapshot.links[dev] = up
    was_up = dev in desired.usable
    nd_as_before = isinstance(event, LinkChanged) and event.nd is (dev not in desired.without_nd)
    desired.use(desired.usable | {dev} if up else desired.usable - {dev}, desired.without_nd)
    if not up:
        state.on_demand.remove_link(dev)
        return _down(state, dev, now, was_up=was_up) + on_demand.rerouted(state)
    if not was_up or not nd_as_before:
        return [_up(state, dev, now, carrier=carrier)]
    return _carrier(state, dev, now, carrier=carrier)


def on_snapshot(state: State, kernel: KernelSnapshot, during: SnapshotInProgress, now: float) -> list[Decision]:
    """Return what follows where a snapshot shows another carrier than the last event did."""
    devs = [dev for dev in state.rules.interfaces if dev in kernel.up and dev not in during.links]
    return [it for dev in devs for it in _carrier(state, dev, now, carrier=dev not in kernel.without_carrier)]


def _carrier(state: State, dev: str, now: float, *, carrier: bool) -> list[Decision]:
    """Suspend the hosts on *dev* while it has no carrier, and probe them when it is back."""
    if carrier and dev in state.down_since:
        hosts = [host for host in state.hosts if host.dev == dev and not host.pinned]
        return [_up(state, dev, now, carrier=True), *(_probed(host) for host in hosts)]
    if not carrier and dev not in state.down_since:
        state.down_since[dev] = now
        number = state.hosts.count_on(dev)
        return [Decision(DecisionKind.LINK_DOWN, Reason.NO_CARRIER, dev=dev, detail=Detail(hosts=number, entries=0))]
    return []


def _probed(host: Host) -> Decision:
    return host.decision(DecisionKind.PROBED, Reason.LINK_UP, [Probe(host.address, host.dev, host.lladdr)])


def _up(state: State, dev: str, now: float, *, carrier: bool) -> Decision:
    """Request a snapshot: only that shows which entries the kernel still has there."""
    if not carrier:
        state.down_since.setdefault(dev, now)
        return Decision(DecisionKind.LINK_UP_AGAIN, Reason.NO_CARRIER, dev=dev, resync=True)
    since = state.down_since.pop(dev, None)
    down_for_s = None if since is None else round(now - since)
    return Decision(
        DecisionKind.LINK_UP_AGAIN,
        Reason.LINK_UP,
        dev=dev,
        detail=Detail(down_for_s=down_for_s, hosts=state.hosts.count_on(dev)),
        resync=True,
    )


def _down(state: State, dev: str, now: float, *, was_up: bool) -> list[Decision]:
    """Suspend the hosts on *dev*, and record which entries the kernel has removed with it."""
    affected = [host for host in state.hosts if _is_affected(host, dev)]
    if not was_up and not affected:
        return []
    state.down_since.setdefault(dev, now)
    entries = sum((host.installed.route == dev) + (dev in host.installed.proxies) for host in affected)
    hosts = state.hosts.count_on(dev)
    down = Decision(DecisionKind.LINK_DOWN, Reason.LINK_DOWN, dev=dev, detail=Detail(hosts=hosts, entries=entries))
    return [down, *(decision for host in affected for decision in _suspended(state, host, dev))]


def _is_affected(host: Host, dev: str) -> bool:
    # A host without a route of ours has another program's, which is gone with the interface.
    return (
        host.installed.route == dev or dev in host.installed.proxies or (host.dev == dev and host.installed != NOTHING)
    )


def _suspended(state: State, host: Host, dev: str) -> list[Decision]:
    # The kernel has removed these entries with the interface.
    route = None if host.installed.route == dev else host.installed.route
    host.installed = Entries(route, tuple(p for p in host.installed.proxies if p != dev))
    actions = state.converge(host)
    if host.dev == dev:
        return [host.decision(DecisionKind.SUSPENDED, Reason.LINK_DOWN, actions)]
    # A host on another link stays as it is, without a proxy entry on this one.
    return [host.decision(DecisionKind.RETAINED, Reason.LINK_DOWN, actions)] if actions else []
