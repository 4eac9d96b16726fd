"""What the kernel has, read in whole, held against what it should have -> the decisions that make both one.

Pure.  What happened while the tables were being read is newer than what they say: of an address heard about, its
neighbor entry is left out, and of one whose entries were changed, these.
"""

from __future__ import annotations

from collections import defaultdict
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from ndpbr_py.core.actions import Probe
from ndpbr_py.core.decision import Decision, What
from ndpbr_py.core.entries import NOTHING, Entries, steps
from ndpbr_py.core.events import KernelRead, NeighborChanged, NudState
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.policy import Reason, Scope

if TYPE_CHECKING:
    from ndpbr_py.core.proxy import NdProxy


def decisions(proxy: NdProxy, kernel: KernelRead, now: float) -> list[Decision]:
    """Return what follows from a reading of the kernel's tables."""
    heard, acted, proxy.heard = proxy.heard or set(), proxy.acted, None
    on_link = None if proxy.rules.everything_on_link else kernel.on_link | proxy.rules.prefixes
    before, proxy.scope = proxy.scope, Scope(on_link, kernel.own, kernel.next_hops)
    # An interface heard of while the tables were being read is as was heard.
    proxy.placement.use(dev for dev in proxy.rules.interfaces if proxy.heard_links.get(dev, dev in kernel.up))
    proxy.placement.read(kernel)
    tagged = _tagged(kernel)
    result = _out_of_scope(proxy) if proxy.scope != before else []
    adopted: list[Host] = []
    for address, entries in tagged.items():
        if address not in proxy.hosts and address not in acted:
            result.extend(_adopted(proxy, address, entries, now, adopted))
    known = frozenset(host.address for host in proxy.hosts)
    told: list[Decision] = []
    for neighbor in kernel.neighbors:
        if neighbor.address not in heard and neighbor.address not in acted:
            told.extend(_neighbor(proxy, neighbor, now))
    result.extend(_asked(host) for host in adopted if proxy.hosts.get(host.address) is host)
    result.extend(told)
    cached = frozenset((neighbor.address, neighbor.dev) for neighbor in kernel.neighbors)
    for host in proxy.hosts:
        if host.address not in heard and (host.address, host.dev) not in cached:
            host.state = NudState.NONE  # its entry left the cache unheard
        if host.address not in acted:
            # One learned from this very reading has what its decision gives it.
            actual = tagged.get(host.address, NOTHING) if host.address in known else host.have
            result.extend(_compared(proxy, host, actual))
    return result


def _tagged(kernel: KernelRead) -> dict[IPv6Address, Entries]:
    """Return which entries each address has that carry our protocol number."""
    proxies: dict[IPv6Address, list[str]] = defaultdict(list)
    for entry in kernel.proxies:
        if entry.ours:
            proxies[entry.address].append(entry.dev)
    tagged = {route.address: route.dev for route in kernel.host_routes if route.ours}
    return {a: Entries(tagged.get(a), tuple(proxies.get(a, ()))) for a in tagged.keys() | proxies.keys()}


def _out_of_scope(proxy: NdProxy) -> list[Decision]:
    objections = ((host, proxy.scope.objection(host.address, host.dev)) for host in proxy.hosts)
    return [proxy.forget(host, why) for host, why in objections if why is not None]


def _adopted(proxy: NdProxy, address: IPv6Address, entries: Entries, now: float, into: list[Host]) -> list[Decision]:
    """An entry of an earlier run: its host is taken over into *into*; one that can't be is removed."""
    dev = entries.route
    fit = dev in proxy.rules.interfaces and proxy.scope.objection(address, dev or "") is None
    if dev is None or not fit or len(proxy.hosts) >= proxy.rules.max_hosts:
        actions = steps(address, entries, NOTHING)
        return [Decision(What.REMOVED, Reason.NOT_OURS, address, dev, actions=actions)]
    host = Host(address, dev, None, NudState.NONE, now, have=entries)
    proxy.hosts.add(host)
    into.append(host)
    return []


def _asked(host: Host) -> Decision:
    """An adopted host is verified, unless the neighbor cache has just done that."""
    probes = [] if host.verified else [Probe(host.address, host.dev, host.lladdr)]
    return host.decision(What.LEARNED, Reason.ADOPTED, probes)


def _neighbor(proxy: NdProxy, neighbor: NeighborChanged, now: float) -> list[Decision]:
    host = proxy.hosts.get(neighbor.address)
    if neighbor.state is NudState.FAILED:
        return _failed(host, neighbor)
    if host is None:
        return list(proxy.handle(neighbor, now))
    if host.dev != neighbor.dev:
        # What is left in the cache of the link that a host has moved away from.
        return []
    if host.state is neighbor.state and host.lladdr == neighbor.lladdr:
        if host.verified or host.state is not NudState.STALE:
            return []  # nothing new, which with thousands of hosts is worth knowing quickly
        # Its verification was lost, or has not come to an end since the last reading.
        return [host.decision(What.DOUBTED, Reason.UNVERIFIED, [Probe(host.address, host.dev, host.lladdr)])]
    return list(proxy.handle(neighbor, now))


def _failed(host: Host | None, neighbor: NeighborChanged) -> list[Decision]:
    """An old failure, still in the table: only what happens now takes a host away, so one that was alive is asked."""
    if host is None or host.dev != neighbor.dev or host.state in (NudState.NONE, NudState.FAILED):
        return []
    host.state = NudState.FAILED
    return [host.decision(What.DOUBTED, Reason.UNVERIFIED, [Probe(host.address, host.dev, None)])]


def _compared(proxy: NdProxy, host: Host, actual: Entries) -> list[Decision]:
    host.blocked = False
    if len(actual.proxies) > 1:
        actual = _in_order(actual, proxy.placement.interfaces)
    believed, host.have = host.have, actual
    actions = proxy.converge(host)
    result = []
    obstacle = proxy.placement.obstacle(host)
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
