"""Facts -> findings about routes: the default route, and the on-link prefix of the hosts.

Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.core.network_changes import on_link_prefixes
from ndpbr_py.core.routes import RoutingTable, described, too_short
from ndpbr_py.doctor.facts import Facts, Link
from ndpbr_py.doctor.finding import Finding, fail, ok, setting, warn
from ndpbr_py.iproute2.policy import deciding

_SLAAC_LENGTH = 64
_MANY_UPLINK_HOSTS = 32  # a modem's link has one or two


def router_advertisements(facts: Facts) -> Iterator[Finding]:
    """The kernel accepts router advertisements where it learned its default route from them: they renew the route."""
    learned = {route.dev for route in facts.default_routes() if route.advertised}
    ignoring = [link.name for link in facts.links if link.name in learned and _ignores_ra(link)]
    for name in ignoring:
        detail = f"{name} ignores router advertisements, so its default route will expire"
        yield fail("accept-ra", detail, setting(f"conf/{name}/accept_ra", 2))
    if learned and not ignoring:
        yield ok("accept-ra", f"renews the default route on {', '.join(sorted(learned))}")


def default_route(facts: Facts) -> Iterator[Finding]:
    """There is a default route, on a checked interface."""
    if facts.tables is None:
        return
    routes = facts.default_routes()
    if not routes:
        ignoring = [link.name for link in facts.listed() if _ignores_ra(link)]
        if ignoring:
            detail = f"none; {ignoring[0]} ignores router advertisements while it forwards (accept_ra=1)"
            yield fail("default-route", detail, setting(f"conf/{ignoring[0]}/accept_ra", 2))
        else:
            yield fail("default-route", f"none: no host reaches the outside{_waiting(facts)}", _route_to_add(facts))
        return
    detail = ", ".join(f"via {route.gateway} dev {route.dev}" if route.gateway else route.dev for route in routes)
    if any(route.dev in facts.interfaces for route in routes):
        yield ok("default-route", detail)
    else:
        fix = " ".join(("ndpbr run", routes[0].dev, *facts.interfaces))
        yield warn("default-route", f"{detail}, which is none of {', '.join(facts.interfaces)}", fix)


def prefixes(facts: Facts) -> Iterator[Finding]:
    """There is an on-link prefix, and it is on-link on one interface only."""
    if facts.tables is None:
        return
    where: dict[IPv6Network, list[str]] = defaultdict(list)
    for route in facts.tables.routes:
        # One interface may have both the kernel's route and that of a router advertisement.
        if route.dev in facts.interfaces and route.connected and route.dev not in where[route.prefix]:
            where[route.prefix].append(route.dev)
    uplinks = {route.dev for route in facts.default_routes()}
    ignored = too_short(where, facts.rules.prefixes)
    for prefix, devs in sorted(where.items()):
        for dev in sorted(devs, key=lambda dev: dev not in uplinks)[1:]:
            detail = f"{prefix} is on {' and '.join(devs)}: the kernel resolves an unknown host on one of them only"
            yield warn("prefix", detail, _without_prefix_route(facts, prefix, dev))
        if len(devs) == 1:
            yield _prefix(facts.tables, prefix, devs[0], ignored=prefix in ignored)
    for (prefix, dev), deprecated in on_link_prefixes(facts.tables, facts.interfaces).items():
        if not deprecated:
            continue
        proxied = {entry.address for entry in facts.tables.proxies if entry.ours and entry.address in prefix}
        if used := len(proxied - facts.tables.own):
            detail = f"{prefix} is deprecated on {dev}, and hosts still use it (proxied addresses: {used})"
            yield warn("deprecated-prefix", f"{detail}: radvd before 2.20 goes on announcing it as preferred")
    for prefix in sorted(facts.rules.prefixes - where.keys()):
        yield ok("prefix", f"{prefix} by --prefix")
    if not where.keys() - ignored and not facts.rules.prefixes:
        waiting = _waiting(facts)
        detail = f"no on-link prefix: no host is eligible without `run --prefix`{waiting}"
        yield fail("prefix", detail, None if waiting else f"ip -6 address add ADDRESS/64 dev {_upstream(facts)}")


def _without_prefix_route(facts: Facts, prefix: IPv6Network, dev: str) -> str | None:
    """Return the command that keeps the router's addresses on *dev*, but not their *prefix*.

    There is none for a route that another program or a router advertisement made, and none for a tunnel: its clients
    may have no other route.
    """
    tables = facts.readable_tables()
    advertised = any(it.advertised for it in tables.routes if (it.prefix, it.dev) == (prefix, dev))
    if advertised or any(link.name == dev and link.noarp for link in facts.links):
        return None
    own = [it.address for it in tables.router_addresses if it.dev == dev and it.address in prefix]
    change = "ip -6 address change {}/{} dev {} noprefixroute"
    return " && ".join(change.format(it, prefix.prefixlen, dev) for it in own) or None


def _prefix(tables: KernelSnapshot, prefix: IPv6Network, dev: str, *, ignored: bool) -> Finding:
    if ignored:
        own = [it.address for it in tables.router_addresses if it.dev == dev and it.address in prefix]
        part = IPv6Network((own[0], 64), strict=False) if own else "PREFIX"
        detail = f"{prefix} on {dev} is shorter than /48, and ignored: no host in it is learned"
        return warn("prefix", detail, f"ndpbr run --prefix {part}")
    if prefix.prefixlen < _SLAAC_LENGTH:
        networks = 1 << _SLAAC_LENGTH - prefix.prefixlen
        return warn("prefix", f"{prefix} on {dev} is shorter than /64: hosts may use addresses of {networks} networks")
    return ok("prefix", f"{prefix} is on {dev}")


def upstream(facts: Facts) -> Iterator[Finding]:
    """The neighbors on the provider's link, of which a data center has many, do not use up --max-hosts."""
    routes = facts.readable_tables().host_routes
    for dev in sorted({route.dev for route in facts.default_routes()} - facts.rules.upstreams):
        hosts = sum(route.ours and route.dev == dev for route in routes)
        if hosts >= _MANY_UPLINK_HOSTS:
            detail = f"{hosts} hosts on {dev}, the link of the default route, take up places of --max-hosts"
            yield warn("upstream", detail, " ".join(("ndpbr run --upstream", dev, *facts.interfaces)))


