"""Lines of `ip -6 -N ... show` -> KernelSnapshot.

Pure. Grammar: print_route() and print_neigh() of iproute2, with numeric protocols (-N, iproute2 5.3 and later; older
versions print the number, too, unless rt_protos has a name for it). Lines that are not understood are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

from ndpbr_py.core.address import parsed, text
from ndpbr_py.core.events import (
    HostRoute,
    KernelSnapshot,
    LinkChanged,
    NeighborChanged,
    ProxyEntry,
    Route,
    RouterAddress,
    RouteType,
)
from ndpbr_py.core.protocols import can_tag
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import METRIC

# ip(8) does not print the type unicast; -N prints the numbers of the others, which begin at 2 (linux/rtnetlink.h).
_TYPES = {kind.value: kind for kind in RouteType if kind is not RouteType.UNICAST}
_TYPES |= {str(number): kind for number, kind in enumerate(RouteType, 1) if kind is not RouteType.UNICAST}
KINDS = ("link", "address", "route", "proxy", "neighbor")  # of tables, in the order of the dumps
_RA = ("ra", "9")  # RTPROT_RA
_KERNEL = ("kernel", "2")  # RTPROT_KERNEL
_EXPIRES = re.compile(r" expires \d+sec")
_EVERYWHERE = IPv6Network("::/0")
_ADDRESS = re.compile(r"\d+: (\S+)\s+inet6 ([0-9a-f:.]+)(?: peer ([0-9a-f:.]+))?/(\d+)")


class Tables:
    """Collects the lines of each dump; `snapshot()` returns what they say about the listed interfaces."""

    def __init__(self, interfaces: Collection[str], protocol: int) -> None:
        self._interfaces = frozenset(interfaces)
        self._protocol = str(protocol)
        self._by_ndpbr: dict[IPv6Address, bool] = {}  # whether another ndpbr added the first host route
        self._neighbors: list[NeighborChanged] = []
        self._addresses: dict[str, IPv6Address] = {}
        self._proxies: list[ProxyEntry] = []
        self._routes: list[Route] = []
        self._last: Route | None = None  # the multipath route whose next hops follow
        self._host_routes: list[HostRoute] = []
        self._on_link: set[IPv6Network] = set()
        self._router_addresses: list[RouterAddress] = []
        self._own_prefixes: set[tuple[IPv6Network, str]] = set()
        self._up: set[str] = set()
        self._without_nd: set[str] = set()
        self._without_carrier: set[str] = set()
        self._names: dict[int, str] = {}

    def line_parser(self, kind: str) -> Callable[[str], None]:
        """Return the method that parses the lines of a kind of table."""
        return dict(zip(KINDS, (self.link, self.address, self.route, self.proxy, self.neighbor), strict=True))[kind]

    def neighbor(self, line: str) -> None:
        """Parse a line of `neigh show`."""
        event = parser.neighbor(line, line.split(), self._interfaces, self._known)
        if isinstance(event, NeighborChanged):
            self._neighbors.append(event)

    def proxy(self, line: str) -> None:
        """Parse a line of `neigh show proxy`."""
        words = line.split()
        rest = words[3:]
        # On lo ours are warm-ups under way.
        if (
            "proxy" in rest
            and words[1] == "dev"
            and words[2] != "lo"
            and (address := self._address(words[0])) is not None
        ):
            tagged = "proto" in rest and rest[-1] == self._protocol
            self._proxies.append(ProxyEntry(address, words[2], tagged))

    def route(self, line: str) -> None:
        """Parse a line of `route show`."""
        words = line.split()
        if not words:
            return
        # The common form of a host route, of which there may be thousands: ADDR dev DEV proto N metric N pref PREF.
        if len(words) == 9 and words[1] == "dev" and words[3] == "proto":
            address = self._address(words[0])
            if address is not None:
                ours = words[4] == self._protocol
                self._host_routes.append(HostRoute(address, words[2], ours))
                if not ours:
                    self._by_ndpbr.setdefault(address, _is_by_ndpbr(words[4], words[6]))
                    self._routes.append(self._connected(Route(IPv6Network(address), words[2]), words[4]))
                return
        if line[0] in " \t":
            # A next hop of the multipath route above.
            self._next_hop(self._last, dict(zip(words[1::2], words[2::2], strict=False)))
            return
        self._last = None
        kind = _TYPES.get(words[0], RouteType.UNICAST)
        if kind is not RouteType.UNICAST:
            del words[0]
        try:
            prefix = _EVERYWHERE if words[:1] == ["default"] else IPv6Network(words[0] if words else "")
        except ValueError:
            return
        # A route is pairs of words, up to the flags at its end.
        pairs = dict(zip(words[1::2], words[2::2], strict=False))
        if prefix.prefixlen == 128:
            ours = kind is RouteType.UNICAST and pairs.get("proto") == self._protocol
            dev = pairs.get("dev") if kind is RouteType.UNICAST else None
            self._host_routes.append(HostRoute(prefix.network_address, dev, ours, kind))
            if ours and dev is not None:
                return
        # A source-specific route is no route for all packets; a default route still names an uplink.
        if prefix.is_link_local or prefix.is_multicast or ("from" in pairs and prefix.prefixlen):
            return
        if prefix.prefixlen == 128:
            another = _is_by_ndpbr(pairs.get("proto", ""), pairs.get("metric", ""))
            self._by_ndpbr.setdefault(prefix.network_address, another)
        advertised = pairs.get("proto") in _RA or _EXPIRES.search(line) is not None
        self._last = Route(prefix, "", None, advertised, kind)
        self._next_hop(self._last, pairs)

    def _next_hop(self, route: Route | None, pairs: Mapping[str, str]) -> None:
        """Record *route* with the interface and gateway of *pairs*, unless it has none."""
        if route is None or "dev" not in pairs or (route.default and route.type is not RouteType.UNICAST):
            return
        gateway = self._address(pairs["via"]) if "via" in pairs else None
        found = self._connected(replace(route, dev=pairs["dev"], gateway=gateway), pairs.get("proto"))
        self._routes.append(found)
        if found.connected and found.dev in self._interfaces:
            self._on_link.add(found.prefix)

    def _connected(self, route: Route, protocol: str | None) -> Route:
        """Return *route*, advertised if the kernel made it for no address of the router.

        A router advertisement with an infinite lifetime makes a route without `expires` [measured on Linux 6.18].
        """
        if protocol not in _KERNEL or (route.prefix, route.dev) in self._own_prefixes:
            return route
        return replace(route, advertised=True)

    def address(self, line: str) -> None:
        """Parse a line of `-o address show`."""
        match = _ADDRESS.match(line)
        if match is not None and (address := self._address(match.group(2))) is not None:
            dev, peer = match.group(1), self._address(match.group(3) or match.group(2))
            settled, deprecated = parser.is_settled(line), "deprecated" in line.split()
            self._router_addresses.append(RouterAddress(address, dev, settled, deprecated))
            if peer is not None:
                self._own_prefixes.add((IPv6Network((peer, int(match.group(4))), strict=False), dev))

    def link(self, line: str) -> None:
        """Parse a line of `-o link show`."""
        event = parser.event(line)
        if isinstance(event, LinkChanged):
            self._names[event.index] = event.dev
            if event.up:
                self._up.add(event.dev)
            if not event.nd:
                self._without_nd.add(event.dev)
            if not event.carrier:
                self._without_carrier.add(event.dev)

    def snapshot(self) -> KernelSnapshot:
        """Return everything parsed so far."""
        return KernelSnapshot(
            neighbors=tuple(self._neighbors),
            proxies=tuple(self._proxies),
            host_routes=tuple(self._host_routes),
            on_link=frozenset(self._on_link),
            router_addresses=tuple(self._router_addresses),
            up=frozenset(self._up) & self._interfaces,
            without_nd=frozenset(self._without_nd) & self._interfaces,
            without_carrier=frozenset(self._without_carrier) & self._interfaces,
            names=self._names,
            routes=tuple(self._routes),
            routed=self._routed(),
        )

    def _routed(self) -> dict[IPv6Address, str]:
        # Of several routes to an address the kernel uses the first.
        first: dict[IPv6Address, Route] = {}
        for route in self._routes:
            if route.prefix.prefixlen == 128:
                first.setdefault(route.prefix.network_address, route)
        return {
            address: route.dev
            for address, route in first.items()
            if route.type is RouteType.UNICAST and not route.advertised and not self._by_ndpbr[address]
        }

    def _known(self, text: str) -> IPv6Address:
        """Return the address that *text* spells: the same object in all tables, which makes comparisons fast."""
        address = self._addresses.get(text)
        if address is None:
            address = self._addresses[text] = parsed(text)
        return address

    def _address(self, text: str) -> IPv6Address | None:
        try:
            return self._known(text)
        except (OSError, ValueError):
            return None


def _is_by_ndpbr(protocol: str, metric: str) -> bool:
    """Whether an ndpbr added a host route with a number that is not ours: another instance, or an earlier run."""
    return metric == str(METRIC) and protocol.isdecimal() and can_tag(int(protocol))


def route_words(route: HostRoute) -> tuple[str, ...]:
    """Return the words by which `ip -6 route del` finds *route*."""
    kind = () if route.type is RouteType.UNICAST else (route.type.value,)
    return (*kind, text(route.address), *(("dev", route.dev) if route.dev is not None else ()))


def in_use(line: str) -> IPv6Address | None:
    """Return the address in a line of `-o address show`; None while duplicate address detection has not passed."""
    match = _ADDRESS.match(line)
    if match is not None and {"tentative", "dadfailed"}.isdisjoint(line.split()):
        with suppress(OSError):
            return parsed(match.group(2))
    return None
