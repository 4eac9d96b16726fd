"""A snapshot of the kernel and an address -> the facts about the address, and why it is, or is not, proxied.

Pure.  The rules are not repeated here: the core handles the snapshot, as in the daemon, and its state is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core import on_demand
from ndpbr_py.core.decision import DecisionKind, Reason
from ndpbr_py.core.entry_diff import NOTHING
from ndpbr_py.core.events import HostRoute, KernelSnapshot, NeighborChanged, SnapshotStarted
from ndpbr_py.core.hosts import Host
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.routes import described
from ndpbr_py.core.state import Rules
from ndpbr_py.core.verdicts import VERDICTS, Verdict
from ndpbr_py.doctor import explain_text
from ndpbr_py.doctor.explain_text import Answer
from ndpbr_py.iproute2.policy import Path, PolicyRule, TableRoute, deciding

Facts = list[tuple[str, str]]
_SEEN_VERDICTS = (Verdict.PRESENT, Verdict.CLAIMED)
_INTERFACE_REASONS = (Reason.WITHOUT_ND, Reason.UPSTREAM_LINK)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an address is, or is not, proxied.

    Attributes:
        address: The address.
        facts: Names and values.
        proxied_on: The interfaces on which the kernel answers for the address.
        reason: Why the address is not proxied; None if it is.
        advice: A command, or what else the user can do.
        but: Why the host may be unreachable although its address is proxied.
    """

    address: IPv6Address
    facts: Facts
    proxied_on: tuple[str, ...] = ()
    reason: str | None = None
    advice: str | None = None
    but: str | None = None


def explained(
    address: IPv6Address,
    rules: Rules,
    kernel: KernelSnapshot,
    *,
    running: bool,
    start: str | None = None,
    paths: Mapping[str, Path] | None = None,
    policy: Sequence[PolicyRule] = (),
    of_sources: Sequence[TableRoute] = (),
) -> Explanation:
    """Return the explanation.

    Args:
        address: The address.
        rules: The rules of the daemon.
        kernel: The kernel's tables.
        running: Whether a daemon runs, which applies the rules.
        start: The command of the service manager that starts it; None if no service is installed.
        paths: The path that a packet takes from a host on each interface, as the kernel says.
        policy: The policy rules before the main table.
        of_sources: The routes over the address that are for some sources only.
    """
    paths = paths or {}
    stopped = None if running else ("ndpbr is not running", start or " ".join(("ndpbr run", *rules.interfaces)))
    proxy = NdProxy(rules)
    # Hosts with entries come first, whatever the order of the cache: they are within the limits.
    proxied = {entry.address for entry in kernel.proxies if entry.ours}
    kernel = replace(kernel, neighbors=tuple(sorted(kernel.neighbors, key=lambda it: it.address not in proxied)))
    proxy.handle(SnapshotStarted(), 0.0)
    decisions = [decision for decision in proxy.handle(kernel, 0.0) if decision.address == address]
    neighbors = [neighbor for neighbor in kernel.neighbors if neighbor.address == address]
    facts = _address_facts(address, proxy, kernel)
    if proxy.scope.objection(address, "") is not Reason.KIND:
        facts += _entry_facts(address, proxy, kernel, neighbors)
    best = proxy.scope.routes.best(address)
    longest = best[0].dev if best else None
    route = next((route.dev for route in kernel.host_routes if route.address == address), longest)
    on = tuple(entry.dev for entry in kernel.proxies if entry.address == address and entry.dev != route)
    facts += [
        ("policy-rule", f"{rule.priority}: {rule.text} decides for packets that it matches ({says})")
        for rule, says in deciding(policy, IPv6Network(address), rules.interfaces)
    ]
    facts += [("source-specific", f"{it.text} decides for packets from {it.source}") for it in of_sources]
    facts += [("path", f"from {dev}: {_described(path)}") for dev, path in paths.items() if dev != route]
    if address in kernel.own and on:
        return Explanation(address, facts, on)
    if route in rules.interfaces and on:
        foreign = any(it.address == address and not it.ours for it in kernel.host_routes)
        seen = [it.dev for it in neighbors if it.dev != route and VERDICTS[it.state] in _SEEN_VERDICTS]
        if foreign and seen:
            but = f"it was seen on {seen[0]}, and another program's route leads to {route}"
            return Explanation(address, facts, on, None, f"ip -6 route show {address}", but)
        past = next(((dev, paths[dev]) for dev in on if dev in paths and paths[dev].dev != route), None)
        if past is None:
            return Explanation(address, facts, on)
        reason = f"packets from {past[0]} do not go to {route} but: {_described(past[1])}"
        return Explanation(address, facts, (), reason, "ip -6 rule; ip -6 route show table all")
    ignored = next((it.reason for it in decisions if it.kind is DecisionKind.IGNORED), None)
    return Explanation(address, facts, (), *_reason(address, proxy, kernel, ignored, stopped))


def _reason(
    address: IPv6Address, proxy: NdProxy, kernel: KernelSnapshot, ignored: Reason | None, stopped: Answer | None
) -> Answer:
    """Return why it is not proxied; *ignored* is why no host was learned, *stopped* the answer without a daemon."""
    listed, host = proxy.rules.interfaces, proxy.hosts.get(address)
    objections = [proxy.objection(address, dev) for dev in listed]
    # An objection to an interface comes last: it says nothing about the address.
    objection = None if None in objections else min(objections, key=lambda it: it in _INTERFACE_REASONS)
    why = objection if objection is not None or host is not None else ignored
    if why is Reason.OFF_LINK:
        return explain_text.off_link(address, {prefix for prefix, _ in _networks(proxy, kernel)})
    if host is None and _on_demand(address, proxy):
        return explain_text.ON_DEMAND
    if why is Reason.ROUTED_ELSEWHERE:
        return explain_text.routed_elsewhere(proxy.scope.routes.best(address), listed)
    if why is not None:
        return explain_text.OBJECTIONS[why]
    if host is None:
        return stopped or _reason_without_host(address, kernel)
    return _reason_without_entries(proxy, host, stopped)


