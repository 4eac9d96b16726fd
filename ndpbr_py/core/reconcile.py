"""What the kernel has, read in whole, held against what it should have -> the decisions that make both one.

Pure.  What happened while the tables were being read is newer than what they say: of an address heard about, its
neighbor entry is left out, and of one whose entries were changed, these.
"""

from __future__ import annotations

from collections import defaultdict
from ipaddress import IPv6Address

from ndpbr_py.core import neighbors, statics
from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.entries import NOTHING, Entries, steps
from ndpbr_py.core.events import KernelRead, NeighborChanged, NudState
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.policy import Reason, Scope
from ndpbr_py.core.state import State


def decisions(state: State, kernel: KernelRead, now: float) -> list[Decision]:
    """Return what follows from a reading of the kernel's tables."""
    heard, acted, state.heard = state.heard or set(), state.acted, None
    on_link = None if state.rules.everything_on_link else kernel.on_link | state.rules.prefixes
    before = state.scope, state.placement.without_nd
    state.scope = Scope(on_link, kernel.own, kernel.next_hops)
    # An interface heard of while the tables were being read is as was heard.
    up = (dev for dev in state.rules.interfaces if state.heard_links.get(dev, dev in kernel.up))
    state.placement.use(up, kernel.without_nd)
    state.placement.read(kernel)
    tagged = _tagged(kernel)
    result = _out_of_scope(state) if (state.scope, state.placement.without_nd) != before else []
    adopted: list[Host] = []
    # An empty set is not asked: an address takes long to hash.
    for address, entries in tagged.items():
        if address not in state.hosts and not (acted and address in acted):
            result.extend(_adopted(state, address, entries, now, adopted))
    # Kept alive, so that no host learned below can have the id of one removed below.
    known = {id(host): host for host in state.hosts}
    result.extend(statics.learned(state, now))
    told: list[Decision] = []
    newer = heard | acted
    for neighbor in kernel.neighbors:
        if not (newer and neighbor.address in newer):
            told.extend(_neighbor(state, neighbor, now))
    result.extend(_asked(host) for host in adopted if state.hosts.get(host.address) is host)
    result.extend(told)
    cached = frozenset((neighbor.address, neighbor.dev) for neighbor in kernel.neighbors)
    for host in state.hosts:
        if (host.address, host.dev) not in cached and host.address not in heard:
            host.state = NudState.NONE  # its entry left the cache unheard
        if not (acted and host.address in acted):
            # One learned from this very reading has what its decision gives it.
            actual = tagged.get(host.address, NOTHING) if id(host) in known else host.have
            result.extend(_compared(state, host, actual))
    return result


def _tagged(kernel: KernelRead) -> dict[IPv6Address, Entries]:
    """Return which entries each address has that carry our protocol number."""
    proxies: dict[IPv6Address, list[str]] = defaultdict(list)
    for entry in kernel.proxies:
        if entry.ours:
            proxies[entry.address].append(entry.dev)
    tagged = {route.address: route.dev for route in kernel.host_routes if route.ours}
    return {a: Entries(tagged.get(a), tuple(proxies.get(a, ()))) for a in tagged.keys() | proxies.keys()}


def _out_of_scope(state: State) -> list[Decision]:
    objections = ((host, state.objection(host.address, host.dev)) for host in state.hosts)
    return [state.forget(host, why) for host, why in objections if why is not None]


def _adopted(state: State, address: IPv6Address, entries: Entries, now: float, into: list[Host]) -> list[Decision]:
    """An entry of an earlier run: its host is taken over into *into*; one that can't be is removed."""
    dev = entries.route
    fit = dev in state.rules.interfaces and state.objection(address, dev or "") is None
    if dev is None or not fit or len(state.hosts) >= state.rules.max_hosts:
        actions = steps(address, entries, NOTHING)
        return [Decision(What.REMOVED, Reason.NOT_OURS, address, dev, actions=actions)]
    host = Host(address, dev, None, NudState.NONE, now, have=entries)
    state.hosts.add(host)
    into.append(host)
    return []


def _asked(host: Host) -> Decision:
    """An adopted host is verified, unless the neighbor cache has just done that."""
    probes = [] if host.verified else [Probe(host.address, host.dev, host.lladdr)]
    return host.decision(What.LEARNED, Reason.ADOPTED, probes)


def _neighbor(state: State, neighbor: NeighborChanged, now: float) -> list[Decision]:
    host = state.hosts.get(neighbor.address)
    if neighbor.state is NudState.FAILED:
        return _failed(host, neighbor)
    if host is None:
        return neighbors.changed(state, neighbor, now)
    if host.dev != neighbor.dev and (neighbor.state is not NudState.REACHABLE or host.state is NudState.REACHABLE):
        # What is left in the cache of the link that a host has moved away from.
        return []
    if host.state is neighbor.state and host.lladdr == neighbor.lladdr:
        if host.verified or host.state is not NudState.STALE:
            return []  # nothing new, which with thousands of hosts is worth knowing quickly
        # Its verification was lost, or has not come to an end since the last reading.
        return [host.decision(What.DOUBTED, Reason.UNVERIFIED, [Probe(host.address, host.dev, host.lladdr)])]
    return neighbors.changed(state, neighbor, now)


def _failed(host: Host | None, neighbor: NeighborChanged) -> list[Decision]:
    """An old failure, still in the table: only what happens now takes a host away, so one that was alive is asked."""
    if host is None or host.dev != neighbor.dev or host.state in (NudState.NONE, NudState.FAILED):
        return []
    host.state = NudState.FAILED
    return [host.decision(What.DOUBTED, Reason.UNVERIFIED, [Probe(host.address, host.dev, None)])]


def _compared(state: State, host: Host, actual: Entries) -> list[Decision]:
    host.blocked = False
    if len(actual.proxies) > 1:
        actual = _in_order(actual, state.placement.interfaces)
    believed, host.have = host.have, actual
    actions = state.converge(host)
    result = []
    obstacle = state.placement.obstacle(host)
    if obstacle is not None and not host.shadowed:
        reason = Reason.FOREIGN_ROUTE if obstacle.startswith("route") else Reason.FOREIGN_PROXY
        result.append(host.decision(What.SHADOWED, reason, note=obstacle))
    host.shadowed = obstacle is not None
    if actions:
        reason = Reason.DRIFTED if believed == host.have else Reason.LINK_UP
        result.append(host.decision(What.REPAIRED, reason, actions))
    return result


def _in_order(entries: Entries, interfaces: tuple[str, ...]) -> Entries:
    """Return *entries* with the proxies in the order of the listed interfaces, then the others."""
    rank = {dev: place for place, dev in enumerate(interfaces)}
    return Entries(entries.route, tuple(sorted(entries.proxies, key=lambda dev: rank.get(dev, len(rank)))))
