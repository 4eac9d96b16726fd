"""A reading of the kernel and an address -> why it is, or is not, proxied: each fact a sentence, then the verdict.

Pure.  The rules are not written down again here: the core is given the reading, as in the daemon, and asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.entry_diff import NOTHING
from ndpbr_py.core.events import KernelSnapshot, NeighborChanged, SnapshotStarted
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.core.verdicts import VERDICTS, Verdict
from ndpbr_py.doctor import words

Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Facts, each with its name; the interfaces on which the kernel answers; or why on none, and what helps."""

    address: IPv6Address
    facts: Facts
    proxied_on: tuple[str, ...] = ()
    because: str | None = None
    advice: str | None = None


def explained(address: IPv6Address, rules: Rules, kernel: KernelSnapshot, *, running: bool) -> Explanation:
    """Return the explanation; *running*: a daemon is there, to do what the rules say."""
    proxy = NdProxy(rules)
    # Who has his entries has his place, in whatever order the cache lists its neighbors.
    placed = {entry.address for entry in kernel.proxies if entry.ours}
    kernel = replace(kernel, neighbors=tuple(sorted(kernel.neighbors, key=lambda it: it.address not in placed)))
    proxy.handle(SnapshotStarted(), 0.0)
    decisions = [decision for decision in proxy.handle(kernel, 0.0) if decision.address == address]
    objections = [proxy.objection(address, dev) for dev in rules.interfaces]
    # That an interface has no neighbor discovery says nothing about the address.
    objection = None if None in objections else min(objections, key=lambda it: it is Reason.WITHOUT_ND)
    heard = [neighbor for neighbor in kernel.neighbors if neighbor.address == address]
    facts = _standing(address, proxy, kernel)
    if objection is not Reason.KIND:
        facts += _entries(address, proxy, kernel, heard)
    route = next((route.dev for route in kernel.host_routes if route.address == address), None)
    on = tuple(entry.dev for entry in kernel.proxies if entry.address == address and entry.dev != route)
    if route in rules.interfaces and on:
        return Explanation(address, facts, on)
    host = proxy.hosts.get(address)
    if objection is not None:
        because, advice = words.OBJECTIONS[objection]
    elif host is None:
        because, advice = _unheard(address, heard, decisions)
    else:
        because, advice = _without_entries(proxy, host, running=running)
    return Explanation(address, facts, (), because, advice)


def _standing(address: IPv6Address, proxy: NdProxy, kernel: KernelSnapshot) -> Facts:
    """Return what the address is, whoever has it."""
    devs, usable = proxy.rules.interfaces, proxy.desired.usable
    facts = [("interfaces", ", ".join(dev if dev in usable else f"{dev} (down)" for dev in devs))]
    facts.append(("kind", words.kind(address)))
    if proxy.scope.objection(address, "") is Reason.KIND:
        return facts
    homes = [f"{r.prefix} on {r.dev}" for r in kernel.routes if r.dev in devs and _holds(r.prefix, address)]
    homes += [f"{prefix} by --prefix" for prefix in proxy.rules.prefixes if _holds(prefix, address)]
    facts.append(("on-link", f"yes, {', '.join(homes)}" if homes else "no"))
    if (dev := proxy.rules.statics.get(address)) is not None:
        facts.append(("static", f"on {dev} by --static, wherever it lies"))
    if address in kernel.own:
        facts.append(("own", "the router has this address itself"))
    if (hop := kernel.next_hops.get(address)) is not None:
        facts.append(("next-hop", f"of a default route on {hop}, and heeded there alone"))
    return facts


def _holds(prefix: IPv6Network, address: IPv6Address) -> bool:
    return prefix.prefixlen > 0 and address in prefix


def _entries(address: IPv6Address, proxy: NdProxy, kernel: KernelSnapshot, heard: Sequence[NeighborChanged]) -> Facts:
    """Return what the kernel has of it."""
    facts = [("neighbor", words.neighbor(entry)) for entry in heard]
    facts += [
        ("host-route", f"dev {route.dev}, {words.whose(route.ours)}")
        for route in kernel.host_routes
        if route.address == address
    ]
    facts += [
        ("proxy-entry", f"dev {entry.dev}, {words.whose(entry.ours)}")
        for entry in kernel.proxies
        if entry.address == address
    ]
    there = {name for name, _ in facts}
    facts += [(name, "none") for name in ("neighbor", "host-route", "proxy-entry") if name not in there]
    lladdr = next((entry.lladdr for entry in heard if entry.lladdr is not None), None)
    alike = f", {proxy.hosts.count_with_lladdr(lladdr)} with its link-layer address" if lladdr is not None else ""
    return [*facts, ("hosts", f"{len(proxy.hosts)} known{alike}")]


def _unheard(
    address: IPv6Address, heard: Sequence[NeighborChanged], decisions: Sequence[Decision]
) -> tuple[str, str | None]:
    """Return why it is no host."""
    ignored = [decision.reason for decision in decisions if decision.kind is DecisionKind.IGNORED]
    if ignored:
        return words.OBJECTIONS[ignored[0]]
    ask = f"ping -c 1 -I {heard[0].dev if heard else 'IFACE'} {address}"
    if any(VERDICTS[entry.state] is Verdict.GONE for entry in heard):
        return "nobody answers for it", ask
    return "nobody has been heard with it", f"let it speak, or ask for it where it is: {ask}"


def _without_entries(proxy: NdProxy, host: Host, *, running: bool) -> tuple[str, str | None]:
    """Return why a host has not all its entries."""
    want, obstacle = proxy.desired.of(host), proxy.desired.obstacle(host)
    if host.dev not in proxy.desired.usable:
        return f"{host.dev}, where it was heard, is down", f"ip link set {host.dev} up"
    if obstacle is not None and want == NOTHING:
        kind, _, dev = obstacle.partition(" dev ")
        return f"another program has a {kind} for it, dev {dev}", f"ip -6 {kind} del {host.address} dev {dev}"
    others = proxy.desired.usable - {host.dev}
    if not others:
        return "no other listed interface is up", None
    if not running:
        return "no daemon runs", " ".join(("ndpbr run", *proxy.rules.interfaces))
    if others <= proxy.desired.without_nd:
        return f"nobody solicits on {', '.join(sorted(others))}: it needs a host route alone", None
    return "the daemon has not made its entries yet, or could not", f"look for {host.address} in its log"