def policy_rules(facts: Facts) -> Iterator[Finding]:
    """No policy rule sends packets of a checked interface past the main table, where the host routes are."""
    if facts.policy_rules is None:
        return
    connected = on_link_prefixes(facts.readable_tables(), facts.interfaces)
    hosts = sorted({prefix for prefix, _ in connected} | facts.rules.prefixes) or [IPv6Network("::/0")]
    bypassing = {
        rule: (prefix, says)
        for prefix in hosts
        for rule, says in deciding(facts.policy_rules, prefix, facts.interfaces)
    }
    if not bypassing:
        yield ok("policy-rules", "packets to the hosts use the main table first")
    for rule, (prefix, says) in bypassing.items():
        detail = (
            f"{rule.priority}: {rule.text} ({says}): packets to {prefix} that it matches use no host routes of ndpbr"
        )
        # Consults the main table first, except for its default routes.
        fix = f"ip -6 rule add priority {max(rule.priority - 1, 1)} lookup main suppress_prefixlength 0"
        yield warn("policy-rules", detail, fix)


def static_hosts(facts: Facts) -> Iterator[Finding]:
    """The routing table does not contradict --static, which wins."""
    table = RoutingTable(facts.readable_tables().routes, facts.rules.prefixes)
    warnings = [
        warning for static, dev in facts.rules.statics.items() for warning in _static(facts, table, static, dev)
    ]
    if facts.rules.statics and not warnings:
        yield ok("static", "the routing table contradicts no --static")
    yield from warnings


def _static(facts: Facts, table: RoutingTable, static: IPv6Address | IPv6Network, dev: str) -> Iterator[Finding]:
    if isinstance(static, IPv6Address):
        if table.refuses(int(static), dev):
            detail = f"{static} is on {dev} by --static, but the routing table says {described(table.best(static))}"
            yield warn("static", detail, f"ip -6 route get {static}")
        return
    best = table.best(static.network_address)
    if dev not in {route.dev for route in best}:  # a prefix gets no route of ours
        says = described(best) if best else "nothing about it"
        detail = f"{static} is on {dev} by --static, but the routing table says {says}"
        yield warn("static", detail, f"ip -6 route add {static} dev {dev}")
    if any(link.name == dev and not link.noarp for link in facts.links):
        detail = f"{static} is on {dev} by --static, which has neighbor discovery: name its hosts one by one"
        yield warn("static", detail, f"ndpbr run --static ADDR%{dev}")


def _route_to_add(facts: Facts) -> str | None:
    """Return the command that adds a default route; None if its gateway is not known and should be advertised."""
    if (lost := facts.lost_route) is not None and lost.gateway is not None:
        if lost.advertised and _waiting(facts):
            return None  # it has expired, because the router is off or has no uplink
        return f"ip -6 route add default via {lost.gateway} dev {lost.dev}"
    routers = {entry.dev: entry.address for entry in facts.readable_tables().neighbors if entry.router}
    dev = next((dev for dev in facts.interfaces if dev in routers), _upstream(facts))
    if dev not in routers and _waiting(facts):
        return None
    return f"ip -6 route add default via {routers.get(dev, 'GATEWAY')} dev {dev}"


def _waiting(facts: Facts) -> str:
    """Return which interface accepts router advertisements, if one does: address and route should come from them."""
    dev = next((link.name for link in facts.listed() if accepts_ra(link)), None)
    return f"; {dev} waits for a router advertisement: is the modem on?" if dev else ""


def accepts_ra(link: Link) -> bool:
    """Whether the kernel accepts router advertisements.  Source: ip-sysctl.rst, accept_ra."""
    return link.accept_ra == 2 or (link.accept_ra == 1 and not link.forwarding)


def _ignores_ra(link: Link) -> bool:
    """Whether the kernel ignores router advertisements.  At accept_ra=0 another program handles them."""
    return link.accept_ra == 1 and bool(link.forwarding)


def _upstream(facts: Facts) -> str:
    """Return the most likely uplink: the interface of the default route, else of a prefix, else the first."""
    routes = sorted(facts.readable_tables().routes, key=lambda route: route.prefix.prefixlen)
    listed = [route.dev for route in routes if route.dev in facts.interfaces and (route.default or route.connected)]
    return next(iter((*listed, *facts.interfaces)), "IFACE")