def _address_facts(address: IPv6Address, proxy: NdProxy, kernel: KernelSnapshot) -> Facts:
    """Return the facts that do not depend on which host has the address."""
    rules, devs, usable = proxy.rules, proxy.rules.interfaces, proxy.desired.usable
    facts = [("interfaces", ", ".join(dev if dev in usable else f"{dev} (down)" for dev in devs))]
    facts.append(("kind", explain_text.kind(address)))
    if proxy.scope.objection(address, "") is Reason.KIND:
        return facts
    on_link = [f"{prefix} {where}" for prefix, where in _networks(proxy, kernel) if address in prefix]
    facts.append(("on-link", f"yes, {', '.join(on_link)}" if on_link else "no"))
    best = proxy.scope.routes.best(address)
    facts.append(("longest-route", described(best) if best else "none, or a default route"))
    if (dev := rules.statics.get(address, proxy.static_link(address))) is not None:
        facts.append(("static", f"on {dev} by --static, whatever its prefix is"))
    if devs_on_demand := _on_demand(address, proxy):
        text = f"proxied on {', '.join(devs_on_demand)} for ten minutes after each solicitation there"
        facts.append(("on-demand", text))
    if as_target := [dev for dev in devs if dev in rules.answer_as_target]:
        facts.append(
            ("answer-as-target", f"on {', '.join(as_target)} solicitations are answered from the address, too")
        )
    if address in kernel.own:
        facts.append(("own", "the router has this address"))
    if (hop := kernel.next_hops.get(address)) is not None:
        facts.append(("next-hop", f"of a default route on {hop}, and accepted only there"))
    return facts


def _on_demand(address: IPv6Address, proxy: NdProxy) -> list[str]:
    """Return the interfaces on which the address is proxied when it is solicited."""
    return [dev for dev in proxy.desired.answering if on_demand.link_of(proxy, address, dev) is not None]


def _described(path: Path) -> str:
    by = f" by a policy rule, table {path.table}" if path.table is not None else ""
    return f"dev {path.dev}{by}" if path.dev is not None else f"{path.error}{by}"


def _networks(proxy: NdProxy, kernel: KernelSnapshot) -> list[tuple[IPv6Network, str]]:
    """Return the on-link prefixes, and where each comes from."""
    rules, ignored = proxy.rules, proxy.scope.routes.ignored
    connected = [r for r in kernel.routes if r.connected and r.dev in rules.interfaces and r.prefix not in ignored]
    networks = [*((r.prefix, f"on {r.dev}") for r in connected), *((it, "by --prefix") for it in rules.prefixes)]
    return [(prefix, where) for prefix, where in networks if prefix.prefixlen > 0]


def _entry_facts(
    address: IPv6Address, proxy: NdProxy, kernel: KernelSnapshot, neighbors: Sequence[NeighborChanged]
) -> Facts:
    """Return the facts about the kernel's entries for the address."""
    facts = [("neighbor", explain_text.neighbor(entry)) for entry in neighbors]
    facts += [
        ("host-route", f"{route.target}, {explain_text.owner(route.ours)}")
        for route in kernel.host_routes
        if route.address == address
    ]
    facts += [
        ("proxy-entry", f"dev {entry.dev}, {explain_text.owner(entry.ours)}")
        for entry in kernel.proxies
        if entry.address == address
    ]
    found = {name for name, _ in facts}
    facts += [(name, "none") for name in ("neighbor", "host-route", "proxy-entry") if name not in found]
    places = ((entry.lladdr, entry.dev) for entry in neighbors if entry.lladdr is not None)
    counted = next((proxy.hosts.count_with_lladdr(*place) for place in places), None)
    same = f", {counted} with its link-layer address on its interface" if counted is not None else ""
    return [*facts, ("hosts", f"{len(proxy.hosts)} known{same}")]


def _reason_without_host(address: IPv6Address, kernel: KernelSnapshot) -> Answer:
    """Return why the daemon knows no host with the address, and the advice."""
    lookup = f"ndpbr lookup {address}"
    if any(VERDICTS[entry.state] is Verdict.GONE for entry in kernel.neighbors if entry.address == address):
        return "no host answers for this address", lookup
    return "no host has used this address", f"send a packet from the host, or {lookup}"


def _reason_without_entries(proxy: NdProxy, host: Host, stopped: Answer | None) -> Answer:
    """Return why a host does not have all its entries, and the advice; *stopped* is the answer without a daemon."""
    desired, obstacle = proxy.desired.of(host), proxy.desired.obstacle(host)
    if host.dev not in proxy.desired.usable:
        return f"its interface {host.dev} is down", f"ip link set {host.dev} up"
    if isinstance(obstacle, HostRoute) and desired == NOTHING:
        # No command that deletes it: that would cut off whatever the other program serves.
        return f"another program has a route for it, {obstacle.target}", f"ip -6 route show {host.address}"
    others = proxy.desired.usable - {host.dev}
    if not others:
        return "no other listed interface is up", None
    if stopped is not None:
        return stopped
    if others <= proxy.desired.without_nd:
        return f"{', '.join(sorted(others))} has no neighbor discovery: only a host route is needed", None
    return "the daemon has not added its entries yet, or adding them failed", f"search its log for {host.address}"
