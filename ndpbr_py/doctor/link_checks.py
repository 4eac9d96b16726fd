"""Facts -> findings about interfaces, their settings and routes.

Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import IPv6Network

from ndpbr_py.doctor.facts import Facts, Link
from ndpbr_py.doctor.finding import Finding, fail, ok, setting, unasked, warn


def interfaces(facts: Facts) -> Iterator[Finding]:
    """Each interface is there and up, and takes part in neighbor discovery."""
    there = {link.name: link for link in facts.links}
    for name in facts.interfaces:
        if name in there:
            yield _interface(facts, there[name])
        else:
            yield fail("interface", f"{name} is not there; `run` waits for it", "ip -brief link")
    if not facts.interfaces:
        yield fail("interface", "none that is up takes part in neighbor discovery", "ip -brief link")


def _interface(facts: Facts, link: Link) -> Finding:
    name = link.name
    if link.port_of is not None:
        rest = list(dict.fromkeys(link.port_of if dev == name else dev for dev in facts.interfaces))
        mend = " ".join(("ndpbr run", *rest)) if len(rest) > 1 else f"ip link set {name} nomaster"
        return fail("interface", f"{name} is a port of {link.port_of}, where neighbor discovery takes place", mend)
    if link.disabled:
        return fail("interface", f"{name} has IPv6 off", setting(f"conf/{name}/disable_ipv6", 0))
    if not link.up:
        return fail("interface", f"{name} is down", f"ip link set {name} up")
    if link.noarp:
        return warn("interface", f"{name} has no neighbor discovery (NOARP): no host is found there")
    if not link.carrier:
        return warn("interface", f"{name} has no carrier: the cable, or the other end")
    return ok("interface", f"{name} is up")


def forwarding(facts: Facts) -> Iterator[Finding]:
    """The kernel forwards, without which it does not answer for others either."""
    if facts.forwarding == 0:
        yield fail(
            "forwarding", "off: nothing is forwarded, and nobody answered for", setting("conf/all/forwarding", 1)
        )
        return
    off = [link.name for link in facts.listed() if link.forwarding == 0]
    for name in off:
        found = f"off on {name}: what comes from there is not forwarded"
        yield fail("forwarding", found, setting(f"conf/{name}/forwarding", 1))
    if not off:
        yield ok("forwarding", "on")


def proxying(facts: Facts) -> Iterator[Finding]:
    """While a daemon runs, the kernel answers for proxied addresses, at once."""
    if not facts.running:
        yield ok("proxying", "`run` sets proxy_ndp and proxy_delay")
        return
    wrong = []
    if facts.proxy_ndp == 0:
        wrong.append(("unicast solicitations are not answered", "conf/all/proxy_ndp", 1))
    for link in facts.listed():
        if link.proxy_ndp == 0:
            wrong.append((f"{link.name} has proxy_ndp off", f"conf/{link.name}/proxy_ndp", 1))
        if link.proxy_delay:
            wait = f"{link.name} waits up to {link.proxy_delay / 100:g} s with its answers"
            wrong.append((wait, f"neigh/{link.name}/proxy_delay", 0))
    for found, path, value in wrong:
        yield fail("proxying", found, setting(path, value))
    if not wrong:
        yield ok("proxying", "proxy_ndp on, proxy_delay 0")


def router_advertisements(facts: Facts) -> Iterator[Finding]:
    """A default route that the kernel has from router advertisements is renewed by the next."""
    if facts.tables is None:
        yield unasked("accept-ra", "ip cannot be run")
        return
    learned = {route.dev for route in facts.default_routes() if route.advertised}
    deaf = [link.name for link in facts.links if link.name in learned and _deaf(link)]
    for name in deaf:
        found = f"{name} ignores router advertisements now, and its default route will expire"
        yield fail("accept-ra", found, setting(f"conf/{name}/accept_ra", 2))
    if not deaf:
        yield ok("accept-ra", f"renews the default route on {', '.join(sorted(learned))}" if learned else "not needed")


def default_route(facts: Facts) -> Iterator[Finding]:
    """There is a way out."""
    if facts.tables is None:
        yield unasked("default-route", "ip cannot be run")
        return
    routes = facts.default_routes()
    if not routes:
        deaf = [link.name for link in facts.listed() if _deaf(link)]
        if deaf:
            found = f"none; {deaf[0]} ignores router advertisements while it forwards (accept_ra=1)"
            yield fail("default-route", found, setting(f"conf/{deaf[0]}/accept_ra", 2))
        else:
            dev = facts.interfaces[0] if facts.interfaces else "IFACE"
            yield fail("default-route", "none", f"ip -6 route add default via GATEWAY dev {dev}")
        return
    found = ", ".join(f"via {route.gateway} dev {route.dev}" if route.gateway else route.dev for route in routes)
    if any(route.dev in facts.interfaces for route in routes):
        yield ok("default-route", found)
    else:
        mend = " ".join(("ndpbr run", routes[0].dev, *facts.interfaces))
        yield warn("default-route", f"{found}, which is none of {', '.join(facts.interfaces)}", mend)


def prefixes(facts: Facts) -> Iterator[Finding]:
    """There is an on-link prefix, on one interface alone."""
    if facts.tables is None:
        yield unasked("prefix", "ip cannot be run")
        return
    where: dict[IPv6Network, list[str]] = defaultdict(list)
    for route in facts.tables.routes:
        if route.dev in facts.interfaces and route.prefix.prefixlen:
            where[route.prefix].append(route.dev)
    out = {route.dev for route in facts.default_routes()}
    for prefix, devs in sorted(where.items()):
        for dev in sorted(devs, key=lambda dev: dev not in out)[1:]:
            found = f"{prefix} is on {' and '.join(devs)}: a host not learned yet is looked for on one of them alone"
            yield warn("prefix", found, f"ip -6 route del {prefix} dev {dev}")
        if len(devs) == 1:
            yield ok("prefix", f"{prefix} is on {devs[0]}")
    if not where:
        dev = facts.interfaces[0] if facts.interfaces else "IFACE"
        found = "no on-link prefix: no address counts, unless `run --prefix` says so"
        yield fail("prefix", found, f"ip -6 address add ADDRESS/64 dev {dev}")


def snooping(facts: Facts) -> Iterator[Finding]:
    """What a bridge here does with multicast.  One without a querier floods it, and does no harm."""
    for link in facts.listed():
        if link.snooping and not link.querier:
            found = (
                f"{link.name} snoops and asks nobody, which does no harm here; if a switch behind it loses hosts after "
                f"minutes: `ip link set {link.name} type bridge mcast_querier 1`"
            )
            yield ok("multicast", found)


def _deaf(link: Link) -> bool:
    """Whether the kernel ignores router advertisements there.  At 0 it leaves them to another program."""
    return link.accept_ra == 1 and bool(link.forwarding)
