"""Facts -> findings about interfaces and their settings.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Network

from ndpbr_py.core.routes import RoutingTable
from ndpbr_py.doctor.facts import Facts, Link
from ndpbr_py.doctor.finding import Finding, fail, ok, setting, warn


def interfaces(facts: Facts) -> Iterator[Finding]:
    """Each interface exists, is up and takes part in neighbor discovery."""
    existing = {link.name: link for link in facts.links}
    for name in facts.interfaces:
        if name in existing:
            yield _interface(facts, existing[name])
        else:
            yield fail("interface", f"{name} does not exist; `run` waits for it", "ip -brief link")
    if not facts.interfaces:
        yield fail("interface", "no interface that is up takes part in neighbor discovery", "ip -brief link")


def _interface(facts: Facts, link: Link) -> Finding:
    name = link.name
    if link.port_of is not None:
        rest = list(dict.fromkeys(link.port_of if dev == name else dev for dev in facts.interfaces))
        fix = " ".join(("ndpbr run", *rest)) if len(rest) > 1 else f"ip link set {name} nomaster"
        return fail("interface", f"{name} is a port of {link.port_of}; use {link.port_of} instead", fix)
    if link.disabled:
        return fail("interface", f"IPv6 is disabled on {name}", setting(f"conf/{name}/disable_ipv6", 0))
    if not link.up:
        return fail("interface", f"{name} is down", f"ip link set {name} up")
    if link.noarp:
        return _without_nd(facts, name)
    if not link.carrier:
        return warn("interface", f"{name} has no carrier: check the cable and the other end")
    return ok("interface", f"{name} is up")


def _without_nd(facts: Facts, name: str) -> Finding:
    """Say which hosts are served on an interface where none can be learned."""
    tables = facts.readable_tables()
    routes = RoutingTable(tables.routes, facts.rules.prefixes)
    others = [dev for dev in facts.interfaces if dev != name]
    here = [route.prefix for route in tables.routes if route.dev == name and not route.default]
    served = [str(it) for it in here if it.prefixlen < 128 and _is_refused(routes, it, others)]
    served += [f"{static} by --static" for static, dev in facts.rules.statics.items() if dev == name]
    if hosts := sum(dev == name for dev in tables.routed.values()):
        served.append(f"{hosts} with a /128 route")
    subject = f"{name} has no neighbor discovery"
    if served:
        return ok("interface", f"{subject}: no host is learned there, but served are {', '.join(served)}")
    if any(route.dev == name for route in facts.default_routes()):
        return ok("interface", f"{subject}: no host is learned there, and packets to it need no proxy entry")
    needed = "hosts there are served only if they have a /128 route, or if a part of the prefix is routed to it"
    return warn("interface", f"{subject}: {needed}", f"ndpbr run --static PREFIX%{name}")


def _is_refused(routes: RoutingTable, prefix: IPv6Network, devs: Iterable[str]) -> bool:
    """Whether the addresses of *prefix* may not be claimed on one of *devs*, where they are proxied on demand."""
    return any(routes.refuses(int(prefix.network_address), dev) for dev in devs)


def forwarding(facts: Facts) -> Iterator[Finding]:
    """Forwarding is on.  Without forwarding the kernel answers no solicitation for a proxied address either."""
    if facts.forwarding == 0:
        detail = "off: no packet is forwarded, and no solicitation is answered for a host"
        learned = {route.dev for route in facts.default_routes() if route.advertised}
        # First: the kernel deletes the default routes of all other links when forwarding is turned on.
        keep = [f"conf/{link.name}/accept_ra" for link in facts.links if link.name in learned and link.accept_ra == 1]
        commands = [setting(path, 2, lasting=False) for path in keep] + [setting("conf/all/forwarding", 1)]
        yield fail("forwarding", detail, "; ".join(commands))
        return
    off = [link.name for link in facts.listed() if link.forwarding == 0]
    for name in off:
        detail = f"off on {name}: packets from {name} are not forwarded"
        yield fail("forwarding", detail, setting(f"conf/{name}/forwarding", 1))
    if not off:
        yield ok("forwarding", "on")


def proxying(facts: Facts) -> Iterator[Finding]:
    """While a daemon runs, the kernel answers solicitations for proxied addresses, without delay."""
    if not facts.running:
        return  # `run` sets them
    wrong = []
    if facts.proxy_ndp == 0:
        wrong.append(("unicast solicitations are not answered", "conf/all/proxy_ndp", 1))
    for link in facts.listed():
        if link.noarp:
            continue  # no host solicits there, so the daemon sets nothing
        if link.proxy_ndp == 0:
            wrong.append((f"{link.name} has proxy_ndp off", f"conf/{link.name}/proxy_ndp", 1))
        if link.proxy_delay:
            wait = f"{link.name} delays its answers by up to {link.proxy_delay / 100:g} s"
            wrong.append((wait, f"neigh/{link.name}/proxy_delay", 0))
    for detail, path, value in wrong:
        yield fail("proxying", detail, setting(path, value, lasting=False))  # the next start sets it
    if not wrong:
        yield ok("proxying", "proxy_ndp on, proxy_delay 0")
