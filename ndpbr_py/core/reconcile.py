"""Snapshot of the kernel's tables -> the decisions that make the kernel and the state agree.

Pure. What happens while the snapshot is taken and applied is newer than the snapshot. If a neighbor entry changed
meanwhile, the snapshot's is ignored; if the daemon changed the entries of an address, the snapshot's are ignored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv6Address
from itertools import chain

from ndpbr_py.core import link_changes, neighbors, on_demand, routed_hosts, router_addresses, static_hosts
from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, DecisionKind, Detail, Reason
from ndpbr_py.core.eligibility import Scope
from ndpbr_py.core.entry_diff import NOTHING, Entries, shared, steps
from ndpbr_py.core.events import HostRoute, KernelSnapshot, NeighborChanged, NudState
from ndpbr_py.core.host_states import HostState
from ndpbr_py.core.hosts import Host, Move
from ndpbr_py.core.routes import RoutingTable
from ndpbr_py.core.state import SnapshotInProgress, State
from ndpbr_py.core.verdicts import VERDICTS, Verdict


def decisions(state: State, kernel: KernelSnapshot, during: SnapshotInProgress, now: float) -> Iterator[list[Decision]]:
    """Yield what follows from a snapshot of the kernel's tables, for one host after the other.

    Other events may be handled in between.  What they changed is recorded in *during*, and newer than the snapshot.
    """
    state.restores.begin()
    changed, acted = during.changed_during, during.acted_during
    prefixes = state.rules.prefixes
    before = state.scope, state.desired.without_nd, state.routed, state.desired.listed
    routes = state.scope.routes
    if kernel.routes != routes.routes:
        routes = RoutingTable(kernel.routes, prefixes)
    on_link = None if state.rules.everything_on_link else kernel.on_link - routes.ignored | prefixes
    state.scope = Scope(on_link, kernel.own, kernel.next_hops, routes, routes.advertised)
    up = (dev for dev in state.rules.interfaces if during.links.get(dev, dev in kernel.up))
    state.desired.use(up, kernel.without_nd)
    state.desired.read(kernel)
    state.routed = routed_hosts.places(state, kernel)
    state.desired.routed = static_hosts.routed(state.rules, routes) | state.routed.keys()
    yield link_changes.on_snapshot(state, kernel, during, now)
    tagged, cache = _tagged(kernel), _cache(kernel)
    if (state.scope, state.desired.without_nd, state.routed, state.desired.listed) != before:
        removed = _out_of_scope(state, tagged, acted, now) + on_demand.rerouted(state)
        acted.update(decision.address for decision in removed if decision.address is not None)
        installed = {address: entries for address, entries in tagged.items() if address not in acted}
        named = routed_hosts.learned(state, installed, acted, now)
        acted.update(decision.address for decision in named if decision.address is not None)
        yield removed + named
    # Known hosts first: the decisions that follow rely on the entries that the kernel has.
    for host in state.hosts:
        if state.hosts.get(host.address) is not host:
            continue  # forgotten since the loop began
        if host.address not in cache[host.dev] and host.address not in changed:
            host.nud = NudState.NONE  # the monitor missed that its entry was deleted
        # Hashing an address is slow, so an empty set is tested first.
        if not (acted and host.address in acted):
            yield _compared(state, host, tagged.get(host.address, NOTHING), now)
        old_link = host.last_move.previous_dev if host.last_move is not None else None
        if old_link is not None and not (changed and host.address in changed):
            yield _probed_on(state, host, old_link, cache[old_link].get(host.address), now)
    routers = router_addresses.desired(state, kernel)
    # The entries of a host that had the address until now are being removed.
    installed = {address: entries for address, entries in tagged.items() if address not in acted}
    yield list(router_addresses.decisions(routers, installed))
    yield [decision for decision in on_demand.repaired(state, installed) if decision.address not in acted]
    for address, entries in tagged.items():
        if address not in state.hosts and address not in routers and not (acted and address in acted):
            if state.on_demand.links(address):
                continue
            neighbor = cache[entries.route].pop(address, None) if not (changed and address in changed) else None
            yield _adopted(state, address, entries, neighbor, now)
    yield static_hosts.learned(state, now)
    # An entry on the link where the last run knew the host comes before other entries of the address.
    remembered = ((dev, address) for address, dev in state.remembered.items() if address in cache[dev])
    first = [cache[dev].pop(address) for dev, address in remembered if address not in state.hosts]
    for neighbor in chain(first, *(link.values() for link in cache.values())):
        if not (changed and neighbor.address in changed) and not (acted and neighbor.address in acted):
            yield _neighbor(state, neighbor, now)
    for address in state.desired.foreign:
        if (learned := state.hosts.get(address)) is not None:
            yield _foreign(state, learned)


def _tagged(kernel: KernelSnapshot) -> dict[IPv6Address, Entries]:
    """Return the entries with our protocol number, by address."""
    tagged = {r.address: shared(r.dev) for r in kernel.host_routes if r.ours and r.dev is not None}
    for entry in kernel.proxies:
        if entry.ours:
            before = tagged.get(entry.address, NOTHING)
            tagged[entry.address] = shared(before.route, (*before.proxies, entry.dev))
    return tagged


def _cache(kernel: KernelSnapshot) -> dict[str | None, dict[IPv6Address, NeighborChanged]]:
    """Return the neighbor cache, by interface and address."""
    cache: dict[str | None, dict[IPv6Address, NeighborChanged]] = defaultdict(dict)
    for neighbor in kernel.neighbors:
        cache[neighbor.dev][neighbor.address] = neighbor
    return cache


def _out_of_scope(
    state: State, tagged: Mapping[IPv6Address, Entries], acted: Collection[IPv6Address], now: float
) -> list[Decision]:
    result = []
    for host in state.hosts:
        if (why := _objection(state, host)) is not None:
            if host.address not in acted:
                host.installed = tagged.get(host.address, NOTHING)  # the monitor may have missed a link's return
            result.append(state.forget(host, why, now))
    return result


def _objection(state: State, host: Host) -> Reason | None:
    if host.state is HostState.ROUTED and host.address not in state.routed:
        return Reason.ROUTE_GONE
    if host.dev not in state.desired.listed:
        return Reason.NOT_LISTED
    return state.objection(host.address, host.dev)


def _adopted(
    state: State, address: IPv6Address, entries: Entries, neighbor: NeighborChanged | None, now: float
) -> list[Decision]:
    """Adopt the host of entries from an earlier run, or remove the entries if it may not be learned."""
    dev = entries.route
    fit = dev in state.rules.interfaces and state.objection(address, dev or "") is None
    if dev is None or not fit or len(state.hosts) >= state.rules.max_hosts:
        actions = steps(address, entries, NOTHING)
        return [Decision(DecisionKind.REMOVED, Reason.NOT_OURS, address, dev, actions=actions)]
    host = Host(address, dev, None, NudState.NONE, now, learned=now)
    recalled = state.recall(host, now)
    others = _as_cached(state, host, neighbor, now) if neighbor is not None else []
    if state.rules.statics and address in state.rules.statics:
        host.state = HostState.STATIC
    state.hosts.add(host)
    probes = [Probe(address, dev, host.lladdr)] if host.state.probe_pending else []
    learned = host.decision(DecisionKind.LEARNED, Reason.ADOPTED, [*probes, *recalled])
    return [learned, *others, *_compared(state, host, entries, now)]


def _as_cached(state: State, host: Host, neighbor: NeighborChanged, now: float) -> list[Decision]:
    """Give *host*, a new one, the state of its cache entry; return what follows for other hosts."""
    verdict = VERDICTS[neighbor.state]
    if neighbor.lladdr is None or verdict not in (Verdict.PRESENT, Verdict.CLAIMED):
        return []
    host.lladdr, host.nud = neighbor.lladdr, neighbor.state
    host.lladdr_unproven = verdict is not Verdict.PRESENT
    if verdict is Verdict.PRESENT:
        host.state = HostState.VERIFIED
    if neighbor.router and verdict is Verdict.PRESENT and not neighbors.may_be_anothers(state, host, neighbor, now):
        state.record_router(host.address, host.dev)
    return neighbors.lladdr_elsewhere(state, neighbor, neighbor.lladdr, now)


def _neighbor(state: State, neighbor: NeighborChanged, now: float) -> list[Decision]:
    host = state.hosts.get(neighbor.address)
    if neighbor.state is NudState.FAILED:
        return _failed(host, neighbor)
    if host is None:
        return neighbors.changed(state, neighbor, now)
    if host.dev != neighbor.dev and (neighbor.state is not NudState.REACHABLE or host.nud is NudState.REACHABLE):
        # An old entry on the link that the host has moved away from.
        return []
    if host.nud is neighbor.state and host.lladdr == neighbor.lladdr:
        if not host.state.probe_pending or host.nud is not NudState.STALE:
            return []  # the usual case, of thousands of hosts
        # The probe was lost, or is not over yet.
        return [host.decision(DecisionKind.PROBED, Reason.UNVERIFIED, [Probe(host.address, host.dev, host.lladdr)])]
    return neighbors.changed(state, neighbor, now)


def _failed(host: Host | None, neighbor: NeighborChanged) -> list[Decision]:
    """Probe a host whose entry is FAILED: the failure may be old, and only a new one removes a host."""
    if host is None or host.dev != neighbor.dev or host.nud in (NudState.NONE, NudState.FAILED) or host.pinned:
        return []
    host.nud = NudState.FAILED
    return [host.decision(DecisionKind.PROBED, Reason.UNVERIFIED, [Probe(host.address, host.dev, None)])]


def _compared(state: State, host: Host, actual: Entries, now: float) -> list[Decision]:
    host.blocked = False
    if len(actual.proxies) > 1:
        actual = _in_order(actual, state.desired.interfaces)
    believed, host.installed = host.installed, actual
    actions = state.converge(host)
    result = _foreign(state, host) if state.desired.foreign or host.foreign else []
    if actions:
        drifted = believed == host.installed
        times = state.restores.times(host.address, now) if drifted else 0
        if times is None:
            # Another program changes the entries again and again. They are still desired, and compared at retry_at.
            host.installed = believed
            return result
        reason = Reason.LINK_UP if not drifted else Reason.DRIFTED if times == 1 else Reason.CHANGED_AGAIN
        result.append(host.decision(DecisionKind.REPAIRED, reason, actions))
    return result


def _probed_on(state: State, host: Host, dev: str, entry: NeighborChanged | None, now: float) -> list[Decision]:
    """Probe a host again on *dev*, its link before the last move: whether it still answers there has not been seen.

    The monitor may have missed the answer, or that another program deleted the *entry* that was probed.
    """
    if not state.can_answer(dev) or (entry is not None and entry.state in (NudState.INCOMPLETE, NudState.PROBE)):
        return []  # no answer is possible, or the outcome of the probe will be an event
    host.last_move = Move(now, dev)
    probe = Probe(host.address, dev, None if entry is None or entry.state is NudState.FAILED else entry.lladdr)
    return [host.decision(DecisionKind.PROBED, Reason.UNVERIFIED, [probe])]


def _foreign(state: State, host: Host) -> list[Decision]:
    """Report another program's entry for the host, once."""
    obstacle = state.desired.obstacle(host)
    before, host.foreign = host.foreign, obstacle is not None
    if obstacle is None or before:
        return []
    reason = Reason.FOREIGN_ROUTE if isinstance(obstacle, HostRoute) else Reason.FOREIGN_PROXY
    return [host.decision(DecisionKind.FOREIGN_ENTRY, reason, detail=Detail(foreign=obstacle))]


def _in_order(entries: Entries, interfaces: Iterable[str]) -> Entries:
    """Return *entries* with the proxies in the order of the listed interfaces, then the others."""
    rank = {dev: place for place, dev in enumerate(interfaces)}
    return Entries(entries.route, tuple(sorted(entries.proxies, key=lambda dev: rank.get(dev, len(rank)))))
